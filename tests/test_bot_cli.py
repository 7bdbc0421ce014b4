"""The bot's commands that end by themselves: check, install and replay, and what each needs."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot_cases import APP, one_failed
from tests.bot_setting import pipeline_hook
from tests.commands import Cli
from tests.gitlab_double import TOKEN
from tests.gitlab_routes_bot import SHA, BotGitLab


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[BotGitLab]:
    with BotGitLab() as double:
        monkeypatch.setenv("BKDOCTOR_GITLAB_URL", double.url)
        monkeypatch.setenv("BKDOCTOR_GITLAB_TOKEN", TOKEN)
        monkeypatch.setenv("BKDOCTOR_WEBHOOK_SECRET", "a secret")
        monkeypatch.setenv("BKDOCTOR_DATABASE_URL", f"sqlite:///{tmp_path}/state/bot.db")
        yield double


def payload(gitlab: BotGitLab, **changed: object) -> Path:
    project = gitlab.project_id(APP)
    hook = pipeline_hook(
        attributes={"id": 100, "sha": SHA, "ref": "feature"}, project={"id": project, "path_with_namespace": APP},
        merge_request={"iid": 3, "target_project_id": project},
    )  # fmt: skip
    Path("payload.json").write_text(json.dumps(hook | changed))
    return Path("payload.json")


def test_check_says_what_works(gitlab: BotGitLab, cli: Cli) -> None:
    gitlab.project_id(APP)
    answer = cli("bot", "check")
    assert "ok      database: SQLite" in answer.out
    assert "ok      GitLab: " in answer.out
    assert TOKEN not in answer.out


def test_check_says_what_is_missing(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BKDOCTOR_DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:1/none")
    answer = cli("bot", "check")
    assert answer.status == 1
    for name in ("webhook", "database", "GitLab"):
        assert f"MISSING {name}: " in answer.out
    assert "hunter2" not in answer.out


def test_replay_handles_a_webhooks_body(gitlab: BotGitLab, cli: Cli) -> None:
    one_failed(gitlab)
    answer = cli("bot", "replay", payload(gitlab))
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == f"noted: pipeline 100 of project {gitlab.project_id(APP)}, merge request 3\n"
    assert len(gitlab.notes(APP, 3)) == 1


def test_a_dry_run_prints_the_note_and_writes_none(gitlab: BotGitLab, cli: Cli) -> None:
    one_failed(gitlab)
    answer = cli("bot", "replay", "--dry-run", payload(gitlab))
    assert "AppArmor" in answer.out
    assert gitlab.notes(APP, 3) == []
    assert cli("bot", "--dry-run", "replay", payload(gitlab)).status == 0
    assert gitlab.notes(APP, 3) == []


def test_replay_says_why_a_body_is_none_for_the_bot(gitlab: BotGitLab, cli: Cli) -> None:
    assert cli("bot", "replay", payload(gitlab, object_kind="push")).out == "ignored: other event\n"
    Path("broken.json").write_text("{")
    assert cli("bot", "replay", "broken.json").status == 4
    assert cli("bot", "replay", "none.json").status == 4


def test_install_makes_the_webhook(gitlab: BotGitLab, cli: Cli) -> None:
    gitlab.project_id(APP)
    assert cli("bot", "install", APP, "--url", "https://bot.example.com").status == 0
    ((hook,),) = gitlab.hooks.values()
    assert hook["url"] == "https://bot.example.com/webhook"
    assert hook["token"] == "a secret"


@pytest.mark.parametrize(
    "words", [("bot",), ("bot", "receive"), ("bot", "install", APP, "--url", "https://b.example.com")]
)
def test_without_a_secret_nothing_starts(cli: Cli, words: tuple[str, ...]) -> None:
    answer = cli(*words)
    assert answer.status == 2
    assert "BKDOCTOR_WEBHOOK_SECRET" in answer.err


def test_without_the_extra_it_says_how_to_install_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    answer = cli("bot", "check")
    assert answer.status == 2
    assert "bkdoctor[bot]" in answer.err
