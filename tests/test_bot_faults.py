"""What GitLab does at its worst, against the bot as it runs: a process of its own, HTTP, and a GitLab double."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.bot_cases import APP, APPARMOR, APPARMOR_ID, PACKAGE, PACKAGE_ID, body, now, one_failed, passing, thread
from tests.bot_process import Bot, done, hook, running, until
from tests.gitlab_double import Fault
from tests.gitlab_routes_bot import BotGitLab

Start = Callable[..., Bot]


@pytest.fixture
def gitlab() -> Iterator[BotGitLab]:
    with BotGitLab() as double:
        yield double


@pytest.fixture
def start(gitlab: BotGitLab, tmp_path: Path) -> Iterator[Start]:
    """Start bots on one SQLite file, and end them behind the test."""
    started: list[Bot] = []

    def bot(**settings: Any) -> Bot:
        one = Bot(tmp_path, gitlab.url, f"sqlite:///{tmp_path}/bot.db", **settings)
        started.append(one)
        return one.ready()

    yield bot
    with running(*started):
        pass


def told(bot: Bot, payload: dict[str, Any]) -> dict[str, Any]:
    """Send an event, wait until it is worked off, and return what the worker logged of it."""
    before = len(bot.says("work done"))
    assert bot.post(payload) == 202
    return done(bot, before + 1)[-1]


def test_a_body_that_stalls_is_asked_for_again(gitlab: BotGitLab, start: Start) -> None:
    one_failed(gitlab)
    for route in ("trace", "discussions", "pipeline jobs"):
        gitlab.fail(Fault(body=b"[" + b" " * 1000, stall=True), times=1, route=route)
    line = told(start(timeout_seconds=1), hook(gitlab))
    assert (line["outcome"], line["patterns"]) == ("noted", APPARMOR_ID)
    assert len(gitlab.notes(APP, 3)) == 1


def test_a_note_whose_acknowledgement_stalls_is_not_written_twice(gitlab: BotGitLab, start: Start) -> None:
    one_failed(gitlab)
    gitlab.fail_after(Fault(status=201, body=b"{" + b" " * 1000, stall=True), route="new discussion")
    bot = start(timeout_seconds=1)
    told(bot, hook(gitlab))
    assert bot.says("work failed and is tried again")
    assert len(gitlab.notes(APP, 3)) == 1


def test_a_log_that_comes_in_small_pieces_is_read_whole(gitlab: BotGitLab, start: Start) -> None:
    def drops() -> Iterator[bytes]:
        # slower in all than the silence that is allowed
        for at in range(0, len(APPARMOR), 100):
            time.sleep(0.2)
            yield APPARMOR[at : at + 100]

    one_failed(gitlab, drops)
    assert told(start(timeout_seconds=1), hook(gitlab))["patterns"] == APPARMOR_ID


def test_a_log_that_breaks_off_is_read_again(gitlab: BotGitLab, start: Start) -> None:
    one_failed(gitlab)
    gitlab.fail(Fault(body=APPARMOR, reset=True), times=2, route="trace")
    assert told(start(), hook(gitlab))["patterns"] == APPARMOR_ID


def test_a_log_that_ends_late_is_read_again(gitlab: BotGitLab, start: Start) -> None:
    reads: list[int] = []

    def growing() -> Iterator[bytes]:
        reads.append(1)
        yield APPARMOR if len(reads) > 1 else APPARMOR[:300]

    one_failed(gitlab, growing, finished_at=now())
    assert told(start(), hook(gitlab))["patterns"] == APPARMOR_ID
    assert len(reads) == 2


def test_an_erased_log_gets_no_note_and_changes_the_one_that_is_there(gitlab: BotGitLab, start: Start) -> None:
    bot = start()
    one_failed(gitlab, erased_at="2026-01-31T10:00:00Z")
    assert told(bot, hook(gitlab))["reason"] == "the cause is not known"
    one_failed(gitlab, pipeline=101, job=13)
    assert told(bot, hook(gitlab, 101))["outcome"] == "noted"
    one_failed(gitlab, pipeline=102, job=14, erased_at="2026-01-31T10:00:00Z")
    assert told(bot, hook(gitlab, 102))["outcome"] == "updated"
    assert "AppArmor" not in body(gitlab)
    assert "The log is empty" in body(gitlab)


def test_a_note_deleted_by_hand_is_made_anew(gitlab: BotGitLab, start: Start) -> None:
    bot = start()
    one_failed(gitlab)
    told(bot, hook(gitlab))
    first = thread(gitlab)["id"]
    gitlab.discussions[gitlab.project_id(APP), 3].clear()
    one_failed(gitlab, PACKAGE, pipeline=101, job=13)
    assert told(bot, hook(gitlab, 101))["outcome"] == "noted"
    assert thread(gitlab)["id"] != first
    assert "gcc-9" in body(gitlab)


def test_a_note_deleted_by_hand_is_not_missed_when_the_build_passes(gitlab: BotGitLab, start: Start) -> None:
    bot = start()
    one_failed(gitlab)
    told(bot, hook(gitlab))
    gitlab.discussions[gitlab.project_id(APP), 3].clear()
    passing(gitlab)
    assert told(bot, hook(gitlab, 101, status="success"))["reason"] == "the build passes"
    assert not gitlab.notes(APP, 3)


@pytest.mark.parametrize("seed", range(3))
def test_events_in_disorder_and_twice_leave_the_newest_truth(gitlab: BotGitLab, start: Start, seed: int) -> None:
    chance = random.Random(seed)
    one_failed(gitlab)
    for number in range(101, 106):
        trace = APPARMOR if number % 2 else PACKAGE
        one_failed(gitlab, trace, pipeline=number, job=number + 1000)
    events = [(hook(gitlab, number), f"delivery-{number}") for number in range(100, 106)] * 2
    chance.shuffle(events)
    bot = start()
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda e: bot.post(e[0], **{"Idempotency-Key": e[1]}), events)) == {202}
    until(lambda: gitlab.notes(APP, 3) and "pipeline=105 " in body(gitlab))
    assert bot.stop() == 0
    assert APPARMOR_ID.replace("-", "%2D") in body(gitlab)
    assert PACKAGE_ID.replace("-", "%2D") not in body(gitlab)
    assert [route for route, _ in gitlab.writes].count("new discussion") == 1
    assert len(bot.says("event stored")) == 6


def test_a_pass_that_comes_before_its_failure_stays(gitlab: BotGitLab, start: Start) -> None:
    bot = start()
    one_failed(gitlab)
    told(bot, hook(gitlab))
    one_failed(gitlab, pipeline=101, job=13)
    passing(gitlab, pipeline=102)
    assert told(bot, hook(gitlab, 102, status="success"))["outcome"] == "resolved"
    assert told(bot, hook(gitlab, 101))["outcome"] == "unchanged"
    assert thread(gitlab)["notes"][0]["resolved"]
