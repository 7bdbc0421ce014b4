"""`install`, `check` and `replay`: the hook with the right events, what is missing, and an event from a file."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bkdoctor.bot.check import Check, check
from bkdoctor.bot.events import Ignored
from bkdoctor.bot.install import install
from bkdoctor.bot.replay import replay
from bkdoctor.bot.task import Record
from bkdoctor.errors import GitLabError, InputError, UsageError

from .bot_cases import APP, APPARMOR, body, catalog, configured, connect, one_failed
from .gitlab_double import TOKEN, Fault
from .gitlab_routes_bot import SHA, BotGitLab

URL = "https://bot.example.com"
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def gitlab() -> Iterator[BotGitLab]:
    with BotGitLab() as double:
        double.project_id(APP)
        yield double


def installed(gitlab: BotGitLab, where: str = APP, url: str = URL, **fields: Any) -> str:
    with connect(gitlab) as api:
        return install(api, configured(gitlab, **fields), where, url)


def test_a_project_gets_a_hook_for_pipeline_events_only(gitlab: BotGitLab) -> None:
    assert "is made" in installed(gitlab, signing_key=KEY)
    (hook,) = gitlab.hooks["projects/71"]
    assert hook["url"] == f"{URL}/webhook"
    assert (hook["token"], hook["signing_token"], hook["enable_ssl_verification"]) == ("s", KEY, True)
    assert [name for name, value in hook.items() if name.endswith("_events") and value] == ["pipeline_events"]


def test_installing_twice_makes_one_hook(gitlab: BotGitLab) -> None:
    installed(gitlab)
    gitlab.hooks["projects/71"][0]["pipeline_events"] = False
    assert "set right" in installed(gitlab, url=f"{URL}/webhook/")
    (hook,) = gitlab.hooks["projects/71"]
    assert hook["pipeline_events"]


def test_a_group_gets_one_too(gitlab: BotGitLab) -> None:
    gitlab.groups["team"] = 4
    installed(gitlab, "team", f"{URL}/below")
    assert gitlab.hooks["groups/4"][0]["url"] == f"{URL}/below/webhook"


def test_what_does_not_exist_is_said(gitlab: BotGitLab) -> None:
    with pytest.raises(GitLabError, match="sees no project and no group no/such"):
        installed(gitlab, "no/such")


@pytest.mark.parametrize("url", ["bot.example.com", "ftp://x", "https://", "https://u:p@bot.example.com", f"{URL}?x=1"])
def test_an_address_that_is_none_is_refused(gitlab: BotGitLab, url: str) -> None:
    with pytest.raises(UsageError, match=r"https://bkdoctor\.example\.com"):
        installed(gitlab, url=url)
    assert not gitlab.seen


def test_no_hook_without_a_secret(gitlab: BotGitLab) -> None:
    with connect(gitlab) as api, pytest.raises(UsageError, match="without a secret"):
        install(api, configured(gitlab).__class__(), APP, URL)


def test_a_role_that_is_too_low_is_said(gitlab: BotGitLab) -> None:
    gitlab.fail(Fault(status=403, body=b'{"message":"403 Forbidden"}'), route="hooks")
    with pytest.raises(GitLabError, match="role Maintainer"):
        installed(gitlab)


# --- check --------------------------------------------------------------------------------------------------------


def checked(gitlab: BotGitLab, **fields: Any) -> tuple[Check, ...]:
    with connect(gitlab) as api:
        return check(api, configured(gitlab, **fields))


def test_all_is_well(gitlab: BotGitLab) -> None:
    installed(gitlab)
    checks = checked(gitlab)
    assert all(c.ok for c in checks)
    assert [c.name for c in checks] == ["GitLab", "user", "token", "project team/app"]
    assert "GitLab 18.10.0" in checks[0].text


def test_a_scope_that_lacks_is_named(gitlab: BotGitLab) -> None:
    gitlab.tokens[TOKEN] = {"read_api"}
    assert [c.text for c in checked(gitlab) if not c.ok] == ["its scopes are read_api: create one with the scope api"]


def test_a_token_that_is_wrong_ends_the_check(gitlab: BotGitLab) -> None:
    del gitlab.tokens[TOKEN]
    (only,) = checked(gitlab)
    assert not only.ok
    assert "401" in only.text
    assert TOKEN not in only.text


def test_no_project_is_a_fault(gitlab: BotGitLab) -> None:
    failed = [c for c in checked(gitlab, projects=("no/such",)) if not c.ok]
    assert [c.name for c in failed] == ["projects"]


def test_a_hook_that_gitlab_switched_off_is_said(gitlab: BotGitLab) -> None:
    installed(gitlab)
    gitlab.hooks["projects/71"][0]["alert_status"] = "disabled"
    assert "switched its webhook off" in next(c.text for c in checked(gitlab) if not c.ok)


# --- replay -------------------------------------------------------------------------------------------------------


def payload(**attributes: Any) -> bytes:
    known = {"id": 100, "ref": "feature", "sha": SHA, "status": "failed"}
    hook = {
        "object_kind": "pipeline",
        "object_attributes": known | attributes,
        "project": {"id": 71, "path_with_namespace": APP},
        "merge_request": {"iid": 3, "target_project_id": 71},
    }
    return json.dumps(hook).encode()


def replayed(gitlab: BotGitLab, data: bytes) -> Record | Ignored:
    with connect(gitlab) as api:
        return replay(data, api, configured(gitlab), catalog())


def test_a_payload_is_handled_as_if_it_had_just_come(gitlab: BotGitLab) -> None:
    one_failed(gitlab, APPARMOR)
    record = replayed(gitlab, payload())
    assert isinstance(record, Record)
    assert record.outcome == "noted"
    assert "AppArmor" in body(gitlab)


def test_a_payload_that_asks_for_nothing_says_why(gitlab: BotGitLab) -> None:
    assert isinstance(replayed(gitlab, payload(status="running")), Ignored)
    assert isinstance(replayed(gitlab, b'{"object_kind": "push"}'), Ignored)


@pytest.mark.parametrize("data", [b"", b"no json", b"[]", b'{"object_kind": "pipeline"}'])
def test_a_payload_that_is_none_is_refused(gitlab: BotGitLab, data: bytes) -> None:
    with pytest.raises(InputError, match="Give the request body"):
        replayed(gitlab, data)
