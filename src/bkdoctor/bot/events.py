"""A webhook's body -> Event for the ledger, or Ignored; only what the worker needs is kept.

Raises BadBodyError for what is no JSON object (400) or a pipeline or job event that lacks what each one has (422).
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from bkdoctor.bot.config import Config
from bkdoctor.bot.store import Event
from bkdoctor.bot.task import Task

FINISHED = frozenset({"success", "failed", "canceled", "manual"})
"""Of pipelines; `manual` has run all it could and waits for somebody."""
_MERGE_REQUEST = re.compile(r"refs/merge-requests/([0-9]{1,18})/")
_ID = re.compile(r"[!-~]{8,200}")
_LONGEST_REF = 200

Number = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
Words = Annotated[str, msgspec.Meta(max_length=1024)]
Sha = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{7,64}$")]


class BadBodyError(Exception):
    """The body cannot be used; `status` is the answer's, the text says why without repeating anything of it."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Ignored(msgspec.Struct, frozen=True):
    """An event that asks for nothing, and why."""

    why: str


class _Project(msgspec.Struct):
    id: Number
    path_with_namespace: Words = ""


class _Build(msgspec.Struct):
    id: Number
    status: Words = ""


class _Pipeline(msgspec.Struct):
    id: Number
    ref: Words
    sha: Sha
    status: Words


class _MergeRequest(msgspec.Struct):
    iid: Number
    target_project_id: Number | None = None


class PipelineHook(msgspec.Struct, tag_field="object_kind", tag="pipeline"):
    """A Pipeline Hook, as far as it is read."""

    object_attributes: _Pipeline
    project: _Project
    merge_request: _MergeRequest | None = None
    builds: list[_Build] = []


class _Commit(msgspec.Struct):
    status: Words | None = None


class _JobProject(msgspec.Struct):
    path_with_namespace: Words = ""


class JobHook(msgspec.Struct, tag_field="object_kind", tag="build"):
    """A Job Hook, as far as it is read."""

    build_id: Number
    build_status: Words
    pipeline_id: Number
    project_id: Number
    ref: Words
    sha: Sha
    commit: _Commit | None = None
    project: _JobProject | None = None


def _number(text: str) -> float | int:
    # 31.0 is an integer in JSON, though nobody writes it so
    number = float(text)
    return int(number) if number.is_integer() else number


_ANY: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any], float_hook=_number)
_KINDS = ("pipeline", "build")


def read_event(body: bytes, headers: Mapping[str, str], config: Config) -> Event | Ignored:
    """Return the event in a request's body, or why it is none for the bot. Raises BadBodyError."""
    try:
        payload = _ANY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadBodyError(400, "the body is no JSON object") from None
    kind = payload.get("object_kind")
    if kind not in _KINDS:
        return Ignored("other event")
    try:
        hook = msgspec.convert(payload, PipelineHook | JobHook)
    except msgspec.ValidationError as error:
        # the text names the place and the kind of value, never the value
        raise BadBodyError(422, f"the body is no {kind} event: {error}") from None
    return _of_pipeline(hook, headers, config) if isinstance(hook, PipelineHook) else _of_job(hook, headers, config)


def event_of(task: Task, id_: str) -> Event:
    """Return the event that asks for a task; tasks of one merge request have one key."""
    match = _MERGE_REQUEST.match(task.ref)
    iid = task.mr_iid or (int(match[1]) if match else None)
    if iid:
        key = f"{task.mr_project_id or task.project_id}!{iid}"
    else:
        ref = task.ref if len(task.ref) <= _LONGEST_REF else f"sha256:{_digest(task.ref)}"
        # PostgreSQL takes no NUL, and SQLite no lone surrogate
        key = f"{task.project_id}@{ref}".replace("\0", "?").encode(errors="replace").decode()
    return Event(
        id=id_,
        project_id=task.project_id,
        key=key,
        kind="task",
        body=msgspec.json.encode(task).decode(),
        pipeline_id=task.pipeline_id,
    )


def _of_pipeline(hook: PipelineHook, headers: Mapping[str, str], config: Config) -> Event | Ignored:
    pipeline, project, merge_request = hook.object_attributes, hook.project, hook.merge_request
    if pipeline.status not in FINISHED:
        return Ignored("not finished")
    if not config.allows(project.id, project.path_with_namespace):
        return Ignored("project not allowed")
    target = merge_request.target_project_id if merge_request else None
    task = Task(
        project_id=project.id,
        pipeline_id=pipeline.id,
        sha=pipeline.sha,
        ref=pipeline.ref,
        status=pipeline.status,
        mr_iid=merge_request.iid if merge_request else None,
        mr_project_id=None if target == project.id else target,
    )
    failed = sorted(build.id for build in hook.builds if build.status == "failed")
    return event_of(task, _id(headers, project.id, pipeline.id, pipeline.status, failed))


def _of_job(hook: JobHook, headers: Mapping[str, str], config: Config) -> Event | Ignored:
    if hook.build_status != "failed":
        return Ignored("job not failed")
    path = hook.project.path_with_namespace if hook.project else ""
    if not config.allows(hook.project_id, path):
        return Ignored("project not allowed")
    task = Task(
        project_id=hook.project_id,
        pipeline_id=hook.pipeline_id,
        sha=hook.sha,
        ref=hook.ref,
        status=(hook.commit and hook.commit.status) or "running",
    )
    return event_of(task, _id(headers, hook.project_id, hook.pipeline_id, "job", [hook.build_id]))


def _id(headers: Mapping[str, str], *parts: object) -> str:
    """GitLab's own id of the delivery, or one made of what the event says, for a GitLab before 17.4."""
    for name in ("idempotency-key", "webhook-id"):
        if _ID.fullmatch(value := headers.get(name, "")):
            return value
    return "made:" + _digest("\n".join(map(str, (headers.get("x-gitlab-instance", ""), *parts))))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
