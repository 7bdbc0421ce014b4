"""The nouns of many jobs: a job and its pipeline as GitLab describes them, what a job failed for, and a whole story.

A story is the JSON document `bkdoctor.story/1`. As in `model`, all are frozen, and what is not known is None or empty.
"""

from typing import Literal

import msgspec

from bkdoctor.model import Finding, Owner, Report

SCHEMA = "bkdoctor.story/1"
UNKNOWN = "unknown"
"""The cause of jobs that failed for a reason that is not known."""
FINISHED = frozenset({"success", "failed", "canceled", "skipped"})
"""Statuses of a pipeline that will not go on by itself."""


class Pipeline(msgspec.Struct, frozen=True, kw_only=True):
    """What the API says of a pipeline."""

    id: int
    project_id: int = 0
    sha: str = ""
    ref: str | None = None
    status: str = ""
    source: str | None = None
    web_url: str | None = None

    @property
    def finished(self) -> bool:
        """Whether it will not go on by itself."""
        return self.status in FINISHED

    @property
    def of_merge_request(self) -> bool:
        """Whether it was made for a merge request, and not for a branch."""
        return self.source == "merge_request_event" or (self.ref or "").startswith("refs/merge-requests/")


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What the API says of a job."""

    id: int
    name: str
    status: str
    stage: str | None = None
    allow_failure: bool | None = None
    failure_reason: str | None = None
    finished_at: str | None = None
    duration: float | None = None
    """Seconds that it ran."""
    web_url: str | None = None


class JobReport(msgspec.Struct, frozen=True, kw_only=True):
    """A failed job and what is known of it."""

    job: Job
    report: Report
    build: bool
    """Whether it builds an image."""
    project_id: int = 0
    pipeline_id: int = 0
    retried: bool = False
    """Whether another attempt was made after it in its pipeline."""
    passed_as: int | None = None
    """The job that is another attempt of it on the same commit and passed: the failure comes and goes."""
    unread: str = ""
    """Why its log could not be read, with the next step; empty if it was."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs with one cause; the first stands for all."""

    cause: str
    """The pattern, or `unknown`."""
    jobs: tuple[JobReport, ...]

    @property
    def key(self) -> str:
        """What tells the failure from others: the pattern, or `unknown:` and the signature."""
        return self.cause if self.cause != UNKNOWN else f"{UNKNOWN}:{self.jobs[0].report.signature or ''}"

    @property
    def finding(self) -> Finding | None:
        """What the first job failed for."""
        return answer(self.jobs[0].report) if self.cause != UNKNOWN else None


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """A group as the JSON document names it: the jobs by their ids."""

    cause: str
    title: str | None
    owner: Owner | None
    transient: bool
    signature: str | None
    jobs: tuple[int, ...]


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline's failed jobs, grouped by what they failed for."""

    schema: str = SCHEMA
    verdict: Literal["diagnosed", "unknown", "passed"]
    """`unknown`: one failed for a reason that is not known; `passed`: none failed."""
    gitlab: str
    project: str
    """Its path, or its number as text."""
    pipeline: Pipeline
    merge_request: int | None = None
    """The number of the merge request that was asked for."""
    merge_request_project: int | None = None
    """The number of its project."""
    chosen: str = ""
    """Why this pipeline, where a merge request was asked for."""
    causes: tuple[Cause, ...] = ()
    """The cause of most jobs first, those without one last."""
    jobs: tuple[JobReport, ...] = ()
    """All failed jobs, child pipelines' and retried ones too."""
    notes: tuple[str, ...] = ()
    """What the reader must know of the answer: that the pipeline still runs, which token was not sent."""
    missing: tuple[str, ...] = ()
    """What could not be read, each with why and the next step; the story is whole if there is nothing."""

    @property
    def groups(self) -> tuple[Group, ...]:
        """The jobs of each cause."""
        by_id = {job.job.id: job for job in self.jobs}
        return tuple(Group(cause=c.cause, jobs=tuple(by_id[number] for number in c.jobs)) for c in self.causes)

    @property
    def others(self) -> tuple[JobReport, ...]:
        """Failed jobs that build no image and failed for no known cause."""
        return tuple(job for job in self._untold if not job.unread)

    @property
    def unread(self) -> tuple[JobReport, ...]:
        """Failed jobs of which nothing is known, since their logs could not be read."""
        return tuple(job for job in self._untold if job.unread)

    @property
    def _untold(self) -> tuple[JobReport, ...]:
        told = {number for cause in self.causes for number in cause.jobs}
        return tuple(job for job in self.jobs if job.job.id not in told)


def answer(report: Report) -> Finding | None:
    """Return the finding that says why a job failed; None where that is not known."""
    if report.verdict != "diagnosed":
        return None
    return next((finding for finding in report.findings if finding.role != "hint"), None)
