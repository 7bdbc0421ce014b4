"""Pipelines that finished while nobody listened are found through the API."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bkdoctor.bot.catchup import catch_up
from bkdoctor.bot.task import Task

from .bot_cases import APP, configured, connect
from .gitlab_double import Fault
from .gitlab_routes_bot import SHA, BotGitLab

SINCE = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)


@pytest.fixture
def gitlab() -> Iterator[BotGitLab]:
    with BotGitLab() as double:
        yield double


def caught(gitlab: BotGitLab, since: datetime = SINCE, **fields: Any) -> list[Task]:
    with connect(gitlab) as api:
        return list(catch_up(api, configured(gitlab, **fields), since))


def test_pipelines_that_ended_since_are_tasks_the_oldest_first(gitlab: BotGitLab) -> None:
    for number, (status, ended) in enumerate(
        [
            ("failed", "2026-11-02T08:29:59Z"),
            ("failed", "2026-11-02T10:00:00Z"),
            ("success", "2026-11-02T09:00:00Z"),
            ("running", "2026-11-02T09:00:00Z"),
            ("skipped", "2026-11-02T09:00:00Z"),
        ],
        100,
    ):
        gitlab.add_pipeline(APP, number, merge_request=None, status=status, updated_at=ended)
    gitlab.add_pipeline(APP, 110, parent=101, updated_at="2026-11-02T10:00:00Z")
    tasks = caught(gitlab)
    assert [t.pipeline_id for t in tasks] == [102, 101]
    assert tasks[1] == Task(project_id=71, pipeline_id=101, sha=SHA, ref="feature", status="failed")


def test_all_pages_are_read(gitlab: BotGitLab) -> None:
    for number in range(250):
        gitlab.add_pipeline(APP, 1000 + number, updated_at=f"2026-11-03T10:00:00.{number:03}Z")
    assert len(caught(gitlab)) == 250


def test_a_time_without_a_zone_is_utc(gitlab: BotGitLab) -> None:
    gitlab.add_pipeline(APP, 100, updated_at="2026-11-02T08:31:00Z")
    assert len(caught(gitlab, SINCE.replace(tzinfo=None))) == 1


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [1, 2]),
        ({"projects": (APP,)}, [1]),
        ({"projects": ("team/*",)}, [1]),
        ({"projects": ("72", "no/such")}, [2]),
        ({"denied": ("TEAM/app",)}, [2]),
    ],
)
def test_only_projects_that_are_allowed_are_asked(
    gitlab: BotGitLab, fields: dict[str, Any], expected: list[int]
) -> None:
    for number, project in ((1, APP), (2, "other/app")):
        gitlab.add_pipeline(project, number, updated_at="2026-11-02T10:00:00Z")
    assert [t.pipeline_id for t in caught(gitlab, **fields)] == expected
    asked = {s.path.split("/")[4] for s in gitlab.seen if s.route == "pipelines"}
    assert len(asked) == len(expected)


def test_a_fault_passes(gitlab: BotGitLab) -> None:
    gitlab.add_pipeline(APP, 100, updated_at="2026-11-02T10:00:00Z")
    gitlab.fail(Fault(status=503), times=2, route="pipelines")
    assert len(caught(gitlab)) == 1
