"""`--baseline`: only what is new to the failure is shown, and whatever is wrong with the baseline, the report comes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands import Answer, Cli
from tests.gitlab_double import TOKEN, Fault
from tests.gitlab_routes_bot import BotGitLab
from tests.traces import job, timestamped

PROJECT = "group/app"
PASSED = job("$ make\nfrobnicate: error: no cache yet\ncompiled 17 files\nall is well", result="Job succeeded")
FAILED = job("$ make\nfrobnicate: error: no cache yet\ncompiled 9 files\nfrobnicate: error: no gizmo")


def lines(answer: Answer) -> list[str]:
    return [line["text"] for line in json.loads(answer.out)["excerpt"]]


def notes(answer: Answer) -> list[str]:
    found: list[str] = json.loads(answer.out)["notes"]
    return found


def compared(answer: Answer) -> bool:
    assert answer.status == 3
    assert "frobnicate: error: no gizmo" in lines(answer)
    return "frobnicate: error: no cache yet" not in lines(answer)


# --- log ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("passed", [PASSED, timestamped(PASSED), "frobnicate: error: no cache yet\nall is well\n"])
def test_a_file(cli: Cli, passed: str) -> None:
    Path("passed.log").write_text(passed)
    Path("failed.log").write_text(FAILED)
    answer = cli("log", "--baseline", "passed.log", "failed.log", "-f", "json")
    assert compared(answer)
    assert notes(answer) == ["Compared with passed.log: lines that it has too are left out."]
    assert not compared(cli("log", "failed.log", "-f", "json"))


def test_several_logs_have_one_baseline(cli: Cli) -> None:
    Path("passed.log").write_text(PASSED)
    for name in "ab":
        Path(f"{name}.log").write_text(FAILED)
    answer = cli("log", "--baseline", "passed.log", "a.log", "b.log", "-f", "json")
    assert [len(json.loads(line)["notes"]) for line in answer.out.splitlines()] == [1, 1]


@pytest.mark.parametrize(
    ("content", "message"), [(None, "No such file"), (FAILED, "did not pass"), ("\n \n", "is empty")]
)  # fmt: skip
def test_a_file_that_is_no_baseline(cli: Cli, content: str | None, message: str) -> None:
    Path("failed.log").write_text(FAILED)
    if content is not None:
        Path("base.log").write_text(content)
    answer = cli("log", "--baseline", "base.log", "failed.log")
    assert (answer.status, answer.out) == (4, "")
    assert message in answer.err
    assert cli("log", "--baseline", "-", "failed.log").status == 2


# --- job ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[BotGitLab]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    with BotGitLab() as double:
        monkeypatch.setenv("GITLAB_HOST", double.url)
        add(double, 100, "success", {40: ("build", "success", PASSED)})
        add(double, 101, "failed", {41: ("other", "success", PASSED), 42: ("build", "failed", FAILED)})
        add(double, 102, "failed", {43: ("build", "failed", FAILED)})
        yield double


def add(
    double: BotGitLab, pipeline: int, status: str, jobs: dict[int, tuple[str, str, str | None]], ref: str = "main"
) -> None:
    double.add_pipeline(PROJECT, pipeline, status=status, ref=ref)
    for number, (name, state, trace) in jobs.items():
        content = None if trace is None else trace.encode()
        double.add_pipeline_job(PROJECT, pipeline, number, content, name=name, status=state, ref=ref)


def asked(cli: Cli, baseline: str, number: int = 43, **_: Any) -> Answer:
    return cli("job", str(number), "-R", PROJECT, "--baseline", baseline, "-f", "json")


def test_auto_takes_the_last_job_of_that_name_and_ref_that_passed(cli: Cli, gitlab: BotGitLab) -> None:
    add(gitlab, 103, "success", {44: ("build", "success", "nothing alike\n")}, ref="elsewhere")
    answer = asked(cli, "auto")
    assert compared(answer)
    assert notes(answer) == [f"Compared with {gitlab.url}/{PROJECT}/-/jobs/40: lines that it has too are left out."]


def test_auto_finds_a_job_that_passed_in_a_pipeline_that_failed(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.jobs[PROJECT, 40].fields["name"] = "renamed"
    add(gitlab, 104, "failed", {45: ("build", "success", PASSED)})
    answer = asked(cli, "auto")
    assert compared(answer)
    assert "/jobs/45:" in notes(answer)[0]


def test_a_job_by_number_or_address(cli: Cli, gitlab: BotGitLab) -> None:
    assert compared(asked(cli, "40"))
    assert compared(asked(cli, f"{gitlab.url}/{PROJECT}/-/jobs/40"))


def test_a_file_for_a_job(cli: Cli, gitlab: BotGitLab) -> None:
    Path("passed.log").write_text(PASSED)
    assert compared(asked(cli, "passed.log"))
    answer = asked(cli, "nowhere.log")
    assert (answer.status, answer.out) == (4, "")


def told(answer: Answer) -> str:
    """Return why there is nothing to compare with; the report is there all the same."""
    assert not compared(answer)
    (note,) = notes(answer)
    assert note.startswith("There is nothing to compare with: ")
    assert TOKEN not in note
    return note


def test_no_job_passed(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.jobs[PROJECT, 40].fields["status"] = "failed"
    assert "no job build of main passed" in told(asked(cli, "auto"))


def test_the_log_was_erased_or_is_gone(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.jobs[PROJECT, 40].trace = None
    assert "has no log" in told(asked(cli, "auto"))
    gitlab.jobs[PROJECT, 40].fields["erased_at"] = "2026-03-01T10:00:00Z"
    assert "erased on 2026-03-01" in told(asked(cli, "auto"))


def test_the_named_job_failed_itself(cli: Cli, gitlab: BotGitLab) -> None:
    assert "did not pass" in told(asked(cli, "42"))


@pytest.mark.parametrize("status", [403, 404, 500])
@pytest.mark.parametrize("route", ["pipelines", "pipeline jobs"])
def test_the_token_may_not_read_the_pipelines(
    cli: Cli, gitlab: BotGitLab, status: int, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    gitlab.fail(Fault(status=status, body=b"{}"), route=route)
    told(asked(cli, "auto"))


def test_a_job_that_passed_is_not_compared(cli: Cli, gitlab: BotGitLab) -> None:
    before = len(gitlab.seen)
    assert asked(cli, "auto", 40).status == 0
    assert {seen.route for seen in gitlab.seen[before:]} == {"job", "trace"}
