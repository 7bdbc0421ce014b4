"""Traces side by side: in order, no more than fit, at one pace for all, and with why not where there is none."""

import itertools
import threading
from collections.abc import Iterator

import pytest

from bkdoctor.errors import GitLabError
from bkdoctor.gitlab.address import parse_base
from bkdoctor.gitlab.client import FetchedJob
from bkdoctor.gitlab.connection import Limits
from bkdoctor.gitlab.credentials import Token
from bkdoctor.gitlab.fetching import SIDE_BY_SIDE, Fetched, Wanted, fetch_all, opener
from bkdoctor.gitlab.pace import Pace
from bkdoctor.gitlab.target import Spot
from bkdoctor.story import Job
from tests.gitlab_double import TOKEN, Fault, GitLabDouble

APP = "team/app"


@pytest.fixture
def gitlab() -> Iterator[GitLabDouble]:
    with GitLabDouble() as double:
        for number in range(1, 40):
            double.add_job(APP, number, trace=b"log %d" % number, name=f"build {number}")
        yield double


def spot(gitlab: GitLabDouble) -> Spot:
    token = Token(TOKEN, "private", "GITLAB_TOKEN")
    return Spot(base=parse_base(gitlab.url, "url"), project=APP, name="x", token=token)


def wanted(numbers: "itertools.count[int] | range") -> Iterator[Wanted]:
    for number in numbers:
        yield Wanted(project_id=71, job=Job(id=number, name=f"build {number}", status="failed"))


def limits(waited: list[float] | None = None) -> Limits:
    return Limits(sleep=(waited if waited is not None else []).append, read_timeout=2)


def log(one: Fetched) -> bytes | None:
    return one.log.trace.read(0, 100) if isinstance(one.log, FetchedJob) else None


def test_they_come_in_order_and_all(gitlab: GitLabDouble) -> None:
    found = list(fetch_all(opener(spot(gitlab), limits()), wanted(range(1, 40))))
    assert [log(one) for one in found] == [b"log %d" % number for number in range(1, 40)]


def test_no_more_is_asked_for_than_is_used(gitlab: GitLabDouble) -> None:
    taken: list[int] = []

    def endless() -> Iterator[Wanted]:
        for one in wanted(itertools.count(1)):
            taken.append(one.job.id)
            yield one

    found = fetch_all(opener(spot(gitlab), limits()), endless(), side_by_side=3)
    for number in range(1, 11):
        assert log(next(found)) == b"log %d" % number
        assert len(taken) <= number + 3 + 2
    found.close()


def test_it_is_done_side_by_side(gitlab: GitLabDouble) -> None:
    together = threading.Barrier(SIDE_BY_SIDE, timeout=10)

    def trace() -> Iterator[bytes]:
        together.wait()
        yield b"log"

    for number in range(1, 1 + SIDE_BY_SIDE):
        gitlab.add_job(APP, number, trace=trace)
    found = list(fetch_all(opener(spot(gitlab), limits()), wanted(range(1, 1 + SIDE_BY_SIDE))))
    assert [log(one) for one in found] == [b"log"] * SIDE_BY_SIDE


def test_why_there_is_none_comes_in_its_place(gitlab: GitLabDouble) -> None:
    gitlab.add_job(APP, 2, trace=None, failure_reason="script_failure")
    gitlab.fail(Fault(status=500), route="trace", path="/jobs/4/")
    found = list(fetch_all(opener(spot(gitlab), limits()), wanted(range(1, 6))))
    assert [log(one) for one in found] == [b"log 1", None, b"log 3", None, b"log 5"]
    assert all(isinstance(found[n].log, GitLabError) for n in (1, 3))


def test_what_is_not_gitlabs_fault_is_raised(gitlab: GitLabDouble) -> None:
    def broken() -> object:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(fetch_all(broken, wanted(range(1, 3))))  # type: ignore[arg-type]


def test_one_connection_that_is_told_to_wait_makes_all_wait() -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(patience=90, sleep=sleep, clock=lambda: now[0])
    pace.wait()
    pace.learn(refused=True, wait=20, left=None, reset=None)
    pace.learn(refused=False, wait=None, left=500, reset=60)
    pace.wait()
    pace.wait()
    assert slept == [20], "once the time has come, nobody waits"
    pace.learn(refused=False, wait=None, left=0, reset=12)
    pace.wait()
    assert slept == [20, 12], "a limit that is used up is not run into"
    pace.learn(refused=True, wait=3600, left=None, reset=None)
    pace.wait()
    assert slept[-1] == 90


def test_the_pace_is_learnt_from_answers(gitlab: GitLabDouble) -> None:
    waited: list[float] = []
    gitlab.fail(Fault(status=429, headers={"Retry-After": "7"}), times=1, route="job")
    found = list(fetch_all(opener(spot(gitlab), limits(waited)), wanted(range(1, 10)), side_by_side=1))
    assert all(log(one) for one in found)
    assert 7.0 in waited
