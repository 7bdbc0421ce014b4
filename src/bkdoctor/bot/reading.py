"""A job of a pipeline -> its report: the trace read within a bound and again if its end is missing, and diagnosed."""

import re
from datetime import UTC, datetime

import msgspec

from bkdoctor.bot.build_jobs import is_build
from bkdoctor.bounded import Bounded
from bkdoctor.catalog.catalog import Catalog
from bkdoctor.doctor import diagnose
from bkdoctor.errors import GitLabError, NoLogError
from bkdoctor.gitlab.client import FetchedJob, read_job
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.pipelines import Job
from bkdoctor.gitlab.target import Target
from bkdoctor.model import Facts, Report, Source

MAX_TRACE = 32 * 1024 * 1024
PAUSES = (3.0, 5.0, 8.0)
"""Seconds before a trace without its end is read again: GitLab may serve a part of it just after the job's end."""
_FRESH = 300.0
"""Seconds after a job's end in which its trace may still grow."""
_END = re.compile(rb"Job (?:failed|succeeded)|Job's log exceeded limit of")
_TAIL = 16 * 1024
_BY_RUNNER = frozenset(
    {
        "",
        "script_failure",
        "runner_system_failure",
        "job_execution_timeout",
        "runner_unsupported",
        "runner_configuration_error",
        "runner_external_dependency_failure",
        "unknown_failure",
    }
)
"""Reasons with which a runner ends a job, after it has written the last line; GitLab's own end without one."""


class JobReport(msgspec.Struct, frozen=True, kw_only=True):
    """A failed job and what is known of it."""

    job: Job
    report: Report
    build: bool


def read(api: Connection, project: int, job: Job, catalog: Catalog, words: str) -> JobReport:
    """Fetch a job's trace and diagnose it. Raises GitLabError, unless it is only this log that is not to be had."""
    try:
        fetched = _fetched(api, project, job)
    except GitLabError as error:
        if not error.permanent:
            raise
        note = () if isinstance(error, NoLogError) else ("The bot may not read the log of this job.",)
        report = Report(verdict="empty", source=_source(job), facts=_facts(job), notes=note)
        return JobReport(job=job, report=report, build=is_build(report, b"", words))
    gap = Bounded(data=b"", cut_at=fetched.cut_at, left_out_lines=fetched.left_out_lines)
    report = diagnose(
        fetched.trace,
        catalog,
        known=fetched.facts,
        source=fetched.source,
        notes=fetched.notes,
        cut=gap if fetched.cut else None,
    )
    return JobReport(job=job, report=report, build=is_build(report, fetched.trace, words))


def _fetched(api: Connection, project: int, job: Job) -> FetchedJob:
    target = Target(base=api.base, project=str(project), job_id=job.id, name=str(job.id))
    for pause in PAUSES:
        fetched = _once(api, target)
        if fetched is not None and not _may_grow(job, fetched.trace):
            return fetched
        if fetched is None and not _is_fresh(job):
            break
        api.pause(pause)
    return read_job(api, target, max_bytes=MAX_TRACE)


def _once(api: Connection, target: Target) -> FetchedJob | None:
    try:
        return read_job(api, target, max_bytes=MAX_TRACE)
    except NoLogError:
        return None


def _may_grow(job: Job, trace: bytes) -> bool:
    return (job.failure_reason or "") in _BY_RUNNER and not _END.search(trace[-_TAIL:]) and _is_fresh(job)


def _is_fresh(job: Job) -> bool:
    try:
        ended = datetime.fromisoformat(job.finished_at or "")
    except ValueError:
        return False
    if ended.tzinfo is None:
        ended = ended.replace(tzinfo=UTC)
    return abs((datetime.now(UTC) - ended).total_seconds()) < _FRESH


def _source(job: Job) -> Source:
    return Source(name=str(job.id), job_id=job.id, url=job.web_url)


def _facts(job: Job) -> Facts:
    url = job.web_url if job.web_url and re.fullmatch(r"https?://\S+", job.web_url) else None
    return Facts(
        job=job.name, stage=job.stage, status=job.status, failure_reason=job.failure_reason or None, web_url=url
    )
