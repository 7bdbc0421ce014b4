"""One note on each merge request, with the truth of the newest pipeline, whatever events and GitLab do."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from bkdoctor.bot import marker
from bkdoctor.bot.handle import handle
from bkdoctor.bot.task import Task
from bkdoctor.errors import GitLabError

from .bot_cases import (
    APP,
    APPARMOR,
    APPARMOR_ID,
    OTHER,
    PACKAGE,
    PACKAGE_ID,
    PASSED,
    UNKNOWN,
    body,
    catalog,
    configured,
    connect,
    now,
    one_failed,
    passing,
    run,
    thread,
)
from .gitlab_double import TOKEN, Fault
from .gitlab_routes_bot import BOT, SHA, BotGitLab

OLD, NEW = "d" * 40, "e" * 40


@pytest.fixture
def gitlab() -> Iterator[BotGitLab]:
    with BotGitLab() as double:
        yield double


# --- one note -----------------------------------------------------------------------------------------------------


def test_a_failed_build_gets_one_resolvable_note(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    record = run(gitlab)
    assert (record.outcome, record.patterns, record.mr_iid) == ("noted", (APPARMOR_ID,), 3)
    assert thread(gitlab)["notes"][0]["resolvable"]
    assert record.discussion_id == thread(gitlab)["id"]
    assert body(gitlab).startswith("**AppArmor blocks the mount that rootlesskit needs**")
    assert f"{gitlab.url}/{APP}/-/jobs/12#L11" in body(gitlab)
    assert marker.read(body(gitlab)) == marker.Marker(pipeline=100, causes=(APPARMOR_ID,), jobs=("build-image",))


def test_the_same_event_again_changes_nothing(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    run(gitlab)
    writes = len(gitlab.writes)
    assert run(gitlab).outcome == "unchanged"
    assert len(gitlab.writes) == writes


def test_the_note_is_edited_in_place_and_lists_all_jobs_by_cause(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    run(gitlab)
    first = thread(gitlab)["notes"][0]["id"]
    one_failed(gitlab, PACKAGE, pipeline=101, job=21, name="build-a")
    gitlab.add_pipeline_job(APP, 101, 22, PACKAGE, name="build-b", allow_failure=True)
    gitlab.add_pipeline_job(APP, 101, 23, APPARMOR, name="build-c")
    record = run(gitlab, 101)
    assert (record.outcome, record.patterns) == ("updated", (PACKAGE_ID, PACKAGE_ID, APPARMOR_ID))
    assert thread(gitlab)["notes"][0]["id"] == first
    text = body(gitlab)
    assert text.startswith("**3 image build jobs failed, for 2 reasons**\n\n1. **")
    assert "**Allowed to fail:** `build-b`" in text
    assert "Evidence in another job" not in text
    assert "Text to hand on to the runner's administrator" in text


def test_the_note_is_found_behind_pages_of_discussions_and_not_mistaken(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    for number in range(230):
        gitlab.add_discussion(APP, 3, f"comment {number}", system=number % 2 == 0)
    gitlab.add_discussion(APP, 3, f"I am the bot\n\n{marker.Marker(pipeline=5).line()}")
    run(gitlab)
    run(gitlab)
    assert len(gitlab.notes(APP, 3)) == 1


def test_a_note_that_somebody_deleted_is_made_anew(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    run(gitlab)
    gitlab.discussions[71, 3].clear()
    assert run(gitlab).outcome == "noted"
    assert len(gitlab.notes(APP, 3)) == 1


def test_a_note_deleted_while_it_is_edited_is_made_anew(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    run(gitlab)
    one_failed(gitlab, PACKAGE, pipeline=101, job=21)
    old = thread(gitlab)
    edit = gitlab._edit_note

    def gone(*args: Any) -> Any:
        gitlab.discussions[71, 3][:] = [d for d in gitlab.discussions[71, 3] if d is not old]
        return edit(*args)

    gitlab._edit_note = gone  # type: ignore[assignment,method-assign]
    assert run(gitlab, 101).outcome == "noted"
    assert PACKAGE_ID in body(gitlab).replace("%2D", "-")


def test_a_text_that_somebody_edited_keeps_its_marker(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    run(gitlab)
    note = thread(gitlab)["notes"][0]
    note["body"] = f"Edited by a maintainer.\n\n{note['body']}\n\nAnd a postscript."
    assert run(gitlab).outcome == "updated"
    assert "postscript" not in body(gitlab)


def test_an_answer_that_gets_lost_does_not_double_the_note(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    gitlab.fail_after(Fault(reset=True, body=b"{}"), route="new discussion")
    with pytest.raises(GitLabError) as caught:
        run(gitlab)
    assert not caught.value.permanent
    assert run(gitlab).outcome == "unchanged"
    assert len(gitlab.notes(APP, 3)) == 1


def test_of_two_notes_made_at_the_same_moment_the_oldest_stays(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    run(gitlab)
    twin = gitlab.add_discussion(APP, 3, body(gitlab), author=BOT)
    older = thread_of(gitlab, twin)
    assert run(gitlab).outcome == "unchanged"
    assert gitlab.discussions[71, 3] == [older]


def thread_of(gitlab: BotGitLab, other: dict[str, object]) -> dict[str, object]:
    return next(d for d in gitlab.discussions[71, 3] if d is not other)


def test_a_twin_made_between_the_look_and_the_creation_is_removed(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    make = gitlab._new_discussion

    def twice(*args: Any) -> Any:
        make(*args)
        return make(*args)

    gitlab._new_discussion = twice  # type: ignore[assignment,method-assign]
    record = run(gitlab)
    assert record.discussion_id == thread(gitlab)["id"]


def test_workers_side_by_side_leave_one_note(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    with ThreadPoolExecutor(6) as pool:
        outcomes = [future.result().outcome for future in [pool.submit(run, gitlab) for _ in range(12)]]
    assert "noted" in outcomes
    assert len(gitlab.notes(APP, 3)) == 1
    assert run(gitlab).outcome == "unchanged"


# --- which pipeline -----------------------------------------------------------------------------------------------


def test_an_old_event_writes_the_newest_truth(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    one_failed(gitlab, PACKAGE, pipeline=101, job=21)
    assert run(gitlab, 100).pipeline_id == 101
    assert "apk" in body(gitlab)


def test_pipelines_of_older_commits_do_not_count(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    gitlab.push(APP, 3, NEW)
    gitlab.add_pipeline(APP, 90, merge_request=3, sha=NEW)
    gitlab.add_pipeline_job(APP, 90, 19, PACKAGE, name="build")
    assert run(gitlab, 100).pipeline_id == 90


def test_a_merge_request_pipeline_goes_before_a_branch_pipeline(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    gitlab.add_pipeline(APP, 105)
    gitlab.link(APP, 3, 105)
    gitlab.add_pipeline_job(APP, 105, 25, PACKAGE, name="build")
    assert run(gitlab, 105).pipeline_id == 100


def test_a_pipeline_without_a_build_job_does_not_count(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    gitlab.add_pipeline(APP, 106, merge_request=3)
    gitlab.add_pipeline_job(APP, 106, 26, OTHER, name="unit tests")
    assert run(gitlab, 106).pipeline_id == 100


def test_a_merged_results_pipeline_belongs_to_the_commit_that_it_merges(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    for number, parent in ((101, OLD), (102, SHA)):
        sha = f"{number:040x}"
        gitlab.add_pipeline(APP, number, merge_request=3, sha=sha, ref="refs/merge-requests/3/merge")
        gitlab.add_pipeline_job(APP, number, number, PACKAGE, name="build")
        gitlab.parents[sha] = ["f" * 40, parent]
    assert run(gitlab, 100).pipeline_id == 102
    gitlab.push(APP, 3, OLD)
    assert run(gitlab, 100).pipeline_id == 101


def test_jobs_of_child_pipelines_count_as_the_roots(gitlab: BotGitLab) -> None:
    gitlab.add_merge_request(APP, 3)
    gitlab.add_pipeline(APP, 100, merge_request=3)
    gitlab.add_pipeline(APP, 101, merge_request=3, parent=100)
    gitlab.add_pipeline(APP, 102, merge_request=3, parent=101)
    gitlab.children[102] = [100]
    gitlab.add_pipeline_job(APP, 102, 12, APPARMOR, name="build")
    record = run(gitlab, 102)
    assert (record.outcome, record.pipeline_id) == ("noted", 100)


def test_a_pipeline_of_another_project_below_is_none_of_ours(gitlab: BotGitLab) -> None:
    one_failed(gitlab, OTHER, name="unit tests")
    gitlab.add_pipeline("other/project", 101, parent=100)
    assert run(gitlab).outcome == "nothing"


def test_while_the_newest_pipeline_runs_the_note_stays(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    run(gitlab)
    text = body(gitlab)
    gitlab.add_pipeline(APP, 101, merge_request=3, status="running")
    gitlab.add_pipeline_job(APP, 101, 21, None, name="build-image", status="running")
    record = run(gitlab, 100)
    assert (record.outcome, body(gitlab)) == ("stale", text)
    assert "101" in record.reason


def test_a_canceled_pipeline_says_nothing(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    run(gitlab)
    gitlab.add_pipeline(APP, 101, merge_request=3, status="canceled")
    gitlab.add_pipeline_job(APP, 101, 21, None, name="build-image", status="canceled")
    assert run(gitlab, 101).outcome == "nothing"


# --- passing, unknown, other jobs -----------------------------------------------------------------------------------


def test_a_pipeline_that_passes_says_so_and_resolves(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    run(gitlab)
    passing(gitlab)
    assert run(gitlab, 101).outcome == "resolved"
    assert body(gitlab).startswith("**The image build passes**")
    assert thread(gitlab)["notes"][0]["resolved"]
    one_failed(gitlab, pipeline=102, job=22)
    run(gitlab, 102)
    assert not thread(gitlab)["notes"][0]["resolved"]


def test_where_the_token_may_not_resolve_the_note_only_says_so(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    run(gitlab)
    gitlab.may_resolve = False
    passing(gitlab)
    assert run(gitlab, 101).outcome == "resolved"
    assert body(gitlab).startswith("**The image build passes**")
    assert not thread(gitlab)["notes"][0]["resolved"]


def test_a_thread_that_somebody_resolved_stays_resolved(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    run(gitlab)
    thread(gitlab)["notes"][0]["resolved"] = True
    one_failed(gitlab, PACKAGE, pipeline=101, job=21)
    assert run(gitlab, 101).outcome == "updated"
    assert thread(gitlab)["notes"][0]["resolved"]


def test_a_build_that_passes_beside_a_failed_test_resolves(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    run(gitlab)
    gitlab.add_pipeline(APP, 101, merge_request=3)
    gitlab.add_pipeline_job(APP, 101, 21, PASSED, name="build-image", status="success")
    gitlab.add_pipeline_job(APP, 101, 22, OTHER, name="unit tests")
    assert run(gitlab, 101).outcome == "resolved"


def test_a_build_that_waits_for_somebody_has_not_passed(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    run(gitlab)
    gitlab.add_pipeline(APP, 101, merge_request=3, status="success")
    gitlab.add_pipeline_job(APP, 101, 21, None, name="build-image", status="manual")
    gitlab.add_pipeline_job(APP, 101, 22, PASSED, name="docker lint", status="success")
    assert run(gitlab, 101).outcome == "nothing"
    assert "AppArmor" in body(gitlab)


def test_a_renamed_build_job_is_known_by_its_log(gitlab: BotGitLab) -> None:
    one_failed(gitlab, name="publish")
    run(gitlab)
    passing(gitlab, name="release")
    assert run(gitlab, 101).outcome == "resolved"


def test_a_pass_without_a_note_says_nothing(gitlab: BotGitLab) -> None:
    gitlab.add_merge_request(APP, 3)
    passing(gitlab)
    assert run(gitlab, 101).outcome == "nothing"
    assert not gitlab.writes


def test_an_unknown_failure_gets_no_note_unless_it_is_wanted(gitlab: BotGitLab) -> None:
    one_failed(gitlab, UNKNOWN)
    record = run(gitlab)
    assert (record.outcome, record.patterns) == ("nothing", ("unknown",))
    assert run(gitlab, note_unknown=True).outcome == "noted"
    assert "plutonium" in body(gitlab)


def test_the_note_of_an_unknown_failure_says_once_where_and_shows_the_lines_before_what_to_try(
    gitlab: BotGitLab,
) -> None:
    one_failed(gitlab, UNKNOWN)
    run(gitlab, note_unknown=True)
    assert body(gitlab).count("**Where:**") == 1
    assert body(gitlab).index("worth reading") < body(gitlab).index("**To try")


def test_an_unknown_failure_updates_the_note_that_is_there(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    run(gitlab)
    one_failed(gitlab, UNKNOWN, pipeline=101, job=21)
    assert run(gitlab, 101).outcome == "updated"
    assert "the cause is not known" in body(gitlab)
    found = marker.read(body(gitlab))
    assert found is not None
    assert found.state == "unknown"


def test_other_jobs_are_left_alone(gitlab: BotGitLab) -> None:
    one_failed(gitlab, OTHER, name="unit tests")
    assert run(gitlab).reason == "no pipeline of the head commit holds a build job"
    assert not gitlab.writes


def test_a_merged_request_is_left_alone(gitlab: BotGitLab) -> None:
    gitlab.add_merge_request(APP, 3, state="merged")
    one_failed(gitlab)
    assert run(gitlab).reason == "the merge request is merged"


# --- silence --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["vote", "reply"])
def test_a_cause_that_somebody_silenced_is_shown_no_more(gitlab: BotGitLab, how: str) -> None:
    one_failed(gitlab)
    run(gitlab)
    if how == "vote":
        gitlab.vote(thread(gitlab))
    else:
        gitlab.reply(thread(gitlab), "Known.\nbkdoctor: ignore\n")
    one_failed(gitlab, pipeline=101, job=21)
    assert run(gitlab, 101).outcome == "silenced"
    assert body(gitlab).startswith("**The image build failed, for reasons that are silenced here**")
    assert "config.toml" not in body(gitlab)
    assert thread(gitlab)["notes"][0]["resolved"]
    one_failed(gitlab, PACKAGE, pipeline=102, job=22)
    gitlab.add_pipeline_job(APP, 102, 23, APPARMOR, name="build-other")
    assert run(gitlab, 102).outcome == "updated"
    assert body(gitlab).startswith("**apk")
    assert not thread(gitlab)["notes"][0]["resolved"]
    # the same vote does not silence what came after it
    assert run(gitlab, 102).outcome == "unchanged"


def test_of_unknown_failures_only_the_one_that_was_shown_is_silenced(gitlab: BotGitLab) -> None:
    one_failed(gitlab, UNKNOWN)
    run(gitlab, note_unknown=True)
    gitlab.vote(thread(gitlab))
    one_failed(gitlab, UNKNOWN, pipeline=101, job=21)
    assert run(gitlab, 101).outcome == "silenced"
    other = UNKNOWN.replace(b"the flux capacitor is out of plutonium", b"ERROR: the warp core is cold")
    one_failed(gitlab, UNKNOWN, pipeline=102, job=22)
    gitlab.add_pipeline_job(APP, 102, 23, other, name="build-other")
    assert run(gitlab, 102).outcome == "updated"
    assert "warp core" in body(gitlab)
    assert "flux capacitor" not in body(gitlab)


def test_a_note_that_silenced_every_unknown_failure_still_does(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    run(gitlab)
    note = thread(gitlab)["notes"][0]
    note["body"] = note["body"].replace(" jobs=", " silenced=unknown jobs=")
    one_failed(gitlab, UNKNOWN, pipeline=101, job=21)
    assert run(gitlab, 101).outcome == "silenced"


def test_the_clusters_version_is_configured_since_no_log_tells_it(gitlab: BotGitLab) -> None:
    one_failed(gitlab, APPARMOR.replace(b"gitlab-runner 18.9.0", b"gitlab-runner 18.11.0"))
    run(gitlab)
    assert "**Which fix.**" in body(gitlab)
    run(gitlab, kubernetes="v1.31")
    assert "**Which fix.**" not in body(gitlab)
    assert "app_armor_profile" in body(gitlab)


def test_other_emojis_and_the_bots_own_silence_nothing(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    run(gitlab)
    gitlab.vote(thread(gitlab), "thumbsup")
    gitlab.vote(thread(gitlab), user=BOT)
    gitlab.reply(thread(gitlab), "does bkdoctor: ignore work?")
    assert run(gitlab).outcome == "unchanged"


# --- where the merge request comes from -----------------------------------------------------------------------------


def test_a_branch_pipeline_finds_its_merge_request_by_the_commit(gitlab: BotGitLab) -> None:
    gitlab.add_merge_request(APP, 3)
    gitlab.add_merge_request(APP, 4, branch="another")
    gitlab.add_pipeline(APP, 100)
    gitlab.link(APP, 3, 100)
    gitlab.add_pipeline_job(APP, 100, 12, APPARMOR, name="build")
    assert run(gitlab).mr_iid == 3
    assert not gitlab.notes(APP, 4)


def test_a_branch_with_two_merge_requests_has_a_note_on_each(gitlab: BotGitLab) -> None:
    gitlab.add_pipeline(APP, 100)
    gitlab.add_pipeline_job(APP, 100, 12, APPARMOR, name="build")
    for iid in (3, 4):
        gitlab.add_merge_request(APP, iid)
        gitlab.link(APP, iid, 100)
    run(gitlab)
    assert len(gitlab.notes(APP, 3)) == len(gitlab.notes(APP, 4)) == 1


def test_a_fork_s_pipeline_is_noted_in_the_project_of_the_merge_request(gitlab: BotGitLab) -> None:
    gitlab.add_merge_request(APP, 3, source_project_id=gitlab.project_id("me/fork"))
    gitlab.add_pipeline("me/fork", 100)
    gitlab.link(APP, 3, 100)
    gitlab.add_pipeline_job("me/fork", 100, 12, APPARMOR, name="build")
    record = run(gitlab, mr_iid=3, mr_project_id=gitlab.project_id(APP))
    assert (record.outcome, record.project_id) == ("noted", gitlab.project_id(APP))
    assert "/me/fork/-/jobs/12#L" in body(gitlab)


def test_a_fork_that_the_token_does_not_see_is_no_error(gitlab: BotGitLab) -> None:
    gitlab.add_merge_request(APP, 3)
    gitlab.add_pipeline("me/fork", 100)
    gitlab.link(APP, 3, 100)
    gitlab.hidden.add(gitlab.project_id("me/fork"))
    record = run(gitlab, project_id=71, mr_iid=3)
    assert record.reason == f"the token may not read pipeline 100 of project {gitlab.project_id('me/fork')}"


def test_a_fork_s_event_does_not_lead_into_a_denied_project(gitlab: BotGitLab) -> None:
    gitlab.add_merge_request(APP, 3)
    gitlab.add_pipeline("me/fork", 100)
    record = run(gitlab, mr_iid=3, mr_project_id=gitlab.project_id(APP), denied=("team/*",))
    assert record.reason == "the merge request's project is not allowed"


def test_a_merge_request_that_is_not_seen_is_no_error(gitlab: BotGitLab) -> None:
    gitlab.add_pipeline(APP, 100, merge_request=None, ref="refs/merge-requests/9/head")
    assert run(gitlab).reason == "the token does not see the merge request"


def test_everything_is_read_and_written_while_the_merge_request_is_held(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    held: list[str] = []

    @contextmanager
    def hold(name: str) -> Iterator[None]:
        before = [s.route for s in gitlab.seen]
        held.append(name)
        yield
        assert "merge request" not in before
        assert gitlab.seen[-1].route == "discussions"

    task = Task(project_id=71, pipeline_id=100, sha=SHA, ref="refs/merge-requests/3/head", status="failed")
    with connect(gitlab) as api:
        handle(task, api, configured(gitlab), catalog(), hold=hold)
    assert held == ["71!3"]


# --- no merge request -----------------------------------------------------------------------------------------------


def _branch(gitlab: BotGitLab, trace: bytes = APPARMOR, **fields: object) -> None:
    gitlab.add_pipeline(APP, 100, **fields)  # type: ignore[arg-type]
    gitlab.add_pipeline_job(APP, 100, 12, trace, name="build")


def test_without_a_merge_request_nothing_is_written(gitlab: BotGitLab) -> None:
    _branch(gitlab)
    assert run(gitlab).outcome == "nothing"
    assert not gitlab.writes


def test_without_a_merge_request_a_status_can_be_written(gitlab: BotGitLab) -> None:
    _branch(gitlab)
    gitlab.fail(Fault(status=409, body=b'{"message":"409 Conflict"}'), times=2, route="new status")
    pauses: list[float] = []
    assert run(gitlab, without_mr="status", pauses=pauses).outcome == "status"
    (status,) = gitlab.statuses
    assert (status["state"], status["pipeline_id"], status["ref"]) == ("failed", 100, "feature")
    assert status["description"] == "AppArmor blocks the mount that rootlesskit needs (job build)"
    assert status["target_url"].endswith("/jobs/12#L11")
    assert pauses == [0.5, 1.0]
    assert run(gitlab, without_mr="status").outcome == "unchanged"


def test_a_status_that_failed_does_not_keep_the_next_pipeline_from_passing(gitlab: BotGitLab) -> None:
    _branch(gitlab)
    run(gitlab, without_mr="status")
    gitlab.jobs[APP, 12].fields["status"] = "success"
    gitlab.pipelines[100]["status"] = "success"
    assert run(gitlab, without_mr="status").outcome == "status"
    assert gitlab.statuses[-1]["state"] == "success"


def test_a_job_that_may_fail_does_not_fail_the_pipeline_by_its_status(gitlab: BotGitLab) -> None:
    _branch(gitlab, status="success")
    run(gitlab, without_mr="status")
    assert gitlab.statuses[-1]["state"] == "success"


def test_an_unknown_failure_gets_no_status(gitlab: BotGitLab) -> None:
    _branch(gitlab, UNKNOWN)
    assert run(gitlab, without_mr="status").outcome == "nothing"
    assert run(gitlab, without_mr="status", note_unknown=True).outcome == "status"


# --- traces -----------------------------------------------------------------------------------------------------------


def test_a_trace_that_ends_late_is_read_again(gitlab: BotGitLab) -> None:
    reads: list[int] = []

    def growing() -> Iterator[bytes]:
        reads.append(1)
        yield APPARMOR if len(reads) > 2 else APPARMOR[: 200 * len(reads)]

    one_failed(gitlab, growing, finished_at=now())
    pauses: list[float] = []
    assert run(gitlab, pauses=pauses).patterns == (APPARMOR_ID,)
    assert pauses == [3.0, 5.0]


def test_a_trace_that_never_ends_is_taken_as_it_is(gitlab: BotGitLab) -> None:
    cut = APPARMOR[: APPARMOR.index(b"section_start:1764164254")]
    one_failed(gitlab, cut, finished_at=now())
    pauses: list[float] = []
    assert run(gitlab, pauses=pauses).outcome == "noted"
    assert pauses == [3.0, 5.0, 8.0]


@pytest.mark.parametrize(
    "fields", [{"finished_at": "2026-01-01T00:00:00Z"}, {}, {"finished_at": "2026", "failure_reason": "stuck"}]
)
def test_an_old_trace_is_not_waited_for(gitlab: BotGitLab, fields: dict[str, Any]) -> None:
    one_failed(gitlab, APPARMOR[:-200], **fields)
    pauses: list[float] = []
    run(gitlab, pauses=pauses)
    assert pauses == []


def test_a_trace_that_is_not_there_yet_is_waited_for(gitlab: BotGitLab) -> None:
    one_failed(gitlab, None, finished_at=now())
    pauses: list[float] = []
    assert run(gitlab, pauses=pauses, note_unknown=True).patterns == ("unknown",)
    assert pauses == [3.0, 5.0, 8.0]
    assert "The log is empty" in body(gitlab)


def test_an_erased_trace_is_unknown(gitlab: BotGitLab) -> None:
    one_failed(gitlab, APPARMOR, erased_at="2026-01-31T10:00:00Z")
    assert run(gitlab).patterns == ("unknown",)


def test_a_trace_that_the_token_may_not_read_is_unknown(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    gitlab.fail(Fault(status=403, body=b'{"message":"403 Forbidden"}'), route="trace")
    assert run(gitlab, note_unknown=True).outcome == "noted"
    assert "may not read the log" in body(gitlab)
    assert "BKDOCTOR_GITLAB_TOKEN" not in body(gitlab)


# --- faults -----------------------------------------------------------------------------------------------------------


def test_reads_are_tried_again(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    for route in ("merge request", "discussions", "pipeline jobs", "trace"):
        gitlab.fail(Fault(status=502), times=1, route=route)
        gitlab.fail(Fault(reset=True, body=b"xx"), times=1, route=route)
    assert run(gitlab).outcome == "noted"


def test_a_body_that_stalls_is_given_up_and_read_again(gitlab: BotGitLab) -> None:
    one_failed(gitlab)
    gitlab.fail(Fault(stall=True, body=APPARMOR), times=1, route="trace")
    assert run(gitlab).patterns == (APPARMOR_ID,)


@pytest.mark.parametrize(
    ("fault", "retry_after"),
    [
        (Fault(status=429, headers={"Retry-After": "77"}), 77.0),
        (Fault(status=429, headers={"RateLimit-Reset": "100"}), 0.0),
        (Fault(status=500), None),
        (Fault(status=401, body=b"{}"), None),
        (Fault(reset=True, body=b"xx"), None),
    ],
)
def test_a_write_is_sent_once_and_the_error_says_when_to_come_back(
    gitlab: BotGitLab, fault: Fault, retry_after: float | None
) -> None:
    one_failed(gitlab)
    gitlab.fail(fault, times=1, route="new discussion")
    with pytest.raises(GitLabError) as caught:
        run(gitlab)
    assert (caught.value.retry_after, caught.value.permanent) == (retry_after, False)
    assert len([s for s in gitlab.seen if s.route == "new discussion"]) == 1
    assert run(gitlab).outcome == "noted"


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(body=b'[{"id": 5, "notes": "@all glpat"}]', headers=JSON),
        Fault(body=b'{"message": "@all glpat"}', headers=JSON),
        Fault(body=b"@all glpat", headers=JSON),
        Fault(body=b"<html>@all glpat</html>", headers={"Content-Type": "text/html"}),
        Fault(status=302, headers={"Location": "http://elsewhere.example/glpat"}),
    ],
)
def test_an_answer_that_is_none_of_gitlab_s_is_an_error_that_repeats_nothing(gitlab: BotGitLab, fault: Fault) -> None:
    one_failed(gitlab)
    gitlab.fail(fault, route="discussions")
    with pytest.raises(GitLabError) as caught:
        run(gitlab)
    assert "glpat" not in str(caught.value)
    assert not caught.value.permanent
    assert not gitlab.writes


def test_a_token_without_the_scope_api_is_told_what_it_lacks(gitlab: BotGitLab) -> None:
    gitlab.tokens[TOKEN] = {"read_api"}
    one_failed(gitlab)
    with pytest.raises(GitLabError, match="create one with the scope api") as caught:
        run(gitlab)
    assert caught.value.permanent


def test_a_dry_run_prints_and_writes_nothing(gitlab: BotGitLab, capsys: pytest.CaptureFixture[str]) -> None:
    one_failed(gitlab)
    run(gitlab, dry_run=True)
    assert "AppArmor blocks" in capsys.readouterr().out
    assert not gitlab.writes


def test_the_token_goes_to_the_configured_host_only(gitlab: BotGitLab) -> None:
    one_failed(gitlab, web_url="http://elsewhere.example/team/app/-/jobs/12")
    run(gitlab)
    assert {s.secrets[0] for s in gitlab.seen} == {TOKEN}
    assert TOKEN not in body(gitlab)
