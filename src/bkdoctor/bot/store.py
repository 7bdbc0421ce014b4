"""The ledger: events in, work out, one merge request at a time, until it is done or given up.

An event raises the generation of its key's row in the transaction that stores it. A worker takes one row for as long as
its lease holds, does what the newest event asks for and writes down which generation that was: a burst of events is one
piece of work, and an event that comes while the worker is at it makes the row pending again.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import Connection, Insert, Row, and_, case, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bkdoctor.bot.database import Database
from bkdoctor.bot.tables import COUNTER, EVENT, HOLD, PENDING, PROCESS, PROJECT, RECORD, WORK

Counts = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]
"""What to add to which counter: name and labels -> number."""
_NOTHING: Counts = MappingProxyType({})


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that asks for work; of those with one key only the newest counts."""

    id: str
    project_id: int
    key: str
    """`PROJECT!IID` of a merge request, `PROJECT@REF` where none is known."""
    kind: str
    body: str
    """JSON of what `kind` needs."""
    pipeline_id: int
    """The higher, the newer."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """A row that a worker has taken."""

    key: str
    project_id: int
    kind: str
    body: str
    event_id: str
    owner: str
    taken: int
    since: float
    """When its oldest event came."""
    now: float
    """When it was taken, by the database's clock."""
    failing_since: float
    tries: int
    """That failed before this one."""
    crashes: int
    """Workers that took it and were never heard of again."""


class BusyError(Exception):
    """Another worker is at the same merge request."""


