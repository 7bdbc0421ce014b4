"""The ledger on both databases: nothing lost, nothing at two workers, the newest counts, every project has its turn."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bkdoctor.bot.database import Database, DatabaseError
from bkdoctor.bot.store import BusyError, Store, Work
from bkdoctor.errors import UsageError
from tests.bot_setting import Clock, task_event

LEASE = 30.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database_url: str, clock: Clock) -> Iterator[Store]:
    database = Database(database_url, clock)
    yield Store(database)
    database.close()


def take(store: Store, worker: str = "a") -> Work:
    work = store.claim(worker, LEASE)
    assert work is not None
    return work


def test_an_event_is_work_once(store: Store) -> None:
    assert store.add([task_event("e1")]) == [True]
    assert store.add([task_event("e1"), task_event("e2"), task_event("e2")]) == [False, True, False]
    work = take(store)
    assert (work.key, work.taken, work.event_id) == ("7!1", 2, "e2")
    assert store.done(work, outcome="noted")
    assert store.claim("a", LEASE) is None
    assert store.waiting() == (0, 0.0)


def test_what_is_taken_is_nobody_elses(store: Store) -> None:
    store.add([task_event("e1")])
    take(store)
    assert store.claim("b", LEASE) is None


def test_a_burst_is_one_piece_of_work_with_the_newest_pipeline(store: Store) -> None:
    store.add([task_event("e2", pipeline=102), task_event("e1", pipeline=101), task_event("e3", pipeline=103)])
    store.add([task_event("late", pipeline=99)])
    work = take(store)
    assert '"pipeline_id":103' in work.body
    store.done(work, outcome="noted")
    assert store.claim("a", LEASE) is None


def test_an_event_that_comes_during_the_work_makes_it_pending_again(store: Store, clock: Clock) -> None:
    store.add([task_event("e1", pipeline=101)])
    work = take(store)
    clock.now += 5
    store.add([task_event("e2", pipeline=102)])
    assert store.claim("b", LEASE) is None, "work on one merge request is serial"
    clock.now += 5
    assert store.done(work, outcome="noted")
    again = take(store, "b")
    assert '"pipeline_id":102' in again.body
    assert again.since == clock.now - 5


def test_a_dead_workers_work_is_taken_over_and_its_word_counts_no_more(store: Store, clock: Clock) -> None:
    store.add([task_event("e1")])
    dead = take(store, "dead")
    clock.now += LEASE + 1
    work = take(store, "b")
    assert (work.key, work.crashes) == (dead.key, 1)
    assert not store.extend(dead, LEASE)
    assert not store.done(dead, outcome="noted")
    assert not store.fail(dead, 1.0)
    assert store.done(work, outcome="noted")
    assert [r.outcome for r in store.records()] == ["noted"]


def test_a_lease_that_is_extended_holds(store: Store, clock: Clock) -> None:
    store.add([task_event("e1")])
    work = take(store)
    for _ in range(3):
        clock.now += LEASE - 1
        assert store.extend(work, LEASE)
        assert store.claim("b", LEASE) is None


def test_what_failed_waits_and_remembers_since_when(store: Store, clock: Clock) -> None:
    store.add([task_event("e1")])
    start = clock.now
    store.fail(take(store), 10.0)
    assert store.claim("a", LEASE) is None
    clock.now += 10
    work = take(store)
    assert (work.tries, work.failing_since, work.crashes) == (1, start, 0)
    store.fail(work, 10.0)
    clock.now += 10
    work = take(store)
    assert (work.tries, work.failing_since) == (2, start)
    store.done(work, outcome="failed", error="GitLab said no")
    store.add([task_event("e2")])
    assert (take(store).tries) == 0


def test_work_that_is_put_off_has_not_failed(store: Store, clock: Clock) -> None:
    store.add([task_event("e1")])
    store.postpone(take(store), 2.0)
    assert store.claim("a", LEASE) is None
    clock.now += 2
    assert take(store).tries == 0


def test_a_flood_of_one_project_starves_nobody(store: Store, clock: Clock) -> None:
    store.add([task_event(f"flood{n}", n, project=1) for n in range(1, 300)])
    clock.now += 60
    store.add([task_event(f"calm{n}", n, project=2) for n in range(1, 4)])
    served = []
    for _ in range(8):
        clock.now += 1
        work = take(store)
        served.append(work.project_id)
        store.done(work, outcome="noted")
    assert served == [1, 2, 1, 2, 1, 2, 1, 1] or served == [2, 1, 2, 1, 2, 1, 1, 1]


def test_two_keys_of_one_merge_request_are_worked_at_one_after_the_other(store: Store, clock: Clock) -> None:
    store.add([task_event("e1", 1), task_event("e2", None, ref="topic")])
    first, second = take(store, "a"), take(store, "b")
    with store.hold(first, "7!1", LEASE), store.hold(first, "7!1", LEASE):
        pass
    with store.hold(first, "7!1", LEASE):
        with pytest.raises(BusyError), store.hold(second, "7!1", LEASE):
            pass
        clock.now += LEASE - 1
        store.extend(first, LEASE)
        clock.now += LEASE - 1
        with pytest.raises(BusyError), store.hold(second, "7!1", LEASE):
            pass
    with store.hold(second, "7!1", LEASE):
        pass


def test_a_dead_workers_hold_ends(store: Store, clock: Clock) -> None:
    store.add([task_event("e1", 1), task_event("e2", 2)])
    first, second = take(store, "a"), take(store, "b")
    store.hold(first, "7!1", LEASE).__enter__()
    clock.now += LEASE
    with store.hold(second, "7!1", LEASE):
        pass


def test_counters_add_up(store: Store) -> None:
    one, two = ("calls", ()), ("jobs", (("pattern", "a"),))
    store.count({one: 2.0})
    store.count({one: 1.0, two: 1.0})
    assert store.counters() == [("calls", {}, 3.0), ("jobs", {"pattern": "a"}, 1.0)]


def test_processes_are_known_while_they_speak(store: Store, clock: Clock) -> None:
    assert store.silence("receiver") is None
    store.beat("one", "receiver")
    clock.now += 10
    store.beat("one", "receiver")
    store.beat("two", "worker")
    assert store.alive() == {"receiver": 1, "worker": 1}
    assert store.silence("receiver") == clock.now
    clock.now += 100
    assert store.alive() == {}


def test_the_old_goes_and_what_is_not_done_stays(store: Store, clock: Clock) -> None:
    store.add([task_event("old", 1), task_event("pending", 2)])
    done = take(store)
    store.done(done, outcome="noted")
    clock.now += 31 * 86400
    store.add([task_event("new", 3)])
    assert store.forget(30) == 4  # two events, a record, a row of work
    assert store.waiting()[0] == 2
    assert store.add([task_event("new", 3)]) == [False]


def test_many_writers_and_workers_lose_and_double_nothing(database_url: str) -> None:
    store = Store(Database(database_url))
    taken: list[str] = []
    running: set[str] = set()
    faults: list[str] = []
    lock = threading.Lock()
    added = threading.Event()

    def write(writer: int) -> None:
        for n in range(40):
            # reversed halves: two writers that lock in different orders would wait for each other for ever
            keys = range(1, 9) if writer % 2 else range(8, 0, -1)
            store.add([task_event(f"{writer}-{n}-{mr}", mr, project=mr % 3 + 1, pipeline=n + 1) for mr in keys])

    def work(name: str) -> None:
        while True:
            ended = added.is_set()
            work = store.claim(name, LEASE)
            if work is None:
                if ended:
                    return
                continue
            with lock:
                faults.extend([work.key] if work.key in running else [])
                running.add(work.key)
            with lock:
                running.discard(work.key)
                taken.append(work.key)
            assert store.done(work, outcome="noted", counts={("done", ()): 1, ("a", (("k", work.key),)): 1})

    writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    workers = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(3)]
    for thread in writers + workers:
        thread.start()
    for thread in writers:
        thread.join()
    added.set()
    for thread in workers:
        thread.join()
    assert not faults
    assert set(taken) == {f"{mr % 3 + 1}!{mr}" for mr in range(1, 9)}
    assert store.waiting() == (0, 0.0)
    assert {n: v for n, labels, v in store.counters() if not labels} == {"done": len(taken)}


def test_processes_that_start_together_make_the_tables_once(database_url: str) -> None:
    faults: list[BaseException] = []

    def start() -> None:
        try:
            Database(database_url).close()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


@pytest.mark.parametrize("url", ["", "mysql://root@localhost/bot", "bot.db", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="sqlite:////"):
        Database(url)


def test_no_error_tells_the_password() -> None:
    with pytest.raises(DatabaseError) as refused:
        Database("postgresql://me:hunter22@127.0.0.1:1/none")
    assert "hunter22" not in str(refused.value)
    assert refused.value.exit_status == 6


@pytest.mark.parametrize(
    ("end", "says"),
    [
        ("postgres@127.0.0.1:PORT/nowhere", "no database of that name"),
        ("nobody@127.0.0.1:PORT/postgres", "no user of that name"),
        ("postgres@127.0.0.1:1/postgres", "nothing listens"),
        ("postgres@no-such-host.invalid/postgres", "name is not known"),
    ],
)
def test_why_postgresql_cannot_be_used_is_told(postgres: str, end: str, says: str) -> None:
    port = postgres.rsplit(":", 1)[1].split("/")[0]
    with pytest.raises(DatabaseError, match=says):
        Database(f"postgresql://{end.replace('PORT', port)}")


def test_why_a_file_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database, but long enough to be taken for one by its name alone " * 20)
    for name, says in (("text", "no SQLite database"), (".", "cannot be opened")):
        with pytest.raises(DatabaseError, match=says):
            Database(f"sqlite:///{tmp_path}/{name}")


def test_a_database_without_an_encoding_holds_text_too(postgres: str) -> None:
    import psycopg

    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute("create database plain encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0")
    store = Store(Database(postgres.rsplit("/", 1)[0] + "/plain"))
    store.add([task_event("delivery-1", ref="größe")])
    work = store.claim("a", LEASE)
    assert work is not None
    assert "größe" in work.body


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bot.db"
    database = Database(url)
    database.write(lambda c: c.exec_driver_sql("update bkdoctor_schema set version = 99"))
    with pytest.raises(UsageError, match="newer"):
        Database(url)
