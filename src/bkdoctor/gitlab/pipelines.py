"""A project and a pipeline's number -> the pipeline, its jobs, and its child pipelines."""

from collections.abc import Iterator

import msgspec

from bkdoctor.gitlab import rest
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.refusal import Asked
from bkdoctor.story import Job, Pipeline

CHILD = "parent_pipeline"
MAX_FAMILY = 50
"""Pipelines below one root that are read."""
MAX_JOBS_PAGES = 10


class _Project(msgspec.Struct, frozen=True):
    id: int


class _Bridge(msgspec.Struct, frozen=True):
    downstream_pipeline: Pipeline | None = None


def asked_for(project: int, thing: str) -> Asked:
    """Return how errors call something of a project."""
    return Asked(thing=f"{thing} of project {project}", project=str(project))


def find_pipeline(api: Connection, project: int, number: int) -> Pipeline | None:
    """Return a pipeline; None where the token does not see it."""
    asked = asked_for(project, f"pipeline {number}")
    found = rest.find(api, asked, f"/projects/{project}/pipelines/{number}", Pipeline)
    return _placed(found, project) if found else None


def get_pipeline(api: Connection, project: str, number: int) -> Pipeline:
    """Return a pipeline of a project that is named by path or number. Raises GitLabError."""
    asked = Asked(thing=f"pipeline {number} of project {project}", project=project)
    path = f"/projects/{rest.part(project)}"
    found = rest.get(api, asked, f"{path}/pipelines/{number}", Pipeline)
    # GitLab before 13.11 does not say it
    return found if found.project_id else _placed(found, rest.get(api, asked, path, _Project).id)


def pipelines_of_commit(api: Connection, project: int, sha: str, ref: str) -> list[Pipeline]:
    """Return the pipelines of a commit on a branch or tag, the newest first; GitLab leaves children out."""
    query = {"sha": sha, "order_by": "id", "sort": "desc"} | ({"ref": ref} if ref else {})
    asked = asked_for(project, "the pipelines of a commit")
    found = rest.rows(api, asked, f"/projects/{project}/pipelines", Pipeline, query, pages=1)
    return [_placed(pipeline, project) for pipeline in found]


def jobs_of_family(api: Connection, root: Pipeline) -> list[Job]:
    """Return the latest jobs of a pipeline and of its children, theirs too, without those that were retried."""
    jobs: list[Job] = []
    waiting, seen = [root.id], {root.id}
    while waiting:
        number = waiting.pop(0)
        jobs += _jobs(api, root.project_id, number)
        for child in _children(api, root.project_id, number):
            if child not in seen and len(seen) < MAX_FAMILY:
                seen.add(child)
                waiting.append(child)
    return jobs


def finished_since(api: Connection, project: int, since: str) -> Iterator[Pipeline]:
    """Yield the pipelines of a project that finished after a time (ISO 8601), children left out."""
    query = {"scope": "finished", "updated_after": since, "order_by": "updated_at", "sort": "asc"}
    asked = asked_for(project, "the pipelines")
    for pipeline in rest.rows(api, asked, f"/projects/{project}/pipelines", Pipeline, query):
        yield _placed(pipeline, project)


def _jobs(api: Connection, project: int, number: int) -> list[Job]:
    asked = asked_for(project, f"the jobs of pipeline {number}")
    path = f"/projects/{project}/pipelines/{number}/jobs"
    return list(rest.rows(api, asked, path, Job, {"include_retried": "false"}, pages=MAX_JOBS_PAGES))


def _children(api: Connection, project: int, number: int) -> list[int]:
    asked = asked_for(project, f"the child pipelines of pipeline {number}")
    path = f"/projects/{project}/pipelines/{number}/bridges"
    bridges = rest.rows(api, asked, path, _Bridge, pages=MAX_JOBS_PAGES)
    below = [bridge.downstream_pipeline for bridge in bridges]
    # a pipeline in another project is that project's own, with merge requests of its own
    return [pipeline.id for pipeline in below if pipeline and pipeline.project_id in (0, project)]


def _placed(pipeline: Pipeline, project: int) -> Pipeline:
    return pipeline if pipeline.project_id else msgspec.structs.replace(pipeline, project_id=project)
