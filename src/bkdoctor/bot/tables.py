"""The tables of the ledger, and how a database comes to have them.

A row of `work` is a merge request (or a branch without one): events raise its generation, and the worker that holds its
lease writes which generation it has done. Later versions may add tables and columns with defaults, and change nothing
else: while a new version starts, the one before it may still be at work in the same database.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    select,
    text,
)

VERSION = 1
_MIGRATION_LOCK = 5_261_977_001
"""Any number that no other program locks in the same PostgreSQL."""

METADATA = MetaData()

SCHEMA = Table("bkdoctor_schema", METADATA, Column("version", Integer, primary_key=True))

EVENT = Table(
    "bkdoctor_event",
    METADATA,
    Column("id", String(255), primary_key=True),
    Column("key", String(255), nullable=False),
    Column("project_id", BigInteger, nullable=False),
    Column("received_at", Float, nullable=False, index=True),
)

WORK = Table(
    "bkdoctor_work",
    METADATA,
    Column("key", String(255), primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("event_id", String(255), nullable=False),
    Column("pipeline_id", BigInteger, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False, server_default="0"),
    Column("taken", BigInteger, nullable=False, server_default="0"),
    Column("since", Float, nullable=False),  # when the oldest event came that is not done
    Column("changed_at", Float, nullable=False),  # when the newest event came
    Column("not_before", Float, nullable=False, server_default="0"),
    Column("failing_since", Float, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("crashes", Integer, nullable=False, server_default="0"),
    Column("owner", String(128), nullable=False, server_default=""),
    Column("lease_until", Float, nullable=False, server_default="0"),
)
PENDING = WORK.c.generation > WORK.c.done
Index(
    "bkdoctor_work_pending", WORK.c.project_id, WORK.c.since,
    postgresql_where=text("generation > done"), sqlite_where=text("generation > done"),
)  # fmt: skip

PROJECT = Table(
    "bkdoctor_project",
    METADATA,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("served_at", Float, nullable=False, index=True),
)

RECORD = Table(
    "bkdoctor_record",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("key", String(255), nullable=False, index=True),
    Column("event_id", String(255), nullable=False),
    Column("project_id", BigInteger, nullable=False),
    Column("finished_at", Float, nullable=False, index=True),
    Column("seconds", Float, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("error", Text, nullable=False, server_default=""),
)

COUNTER = Table(
    "bkdoctor_counter",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("labels", String(255), primary_key=True),
    Column("value", Float, nullable=False),
)

PROCESS = Table(
    "bkdoctor_process",
    METADATA,
    Column("id", String(128), primary_key=True),
    Column("role", String(32), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
)

HOLD = Table(
    "bkdoctor_hold",
    METADATA,
    Column("name", String(255), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("until", Float, nullable=False),
)


def prepare(connection: Connection) -> int:
    """Make the tables where they are missing, one process at a time; return the version of the schema found."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    METADATA.create_all(connection)
    found = connection.execute(select(SCHEMA.c.version)).scalar()
    if found is None:
        connection.execute(insert(SCHEMA).values(version=VERSION))
    return found or VERSION
