"""A group or project -> its projects; a project and a time -> the jobs that failed since, and which passed besides."""

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from bkdoctor.errors import GitLabError
from bkdoctor.gitlab import rest
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.pipelines import MAX_JOBS_PAGES, asked_for
from bkdoctor.gitlab.refusal import Asked
from bkdoctor.story import Job


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A project, as the API lists it."""

    id: int
    path_with_namespace: str = ""
    builds_access_level: str | None = None

    @property
    def has_jobs(self) -> bool:
        """Whether it may have any: where CI/CD is switched off, a list of jobs is refused."""
        return self.builds_access_level != "disabled"


class Root(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at."""

    kind: Literal["group", "project"]
    path: str
    projects: tuple[Project, ...]
    missing: tuple[str, ...] = ()
    """What could not be read of the list of projects, and why."""


class _Numbered(msgspec.Struct, frozen=True):
    id: int = 0


class _Runner(msgspec.Struct, frozen=True):
    description: str | None = None


class _Manager(msgspec.Struct, frozen=True):
    version: str | None = None


class FailedJob(Job, frozen=True, kw_only=True):
    """A job with what is needed to count it."""

    ref: str | None = None
    created_at: str | None = None
    pipeline: _Numbered | None = None
    runner: _Runner | None = None
    runner_manager: _Manager | None = None
    erased_at: str | None = None

    @property
    def ended(self) -> str:
        """When it ended or, where it never ran, was made; ISO 8601 in UTC, empty if not known."""
        return _in_utc(self.finished_at) or self.made

    @property
    def made(self) -> str:
        """When it was made, in the same form."""
        return _in_utc(self.created_at)

    @property
    def fields(self) -> dict[str, Any]:
        """What the job API would say, as far as it is used to read a log."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """The failed jobs of a project, as far as they could be read."""

    jobs: tuple[FailedJob, ...]
    why_partial: str = ""


class _Group(msgspec.Struct, frozen=True):
    full_path: str


def read_root(api: Connection, name: str) -> Root:
    """Return the project or the group of that path or number, with its projects. Raises GitLabError.

    A group's are those of its subgroups too, without those that are archived or only shared with it.
    """
    asked = Asked(thing=f"group or project {name}", project=name)
    project = (
        rest.find(api, asked, f"/projects/{rest.part(name)}", Project) if "/" in name or name.isdecimal() else None
    )
    if project is not None:
        return Root(kind="project", path=project.path_with_namespace or name, projects=(project,))
    group = rest.get(api, asked, f"/groups/{rest.part(name)}", _Group)
    query = {"include_subgroups": "true", "with_shared": "false", "archived": "false", "order_by": "id", "sort": "asc"}
    asked = Asked(thing=f"the projects of group {name}", project=name)
    found: list[Project] = []
    missing: list[str] = []
    try:
        for one in rest.rows(api, asked, f"/groups/{rest.part(name)}/projects", Project, query):
            found.append(one)  # noqa: PERF402  (what came before an error must stay)
    except GitLabError as error:
        if not found:
            raise
        missing.append(f"the projects of group {name} are not all known: {error}")
    if len(found) >= rest.PAGE * rest.MAX_PAGES:
        missing.append(f"of the projects of group {name} only the first {len(found)} were read")
    return Root(kind="group", path=group.full_path, projects=tuple(found), missing=tuple(missing))


def failed_since(api: Connection, project: Project, since: str, listed_since: str) -> Listed:
    """Return the jobs that failed and ended after a time, the newest first.

    GitLab lists jobs in the order in which they were made, so the list is read down to those made before
    `listed_since`; both are ISO 8601 in UTC. Raises GitLabError if nothing can be read.
    """
    asked = asked_for(project.id, "the failed jobs")
    found: list[FailedJob] = []
    try:
        for job in rest.keyset_rows(api, asked, f"/projects/{project.id}/jobs", FailedJob, {"scope[]": "failed"}):
            if (job.made or listed_since) < listed_since:
                break
            if job.ended >= since:
                found.append(job)
    except GitLabError as error:
        if not found:
            raise
        return Listed(jobs=tuple(found), why_partial=str(error))
    return Listed(jobs=tuple(found))


def _in_utc(text: str | None) -> str:
    """Return a time without fractions; GitLab writes it in the time zone that its administrator chose."""
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return ""
    return (time.astimezone(UTC) if time.tzinfo else time).strftime("%Y-%m-%dT%H:%M:%SZ")


def passed_in_pipeline(api: Connection, project_id: int, pipeline: int) -> dict[str, int]:
    """Return by name the jobs of a pipeline that passed, each with its number. Raises GitLabError."""
    asked = asked_for(project_id, f"the jobs of pipeline {pipeline}")
    path = f"/projects/{project_id}/pipelines/{pipeline}/jobs"
    query = {"scope": "success", "include_retried": "true"}
    return {job.name: job.id for job in rest.rows(api, asked, path, Job, query, pages=MAX_JOBS_PAGES)}
