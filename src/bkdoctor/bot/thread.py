"""A merge request -> the bot's thread in it; a text -> that thread, made once, edited in place, resolved or opened.

The thread is looked for before one is made, and again afterwards: whoever else made one at the same moment, the
oldest stays.
"""

from typing import Literal

import msgspec

from bkdoctor.bot import marker
from bkdoctor.errors import GitLabError
from bkdoctor.gitlab import notes
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.merge_requests import MergeRequest

Done = Literal["noted", "updated", "unchanged"]


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """A discussion that the bot began."""

    discussion: str
    note: int
    body: str
    resolved: bool
    marker: marker.Marker
    replies: tuple[notes.Note, ...] = ()


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A suggestion that the bot made on a line."""

    key: str
    discussion: str
    resolved: bool


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """What the bot finds of itself in a merge request."""

    me: int
    thread: Thread | None = None
    extras: tuple[Thread, ...] = ()
    """Threads that should not be there: younger than the first."""
    suggestions: tuple[Suggestion, ...] = ()


def look(api: Connection, request: MergeRequest, me: int | None = None) -> Board:
    """Read all discussions and return the bot's own. Raises GitLabError."""
    me = notes.me(api).id if me is None else me
    threads, suggestions = [], []
    for discussion in notes.discussions(api, request):
        first = discussion.notes[0] if discussion.notes else None
        # anybody can write a marker; nobody can write as the bot
        if first is None or first.author is None or first.author.id != me:
            continue
        if known := marker.read(first.body):
            threads.append(_thread(discussion, first, known))
        elif key := marker.read_suggestion(first.body):
            suggestions.append(Suggestion(key=key, discussion=discussion.id, resolved=first.resolved))
    threads.sort(key=lambda thread: thread.note)
    return Board(
        me=me, thread=threads[0] if threads else None, extras=tuple(threads[1:]), suggestions=tuple(suggestions)
    )


def _thread(discussion: notes.Discussion, first: notes.Note, known: marker.Marker) -> Thread:
    return Thread(
        discussion=discussion.id,
        note=first.id,
        body=first.body,
        resolved=first.resolved,
        marker=known,
        replies=discussion.notes[1:],
    )


def publish(
    api: Connection, request: MergeRequest, board: Board, body: str, *, resolved: bool | None
) -> tuple[Done, str]:
    """Make the bot's thread say `body`; return what was done, and the discussion. `resolved` None: as it is."""
    thread = board.thread
    if thread is None:
        return "noted", _create(api, request, board.me, body)
    done: Done = "unchanged"
    if body.strip() != thread.body.strip():
        if not notes.edit(api, request, thread.discussion, thread.note, body):
            return _publish_again(api, request, thread, board.me, body)
        done = "updated"
    if resolved is not None and resolved != thread.resolved:
        # where the token may not, the note's text says it
        opened = notes.resolve(api, request, thread.discussion, resolved=resolved)
        done = "updated" if opened else done
    remove(api, request, board.extras)
    return done, thread.discussion


def _publish_again(api: Connection, request: MergeRequest, thread: Thread, me: int, body: str) -> tuple[Done, str]:
    """The note could not be edited: if somebody deleted it, there is a new one."""
    board = look(api, request, me)
    if board.thread is None:
        return "noted", _create(api, request, me, body)
    if board.thread.note == thread.note:
        message = f"the token may not edit its own note in merge request {request.iid} of project {request.project_id}"
        raise GitLabError(f"{message}: use a token whose owner has the role Developer", permanent=True)
    notes.edit(api, request, board.thread.discussion, board.thread.note, body)
    return "updated", board.thread.discussion


def _create(api: Connection, request: MergeRequest, me: int, body: str) -> str:
    made = notes.create(api, request, body)
    board = look(api, request, me)
    if board.thread is None or not board.extras:
        return made.id
    if board.thread.discussion != made.id:
        notes.edit(api, request, board.thread.discussion, board.thread.note, body)
    remove(api, request, board.extras)
    return board.thread.discussion


def remove(api: Connection, request: MergeRequest, extras: tuple[Thread, ...]) -> None:
    """Delete threads that are there twice, unless somebody answered in them."""
    for extra in extras:
        if not extra.replies:
            notes.delete(api, request, extra.discussion, extra.note)
