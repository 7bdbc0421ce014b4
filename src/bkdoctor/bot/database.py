"""A database URL -> Database: transactions on SQLite and on PostgreSQL, and the database's own clock."""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, ColumnElement, Connection, Engine, Float, cast, create_engine, event, extract, func, literal
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from bkdoctor.bot.tables import VERSION, prepare
from bkdoctor.errors import BkdoctorError, UsageError

_TRIES = 5
_BUSY_SECONDS = 20
_READ = "bkdoctor_read"

_T = TypeVar("_T")


class DatabaseError(BkdoctorError):
    """The database cannot be reached, or refused."""

    exit_status = 6


class Database:
    """An engine with the ledger's tables in it.

    `durable`: what is committed outlives a power failure. A worker's progress need not: it is made again. `clock`
    replaces the database's own in tests.
    """

    def __init__(self, url: str, clock: Callable[[], float] | None = None, *, durable: bool = True) -> None:
        self.url = _url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._clock = clock or (time.time if self.sqlite else None)
        self._engine = _sqlite(self.url, durable) if self.sqlite else _postgresql(self.url, durable)
        found = self.write(prepare)
        if found > VERSION:
            raise UsageError(f"the database was made by a newer bkdoctor (schema {found}): upgrade this one too")

    def now(self) -> ColumnElement[float]:
        """Return what stands for the present in a statement: machines that share a PostgreSQL share its clock."""
        if self._clock is not None:
            return literal(self._clock(), Float)
        return cast(extract("epoch", func.clock_timestamp()), Float)

    def write(self, work: Callable[[Connection], _T]) -> _T:
        """Run `work` in a transaction, again where another one was in its way. Raises DatabaseError."""
        for tries_left in reversed(range(_TRIES)):
            try:
                with self._engine.begin() as connection:
                    return work(connection)
            except DBAPIError as error:
                if not (tries_left and _passing(error)):
                    raise _explained(error) from None
                time.sleep(0.02 * (_TRIES - tries_left))
            except SQLAlchemyError as error:
                raise _explained(error) from None
        raise AssertionError("the last try returns or raises")

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for statements that only read. Raises DatabaseError."""
        try:
            with self._engine.connect().execution_options(**{_READ: True}) as connection:
                yield connection
        except SQLAlchemyError as error:
            raise _explained(error) from None

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    def __repr__(self) -> str:
        return f"Database({self.url.render_as_string(hide_password=True)})"


def _url(text: str) -> URL:
    try:
        url = make_url(text)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError):
        backend = ""
    # the value may hold a password, and is not repeated
    if backend not in ("sqlite", "postgresql", "postgres"):
        raise UsageError(
            "the database's URL is none: write sqlite:////var/lib/bkdoctor/bot.db or postgresql://USER@HOST/NAME"
        )
    if backend == "sqlite":
        return url.set(drivername="sqlite")
    return url.set(drivername="postgresql+psycopg")


def _postgresql(url: URL, durable: bool) -> Engine:
    # a dead server is noticed, and a statement that waits for ever is not waited for
    limits = "-c statement_timeout=30000 -c lock_timeout=20000 -c idle_in_transaction_session_timeout=60000"
    options = f"{limits} -c synchronous_commit={'on' if durable else 'off'}"
    # a database without an encoding (SQL_ASCII) would give bytes where text is
    arguments = {"connect_timeout": 10, "options": options, "client_encoding": "utf8"} | dict(url.query)
    return create_engine(url.set(query={}), connect_args=arguments, pool_pre_ping=True, pool_size=4)


def _sqlite(url: URL, durable: bool) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise UsageError("the bot's processes share a database in a file: write sqlite:////var/lib/bkdoctor/bot.db")
    try:
        Path(str(url.database)).expanduser().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder of {url.database} cannot be made: {error.strerror}. Name another one.") from None
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False})
    # who must not wait for the disk leaves it to others to move the journal's pages into the file
    pragmas = ("synchronous = FULL", "wal_autocheckpoint = 10000") if durable else ("synchronous = NORMAL",)

    def open_(connection: Any, _record: object) -> None:
        # the driver's own idea of when a transaction begins is too late for BEGIN IMMEDIATE
        connection.isolation_level = None
        for pragma in ("journal_mode = WAL", *pragmas):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", open_)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _begin_sqlite(connection: Connection) -> None:
    # a transaction that reads first and then writes would fail where another one wrote in between
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(_READ) else "BEGIN IMMEDIATE")


def _passing(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    # serialization failure, deadlock, lock not available; a connection that the server closed
    return state in ("40001", "40P01", "55P03") or "locked" in str(error.orig) or error.connection_invalidated


_REASONS = {
    "no database of that name, which createdb would make": r'database ".*" does not exist',
    "no user of that name": r'role ".*" does not exist',
    "the password is wrong or missing": r"password authentication failed|no password supplied",
    "pg_hba.conf does not let this machine in": r"no pg_hba\.conf entry",
    "nothing listens at that host and port": r"Connection refused|No such file or directory",
    "the host's name is not known": r"[Nn]ame or service not known|could not translate host name|name resolution",
    "the server did not answer in time": r"timeout expired|timed out|timeout",
    "the server has no room for another connection": r"too many (?:clients|connections)|remaining connection slots",
    "the user may not make or change tables": r"permission denied",
    "the file cannot be opened": r"unable to open database file",
    "the file may not be written": r"readonly database",
    "the disk is full": r"disk is full|No space left",
    "the file is no SQLite database": r"not a database|malformed",
    "another process holds it": r"database is locked",
}
"""What servers and drivers say, and how it is told."""


def _explained(error: SQLAlchemyError) -> DatabaseError:
    # a statement's values, or what a driver says of the URL, may hold a secret: only what is known of it is told
    original = getattr(error, "orig", None) or error
    kind, state = type(original).__name__, getattr(original, "sqlstate", None)
    said = next((why for why, form in _REASONS.items() if re.search(form, str(original))), "")
    why = said or f"{kind}{f', SQLSTATE {state}' if state else ''}"
    advice = "check BKDOCTOR_DATABASE_URL" if said else "check that it runs, and BKDOCTOR_DATABASE_URL"
    return DatabaseError(f"the database cannot be used ({why}): {advice}")
