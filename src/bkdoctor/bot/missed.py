"""When a receiver was last heard of -> the event that makes a worker look for what GitLab told nobody, and back."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from bkdoctor.bot.events import event_of
from bkdoctor.bot.store import Event
from bkdoctor.bot.task import Task

KIND = "catchup"
_MARGIN = 15.0
"""Seconds before the last sign of life that count as missed: the sign is given every few seconds."""
_BATCH = 50


class _Since(msgspec.Struct):
    since: float


def event_since(last_heard: float, receiver: str) -> Event:
    """Return the event with which a starting receiver asks for what was missed since another one was heard of."""
    since = last_heard - _MARGIN
    return Event(
        id=f"{KIND}:{receiver}",
        project_id=0,
        key=KIND,
        kind=KIND,
        body=msgspec.json.encode(_Since(since)).decode(),
        # of those that wait, the one that goes back furthest must stay
        pipeline_id=2**52 - int(since),
    )


def since_of(body: str) -> datetime:
    """Return the time in such an event."""
    return datetime.fromtimestamp(msgspec.json.decode(body, type=_Since).since, UTC)


def events_of(tasks: Iterable[Task]) -> Iterator[list[Event]]:
    """Return what was found as events, some at a time; what is found twice has the same id."""
    some: list[Event] = []
    for task in tasks:
        some.append(event_of(task, f"{KIND}:{task.project_id}:{task.pipeline_id}:{task.status}"))
        if len(some) == _BATCH:
            yield some
            some = []
    if some:
        yield some
