"""A pipeline -> its jobs, with those that were retried and those of the pipelines below it, as far as they can be read.

A page or a pipeline that cannot be read takes nothing else away: what is missing is said beside what was read.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from bkdoctor.errors import GitLabError
from bkdoctor.gitlab import rest
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.pipelines import MAX_FAMILY, MAX_JOBS_PAGES, asked_for, pipelines_of_commit
from bkdoctor.story import Job, Pipeline

MAX_SIBLINGS = 5
"""Other pipelines of a commit whose jobs are looked at."""
_T = TypeVar("_T", bound=Job)


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A job, and where it ran."""

    job: Job
    project_id: int
    pipeline_id: int
    retried: bool = False
    trigger: bool = False
    """Whether it only starts another pipeline: such a job has no log."""


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline with everything below it."""

    root: Pipeline
    pipelines: frozenset[int]
    members: tuple[Member, ...] = ()
    missing: tuple[str, ...] = ()
    """What could not be read, and why."""

    @property
    def failed(self) -> tuple[Member, ...]:
        """The jobs that failed, retried ones too."""
        return tuple(member for member in self.members if member.job.status == "failed")


class _Bridge(Job, frozen=True, kw_only=True):
    downstream_pipeline: Pipeline | None = None


def read_family(api: Connection, root: Pipeline) -> Family:
    """Return the pipeline's jobs. Raises GitLabError if none of them can be read."""
    walk = _Walk(api)
    waiting, seen = deque([root]), {root.id}
    while waiting:
        for child in walk.visit(waiting.popleft()):
            if child.id in seen:
                continue
            if len(seen) >= MAX_FAMILY:
                walk.missing.append(f"of the pipelines below pipeline {root.id} only {MAX_FAMILY - 1} were read")
                waiting.clear()
                break
            seen.add(child.id)
            waiting.append(child)
    if walk.refusal and not walk.members:
        raise walk.refusal
    return Family(root=root, pipelines=frozenset(seen), members=tuple(walk.members), missing=tuple(walk.missing))


def passed_in(family: Family) -> dict[tuple[int, str], int]:
    """Return the job that passed for each pipeline and name that has one."""
    return {(m.pipeline_id, m.job.name): m.job.id for m in family.members if m.job.status == "success"}


def passed_beside(api: Connection, family: Family) -> dict[str, int]:
    """Return by name the jobs that passed in the last other pipelines of the commit. Raises GitLabError."""
    root = family.root
    others = [p for p in pipelines_of_commit(api, root.project_id, root.sha, "") if p.id not in family.pipelines]
    found: dict[str, int] = {}
    for pipeline in others[:MAX_SIBLINGS]:
        for job in _rows(api, pipeline, "jobs", Job, {"scope": "success"}):
            found.setdefault(job.name, job.id)
    return found


class _Walk:
    """Goes from pipeline to pipeline and remembers what it was refused."""

    def __init__(self, api: Connection) -> None:
        self.members: list[Member] = []
        self.missing: list[str] = []
        self.refusal: GitLabError | None = None
        self._api = api

    def visit(self, pipeline: Pipeline) -> list[Pipeline]:
        """Add the pipeline's jobs and return the pipelines that it started."""
        jobs = self._read(pipeline, "jobs", Job, {"include_retried": "true"})
        # what is retried stays in the list, and nothing in it says so; the last attempt has the highest number
        last = {job.name: job.id for job in sorted(jobs, key=lambda job: job.id)}
        self._add(pipeline, jobs, last)
        bridges = self._read(pipeline, "bridges", _Bridge)
        # one that started a pipeline failed for what its pipeline's own jobs say
        self._add(pipeline, (bridge for bridge in bridges if bridge.downstream_pipeline is None), None)
        started = [bridge.downstream_pipeline for bridge in bridges]
        return [p if p.project_id else replace(p, project_id=pipeline.project_id) for p in started if p is not None]

    def _add(self, pipeline: Pipeline, jobs: Iterable[Job], last: Mapping[str, int] | None) -> None:
        self.members += [
            Member(
                job=job,
                project_id=pipeline.project_id,
                pipeline_id=pipeline.id,
                retried=last is not None and last[job.name] != job.id,
                trigger=last is None,
            )
            for job in jobs
        ]

    def _read(self, pipeline: Pipeline, what: str, form: type[_T], query: Mapping[str, str] | None = None) -> list[_T]:
        found: list[_T] = []
        try:
            for row in _rows(self._api, pipeline, what, form, query):
                found.append(row)  # noqa: PERF402  (what came before an error must stay)
        except GitLabError as error:
            self.refusal = self.refusal or error
            self.missing.append(f"the {what} of pipeline {pipeline.id} are not all known: {error}")
        if len(found) >= MAX_JOBS_PAGES * rest.PAGE:
            self.missing.append(f"of the {what} of pipeline {pipeline.id} only the first {len(found)} were read")
        return found


def _rows(
    api: Connection, pipeline: Pipeline, what: str, form: type[_T], query: Mapping[str, str] | None = None
) -> Iterable[_T]:
    asked = asked_for(pipeline.project_id, f"the {what} of pipeline {pipeline.id}")
    path = f"/projects/{pipeline.project_id}/pipelines/{pipeline.id}/{what}"
    return rest.rows(api, asked, path, form, query, pages=MAX_JOBS_PAGES)
