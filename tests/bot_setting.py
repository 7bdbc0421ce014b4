"""What tests of the bot share: a ledger in either database, a clock that stands still, and events."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bkdoctor.bot.config import Config
from bkdoctor.bot.database import Database
from bkdoctor.bot.events import event_of
from bkdoctor.bot.store import Event, Store
from bkdoctor.bot.task import Task
from tests.postgres import new_database, server

SECRET = "a secret of the webhook"
_made = iter(range(10**6))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A server for the whole run, started by the first test that wants it."""
    with server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/bot.db"
    return new_database(request.getfixturevalue("postgres"), f"bot{next(_made)}")


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database_url: str, clock: Clock) -> Iterator[Store]:
    database = Database(database_url, clock)
    yield Store(database)
    database.close()


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
