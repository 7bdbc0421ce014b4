"""A failed job, and its log or why there is none -> a verdict that may be kept, and the case that is counted."""

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.errors import GitLabError, NoLogError
from bkdoctor.fleet import Case, Cause, Verdict
from bkdoctor.gitlab.client import FetchedJob
from bkdoctor.gitlab.failures import FailedJob, Project
from bkdoctor.jobs.causes import cause_of
from bkdoctor.jobs.reading import by_fields, diagnosed
from bkdoctor.redact import redact
from bkdoctor.story import UNKNOWN, JobReport, answer
from bkdoctor.text import one_line, shorten

_LINES, _LINE, _NAME = 8, 240, 200


def verdict_of(job: FailedJob, log: FetchedJob | GitLabError, catalog: Catalog, words: str) -> Verdict | None:
    """Return what a job failed for; None where that may be known the next time.

    `words` is the regular expression for the names of build jobs.
    """
    if isinstance(log, NoLogError):
        return _short(by_fields(job, catalog, words, ()), unread=_plain(str(log), 400) or "no log")
    if isinstance(log, GitLabError):
        return None
    return _short(diagnosed(job, log, catalog, words), unread="")


def case_of(project: Project, job: FailedJob, verdict: Verdict) -> Case:
    """Return a failed build as it is counted."""
    shown = {name: getattr(verdict, name) for name in Cause.__struct_fields__}
    shown["runner"] = verdict.runner or _plain((job.runner and job.runner.description) or "") or None
    return Case(
        id=job.id,
        project=_plain(project.path_with_namespace or str(project.id)),
        project_id=project.id,
        pipeline_id=job.pipeline.id if job.pipeline else 0,
        name=_plain(job.name),
        stage=_plain(job.stage or "") or None,
        ref=_plain(job.ref or "") or None,
        ended=job.ended,
        minutes=round((job.duration or 0) / 60, 2),
        web_url=job.web_url,
        **shown,
    )


def _short(told: JobReport, unread: str) -> Verdict:
    report, finding, facts = told.report, answer(told.report), told.report.facts
    if not told.build:
        return Verdict(build=False, cause=cause_of(report), unread=unread)
    unknown = finding is None
    return Verdict(
        build=True,
        cause=finding.id if finding else UNKNOWN,
        title=_plain(finding.title) if finding else None,
        owner=finding.owner if finding else None,
        transient=bool(finding and finding.transient),
        signature=report.signature,
        method=facts.method,
        executor=facts.executor,
        runner=_plain(facts.runner_name or "") or None,
        image=_plain((facts.image or "").partition("@")[0]) or None,
        lines=tuple(_plain(line.text, _LINE) for line in report.excerpt[:_LINES]) if unknown else (),
        unread=unread,
    )


def _plain(text: str, limit: int = _NAME) -> str:
    return shorten(one_line(redact(text)), limit)
