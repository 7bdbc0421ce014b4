"""A note, the emojis on it and the replies below it -> the causes that its readers want to hear no more of."""

import re

import msgspec

from bkdoctor.bot.marker import Marker
from bkdoctor.bot.thread import Thread
from bkdoctor.gitlab import notes
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.merge_requests import MergeRequest

_IGNORE = re.compile(r"^[ \t]*bkdoctor:[ \t]*ignore\b", re.IGNORECASE | re.MULTILINE)
_THUMBS_DOWN = "thumbsdown"


def heard(api: Connection, request: MergeRequest, thread: Thread, me: int) -> Marker:
    """Return the note's marker with the causes silenced that it showed when somebody voted or replied."""
    marker = thread.marker
    fresh = [key for key in _votes(api, request, thread, me) if key not in marker.seen]
    if not fresh:
        return marker
    return msgspec.structs.replace(
        marker,
        silenced=tuple(dict.fromkeys((*marker.silenced, *marker.causes))),
        seen=(*marker.seen, *fresh),
    )


def _votes(api: Connection, request: MergeRequest, thread: Thread, me: int) -> list[str]:
    emojis = notes.awards(api, request, thread.note)
    down = [f"a{e.id}" for e in emojis if e.name == _THUMBS_DOWN and not _is(e.user, me)]
    replies = [r for r in thread.replies if not r.system and not _is(r.author, me)]
    return down + [f"n{reply.id}" for reply in replies if _IGNORE.search(reply.body)]


def _is(user: notes.User | None, me: int) -> bool:
    return user is not None and user.id == me
