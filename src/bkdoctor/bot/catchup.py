"""The time since when nobody listened -> tasks for the pipelines that finished in it: GitLab does not send again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from bkdoctor.bot.config import Config
from bkdoctor.bot.task import Task
from bkdoctor.gitlab import rest
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.pipelines import finished_since
from bkdoctor.gitlab.refusal import Asked

_IDLE = timedelta(days=30)
"""Projects that were idle for so long before are not asked."""
_GLOB = frozenset("*?[")
_STATUSES = frozenset({"success", "failed", "canceled"})


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A project that the token sees."""

    id: int
    path_with_namespace: str = ""


def catch_up(api: Connection, config: Config, since: datetime) -> Iterator[Task]:
    """Yield the pipelines that ended after `since`, project by project, the oldest first. Raises GitLabError."""
    if since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    for project in projects_of(api, config, since):
        for pipeline in finished_since(api, project.id, _iso(since)):
            if pipeline.status in _STATUSES:
                yield Task(
                    project_id=project.id,
                    pipeline_id=pipeline.id,
                    sha=pipeline.sha,
                    ref=pipeline.ref or "",
                    status=pipeline.status,
                )


def projects_of(api: Connection, config: Config, since: datetime) -> Iterator[Project]:
    """Yield the projects that the bot works for: those that are named, else all that the token is a member of."""
    if config.projects and not any(_GLOB & set(name) for name in config.projects):
        asked = [(name, Asked(thing=f"project {name}", project=name)) for name in config.projects]
        found = (rest.find(api, words, f"/projects/{rest.part(name)}", Project) for name, words in asked)
        seen = iter([project for project in found if project is not None])
    else:
        seen = _member_of(api, since)
    yield from (p for p in seen if config.allows(p.id, p.path_with_namespace))


def _member_of(api: Connection, since: datetime) -> Iterator[Project]:
    query = {
        "membership": "true",
        "archived": "false",
        "simple": "true",
        "order_by": "id",
        "sort": "asc",
        "last_activity_after": _iso(since - _IDLE),
    }
    return rest.rows(api, Asked(thing="the token's projects", project="projects"), "/projects", Project, query)


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
