"""The worker: what is done, tried again, given up and put off, and what it counts and logs of it."""

import io
import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from bkdoctor.bot import logs
from bkdoctor.bot.config import Config
from bkdoctor.bot.database import Database
from bkdoctor.bot.missed import event_since
from bkdoctor.bot.store import BusyError, Store
from bkdoctor.bot.task import Hold, Record, Task
from bkdoctor.bot.worker import Worker
from bkdoctor.errors import GitLabError
from tests.bot_setting import Clock, config, task_event


class Handler:
    """Does what a test says, and keeps what it was asked."""

    def __init__(self, do: Callable[[Task, Hold], Record] | None = None) -> None:
        self.tasks: list[Task] = []
        self.asked = (0, 0)
        self._do = do

    def handle(self, task: Task, hold: Hold) -> Record:
        self.tasks.append(task)
        self.asked = (self.asked[0] + 3, self.asked[1] + 1)
        return self._do(task, hold) if self._do else noted(task)

    def catch_up(self, since: datetime) -> Iterable[Task]:
        self.since = since
        return [Task(project_id=7, pipeline_id=n, sha="ab", ref="topic", status="failed") for n in (1, 2, 3)]


def noted(task: Task) -> Record:
    return Record(
        outcome="noted", project_id=7, pipeline_id=task.pipeline_id, mr_iid=1, patterns=("a-pattern", "unknown")
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    database = Database(f"sqlite:///{tmp_path}/bot.db", clock)
    yield Store(database)
    database.close()


def worker(store: Store, handler: Handler, configured: Config | None = None) -> Worker:
    stop = threading.Event()
    stop.set()  # waits end at once
    return Worker(configured or config(), store, handler, stop, "w")


def counters(store: Store) -> dict[str, float]:
    return {" ".join([name, *labels.values()]): value for name, labels, value in store.counters()}


def test_work_is_done_recorded_and_counted(ledger: Store) -> None:
    ledger.add([task_event("event-1")])
    handler = Handler()
    one = worker(ledger, handler)
    assert one.step()
    assert not one.step()
    assert [task.pipeline_id for task in handler.tasks] == [100]
    (record,) = ledger.records()
    assert (record.outcome, record.event_id, record.key) == ("noted", "event-1", "7!1")
    counted = counters(ledger)
    assert counted["bkdoctor_work_done noted"] == counted["bkdoctor_diagnosed_jobs a-pattern"] == 1
    assert counted["bkdoctor_unknown_jobs"] == counted["bkdoctor_event_to_note_seconds 1.0"] == 1
    assert (counted["bkdoctor_api_calls"], counted["bkdoctor_api_retries"]) == (3, 1)


def failing(error: Exception) -> Handler:
    def fail(task: Task, hold: Hold) -> Record:
        raise error

    return Handler(fail)


def test_what_gitlab_refuses_for_now_is_tried_again_later_and_later(ledger: Store, clock: Clock) -> None:
    ledger.add([task_event("e1")])
    one = worker(ledger, failing(GitLabError("GitLab is down")))
    pauses: list[float] = []
    assert one.step()
    for _ in range(4):
        start = clock.now
        while not one.step():
            clock.now += 1
        pauses.append(clock.now - start)
        ledger.add([task_event(f"more{len(pauses)}")])
    assert pauses == sorted(pauses)
    assert pauses[0] >= 4
    assert ledger.records() == []


def test_gitlab_says_when_to_come_again(ledger: Store, clock: Clock) -> None:
    ledger.add([task_event("e1")])
    one = worker(ledger, failing(GitLabError("rate limit", retry_after=90.0)))
    one.step()
    clock.now += 89
    assert not one.step()
    clock.now += 1
    assert one.step()


def test_after_a_day_it_is_given_up_with_a_record(ledger: Store, clock: Clock) -> None:
    ledger.add([task_event("e1")])
    one = worker(ledger, failing(GitLabError("GitLab is down")))
    tries = 0
    while not ledger.records():
        clock.now += 60
        tries += one.step()
        assert clock.now < 1_000_000 + 25 * 3600
    (record,) = ledger.records()
    assert (record.outcome, record.error) == ("failed", "GitLab is down")
    assert clock.now > 1_000_000 + 24 * 3600
    assert tries > 50
    assert ledger.waiting()[0] == 0
    assert counters(ledger)["bkdoctor_work_done failed"] == 1


def test_what_gitlab_refuses_for_good_is_given_up_at_once(ledger: Store) -> None:
    ledger.add([task_event("e1")])
    worker(ledger, failing(GitLabError("no such project", permanent=True))).step()
    assert [r.error for r in ledger.records()] == ["no such project"]


def test_an_accident_of_ours_is_tried_some_times(ledger: Store, clock: Clock) -> None:
    ledger.add([task_event("e1")])
    one = worker(ledger, failing(ZeroDivisionError("secret values may stand here")))
    tries = 0
    while not ledger.records():
        tries += one.step()
        clock.now += 600
    assert tries == 8
    assert [r.error for r in ledger.records()] == ["an accident of ours: ZeroDivisionError"]


def test_what_another_worker_is_at_is_put_off(ledger: Store, clock: Clock) -> None:
    ledger.add([task_event("e1")])
    one = worker(ledger, failing(BusyError("7!1")))
    assert one.step()
    assert not one.step()
    clock.now += 2
    assert one.step()
    assert ledger.records() == []


def test_work_that_kills_its_workers_is_given_up(ledger: Store, clock: Clock) -> None:
    ledger.add([task_event("e1")])
    for n in range(5):
        assert ledger.claim(f"dead{n}", 30)
        clock.now += 31
    handler = Handler()
    one = worker(ledger, handler)
    assert one.step()
    clock.now += 31
    assert not one.step()
    assert len(handler.tasks) == 0
    assert [r.outcome for r in ledger.records()] == ["failed"]


def test_a_row_that_cannot_be_read_is_given_up(ledger: Store) -> None:
    import msgspec

    ledger.add([msgspec.structs.replace(task_event("e1"), body="{}")])
    worker(ledger, Handler()).step()
    assert [r.outcome for r in ledger.records()] == ["failed"]


def test_a_task_of_another_version_is_read(ledger: Store) -> None:
    import msgspec

    body = '{"project_id": 7, "pipeline_id": 9, "sha": "ab", "ref": "x", "status": "failed", "of_later": {"a": 1}}'
    ledger.add([msgspec.structs.replace(task_event("e1"), body=body)])
    handler = Handler()
    worker(ledger, handler).step()
    assert handler.tasks == [Task(project_id=7, pipeline_id=9, sha="ab", ref="x", status="failed")]


def test_a_worker_that_lost_its_lease_writes_nothing_down(ledger: Store, clock: Clock) -> None:
    def slow(task: Task, hold: Hold) -> Record:
        clock.now += 31
        assert ledger.claim("other", 30) is not None
        return noted(task)

    ledger.add([task_event("e1")])
    worker(ledger, Handler(slow)).step()
    assert ledger.records() == []
    assert counters(ledger) == {}


def test_the_handler_holds_the_merge_request(ledger: Store) -> None:
    seen: list[bool] = []

    def hold_it(task: Task, hold: Hold) -> Record:
        with hold("7!1"):
            other = ledger.claim("other", 30)
            assert other is not None
            with pytest.raises(BusyError), ledger.hold(other, "7!1", 30):
                pass
            seen.append(True)
        return noted(task)

    ledger.add([task_event("e1", None, ref="topic"), task_event("e2", 1)])
    worker(ledger, Handler(hold_it)).step()
    assert seen == [True]


def test_what_was_missed_becomes_events_once(ledger: Store, clock: Clock) -> None:
    ledger.add([event_since(clock.now - 500, "r1"), event_since(clock.now - 100, "r2")])
    handler = Handler()
    one = worker(ledger, handler)
    assert one.step()
    assert handler.since.timestamp() == clock.now - 515
    assert ledger.waiting()[0] == 1, "three pipelines of one branch are one piece of work"
    ledger.add([event_since(clock.now, "r3")])
    while one.step():
        pass
    assert [task.pipeline_id for task in handler.tasks] == [3]


def test_logs_are_json_with_the_events_id_and_without_secrets(ledger: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    configured = config(
        token="hunter-token", webhook_secret="hunter-secret", database_url="postgresql://u:hunter-pw@h/d"
    )
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    logs.set_up(configured, stream)
    ledger.add([task_event("event-1"), task_event("event-2", 2)])
    error = GitLabError(
        "hunter-token hunter-secret hunter-pw https://me:pass-word@gitlab.example.com glpat-abcdefghijklmnopqrst"
    )
    worker(ledger, failing(error), configured).step()
    worker(ledger, failing(ValueError(str(error))), configured).step()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines if line["message"] == "work taken"] == ["event-1", "event-2"]
    assert all({"time", "level", "message", "process"} <= line.keys() for line in lines)
    assert any("ValueError" in line.get("traceback", "") for line in lines)
    for secret in ("hunter", "pass-word", "glpat-abc"):
        assert secret not in stream.getvalue()


def test_on_a_terminal_a_line_is_text() -> None:
    record = logging.LogRecord("bkdoctor.bot", logging.INFO, "x", 1, "work done", None, None)
    record.fields = {"event": "e-1", "seconds": 1.5}
    line = logs.Lines(True, []).format(record)
    assert line.endswith(" event=e-1 seconds=1.5")
    assert " info work done " in line
