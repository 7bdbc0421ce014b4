"""What tests of the bot share: a clock that stands still, a configuration, and events."""

import json
from typing import Any

from bkdoctor.bot.config import Config
from bkdoctor.bot.events import event_of
from bkdoctor.bot.store import Event
from bkdoctor.bot.task import Task

SECRET = "a secret of the webhook"


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def config(**fields: Any) -> Config:
    """A configuration that is complete."""
    known: dict[str, Any] = {
        "gitlab_url": "https://gitlab.example.com", "token": "a-token", "webhook_secret": SECRET,
        "database_url": "sqlite:////nowhere/bot.db",
    }  # fmt: skip
    return Config(**known | fields)


def task_event(id_: str, mr: int | None = 1, *, project: int = 7, pipeline: int = 100, ref: str = "topic") -> Event:
    """An event for a merge request, or for a branch without one."""
    task = Task(project_id=project, pipeline_id=pipeline, sha="ab" * 20, ref=ref, status="failed", mr_iid=mr)
    return event_of(task, id_)


def pipeline_hook(**changed: Any) -> dict[str, Any]:
    """What GitLab sends when a pipeline of a merge request has failed."""
    attributes = {"id": 31, "iid": 3, "ref": "topic", "tag": False, "sha": "bc" * 20, "status": "failed"}
    return {
        "object_kind": "pipeline",
        "object_attributes": attributes | changed.pop("attributes", {}),
        "merge_request": {"id": 11, "iid": 5, "source_project_id": 7, "target_project_id": 7, "state": "opened"},
        "project": {"id": 7, "path_with_namespace": "group/app"},
        "builds": [{"id": 380, "name": "image", "status": "failed"}, {"id": 377, "name": "lint", "status": "success"}],
    } | changed


def job_hook(**changed: Any) -> dict[str, Any]:
    """What GitLab sends when a job has failed."""
    return {
        "object_kind": "build", "ref": "topic", "sha": "bc" * 20, "build_id": 380, "build_name": "image",
        "build_status": "failed", "pipeline_id": 31, "project_id": 7, "commit": {"id": 31, "status": "running"},
        "project": {"id": 7, "path_with_namespace": "group/app"},
    } | changed  # fmt: skip


def encoded(payload: object) -> bytes:
    return json.dumps(payload).encode()