class Store:
    """The ledger in a database; every method is a transaction. Raises DatabaseError."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._insert: Callable[[Any], Any] = sqlite.insert if database.sqlite else postgresql.insert

    def add(self, events: Sequence[Event]) -> list[bool]:
        """Store events, all or none; tell for each whether it is new."""
        return self._db.write(lambda c: self._add(c, events)) if events else []

    def _add(self, connection: Connection, events: Sequence[Event]) -> list[bool]:
        now = self._db.now()
        # always in the order of their keys: two writers then wait for each other, and never in a circle
        rows = [{"id": e.id, "key": e.key, "project_id": e.project_id} for e in sorted(events, key=lambda e: e.id)]
        statement = self._insert(EVENT).values(received_at=now).on_conflict_do_nothing().returning(EVENT.c.id)
        unseen = set(connection.execute(statement, list({row["id"]: row for row in rows}.values())).scalars())
        new: list[bool] = []
        folded: dict[str, tuple[Event, int]] = {}
        for event in events:
            new.append(event.id in unseen)
            if event.id in unseen:
                unseen.remove(event.id)
                newest, count = folded.get(event.key, (event, 0))
                folded[event.key] = (event if event.pipeline_id >= newest.pipeline_id else newest, count + 1)
        if folded:
            projects = [{"project_id": p} for p in sorted({e.project_id for e, _ in folded.values()})]
            connection.execute(self._insert(PROJECT).values(served_at=0.0).on_conflict_do_nothing(), projects)
            rows_of_work = [
                {name: getattr(event, name) for name in ("key", "project_id", "kind", "body", "pipeline_id")}
                | {"event_id": event.id, "generation": count}
                for _, (event, count) in sorted(folded.items())
            ]
            connection.execute(self._upsert_work(), rows_of_work)
        return new

    def _upsert_work(self) -> Insert:
        now = self._db.now()
        statement = self._insert(WORK).values(since=now, changed_at=now)
        new, idle = statement.excluded, WORK.c.generation == WORK.c.done
        newer = idle | (new.pipeline_id >= WORK.c.pipeline_id)
        taken = {n: case((newer, new[n]), else_=WORK.c[n]) for n in ("body", "kind", "event_id", "pipeline_id")}
        upsert: Insert = statement.on_conflict_do_update(
            index_elements=[WORK.c.key],
            set_=taken
            | {
                "generation": WORK.c.generation + new.generation,
                "changed_at": now,
                "since": case((idle, now), else_=WORK.c.since),
            },
        )
        return upsert

    def claim(self, owner: str, lease: float) -> Work | None:
        """Take the next work: of the project that waits longest for its turn, what waits longest."""
        with self._db.read() as connection:
            # whoever only looks does not hold up who writes
            idle = connection.execute(select(WORK.c.key).where(PENDING).limit(1)).one_or_none() is None
        return None if idle else self._db.write(lambda c: self._claim(c, owner, lease))

    def _claim(self, connection: Connection, owner: str, lease: float) -> Work | None:
        now = self._db.now()
        free = and_(PENDING, WORK.c.not_before <= now, WORK.c.lease_until <= now)
        key = (
            select(WORK.c.key)
            .select_from(PROJECT.join(WORK, WORK.c.project_id == PROJECT.c.project_id))
            .where(free)
            .order_by(PROJECT.c.served_at, WORK.c.since)
            .limit(1)
            .with_for_update(of=WORK, skip_locked=True)
        )
        taking = {
            "crashes": case((WORK.c.owner != "", WORK.c.crashes + 1), else_=WORK.c.crashes),
            "owner": owner,
            "lease_until": now + lease,
            "taken": WORK.c.generation,
        }
        statement = update(WORK).where(WORK.c.key == key.scalar_subquery()).values(taking)
        row = connection.execute(statement.returning(WORK, now.label("now"))).one_or_none()
        if row is None:
            return None
        connection.execute(update(PROJECT).where(PROJECT.c.project_id == row.project_id).values(served_at=now))
        return Work(**{name: getattr(row, name) for name in Work.__struct_fields__})

    def extend(self, work: Work, lease: float) -> bool:
        """Keep the lease, and what the owner holds, for longer; False: another worker has it now."""

        def extend(connection: Connection) -> bool:
            until = self._db.now() + lease
            connection.execute(update(HOLD).where(HOLD.c.owner == work.owner).values(until=until))
            return connection.execute(_mine(work).values(lease_until=until)).rowcount == 1

        return self._db.write(extend)

    def done(self, work: Work, *, outcome: str, body: str = "", error: str = "", counts: Counts = _NOTHING) -> bool:
        """Write down what came of the work, and free it; False: another worker had taken it over."""

        def done(connection: Connection) -> bool:
            freed = {"owner": "", "lease_until": 0.0, "failing_since": 0.0, "tries": 0, "crashes": 0}
            # what came in the meantime is pending, and has waited since it came
            row = connection.execute(
                _mine(work).values(freed | {"done": work.taken, "since": WORK.c.changed_at, "not_before": 0.0})
                .returning(self._db.now().label("now"))
            ).one_or_none()  # fmt: skip
            if row is None:
                return False
            values = {"key": work.key, "event_id": work.event_id, "project_id": work.project_id, "tries": work.tries}
            taken = {"finished_at": row.now, "seconds": max(0.0, row.now - work.since)}
            connection.execute(insert(RECORD).values(**values, **taken, outcome=outcome, body=body, error=error))
            self._count(connection, counts)
            return True

        return self._db.write(done)

    def fail(self, work: Work, retry_in: float, *, counts: Counts = _NOTHING) -> bool:
        """Free the work, to be taken again in `retry_in` seconds; False: another worker had taken it over."""

        def fail(connection: Connection) -> bool:
            now = self._db.now()
            since = case((WORK.c.failing_since == 0.0, now), else_=WORK.c.failing_since)
            freed = {"owner": "", "lease_until": 0.0, "crashes": 0, "tries": WORK.c.tries + 1, "failing_since": since}
            self._count(connection, counts)
            return connection.execute(_mine(work).values(freed | {"not_before": now + retry_in})).rowcount == 1

        return self._db.write(fail)

    def postpone(self, work: Work, seconds: float) -> bool:
        """Free the work, to be taken again in some seconds; it has not failed."""
        later = {"owner": "", "lease_until": 0.0, "crashes": 0, "not_before": self._db.now() + seconds}
        return self._db.write(lambda c: c.execute(_mine(work).values(later)).rowcount == 1)

    @contextlib.contextmanager
    def hold(self, work: Work, name: str, lease: float) -> Iterator[None]:
        """Be alone at what `name` names; two keys may turn out to be one merge request. Raises BusyError."""
        now = self._db.now()
        statement = self._insert(HOLD).values(name=name, owner=work.owner, until=now + lease)
        free = (HOLD.c.until <= now) | (HOLD.c.owner == work.owner)
        held = {"owner": work.owner, "until": now + lease}
        statement = statement.on_conflict_do_update(index_elements=[HOLD.c.name], set_=held, where=free)
        if self._db.write(lambda c: c.execute(statement.returning(HOLD.c.name)).one_or_none()) is None:
            raise BusyError(name)
        try:
            yield
        finally:
            mine = and_(HOLD.c.name == name, HOLD.c.owner == work.owner)
            self._db.write(lambda c: c.execute(delete(HOLD).where(mine)))

    def beat(self, process: str, role: str) -> None:
        """Say that a process is alive."""
        now = self._db.now()
        statement = self._insert(PROCESS).values(id=process, role=role, started_at=now, seen_at=now)
        statement = statement.on_conflict_do_update(index_elements=[PROCESS.c.id], set_={"seen_at": now})
        self._db.write(lambda c: c.execute(statement))

    def silence(self, role: str) -> float | None:
        """Return when the last process of a role was heard of; None: there was never one."""
        with self._db.read() as connection:
            return connection.execute(select(func.max(PROCESS.c.seen_at)).where(PROCESS.c.role == role)).scalar()

    def count(self, counts: Counts) -> None:
        """Add to counters."""
        self._db.write(lambda c: self._count(c, counts))

    def _count(self, connection: Connection, counts: Counts) -> None:
        statement = self._insert(COUNTER)
        added = {"value": COUNTER.c.value + statement.excluded.value}
        statement = statement.on_conflict_do_update(index_elements=[COUNTER.c.name, COUNTER.c.labels], set_=added)
        rows = [
            {"name": name, "labels": msgspec.json.encode(dict(labels)).decode(), "value": value}
            for (name, labels), value in sorted(counts.items())
        ]
        if rows:
            connection.execute(statement, rows)

    def counters(self) -> list[tuple[str, dict[str, str], float]]:
        """Return all counters: name, labels, value."""
        with self._db.read() as connection:
            rows = connection.execute(select(COUNTER).order_by(COUNTER.c.name, COUNTER.c.labels)).all()
        return [(row.name, msgspec.json.decode(row.labels), row.value) for row in rows]

    def waiting(self) -> tuple[int, float]:
        """Return how many pieces of work wait or are at work, and for how many seconds the oldest one has."""
        with self._db.read() as connection:
            statement = select(func.count(), func.min(WORK.c.since), self._db.now()).where(PENDING)
            number, since, now = connection.execute(statement).one()
        return number, max(0.0, now - since) if number else 0.0

    def alive(self, seconds: float = 60.0) -> dict[str, int]:
        """Return how many processes of each role were heard of lately."""
        with self._db.read() as connection:
            seen = PROCESS.c.seen_at > self._db.now() - seconds
            statement = select(PROCESS.c.role, func.count().label("alive")).where(seen).group_by(PROCESS.c.role)
            rows = connection.execute(statement).all()
        return {row.role: row.alive for row in rows}

    def records(self, limit: int = 100) -> Sequence[Row[Any]]:
        """Return what was done last, the newest first."""
        with self._db.read() as connection:
            return connection.execute(select(RECORD).order_by(RECORD.c.id.desc()).limit(limit)).all()

    def forget(self, days: float) -> int:
        """Delete what is older; work that is not done stays. Return how many rows went."""

        def forget(connection: Connection) -> int:
            then = self._db.now() - days * 86400
            idle = and_(~PENDING, WORK.c.changed_at < then, WORK.c.lease_until < then)
            old: Iterable[Any] = (
                delete(EVENT).where(EVENT.c.received_at < then),
                delete(RECORD).where(RECORD.c.finished_at < then),
                delete(WORK).where(idle),
                delete(PROCESS).where(PROCESS.c.seen_at < then),
                delete(HOLD).where(HOLD.c.until < then),
            )
            return sum(connection.execute(statement).rowcount for statement in old)

        return self._db.write(forget)


def _mine(work: Work) -> Any:
    return update(WORK).where(WORK.c.key == work.key, WORK.c.owner == work.owner, WORK.c.taken == work.taken)
