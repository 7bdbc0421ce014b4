"""The commands `pipeline` and `mr`: one story for all failed jobs, and what was read is shown whatever GitLab refuses."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bkdoctor.gitlab import fetching, settled
from bkdoctor.gitlab.connection import Limits
from bkdoctor.jobs import reading, telling
from tests import traces
from tests.bot_cases import APP, APPARMOR, APPARMOR_ID, OTHER, PACKAGE, PACKAGE_ID, PASSED, UNKNOWN, now
from tests.commands import Answer, Cli
from tests.gitlab_double import TOKEN, Fault
from tests.gitlab_routes_bot import SHA, BotGitLab

OTHER_APP = "team/charts"
LINT = traces.job("$ ./lint.sh\nthe third verse does not rhyme", image="alpine:3.22").encode()


@pytest.fixture
def waited() -> list[float]:
    """The seconds for which was, or would have been, waited."""
    return []


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, waited: list[float]) -> Iterator[BotGitLab]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    limits = Limits(sleep=waited.append, read_timeout=2, patience=fetching.PATIENCE)
    original = fetching.opener
    monkeypatch.setattr("bkdoctor.jobs.telling.opener", lambda spot: original(spot, limits))
    with BotGitLab() as double:
        double.tokens[TOKEN] = {"read_api"}
        monkeypatch.setenv("GITLAB_HOST", double.url)
        double.add_pipeline(APP, 100)
        yield double
        assert not double.writes, "these commands only read"


def told(answer: Answer, status: int = 0) -> dict[str, Any]:
    assert (answer.status, answer.err) == (status, "")
    loaded: dict[str, Any] = json.loads(answer.out)
    return loaded


def story(cli: Cli, *words: str, status: int = 0) -> dict[str, Any]:
    return told(cli(*(words or ("pipeline", "100")), "-R", APP, "-f", "json"), status)


def causes(made: dict[str, Any]) -> list[tuple[str, list[int]]]:
    return [(cause["cause"], cause["jobs"]) for cause in made["causes"]]


def job_of(made: dict[str, Any], number: int) -> dict[str, Any]:
    found: dict[str, Any] = next(job for job in made["jobs"] if job["job"]["id"] == number)
    return found


# the story


def test_jobs_that_failed_for_one_reason_are_one_story(cli: Cli, gitlab: BotGitLab) -> None:
    for number in range(10, 50):
        gitlab.add_pipeline_job(APP, 100, number, APPARMOR, name=f"build {number}")
    gitlab.add_pipeline_job(APP, 100, 60, PACKAGE, name="build-tools")
    gitlab.add_pipeline_job(APP, 100, 61, PASSED, name="build-ok", status="success")
    made = story(cli)
    assert causes(made) == [(APPARMOR_ID, list(range(10, 50))), (PACKAGE_ID, [60])]
    assert made["schema"] == "bkdoctor.story/1"
    assert made["verdict"] == "diagnosed"
    assert made["missing"] == []
    assert made["pipeline"]["id"] == 100
    assert all(job["report"]["schema"] == "bkdoctor.report/1" for job in made["jobs"])


def test_the_terminal_shows_each_reason_and_its_fixes_once(cli: Cli, gitlab: BotGitLab) -> None:
    for number in range(10, 50):
        gitlab.add_pipeline_job(APP, 100, number, APPARMOR, name=f"build {number}")
    gitlab.add_pipeline_job(APP, 100, 60, PACKAGE, name="build-tools")
    answer = cli("pipeline", "100", "-R", APP)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith("Pipeline 100: 41 jobs failed, for 2 reasons\n")
    assert answer.out.count("\nWhy\n") == 2
    shown = " ".join(answer.out.split())
    assert "40 jobs: build 10 #10" in shown
    assert "and 30 more" in shown
    every = cli("pipeline", "100", "-R", APP, "-v")
    assert "build 49 #49" in every.out


def test_fixes_that_differ_by_the_jobs_name_alone_are_the_same(cli: Cli, gitlab: BotGitLab) -> None:
    denied = (
        "failed to push registry.example.com/team/app:1: unexpected status from HEAD request to "
        "https://registry.example.com/v2/team/app/blobs/sha256:4f2c9a: 401 Unauthorized"
    )
    trace = traces.job(
        f"$ buildctl build --local context=.\n#6 exporting to image\n#6 ERROR: {denied}\nerror: failed to solve: {denied}"
    ).encode()
    for number, name in enumerate(("build-amd64", "build-arm64"), 10):
        gitlab.add_pipeline_job(APP, 100, number, trace, name=name)
    made = story(cli)
    snippets = {fix["snippet"] for job in made["jobs"] for fix in job["report"]["findings"][0]["fixes"]}
    assert any("build-amd64:" in snippet for snippet in snippets)
    assert any("build-arm64:" in snippet for snippet in snippets)
    assert [numbers for _, numbers in causes(made)] == [[10, 11]]


def test_unknown_failures_are_grouped_by_their_signature(cli: Cli, gitlab: BotGitLab) -> None:
    other = traces.job("$ docker build .\nno coal is left in the tender").encode()
    for number, trace in enumerate((UNKNOWN, other, UNKNOWN), 10):
        gitlab.add_pipeline_job(APP, 100, number, trace, name=f"image {number}")
    made = story(cli, status=3)
    assert causes(made) == [("unknown", [10, 12]), ("unknown", [11])]
    assert made["verdict"] == "unknown"
    assert len({cause["signature"] for cause in made["causes"]}) == 2


def test_jobs_that_build_no_image_are_named_last(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.add_pipeline_job(APP, 100, 10, LINT, name="unit tests")
    gitlab.add_pipeline_job(APP, 100, 11, APPARMOR, name="build")
    made = story(cli)
    assert causes(made) == [(APPARMOR_ID, [11])]
    assert not job_of(made, 10)["build"]
    answer = cli("pipeline", "100", "-R", APP)
    assert "builds no image" in answer.out
    assert "unit tests #10" in answer.out


def test_other_jobs_with_a_known_cause_come_behind_image_builds(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.add_pipeline_job(APP, 100, 10, OTHER, name="unit tests")
    gitlab.add_pipeline_job(APP, 100, 11, OTHER, name="more tests")
    gitlab.add_pipeline_job(APP, 100, 12, APPARMOR, name="build")
    assert causes(story(cli)) == [(APPARMOR_ID, [12]), ("test-failure", [10, 11])]


def test_a_pipeline_whose_only_failure_is_no_build_is_unknown(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.add_pipeline_job(APP, 100, 10, LINT, name="unit tests")
    assert story(cli, status=3)["causes"] == []


def test_retried_attempts_are_marked_and_flaky_is_said(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.add_pipeline_job(APP, 100, 10, APPARMOR, name="build")
    gitlab.add_pipeline_job(APP, 100, 11, APPARMOR, name="build")
    gitlab.add_pipeline_job(APP, 100, 12, PASSED, name="build", status="success")
    gitlab.add_pipeline_job(APP, 100, 13, APPARMOR, name="build-arm", allow_failure=True)
    made = story(cli)
    assert [(j["job"]["id"], j["retried"], j["passed_as"]) for j in made["jobs"]] == [
        (13, False, None), (10, True, 12), (11, True, 12),
    ]  # fmt: skip
    answer = cli("pipeline", "100", "-R", APP)
    assert answer.out.startswith("Pipeline 100: 1 job failed and 2 attempts before, for 1 reason\n")
    assert "build-arm #13 (allowed to fail)" in answer.out
    assert "build #10 (run again since, flaky: passed as #12)" in " ".join(answer.out.split())
    note = cli("pipeline", "100", "-R", APP, "-f", "markdown").out
    assert "**Comes and goes:** `build` passed on the same commit as job 12" in note
    assert "**Run again since:** `build`, `build`" in note


def test_a_job_that_passed_in_another_pipeline_of_the_commit_is_flaky(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.add_pipeline_job(APP, 100, 10, APPARMOR, name="build")
    gitlab.add_pipeline(APP, 101, status="success")
    gitlab.add_pipeline_job(APP, 101, 20, PASSED, name="build", status="success")
    gitlab.add_pipeline(APP, 102, status="success", sha="b" * 40)
    gitlab.add_pipeline_job(APP, 102, 30, PASSED, name="build", status="success")
    assert job_of(story(cli), 10)["passed_as"] == 20


def test_child_pipelines_and_those_of_other_projects_are_read(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.add_pipeline(APP, 101, parent=100)
    gitlab.add_pipeline_job(APP, 101, 10, APPARMOR, name="build")
    gitlab.add_pipeline(APP, 102, parent=101)
    gitlab.add_pipeline_job(APP, 102, 11, PACKAGE, name="build")
    gitlab.add_pipeline(OTHER_APP, 103, parent=100)
    gitlab.add_pipeline_job(OTHER_APP, 103, 12, PACKAGE, name="build")
    made = story(cli)
    assert causes(made) == [(PACKAGE_ID, [11, 12]), (APPARMOR_ID, [10])]
    assert job_of(made, 12)["project_id"] == gitlab.project_id(OTHER_APP)
    assert not any(job["retried"] for job in made["jobs"]), "names count within one pipeline"


def test_a_trigger_that_started_nothing_is_told(cli: Cli, gitlab: BotGitLab) -> None:
    bridge = {"id": 9, "name": "deploy", "status": "failed", "failure_reason": "insufficient_bridge_permissions"}
    gitlab.failed_bridges[100] = [bridge | {"downstream_pipeline": None}]
    made = story(cli)
    assert [job["job"]["name"] for job in made["jobs"]] == ["deploy"]
    assert causes(made) == [("job-refused-by-gitlab", [9])]
    assert made["missing"] == []


def test_a_job_without_a_log_is_diagnosed_by_its_reason(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.add_pipeline_job(APP, 100, 10, None, name="build", failure_reason="stuck_pending_no_matching_runners")
    assert causes(story(cli)) == [("job-stuck-no-runner", [10])]


def test_nothing_failed(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.add_pipeline_job(APP, 100, 10, PASSED, name="build", status="success")
    made = story(cli)
    assert (made["verdict"], made["jobs"]) == ("passed", [])
    assert cli("pipeline", "100", "-R", APP).out.startswith("Pipeline 100: no job failed\n")
    assert "**No job failed**" in cli("pipeline", "100", "-R", APP, "-f", "markdown").out


def test_a_pipeline_that_still_runs_says_so(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.pipelines[100]["status"] = "running"
    gitlab.add_pipeline_job(APP, 100, 10, APPARMOR, name="build")
    assert story(cli)["notes"] == ["the pipeline has not ended (running): more jobs may fail"]


def test_the_cluster_s_version_and_own_words_hold_for_each_job(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.add_pipeline_job(APP, 100, 10, None, name="artifact", failure_reason="job_execution_server_timeout")
    gitlab.add_pipeline_job(APP, 100, 11, APPARMOR, name="x")
    made = told(cli("pipeline", "100", "-R", APP, "-f", "json", "--kubernetes", "1.31", "--jobs", "artifact"))
    assert job_of(made, 11)["report"]["facts"]["kubernetes"] == "1.31"
    assert job_of(made, 10)["build"]
    assert cli("pipeline", "100", "-R", APP, "--jobs", "(").status == 2


@pytest.mark.parametrize("form", ["html", "markdown", "terminal"])
def test_hostile_names_stay_names(cli: Cli, gitlab: BotGitLab, form: str) -> None:
    name = "build \x1b[31m`@all` <script>x</script>\u202e /close"
    gitlab.add_pipeline_job(APP, 100, 10, APPARMOR, name=name)
    gitlab.add_pipeline_job(APP, 100, 11, UNKNOWN, name=name + "\n/close")
    out = cli("pipeline", "100", "-R", APP, "-f", form).out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert form != "html" or "<script>x" not in out
    assert form == "html" or "\n/close" not in out


def test_a_job_s_number_is_taken_for_no_file(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.add_pipeline_job(APP, 100, 10, UNKNOWN, name="build")
    for words in (("pipeline", "100"), ("job", "10")):
        out = cli(*words, "-R", APP).out
        assert "line 11 of the log" in out
        assert "--from LOG" in out


# which pipeline


@pytest.mark.parametrize(
    "form", ["{url}/{app}/-/pipelines/100", "{url}/{app}/-/pipelines/100/failures", "{url}/api/v4/projects/71/pipelines/100", "#100"]
)  # fmt: skip
def test_addresses_of_pipelines(cli: Cli, gitlab: BotGitLab, form: str) -> None:
    gitlab.add_pipeline_job(APP, 100, 10, APPARMOR, name="build")
    words = ("-R", APP) if form == "#100" else ()
    answer = cli("pipeline", form.format(url=gitlab.url, app=APP), *words, "-f", "json")
    assert causes(told(answer)) == [(APPARMOR_ID, [10])]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("pipeline", "https://gitlab.example.com/a/b/-/jobs/7"), "bkdoctor job"),
        (("pipeline", "https://gitlab.example.com/a/b/-/merge_requests/7"), "bkdoctor mr"),
        (("mr", "https://gitlab.example.com/a/b/-/pipelines/7"), "bkdoctor pipeline"),
        (("mr", "https://gitlab.example.com/a/b"), "copy the URL"),
        (("pipeline", "nonsense"), "copy the URL"),
        (("pipeline", "100"), "add -R GROUP/PROJECT"),
    ],
)
def test_what_names_no_pipeline(cli: Cli, gitlab: BotGitLab, words: tuple[str, ...], hint: str) -> None:
    answer = cli(*words)
    assert (answer.status, answer.out) == (2, "")
    assert hint in answer.err
    assert not gitlab.seen


def test_a_merge_request_s_newest_pipeline_with_a_build_is_taken(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.add_merge_request(APP, 3)
    gitlab.add_pipeline(APP, 110, merge_request=3)
    gitlab.add_pipeline_job(APP, 110, 10, APPARMOR, name="build-image")
    gitlab.add_pipeline(APP, 111, merge_request=3)
    gitlab.add_pipeline_job(APP, 111, 11, OTHER, name="danger")
    gitlab.add_pipeline(APP, 112, merge_request=3, sha="b" * 40)
    gitlab.add_pipeline_job(APP, 112, 12, PACKAGE, name="build-image")
    made = story(cli, "mr", "!3")
    assert (made["merge_request"], made["pipeline"]["id"]) == (3, 110)
    assert "the newest pipeline of the head commit that holds a build job" in made["chosen"]
    assert "111 (merge_request_event, failed)" in made["chosen"]
    out = cli("mr", f"{gitlab.url}/{APP}/-/merge_requests/3/diffs").out
    assert "For merge request 3: it is the newest pipeline" in " ".join(out.split())


def test_a_merge_request_whose_head_has_no_pipeline_says_so(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.add_merge_request(APP, 3, sha="b" * 40)
    answer = cli("mr", "3", "-R", APP)
    assert answer.status == 5
    assert "no pipeline" in answer.err
    gitlab.add_pipeline(APP, 110, merge_request=3, sha=SHA)
    gitlab.add_pipeline_job(APP, 110, 10, APPARMOR, name="build-image")
    assert "it ran for commit aaaaaaaaaaaa" in story(cli, "mr", "3")["chosen"]


def test_in_a_fork_s_job_the_merge_request_is_the_other_project_s(
    cli: Cli, gitlab: BotGitLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    gitlab.add_merge_request(APP, 3)
    gitlab.add_pipeline(APP, 110, merge_request=3)
    gitlab.add_pipeline_job(APP, 110, 10, APPARMOR, name="build-image")
    monkeypatch.setenv("CI_SERVER_URL", gitlab.url)
    monkeypatch.setenv("CI_PROJECT_ID", str(gitlab.project_id("fork/app")))
    monkeypatch.setenv("CI_MERGE_REQUEST_PROJECT_ID", str(gitlab.project_id(APP)))
    assert causes(told(cli("mr", "3", "-f", "json"))) == [(APPARMOR_ID, [10])]


# what GitLab refuses


def some(gitlab: BotGitLab, count: int = 6) -> None:
    for number in range(10, 10 + count):
        gitlab.add_pipeline_job(APP, 100, number, APPARMOR, name=f"build {number}")


def test_a_page_of_jobs_that_fails_takes_nothing_else_away(cli: Cli, gitlab: BotGitLab) -> None:
    some(gitlab, 130)
    gitlab.fail(Fault(status=500), route="pipeline jobs", path="page=2")
    made = story(cli, status=5)
    assert len(made["jobs"]) == 100
    assert [n for n in made["missing"] if n.startswith("the jobs of pipeline 100 are not all known: ")]
    answer = cli("pipeline", "100", "-R", APP)
    assert (answer.status, answer.out.splitlines()[0]) == (
        5, "Pipeline 100: 100 jobs failed, for 1 reason, as far as it could be read",
    )  # fmt: skip
    assert "Missing" in answer.out
    assert "**This is only a part**" in cli("pipeline", "100", "-R", APP, "-f", "markdown").out


@pytest.mark.parametrize("trace", [None, b""])
def test_a_trace_that_is_gone_is_said(cli: Cli, gitlab: BotGitLab, trace: bytes | None) -> None:
    some(gitlab, 2)
    gitlab.add_pipeline_job(APP, 100, 20, trace, name="build gone", erased_at="2026-10-01T00:00:00Z")
    made = story(cli, status=5)
    assert causes(made) == [(APPARMOR_ID, [10, 11])], "nobody has looked, so it is no unknown failure"
    assert made["verdict"] == "diagnosed"
    for form in ("terminal", "markdown"):
        assert "Failed, and the log could not be read" in cli("pipeline", "100", "-R", APP, "-f", form).out
    assert "erased on 2026-10-01" in job_of(made, 20)["unread"]
    assert made["missing"] == [f"job build gone (20) was not read: {job_of(made, 20)['unread']}"]


def test_a_log_that_the_token_may_not_read(cli: Cli, gitlab: BotGitLab) -> None:
    some(gitlab, 3)
    gitlab.fail(Fault(status=403, body=b'{"message":"403 Forbidden"}', headers={"Content-Type": "application/json"}), times=1, route="trace")  # fmt: skip
    made = story(cli, status=5)
    assert len(made["missing"]) == 1
    assert "GITLAB_TOKEN" in made["missing"][0]
    assert len([job for job in made["jobs"] if not job["unread"]]) == 2


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(status=502), Fault(body=b"x" * 100, reset=True)])
def test_a_trace_that_fails_again_and_again(cli: Cli, gitlab: BotGitLab, fault: Fault) -> None:
    some(gitlab)
    bad = 12
    gitlab.fail(fault, route="trace", path=f"/jobs/{bad}/")
    made = story(cli, status=5)
    assert [job["job"]["id"] for job in made["jobs"] if job["unread"]] == [bad]
    assert causes(made) == [(APPARMOR_ID, [10, 11, 13, 14, 15])]


def test_a_fault_that_passes_leaves_no_trace(cli: Cli, gitlab: BotGitLab) -> None:
    some(gitlab)
    gitlab.fail(Fault(status=500), times=2, route="trace")
    gitlab.fail(Fault(body=b"x" * 100, reset=True), times=1, route="job")
    assert causes(story(cli)) == [(APPARMOR_ID, list(range(10, 16)))]


def test_a_rate_limit_is_waited_for(cli: Cli, gitlab: BotGitLab, waited: list[float]) -> None:
    some(gitlab)
    gitlab.fail(Fault(status=429, headers={"Retry-After": "7"}), times=1, route="trace")
    assert causes(story(cli)) == [(APPARMOR_ID, list(range(10, 16)))]
    assert 7.0 in waited


def test_a_rate_limit_of_an_hour_ends_it_with_what_there_is(cli: Cli, gitlab: BotGitLab) -> None:
    some(gitlab, 30)
    gitlab.fail(Fault(status=429, headers={"Retry-After": "3600"}), route="trace", after=8)
    made = story(cli, status=5)
    read = [job for job in made["jobs"] if not job["unread"]]
    assert len(read) == 8
    assert causes(made)[0][0] == APPARMOR_ID
    assert "in 3600 seconds" in made["missing"][0]
    asked = [seen for seen in gitlab.seen if seen.route in ("job", "trace")]
    assert len(asked) < 40, "what is left is not asked for"


def test_a_host_that_fails_is_not_asked_forty_times(cli: Cli, gitlab: BotGitLab) -> None:
    some(gitlab, 40)
    gitlab.fail(Fault(status=500), times=999, route="job")
    made = story(cli, status=5)
    assert len(made["missing"]) == 40
    tries = len([seen for seen in gitlab.seen if seen.route == "job"])
    assert tries <= 3 * (fetching._GIVE_UP + fetching.SIDE_BY_SIDE)


def test_a_child_pipeline_that_is_hidden_is_named(cli: Cli, gitlab: BotGitLab) -> None:
    some(gitlab, 1)
    gitlab.add_pipeline(OTHER_APP, 103, parent=100)
    gitlab.hidden.add(gitlab.project_id(OTHER_APP))
    made = story(cli, status=5)
    assert causes(made) == [(APPARMOR_ID, [10])]
    assert any("pipeline 103" in text for text in made["missing"])


def test_siblings_that_cannot_be_read_are_named(cli: Cli, gitlab: BotGitLab) -> None:
    some(gitlab, 1)
    gitlab.fail(Fault(status=500), times=99, route="pipelines")
    made = story(cli, status=5)
    assert causes(made) == [(APPARMOR_ID, [10])]
    assert made["missing"][0].startswith("whether these jobs passed in another pipeline of the commit is not known: ")


@pytest.mark.parametrize("scopes", [{"read_user"}, set()])
def test_a_token_without_its_scope(cli: Cli, gitlab: BotGitLab, scopes: set[str]) -> None:
    some(gitlab, 1)
    gitlab.tokens[TOKEN] = scopes
    for words in (("pipeline", "100"), ("mr", "3")):
        answer = cli(*words, "-R", APP)
        assert (answer.status, answer.out) == (5, "")
        assert "read_api" in answer.err
        assert answer.err.count("\n") == 1
        assert TOKEN not in answer.err


def test_no_token(cli: Cli, gitlab: BotGitLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITLAB_TOKEN")
    monkeypatch.setenv("CI_JOB_TOKEN", "x" * 20)
    answer = cli("pipeline", "100", "-R", APP)
    assert answer.status == 5
    assert "GITLAB_TOKEN" in answer.err
    assert all(not seen.secrets for seen in gitlab.seen)


def test_no_such_pipeline(cli: Cli, gitlab: BotGitLab) -> None:
    answer = cli("pipeline", "999", "-R", APP)
    assert (answer.status, answer.out) == (5, "")
    assert "pipeline 999" in answer.err


def test_an_interrupt_shows_what_was_read(cli: Cli, gitlab: BotGitLab, monkeypatch: pytest.MonkeyPatch) -> None:
    some(gitlab, 10)
    real, done = reading.diagnosed, 0

    def diagnosed(*args: Any, **named: Any) -> Any:
        nonlocal done
        done += 1
        if done > 4:
            raise KeyboardInterrupt
        return real(*args, **named)

    monkeypatch.setattr(telling, "diagnosed", diagnosed)
    made = story(cli, status=5)
    assert causes(made) == [(APPARMOR_ID, [10, 11, 12, 13])]
    assert "6 failed jobs were not read" in made["missing"][0]


def test_a_log_without_its_end_is_read_again(cli: Cli, gitlab: BotGitLab, waited: list[float]) -> None:
    cut = APPARMOR[: APPARMOR.index(b"[rootlesskit:child")]
    parts = iter([cut])
    gitlab.add_pipeline_job(APP, 100, 10, lambda: iter([next(parts, APPARMOR)]), name="build", finished_at=now())
    assert causes(story(cli)) == [(APPARMOR_ID, [10])]
    assert settled.PAUSES[0] in waited
