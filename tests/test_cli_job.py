"""The `job` command against a server that answers like GitLab: what it adds to the log, and one line when it cannot."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bkdoctor.gitlab.client
from bkdoctor.trace.spool import Spooled, spooled
from tests.commands import Answer, Cli
from tests.gitlab_double import TOKEN, Fault, GitLabDouble
from tests.traces import job, timestamped

PROJECT = "group/sub/app"
FAILED = job(
    "$ buildctl build --frontend dockerfile.v0 --local context=. --local dockerfile=a/Dockerfile\n"
    "error: invalid local: stat a/Dockerfile: not a directory"
)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitLabDouble]:
    with GitLabDouble() as double:
        double.add_job(
            PROJECT, 12, trace=FAILED.encode(), name="build image", failure_reason="script_failure", exit_code=1
        )  # fmt: skip
        monkeypatch.setenv("GITLAB_HOST", double.url)
        yield double


def report(answer: Answer) -> dict[str, Any]:
    assert answer.err == ""
    loaded: dict[str, Any] = json.loads(answer.out)
    return loaded


def refusal(answer: Answer) -> str:
    assert (answer.status, answer.out) == (5, "")
    assert answer.err.startswith("bkdoctor: ")
    assert answer.err.count("\n") == 1
    assert TOKEN not in answer.err
    return answer.err


def test_a_failed_job_is_diagnosed_with_what_the_api_says(cli: Cli, gitlab: GitLabDouble) -> None:
    answer = cli("job", "12", "-R", PROJECT, "-f", "json")
    assert answer.status == 0
    made = report(answer)
    assert made["findings"][0]["id"] == "local-dockerfile-is-file"
    facts = made["facts"]
    assert (facts["job"], facts["stage"], facts["ref"], facts["exit_code"]) == ("build image", "test", "main", 1)
    assert facts["failure_reason"] == "script_failure"
    assert facts["runner"] == "18.9.0", "the log's own word"
    assert made["source"]["job_id"] == 12
    assert made["source"]["url"] == f"{gitlab.url}/{PROJECT}/-/jobs/12"


def test_the_jobs_name_stands_in_its_snippets(cli: Cli, gitlab: GitLabDouble) -> None:
    push = "failed to push registry.example.com/team/app:1: unexpected status from HEAD request to"
    denied = f"{push} https://registry.example.com/v2/team/app/blobs/sha256:4f2c9a: 401 Unauthorized"
    trace = job(
        f"$ buildctl build --local context=.\n#6 exporting to image\n#6 ERROR: {denied}\nerror: failed to solve: {denied}"
    )
    gitlab.add_job(PROJECT, 13, trace=trace.encode(), name="build: [amd64]")
    made = report(cli("job", "13", "-R", PROJECT, "-f", "json"))
    snippets = [fix["snippet"] for finding in made["findings"] for fix in finding["fixes"] if fix["language"] == "yaml"]
    assert made["facts"]["job"] == "build: [amd64]"
    assert snippets
    assert all("[amd64]" not in snippet for snippet in snippets)
    assert any(snippet.startswith("build:\n") for snippet in snippets)


@pytest.mark.parametrize(
    "form",
    [
        "{url}/{project}/-/jobs/12",
        "{url}/{project}/-/jobs/12#L123",
        "{url}/{project}/-/jobs/12/raw",
        "{url}/{project}/builds/12",
    ],
)
def test_addresses(cli: Cli, gitlab: GitLabDouble, form: str) -> None:
    answer = cli("job", form.format(url=gitlab.url, project=PROJECT), "-f", "json")
    assert report(answer)["findings"][0]["id"] == "local-dockerfile-is-file"
    assert {seen.headers.get("private-token") for seen in gitlab.seen} == {TOKEN}


def test_the_host_that_is_named(cli: Cli, gitlab: GitLabDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITLAB_HOST")
    assert cli("job", "12", "-R", PROJECT, "--gitlab", gitlab.url).status == 0
    monkeypatch.setenv("CI_SERVER_URL", gitlab.url)
    monkeypatch.setenv("CI_PROJECT_ID", "71")
    assert cli("job", "12").status == 0


def test_options_of_log_hold_for_job(cli: Cli, gitlab: GitLabDouble) -> None:
    made = report(cli("job", "12", "-R", PROJECT, "-f", "json", "--kubernetes", "1.30"))
    assert made["facts"]["kubernetes"] == "1.30"
    assert cli("job", "12", "-R", PROJECT, "--format", "xml").status == 2
    assert not cli("job", "12", "-R", PROJECT).out.startswith("{")


def test_a_passed_job(cli: Cli, gitlab: GitLabDouble) -> None:
    trace = FAILED.replace("ERROR: Job failed: exit code 1", "Job succeeded")
    gitlab.add_job(PROJECT, 14, trace=trace.encode(), status="success")
    answer = cli("job", "14", "-R", PROJECT, "-f", "json")
    assert (answer.status, report(answer)["verdict"]) == (0, "passed")


def test_an_unknown_failure(cli: Cli, gitlab: GitLabDouble) -> None:
    gitlab.add_job(PROJECT, 15, trace=job("$ make\nfrobnicate: error: no gizmo").encode())
    answer = cli("job", "15", "-R", PROJECT, "-f", "json")
    assert (answer.status, report(answer)["verdict"]) == (3, "unknown")


def test_a_running_job_is_diagnosed_as_far_as_it_is(cli: Cli, gitlab: GitLabDouble) -> None:
    begun = FAILED[: FAILED.index("section_end:1764164240")]
    gitlab.add_job(PROJECT, 16, trace=begun.encode(), status="running")
    answer = cli("job", "16", "-R", PROJECT, "-f", "json")
    made = report(answer)
    assert any("running" in note or "not finished" in note for note in made["notes"])
    assert made["verdict"] in ("diagnosed", "unknown")


@pytest.mark.parametrize("trace", [None, b"", b"\n"])
def test_a_stuck_job_without_a_trace_is_diagnosed_by_its_reason(
    cli: Cli, gitlab: GitLabDouble, trace: bytes | None
) -> None:
    gitlab.add_job(PROJECT, 17, trace=trace, failure_reason="stuck_pending_no_matching_runners")
    answer = cli("job", "17", "-R", PROJECT, "-f", "json")
    made = report(answer)
    assert (answer.status, made["verdict"]) == (0, "diagnosed")
    assert made["findings"][0]["id"] == "job-stuck-no-runner"
    assert not made["findings"][0]["evidence"]
    assert made["signature"]
    for form in ("terminal", "markdown"):
        assert cli("job", "17", "-R", PROJECT, "-f", form).status == 0


@pytest.mark.parametrize("style", [str, timestamped])
def test_a_huge_trace_is_cut_in_the_middle_and_counts_on(
    cli: Cli, gitlab: GitLabDouble, monkeypatch: pytest.MonkeyPatch, style: Any
) -> None:
    def bounded(chunks: Any, _most: int) -> Spooled:
        return spooled(chunks, 60_000)

    head, tail = FAILED.split("error: ", 1)
    trace = style(head + "".join(f"line {n}\n" for n in range(20_000)) + "error: " + tail)
    monkeypatch.setattr(bkdoctor.gitlab.client, "spooled", bounded)
    gitlab.add_job(PROJECT, 18, trace=lambda: (trace.encode()[n : n + 999] for n in range(0, len(trace.encode()), 999)))
    made = report(cli("job", "18", "-R", PROJECT, "-f", "json"))
    first = made["findings"][0]["evidence"][0]
    assert first["text"] == "error: invalid local: stat a/Dockerfile: not a directory"
    assert first["text"] in trace.split("\n")[first["line"] - 1]
    # what a runner with timestamps goes on with on further lines has the number of the first
    assert all(e["text"][:8] in "\n".join(trace.split("\n")[e["line"] - 1 :][:4]) for e in made["excerpt"])
    assert made["facts"]["truncated"] == "middle"
    assert made["notes"]


def test_a_wrong_token(cli: Cli, gitlab: GitLabDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", "glpat-" + "wrong" * 4)
    assert "GITLAB_TOKEN" in refusal(cli("job", "12", "-R", PROJECT))


def test_a_token_without_its_scope(cli: Cli, gitlab: GitLabDouble) -> None:
    gitlab.tokens[TOKEN] = {"read_user"}
    assert "read_api" in refusal(cli("job", "12", "-R", PROJECT))


def test_no_token_but_that_of_the_job(cli: Cli, gitlab: GitLabDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITLAB_TOKEN")
    monkeypatch.setenv("CI_JOB_TOKEN", "x" * 20)
    assert "GITLAB_TOKEN" in refusal(cli("job", "12", "-R", PROJECT))
    assert all(not seen.secrets for seen in gitlab.seen)


@pytest.mark.parametrize(("number", "project"), [("99", PROJECT), ("12", "group/other")])
def test_no_such_job(cli: Cli, gitlab: GitLabDouble, number: str, project: str) -> None:
    assert number in refusal(cli("job", number, "-R", project))


def test_a_job_without_a_trace_yet(cli: Cli, gitlab: GitLabDouble) -> None:
    gitlab.add_job(PROJECT, 19, trace=None, status="pending")
    refusal(cli("job", "19", "-R", PROJECT))


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(status=404, body=b"<html>", headers={"Content-Type": "text/html"}),
                                   Fault(body=b"not json", headers={"Content-Type": "application/json"})])  # fmt: skip
def test_a_server_that_answers_nonsense(
    cli: Cli, gitlab: GitLabDouble, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    gitlab.fail(fault)
    refusal(cli("job", "12", "-R", PROJECT))


def test_a_host_that_is_down(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    assert "127.0.0.1" in refusal(cli("job", "12", "-R", PROJECT, "--gitlab", f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize("words", [("nonsense", "-R", PROJECT), ("12",), ("-1", "-R", PROJECT), ("12", "-R", "no project"),
                                   ("12", "-R", PROJECT, "--gitlab", "::"), ("", "-R", PROJECT)])  # fmt: skip
def test_what_names_no_job(cli: Cli, gitlab: GitLabDouble, words: tuple[str, ...]) -> None:
    answer = cli("job", *words)
    assert (answer.status, answer.out) == (2, "")
    assert "Traceback" not in answer.err
    assert not gitlab.seen
