"""Webhook bodies become events with the key of their merge request, or are ignored or refused."""

from typing import Any

import msgspec
import pytest

from bkdoctor.bot.events import BadBodyError, Ignored, event_of, read_event
from bkdoctor.bot.store import Event
from bkdoctor.bot.task import Task
from tests.bot_setting import config, encoded, job_hook, pipeline_hook


def event(payload: object, headers: dict[str, str] | None = None, **configured: Any) -> Event:
    read = read_event(encoded(payload), headers or {}, config(**configured))
    assert isinstance(read, Event), read
    return read


def task(read: Event) -> Task:
    return msgspec.json.decode(read.body, type=Task)


def ignored(payload: object, **configured: Any) -> str:
    read = read_event(encoded(payload), {}, config(**configured))
    assert isinstance(read, Ignored), read
    return read.why


def test_a_pipeline_of_a_merge_request() -> None:
    read = event(pipeline_hook())
    assert (read.key, read.project_id, read.pipeline_id) == ("7!5", 7, 31)
    assert task(read) == Task(project_id=7, pipeline_id=31, sha="bc" * 20, ref="topic", status="failed", mr_iid=5)


def test_a_forks_pipeline_belongs_to_the_merge_request_in_the_target() -> None:
    read = event(pipeline_hook(merge_request={"iid": 5, "source_project_id": 7, "target_project_id": 3}))
    assert (read.key, task(read).mr_iid, task(read).mr_project_id) == ("3!5", 5, 3)


def test_a_pipeline_without_a_merge_request() -> None:
    assert event(pipeline_hook(merge_request=None)).key == "7@topic"


@pytest.mark.parametrize("end", ["head", "merge", "train"])
def test_the_ref_names_the_merge_request_too(end: str) -> None:
    read = event(job_hook(ref=f"refs/merge-requests/5/{end}"))
    assert (read.key, task(read).mr_iid) == ("7!5", None)


def test_a_job_that_failed() -> None:
    read = event(job_hook())
    assert read.key == "7@topic"
    assert task(read) == Task(project_id=7, pipeline_id=31, sha="bc" * 20, ref="topic", status="running")


@pytest.mark.parametrize("status", ["created", "pending", "running", "skipped", "canceling"])
def test_a_pipeline_that_is_not_finished_is_ignored(status: str) -> None:
    assert ignored(pipeline_hook(attributes={"status": status})) == "not finished"


@pytest.mark.parametrize("status", ["success", "failed", "canceled", "manual"])
def test_a_finished_pipeline_counts(status: str) -> None:
    assert task(event(pipeline_hook(attributes={"status": status}))).status == status


def test_a_job_that_is_not_failed_is_ignored_whatever_reason_it_carries() -> None:
    assert ignored(job_hook(build_status="created", build_failure_reason="script_failure")) == "job not failed"


@pytest.mark.parametrize("payload", [{}, {"object_kind": "push"}, {"object_kind": None}, {"object_kind": ["pipeline"]}])
def test_other_events_are_ignored(payload: object) -> None:
    assert ignored(payload) == "other event"


@pytest.mark.parametrize("hook", [pipeline_hook(), job_hook()], ids=["pipeline", "job"])
@pytest.mark.parametrize(("lists", "taken"), [
    ({"projects": ("7",)}, True), ({"projects": ("group/*",)}, True), ({"projects": ("Group/App",)}, True),
    ({"projects": ("other/*", "8")}, False), ({"denied": ("group/app",)}, False), ({"denied": ("8",)}, True),
    ({"projects": ("group/*",), "denied": ("*/app",)}, False),
])  # fmt: skip
def test_projects_may_be_allowed_and_denied(hook: object, lists: dict[str, Any], taken: bool) -> None:
    if taken:
        event(hook, **lists)
    else:
        assert ignored(hook, **lists) == "project not allowed"


def test_gitlabs_own_id_is_the_events() -> None:
    both = {"idempotency-key": "f5e5f430-f57b", "webhook-id": "other-id-1"}
    assert event(pipeline_hook(), both).id == "f5e5f430-f57b"
    assert event(pipeline_hook(), {"webhook-id": "other-id-1"}).id == "other-id-1"


def test_an_id_is_made_of_what_happened() -> None:
    first = event(pipeline_hook()).id
    assert first == event(pipeline_hook()).id
    retried = pipeline_hook(builds=[{"id": 381, "name": "image", "status": "failed"}])
    others = [
        pipeline_hook(attributes={"status": "success"}),
        pipeline_hook(attributes={"id": 32}),
        retried,
        job_hook(),
    ]
    assert len({first, *(event(other).id for other in others)}) == 5
    assert event(pipeline_hook(), {"x-gitlab-instance": "https://gitlab.example.com"}).id != first


@pytest.mark.parametrize("id_", ["short", "with a blank in it", "x" * 201, "ümläut-12345"])
def test_an_id_that_is_none_is_not_taken(id_: str) -> None:
    assert event(pipeline_hook(), {"idempotency-key": id_}).id.startswith("made:")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b'"pipeline"', b"\xff\xfe", b'{"a": \xff}', b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadBodyError) as refused:
        read_event(body, {}, config())
    assert refused.value.status == 400


@pytest.mark.parametrize("payload", [
    pipeline_hook(attributes={"id": "31"}), pipeline_hook(attributes={"id": -1}), pipeline_hook(project=None),
    pipeline_hook(attributes={"sha": "../../etc"}), pipeline_hook(attributes={"ref": "x" * 2000}),
    pipeline_hook(attributes={"id": 10**30}), job_hook(build_id=None), {"object_kind": "build"},
])  # fmt: skip
def test_an_event_that_is_not_what_it_says_is_refused(payload: object) -> None:
    with pytest.raises(BadBodyError) as refused:
        read_event(encoded(payload), {}, config())
    assert refused.value.status == 422


def test_a_refusal_repeats_nothing() -> None:
    with pytest.raises(BadBodyError) as refused:
        read_event(encoded(pipeline_hook(attributes={"sha": "glpat-secretsecret"})), {}, config())
    assert "glpat" not in str(refused.value)


@pytest.mark.parametrize("ref", ["a\0b", "\ud800", "x" * 900, "ü" * 200])
def test_any_ref_has_a_key_that_a_database_takes(ref: str) -> None:
    key = event_of(
        Task(project_id=7, pipeline_id=1, sha="ab", ref=ref.encode(errors="replace").decode(), status=""), "e"
    ).key
    assert len(key) <= 255
    assert "\0" not in key
    key.encode()
