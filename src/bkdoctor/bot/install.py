"""A group or a project, and the address of the bot -> the webhook there, made or mended: `bkdoctor bot install`."""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from bkdoctor.bot.config import Config
from bkdoctor.errors import GitLabError, UsageError
from bkdoctor.gitlab import rest
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.refusal import Asked

NAME = "bkdoctor"
PATH = "/webhook"
_OTHER_EVENTS = (
    "push_events",
    "tag_push_events",
    "merge_requests_events",
    "issues_events",
    "confidential_issues_events",
    "note_events",
    "confidential_note_events",
    "job_events",
    "wiki_page_events",
    "deployment_events",
    "releases_events",
)
"""Switched off: GitLab turns push events on where nothing is said."""


class _Hook(msgspec.Struct, frozen=True):
    id: int
    url: str = ""


class _Place(msgspec.Struct, frozen=True):
    id: int


def install(api: Connection, config: Config, where: str, url: str) -> str:
    """Create the webhook, or set the one with this address right, and return what was done. Raises GitLabError."""
    config.require_secret()
    address = _address(url)
    kind, number = _place(api, where)
    asked = _asked(kind, where)
    hooks = f"/{kind}s/{number}/hooks"
    fields = _fields(address, config)
    present = next((hook for hook in rest.rows(api, asked, hooks, _Hook) if hook.url == address), None)
    if present:
        rest.send(api, asked, "put", f"{hooks}/{present.id}", fields, _Hook)
        return f"The webhook of {kind} {where} to {address} was there and is set right: pipeline events only."
    rest.send(api, asked, "post", hooks, fields, _Hook)
    return f"The webhook of {kind} {where} to {address} is made: pipeline events only."


def _fields(address: str, config: Config) -> dict[str, Any]:
    fields: dict[str, Any] = {"url": address, "name": NAME, "pipeline_events": True, "enable_ssl_verification": True}
    fields |= dict.fromkeys(_OTHER_EVENTS, False)
    fields |= {"token": config.webhook_secret} if config.webhook_secret else {}
    return fields | ({"signing_token": config.signing_key} if config.signing_key else {})


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or "@" in url:
        raise UsageError("--url is no address of the bot: write it as https://bkdoctor.example.com")
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}" + ("" if path.endswith(PATH) else PATH)


def _place(api: Connection, where: str) -> tuple[str, int]:
    for kind in ("project", "group"):
        found = rest.find(api, _asked(kind, where), f"/{kind}s/{rest.part(where)}", _Place)
        if found is not None:
            return kind, found.id
    raise GitLabError(
        f"the token sees no project and no group {where}: check the path, and that the token belongs to a Maintainer "
        "of the project or an Owner of the group",
        permanent=True,
    )


def _asked(kind: str, where: str) -> Asked:
    role = "Owner" if kind == "group" else "Maintainer"
    return Asked(thing=f"the webhooks of {kind} {where}", project=where, scope="api", role=role, deed="manage")
