"""A merge request -> its discussions; a text -> a resolvable discussion of one note, edited in place."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from bkdoctor.gitlab import rest
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.merge_requests import MergeRequest
from bkdoctor.gitlab.refusal import Asked


class User(msgspec.Struct, frozen=True):
    """Somebody who writes or votes."""

    id: int
    username: str = ""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wrote."""

    id: int
    body: str = ""
    author: User | None = None
    system: bool = False
    resolvable: bool = False
    resolved: bool = False


class Discussion(msgspec.Struct, frozen=True, kw_only=True):
    """A thread."""

    id: str
    notes: tuple[Note, ...] = ()


class Award(msgspec.Struct, frozen=True, kw_only=True):
    """An emoji on a note."""

    id: int
    name: str
    user: User | None = None


def asked_for(request: MergeRequest, thing: str, *, write: bool = False) -> Asked:
    """Return how errors call something of a merge request."""
    thing = f"{thing} of merge request {request.iid} of project {request.project_id}"
    if write:
        return Asked(thing=thing, project=str(request.project_id), scope="api", deed="write")
    return Asked(thing=thing, project=str(request.project_id))


def me(api: Connection) -> User:
    """Return the user that the token stands for."""
    return rest.get(api, Asked(thing="the token's user", project="user"), "/user", User)


def discussions(api: Connection, request: MergeRequest) -> Iterator[Discussion]:
    """Yield all discussions, the oldest first."""
    return rest.rows(api, asked_for(request, "the discussions"), f"{request.path}/discussions", Discussion)


def create(api: Connection, request: MergeRequest, body: str, position: Mapping[str, Any] | None = None) -> Discussion:
    """Start a discussion, on a line of the diff if there is a position."""
    fields = {"body": body} | ({"position": dict(position)} if position else {})
    asked = asked_for(request, "a discussion", write=True)
    return rest.send(api, asked, "post", f"{request.path}/discussions", fields, Discussion)


def edit(api: Connection, request: MergeRequest, discussion: str, note: int, body: str) -> bool:
    """Change a note's text; False where the note is gone or the token may not change it."""
    return rest.send_if_there(
        api, asked_for(request, "a note", write=True), "put", _note(request, discussion, note), {"body": body}
    )


def resolve(api: Connection, request: MergeRequest, discussion: str, *, resolved: bool) -> bool:
    """Resolve a discussion or open it again; False where the token may not."""
    path = f"{request.path}/discussions/{rest.part(discussion)}"
    asked = asked_for(request, "a discussion", write=True)
    return rest.send_if_there(api, asked, "put", path, {"resolved": resolved})


def delete(api: Connection, request: MergeRequest, discussion: str, note: int) -> bool:
    """Delete a note; False where it is gone already."""
    return rest.send_if_there(
        api, asked_for(request, "a note", write=True), "delete", _note(request, discussion, note), {}
    )


def awards(api: Connection, request: MergeRequest, note: int) -> list[Award]:
    """Return the emojis on a note."""
    path = f"{request.path}/notes/{note}/award_emoji"
    return list(rest.rows(api, asked_for(request, "the emojis on a note"), path, Award, pages=2))


def _note(request: MergeRequest, discussion: str, note: int) -> str:
    return f"{request.path}/discussions/{rest.part(discussion)}/notes/{note}"
