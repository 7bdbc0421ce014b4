"""A Target -> FetchedJob: the job's trace, streamed within a bound, and what the job API says of it."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from bkdoctor.bounded import Bounded
from bkdoctor.errors import NoLogError, UsageError
from bkdoctor.gitlab.address import parse_job
from bkdoctor.gitlab.connection import ONCE, Connection, Limits
from bkdoctor.gitlab.refusal import Asked
from bkdoctor.gitlab.target import Target
from bkdoctor.model import Facts, Source
from bkdoctor.trace.source import Source as TraceSource
from bkdoctor.trace.spool import Spooled, spooled

MAX_TRACE = 256 * 1024 * 1024
"""Bytes of a trace that are kept, nearly all of them in a temporary file."""
_CHUNK = 64 * 1024
_RUNNER_HEADER = b"Running with gitlab-runner "
_HEADER_SIZE = 8 * 1024
_WAITING = frozenset(
    {"created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "scheduled", "manual"}
)
_RUNNING = frozenset({"running", "canceling"})
_SAYS_NOTHING = frozenset({"", "script_failure", "unknown_failure"})
"""Failure reasons that need the log to mean anything; all others may be a diagnosis of their own."""


class FetchedJob(msgspec.Struct, frozen=True, kw_only=True):
    """What GitLab knows of a job."""

    trace: TraceSource
    """Raw; empty for a job that failed for a reason that needs no log."""
    facts: Facts
    source: Source
    finished: bool
    notes: tuple[str, ...] = ()
    """What the reader must know of the answer: unfinished, cut, erased, a token that was not sent."""
    cut: Bounded | None = None
    """Where the middle of the trace is missing, if it is."""


def fetch_job(target: Target, *, max_bytes: int = MAX_TRACE, limits: Limits | None = None) -> FetchedJob:
    """Ask GitLab for the job and its trace; GitLabError if there is nothing to diagnose."""
    with Connection(target.base, target.token, verify=target.verify, advice=target.advice, limits=limits) as connection:
        return read_job(connection, target, max_bytes=max_bytes)


def read_job(
    connection: Connection, target: Target, *, max_bytes: int = MAX_TRACE, fields: Mapping[str, Any] | None = None
) -> FetchedJob:
    """The same over an open connection, with whose token the target's project is asked.

    `fields` are what the API says of the job, where a list has told it already: then only the trace is asked for.
    """
    project = f"project {target.project}" if target.project.isdecimal() else target.project
    thing = f"job {target.job_id} of {project}"
    asked = Asked(thing=thing, project=target.project)
    job = _Job(fields if fields is not None else connection.read(asked, lambda: _job(connection, target)))
    trace = Spooled(TraceSource(b"")) if job.erased else _read_trace(connection, target, thing, max_bytes)
    if _is_blank(trace.source) and not job.failure_says_why:
        raise NoLogError(job.why_no_trace(thing), permanent=True)
    facts = job.facts(target, trace)
    return FetchedJob(
        trace=trace.source,
        facts=facts,
        source=Source(name=target.name, job_id=target.job_id, url=facts.web_url or target.url),
        finished=job.finished,
        notes=(*target.notes, *_notes(job, trace)),
        cut=trace.cut,
    )


def _job(connection: Connection, target: Target) -> Mapping[str, Any]:
    project = connection.api.projects.get(target.project, lazy=True)
    return project.jobs.get(target.job_id, **ONCE).attributes


def _read_trace(connection: Connection, target: Target, thing: str, max_bytes: int) -> Spooled:
    role = "Reporter (Developer, if the job ran with CI_DEBUG_TRACE)"
    asked = Asked(thing=f"the log of {thing}", project=target.project, role=role)
    return connection.read(asked, lambda: _stream_trace(connection, target, max_bytes))


def _stream_trace(connection: Connection, target: Target, max_bytes: int) -> Spooled:
    import gitlab.exceptions

    project = connection.api.projects.get(target.project, lazy=True)
    job = project.jobs.get(target.job_id, lazy=True)
    try:
        # without `streamed`, `iterator` alone would download everything first
        chunks = job.trace(streamed=True, iterator=True, chunk_size=_CHUNK, **ONCE)
    except gitlab.exceptions.GitlabError as error:
        if error.response_code == 404:
            return Spooled(TraceSource(b""))  # the job is there, as the first request or a list has shown
        raise
    return spooled(connection.in_time(chunks), max_bytes)


def _is_blank(trace: TraceSource) -> bool:
    return not any(piece.strip() for piece in trace.pieces(_CHUNK))


class _Job:
    """The job API's answer; every field may be missing or null."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields
        self.status = self._text("status")
        self.failure_reason = self._text("failure_reason")
        self.erased = self._text("erased_at")

    @property
    def finished(self) -> bool:
        return self.status not in _WAITING | _RUNNING

    @property
    def failure_says_why(self) -> bool:
        """Whether the failure's reason may be a diagnosis without a log."""
        return self.status == "failed" and self.failure_reason not in _SAYS_NOTHING

    @property
    def erased_on(self) -> str:
        """`erased on 2025-01-31`."""
        return f"erased on {self.erased[:10]}" if re.match(r"\d{4}-\d\d-\d\d", self.erased) else "erased"

    def facts(self, target: Target, trace: Spooled) -> Facts:
        """What the API knows; of the runner only what the log does not say itself."""
        exit_code, web_url = self._fields.get("exit_code"), self._text("web_url")
        # the API gives today's version and name of a runner that may have been upgraded since
        headless = _RUNNER_HEADER not in trace.source.read(0, _HEADER_SIZE)
        version = re.match(r"\d+\.\d+\.\d+", self._text("version", within="runner_manager"))
        return Facts(
            job=self._text("name") or None,
            stage=self._text("stage") or None,
            ref=self._text("ref") or None,
            project=_project_path(target, web_url),
            status=self.status or None,
            failure_reason=self.failure_reason or None,
            exit_code=exit_code if type(exit_code) is int else None,
            web_url=web_url if re.fullmatch(r"https?://\S+", web_url) else None,
            runner=version.group() if version and headless else None,
            runner_name=(headless and self._text("description", within="runner")) or None,
            truncated=None if trace.cut is None else "middle",
        )

    def why_no_trace(self, thing: str) -> str:
        """The error for a job without a log, with the next step."""
        if self.erased:
            return f"the log of {thing} was {self.erased_on}: run the job again to get a new one"
        if self.status == "manual":
            return f"{thing} waits for somebody to start it (manual): start it in GitLab first"
        if self.status in _WAITING:
            return (
                f"{thing} has no log yet, since it has not started ({self.status}): wait until a runner "
                "takes it, and if none does, check that one with its tags is online"
            )
        if self.status in _RUNNING:
            return f"{thing} is {self.status} and has no log yet: run the command again in a minute"
        if self.status in ("canceled", "skipped"):
            return f"{thing} was {self.status} before it wrote a log: run the job again to get one"
        return f"{thing} has no log, and its status alone does not say why: run the job again to get one"

    def _text(self, key: str, *, within: str | None = None) -> str:
        fields = self._fields if within is None else self._fields.get(within)
        value = fields.get(key) if isinstance(fields, Mapping) else None
        return value if isinstance(value, str) else ""


def _project_path(target: Target, web_url: str) -> str | None:
    if not target.project.isdecimal():
        return target.project
    try:
        place = parse_job(web_url)
    except UsageError:
        return None
    return None if isinstance(place, int) else place.below(target.base).path


def _notes(job: _Job, trace: Spooled) -> list[str]:
    notes = []
    if job.status in _RUNNING:
        notes.append("the job is still running: this is its log so far")
    elif not job.finished:
        notes.append(f"the job is not finished ({job.status}): this is its log so far")
    if job.erased:
        notes.append(f"the log was {job.erased_on}: only GitLab's own reason for the failure is known")
    elif _is_blank(trace.source):
        notes.append("the job has no log: only GitLab's own reason for the failure is known")
    if trace.cut is not None:
        gap = f"{trace.cut.left_out} bytes ({trace.cut.left_out_lines} lines)"
        notes.append(f"the log was cut in the middle, where {gap} were left out")
    return notes
