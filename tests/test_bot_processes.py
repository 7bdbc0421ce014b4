"""The bot as it runs: real processes, HTTP, a GitLab double, both databases, and kill -9 at the worst moment."""

import os
import re
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bkdoctor.bot.tables import METADATA, VERSION
from tests.bot_cases import APP, APPARMOR, APPARMOR_ID, body, one_failed, passing
from tests.bot_process import Bot, alive, done, hook, running, until
from tests.gitlab_double import TOKEN, Fault
from tests.gitlab_routes_bot import BotGitLab


@pytest.fixture
def gitlab() -> Iterator[BotGitLab]:
    with BotGitLab() as double:
        yield double


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/bot.db"


class Gate:
    """A trace that is not sent before the gate opens; it tells that somebody waits there."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Semaphore(0), threading.Event()
        self.asked = 0

    def __call__(self) -> Iterator[bytes]:
        self.asked += 1
        self.reached.release()
        self.open.wait(60)
        yield APPARMOR


def test_from_event_to_note_and_on_to_the_pipeline_that_passes(
    gitlab: BotGitLab, tmp_path: Path, database_url: str
) -> None:
    one_failed(gitlab)
    bot = Bot(tmp_path, gitlab.url, database_url)
    with running(bot):
        bot.ready()
        assert bot.post(hook(gitlab), **{"Idempotency-Key": "delivery-1"}) == 202
        assert bot.post(hook(gitlab), **{"Idempotency-Key": "delivery-1"}) == 202
        assert [line["event"] for line in done(bot)] == ["delivery-1"]
        assert "AppArmor" in body(gitlab)
        passing(gitlab)
        assert bot.post(hook(gitlab, 101, status="success")) == 202
        until(lambda: gitlab.discussions[gitlab.project_id(APP), 3][0]["notes"][0]["resolved"])
        assert "pass" in body(gitlab).lower()
        assert bot.stop() == 0
    assert len(gitlab.notes(APP, 3)) == 1
    assert TOKEN not in bot.log.read_text()
    assert len(bot.says("event seen before")) == 1


def test_what_faults_of_gitlab_cannot_prevent(gitlab: BotGitLab, tmp_path: Path, sqlite_url: str) -> None:
    one_failed(gitlab)
    gitlab.fail(Fault(status=429, headers={"Retry-After": "1"}), times=1, route="discussions")
    gitlab.fail(Fault(status=502), times=1, route="trace")
    gitlab.fail(Fault(status=500), times=1, route="merge request")
    gitlab.fail(Fault(status=200, body=b"{}" * 500, reset=True), times=1, route="pipeline jobs")
    gitlab.fail_after(Fault(status=502), route="new discussion")
    bot = Bot(tmp_path, gitlab.url, sqlite_url)
    with running(bot):
        bot.ready()
        assert bot.post(hook(gitlab)) == 202
        done(bot)
        assert bot.stop() == 0
    assert len(gitlab.notes(APP, 3)) == 1
    assert "AppArmor" in body(gitlab)


def test_one_of_two_workers_is_killed_for_good_and_the_other_does_its_work(
    gitlab: BotGitLab, tmp_path: Path, database_url: str
) -> None:
    gate = Gate()
    one_failed(gitlab, gate)
    receiver = Bot(tmp_path, gitlab.url, database_url, "receive")
    workers = [Bot(tmp_path, gitlab.url, database_url, "work") for _ in range(2)]
    with running(receiver, *workers):
        receiver.ready()
        receiver.post(hook(gitlab))
        assert gate.reached.acquire(timeout=30)
        victim = until(lambda: next((w for w in workers if w.says("work taken")), None))
        other = next(w for w in workers if w is not victim)
        victim.kill()
        gate.open.set()
        (line,) = done(other)
        assert line["outcome"] == "noted"
        assert other.says("work taken")[0]["crashes"] == 1
    assert len(gitlab.notes(APP, 3)) == 1


def test_a_process_that_starts_while_another_is_at_work_does_nothing_twice(
    gitlab: BotGitLab, tmp_path: Path, database_url: str
) -> None:
    gate = Gate()
    one_failed(gitlab, gate)
    first = Bot(tmp_path, gitlab.url, database_url)
    second = None
    with running(first):
        first.ready()
        first.post(hook(gitlab))
        assert gate.reached.acquire(timeout=30)
        second = Bot(tmp_path, gitlab.url, database_url)
        with running(second):
            second.ready()
            until(lambda: second.says("worker starts"))
            time.sleep(5)  # more than two leases: the first one keeps its own
            gate.open.set()
            done(first)
            time.sleep(1)
            assert [line for line in second.says("work done") if line["outcome"] != "nothing"] == []
    assert gate.asked == 1
    assert [route for route, _ in gitlab.writes] == ["new discussion"]


def test_work_goes_on_after_a_kill_of_everything(gitlab: BotGitLab, tmp_path: Path, database_url: str) -> None:
    gate = Gate()
    one_failed(gitlab, gate)
    bot = Bot(tmp_path, gitlab.url, database_url)
    with running(bot):
        bot.ready()
        assert bot.post(hook(gitlab)) == 202
        assert gate.reached.acquire(timeout=30)
        for number in [bot.process.pid, *bot.children()]:
            os.kill(number, signal.SIGKILL)
    gate.open.set()
    again = Bot(tmp_path, gitlab.url, database_url)
    with running(again):
        until(lambda: gitlab.notes(APP, 3))
    assert len(gitlab.notes(APP, 3)) == 1


def test_a_process_that_dies_is_started_again(gitlab: BotGitLab, tmp_path: Path, sqlite_url: str) -> None:
    one_failed(gitlab)
    bot = Bot(tmp_path, gitlab.url, sqlite_url)
    with running(bot):
        bot.ready()
        until(lambda: bot.says("worker starts"))
        before = bot.children()
        assert len(before) == 2
        for number in before:
            os.kill(number, signal.SIGKILL)
        until(lambda: len(bot.children()) == 2 and not set(before) & set(bot.children()))
        bot.ready()
        assert bot.post(hook(gitlab)) == 202
        until(lambda: gitlab.notes(APP, 3))


def test_processes_end_with_the_one_that_started_them(gitlab: BotGitLab, tmp_path: Path, sqlite_url: str) -> None:
    bot = Bot(tmp_path, gitlab.url, sqlite_url)
    with running(bot):
        bot.ready()
        until(lambda: bot.says("worker starts"))
        children = bot.children()
        bot.kill()
        until(lambda: not any(alive(number) for number in children))


def test_a_worker_that_is_told_to_stop_ends_its_work(gitlab: BotGitLab, tmp_path: Path, sqlite_url: str) -> None:
    gate = Gate()
    one_failed(gitlab, gate)
    bot = Bot(tmp_path, gitlab.url, sqlite_url)
    with running(bot):
        bot.ready()
        bot.post(hook(gitlab))
        assert gate.reached.acquire(timeout=30)
        bot.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        gate.open.set()
        assert bot.process.wait(20) == 0
    assert len(gitlab.notes(APP, 3)) == 1


def test_work_that_takes_too_long_for_a_stop_is_done_elsewhere(
    gitlab: BotGitLab, tmp_path: Path, sqlite_url: str
) -> None:
    gate = Gate()
    one_failed(gitlab, gate)
    bot = Bot(tmp_path, gitlab.url, sqlite_url, stop_seconds=1)
    with running(bot):
        bot.ready()
        bot.post(hook(gitlab))
        assert gate.reached.acquire(timeout=30)
        assert bot.stop(15) == 0
        assert bot.says("stops in the middle of work, which another worker does")
    gate.open.set()
    again = Bot(tmp_path, gitlab.url, sqlite_url, "work")
    with running(again):
        done(again)
        assert again.stop() == 0
    assert len(gitlab.notes(APP, 3)) == 1


def test_what_failed_while_nobody_listened_is_found(gitlab: BotGitLab, tmp_path: Path, sqlite_url: str) -> None:
    first = Bot(tmp_path, gitlab.url, sqlite_url)
    with running(first):
        first.ready()
        assert first.stop() == 0
    one_failed(gitlab)
    gitlab.pipelines[100]["updated_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    second = Bot(tmp_path, gitlab.url, sqlite_url)
    with running(second):
        until(lambda: gitlab.notes(APP, 3))


def test_a_ledger_of_the_first_version_with_work_in_its_queue(
    gitlab: BotGitLab, tmp_path: Path, sqlite_url: str
) -> None:
    one_failed(gitlab)
    dump = (Path(__file__).parent / "bot_ledger_1.sql").read_text()
    ledger = sqlite3.connect(tmp_path / "bot.db")
    ledger.executescript(dump.replace("PROJECT", str(gitlab.project_id(APP))))
    ledger.close()
    bot = Bot(tmp_path, gitlab.url, sqlite_url)
    with running(bot):
        lines = done(bot, 1)
        assert lines[0]["patterns"] == APPARMOR_ID
    assert len(gitlab.notes(APP, 3)) == 1


def test_a_change_of_the_tables_is_a_version_of_its_own() -> None:
    dump = (Path(__file__).parent / "bot_ledger_1.sql").read_text()
    ledger = sqlite3.connect(":memory:")
    ledger.executescript(dump)
    for name, table in METADATA.tables.items():
        found = {row[1] for row in ledger.execute(f"pragma table_info({name})")}
        assert found == {column.name for column in table.columns}, f"{name}: say how version {VERSION} becomes the next"


def test_without_a_secret_it_does_not_start(gitlab: BotGitLab, tmp_path: Path, sqlite_url: str) -> None:
    bot = Bot(tmp_path, gitlab.url, sqlite_url)
    bot.kill()
    text = "BKDOCTOR_WEBHOOK_SECRET"
    for role in ([], ["receive"]):
        done_ = _without_secret(tmp_path, sqlite_url, role)
        assert done_.returncode == 2
        assert re.search(text, done_.stderr)


def _without_secret(folder: Path, url: str, role: list[str]) -> Any:
    import subprocess
    import sys

    env = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "XDG_CACHE_HOME")}
    env |= {
        "BKDOCTOR_GITLAB_URL": "https://gitlab.example.com",
        "BKDOCTOR_GITLAB_TOKEN": "t",
        "BKDOCTOR_DATABASE_URL": url,
    }
    command = [sys.executable, "-P", "-m", "bkdoctor", "bot", *role]
    return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
