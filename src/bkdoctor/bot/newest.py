"""The pipelines of a commit -> the one whose result stands, and what its failed build jobs say."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.errors import GitLabError
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.pipelines import jobs_of_family
from bkdoctor.jobs.build_jobs import name_says_build
from bkdoctor.jobs.reading import read
from bkdoctor.model import Facts
from bkdoctor.story import Job, JobReport, Pipeline

MAX_CANDIDATES = 6
MAX_FAILED = 40
"""Failed jobs of a pipeline that are diagnosed."""
_MAX_PASSED = 10
"""Jobs that passed whose logs are read to see whether they build."""

Outcome = Literal["failed", "passed", "open"]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The pipeline that counts."""

    pipeline: Pipeline
    outcome: Outcome
    """`open`: its build jobs have not ended yet, or did not run."""
    failed: tuple[JobReport, ...] = ()
    """Of the build jobs."""


class Inside(msgspec.Struct, frozen=True, kw_only=True):
    """What a job knows of the pipeline that it belongs to."""

    pipeline: int = 0
    """It still runs, but only because of this job: all that counts has ended."""
    job: str = ""
    """The job's own name: it is none of those that are judged."""
    reports: Mapping[int, JobReport] = {}
    """Reports that are made already, by the jobs' ids."""


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed to judge jobs."""

    api: Connection
    catalog: Catalog
    words: str
    """Regular expression for the names of build jobs."""
    known: Collection[str] = ()
    """Names of jobs that are known to build."""
    inside: Inside = Inside()
    facts: Facts = Facts()
    """What no log tells: the cluster's version."""

    def read(self, pipeline: Pipeline, job: Job) -> JobReport:
        """Return what a job's log says. Raises GitLabError."""
        made = self.inside.reports.get(job.id)
        return made or read(self.api, pipeline.project_id, job, self.catalog, self.words, known=self.facts)


def newest(pipelines: Iterable[Pipeline], reader: Reader) -> Standing | str:
    """Return the first of the pipelines that holds a build job, or why there is none."""
    why = "no pipeline of the head commit holds a build job"
    for number, pipeline in enumerate(pipelines):
        if number == MAX_CANDIDATES:
            break
        try:
            standing = _look(pipeline, reader)
        except GitLabError as error:
            if not error.permanent:
                raise
            # a fork's pipeline may be none of the token's business
            why = f"the token may not read pipeline {pipeline.id} of project {pipeline.project_id}"
            continue
        if standing is not None:
            return standing
    return why


def _look(pipeline: Pipeline, reader: Reader) -> Standing | None:
    jobs = jobs_of_family(reader.api, pipeline)
    if pipeline.id == reader.inside.pipeline:
        jobs = [job for job in jobs if job.name != reader.inside.job]
    failed = tuple(report for report in _reports(pipeline, jobs, reader) if report.build)
    named = [job for job in jobs if job.name in reader.known or name_says_build(job.name, reader.words)]
    if failed:
        return Standing(pipeline=pipeline, outcome="failed", failed=failed)
    if not named and not _log_shows_build(pipeline, jobs, reader):
        return None
    return Standing(pipeline=pipeline, outcome="passed" if _passed(pipeline, named, reader) else "open")


def _reports(pipeline: Pipeline, jobs: Iterable[Job], reader: Reader) -> Iterator[JobReport]:
    for job in [job for job in jobs if job.status == "failed"][:MAX_FAILED]:
        yield reader.read(pipeline, job)


def _passed(pipeline: Pipeline, named: list[Job], reader: Reader) -> bool:
    """Whether the jobs that failed before have passed, else those whose names say that they build."""
    if not named:
        return True
    builds = [job for job in named if job.name in reader.known] or named
    passed = [job for job in builds if job.status == "success"]
    if pipeline.status == "success":
        return bool(passed)
    # another job failed, or waits for somebody: what the note is about has passed all the same
    ended = pipeline.finished or pipeline.status == "manual" or pipeline.id == reader.inside.pipeline
    return ended and passed == builds


def _log_shows_build(pipeline: Pipeline, jobs: Iterable[Job], reader: Reader) -> bool:
    """Whether a job that passed builds an image; asked only where a note waits for the answer."""
    if not reader.known or pipeline.status != "success":
        return False
    passed = [job for job in jobs if job.status == "success"][:_MAX_PASSED]
    return any(reader.read(pipeline, job).build for job in passed)
