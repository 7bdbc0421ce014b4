"""A job of a pipeline -> its trace, read again while its end is missing: just after a job GitLab may serve a part."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bkdoctor.errors import NoLogError
from bkdoctor.gitlab.client import FetchedJob, read_job
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.target import Target
from bkdoctor.story import Job
from bkdoctor.trace.source import Source

MAX_TRACE = 256 * 1024 * 1024
PAUSES = (3.0, 5.0, 8.0)
"""Seconds before a trace without its end is read again."""
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


def fetch_settled(
    api: Connection, project: int, job: Job, *, max_bytes: int = MAX_TRACE, fields: Mapping[str, Any] | None = None
) -> FetchedJob:
    """Return what GitLab knows of a job that has ended, its whole trace with it. Raises GitLabError.

    `fields` are those of the job, where a list has told them all.
    """
    target = Target(base=api.base, project=str(project), job_id=job.id, name=str(job.id))
    for pause in PAUSES:
        fetched = _once(api, target, max_bytes, fields)
        if fetched is not None and not _may_grow(job, fetched.trace):
            return fetched
        if fetched is None and not _is_fresh(job):
            break
        api.pause(pause)
    return read_job(api, target, max_bytes=max_bytes, fields=fields)


def _once(api: Connection, target: Target, max_bytes: int, fields: Mapping[str, Any] | None) -> FetchedJob | None:
    try:
        return read_job(api, target, max_bytes=max_bytes, fields=fields)
    except NoLogError:
        return None


def _may_grow(job: Job, trace: Source) -> bool:
    return (job.failure_reason or "") in _BY_RUNNER and not _END.search(trace.tail(_TAIL)) and _is_fresh(job)


def _is_fresh(job: Job) -> bool:
    try:
        ended = datetime.fromisoformat(job.finished_at or "")
    except ValueError:
        return False
    if ended.tzinfo is None:
        ended = ended.replace(tzinfo=UTC)
    return abs((datetime.now(UTC) - ended).total_seconds()) < _FRESH
