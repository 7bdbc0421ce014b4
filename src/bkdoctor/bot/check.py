"""The configuration -> what is right and what is missing on GitLab's side, a line each: `bkdoctor bot check`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

import msgspec

from bkdoctor.bot.catchup import projects_of
from bkdoctor.bot.config import Config
from bkdoctor.errors import GitLabError
from bkdoctor.gitlab import notes, rest
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.pipelines import asked_for
from bkdoctor.gitlab.refusal import Asked

_MAX_PROJECTS = 20
_REPORTER, _DEVELOPER = 20, 30


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried."""

    name: str
    ok: bool
    text: str
    """What was found; ends with the next step where it is not right."""


class _Version(msgspec.Struct, frozen=True):
    version: str = "of an unknown version"


class _Token(msgspec.Struct, frozen=True):
    scopes: tuple[str, ...] = ()
    expires_at: str | None = None


class _Access(msgspec.Struct, frozen=True):
    access_level: int = 0


class _Permissions(msgspec.Struct, frozen=True):
    project_access: _Access | None = None
    group_access: _Access | None = None


class _Project(msgspec.Struct, frozen=True):
    id: int
    path_with_namespace: str = ""
    permissions: _Permissions | None = None


class _Hook(msgspec.Struct, frozen=True):
    id: int
    pipeline_events: bool = False
    alert_status: str = "executable"


def check(api: Connection, config: Config) -> tuple[Check, ...]:
    """Try GitLab, the token and the projects; what GitLab refuses is a check that failed, not an error."""
    done: list[Check] = []
    try:
        done.extend(_checks(api, config))
    except GitLabError as error:
        done.append(Check(name="GitLab", ok=False, text=str(error)))
    return tuple(done)


def _checks(api: Connection, config: Config) -> Iterator[Check]:
    asked = Asked(thing="its version", project="version", scope="api")
    version = rest.get(api, asked, "/version", _Version).version
    yield Check(name="GitLab", ok=True, text=f"{api.base.url} answers, GitLab {version[:40]}")
    user = notes.me(api)
    yield Check(name="user", ok=True, text=f"notes are written as {user.username[:80] or user.id}")
    yield _token(api)
    projects = list(islice(projects_of(api, config, datetime.now(UTC)), _MAX_PROJECTS))
    if not projects:
        text = "the token sees no project that the configuration allows: make it a member, or correct projects in [bot]"
        yield Check(name="projects", ok=False, text=text)
    for project in projects:
        yield from _project(api, project.id)


def _token(api: Connection) -> Check:
    asked = Asked(thing="the token itself", project="token", scope="api")
    token = rest.find(api, asked, "/personal_access_tokens/self", _Token)
    if token is None:
        return Check(name="token", ok=True, text="GitLab does not tell the scopes of this kind of token")
    if "api" not in token.scopes:
        has = ", ".join(token.scopes)[:80] or "none"
        return Check(name="token", ok=False, text=f"its scopes are {has}: create one with the scope api")
    until = f", until {token.expires_at[:10]}" if token.expires_at else ""
    return Check(name="token", ok=True, text=f"has the scope api{until}")


def _project(api: Connection, number: int) -> Iterator[Check]:
    project = rest.find(api, asked_for(number, "the name"), f"/projects/{number}", _Project)
    if project is None:
        return
    name = f"project {project.path_with_namespace or number}"
    level = _level(project.permissions)
    if level is not None and level < _REPORTER:
        yield Check(name=name, ok=False, text="the token may not write notes: give its user the role Developer")
    elif level is not None and level < _DEVELOPER:
        yield Check(name=name, ok=True, text="notes can be written but not resolved: the role Developer would do")
    else:
        yield Check(name=name, ok=True, text="notes can be written and resolved")
    yield from _hook(api, number, name)


def _level(permissions: _Permissions | None) -> int | None:
    if permissions is None:
        return None
    ways = (permissions.project_access, permissions.group_access)
    return max((way.access_level for way in ways if way), default=None)


def _hook(api: Connection, number: int, name: str) -> Iterator[Check]:
    """Say what is wrong with the webhook, as far as the token may see webhooks: that takes a Maintainer."""
    asked = asked_for(number, "the webhooks")
    hooks = rest.find(api, asked, f"/projects/{number}/hooks", list[_Hook], {"per_page": rest.PAGE})
    if hooks is None:
        return
    listening = [hook for hook in hooks if hook.pipeline_events]
    if not listening:
        text = "no webhook of its own sends pipeline events: run bkdoctor bot install, unless its group has one"
        yield Check(name=name, ok=True, text=text)
    elif all(hook.alert_status == "disabled" for hook in listening):
        text = "GitLab has switched its webhook off after errors: test it in the project's settings"
        yield Check(name=name, ok=False, text=text)
