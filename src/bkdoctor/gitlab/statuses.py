"""A commit and a pipeline -> the status that bkdoctor wrote there; a verdict -> such a status."""

import msgspec

from bkdoctor.gitlab import rest
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.pipelines import asked_for
from bkdoctor.gitlab.refusal import Asked
from bkdoctor.story import Pipeline

NAME = "bkdoctor"
MAX_TEXT = 255
_PAUSES = (0.5, 1.0, 2.0)
"""Seconds before a status is sent again that met another write (409): nothing was written then."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What a commit status says."""

    status: str
    description: str | None = None
    target_url: str | None = None


class _Written(msgspec.Struct, frozen=True):
    id: int


def status_of(api: Connection, pipeline: Pipeline) -> Status | None:
    """Return the latest status of ours in a pipeline."""
    asked = asked_for(pipeline.project_id, "the statuses of a commit")
    path = f"/projects/{pipeline.project_id}/repository/commits/{rest.part(pipeline.sha)}/statuses"
    query = {"name": NAME, "pipeline_id": pipeline.id}
    return next(iter(rest.rows(api, asked, path, Status, query, pages=1)), None)


def write_status(api: Connection, pipeline: Pipeline, status: Status) -> None:
    """Add a status to a pipeline. Raises GitLabError."""
    asked = Asked(
        thing=f"a status of pipeline {pipeline.id} of project {pipeline.project_id}",
        project=str(pipeline.project_id),
        scope="api",
        role="Developer",
        deed="write",
    )
    fields = {
        "state": status.status,
        "name": NAME,
        "description": status.description or "",
        "pipeline_id": pipeline.id,
    }
    fields |= {"ref": pipeline.ref} if pipeline.ref else {}
    fields |= {"target_url": status.target_url} if status.target_url else {}
    rest.send(
        api,
        asked,
        "post",
        f"/projects/{pipeline.project_id}/statuses/{rest.part(pipeline.sha)}",
        fields,
        _Written,
        busy=_PAUSES,
    )
