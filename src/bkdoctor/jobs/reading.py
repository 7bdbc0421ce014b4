"""A failed job, and its trace or why there is none -> what is known of it."""

import re

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.doctor import diagnose
from bkdoctor.errors import GitLabError, NoLogError
from bkdoctor.gitlab.client import FetchedJob
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.settled import fetch_settled
from bkdoctor.jobs.build_jobs import is_build
from bkdoctor.model import Facts, Report, Source
from bkdoctor.story import Job, JobReport
from bkdoctor.trace.facts import merge
from bkdoctor.trace.source import Source as TraceSource


def read(
    api: Connection, project: int, job: Job, catalog: Catalog, words: str, *, known: Facts | None = None
) -> JobReport:
    """Fetch a job's trace and diagnose it. Raises GitLabError, unless it is only this log that is not to be had."""
    try:
        fetched = fetch_settled(api, project, job)
    except GitLabError as error:
        if not error.permanent:
            raise
        return without_log(job, words, () if isinstance(error, NoLogError) else (_HIDDEN,))
    return diagnosed(job, fetched, catalog, words, known=known)


_HIDDEN = "The bot may not read the log of this job."


def diagnosed(job: Job, fetched: FetchedJob, catalog: Catalog, words: str, *, known: Facts | None = None) -> JobReport:
    """Return what the trace says; `known` are facts that are in no log, `words` those of the names of build jobs."""
    report = diagnose(
        fetched.trace,
        catalog,
        known=merge(fetched.facts, known) if known else fetched.facts,
        source=fetched.source,
        notes=fetched.notes,
        cut=fetched.cut,
    )
    return JobReport(job=job, report=report, build=is_build(report, fetched.trace, words))


def without_log(job: Job, words: str, notes: tuple[str, ...]) -> JobReport:
    """Return what the job's own fields say, where its trace is not to be had."""
    report = Report(verdict="empty", source=_source(job), facts=_facts(job), notes=notes)
    return JobReport(job=job, report=report, build=is_build(report, TraceSource(b""), words))


def by_fields(job: Job, catalog: Catalog, words: str, notes: tuple[str, ...]) -> JobReport:
    """The same, with what GitLab's own reason for the failure is known to mean."""
    bare = FetchedJob(trace=TraceSource(b""), facts=_facts(job), source=_source(job), finished=True, notes=notes)
    return diagnosed(job, bare, catalog, words)


def _source(job: Job) -> Source:
    return Source(name=str(job.id), job_id=job.id, url=job.web_url)


def _facts(job: Job) -> Facts:
    url = job.web_url if job.web_url and re.fullmatch(r"https?://\S+", job.web_url) else None
    return Facts(
        job=job.name, stage=job.stage, status=job.status, failure_reason=job.failure_reason or None, web_url=url
    )
