"""Many jobs -> each with its trace, or with why there is none: side by side, within one rate limit, in bounded memory.

Traces come in the order of the jobs, a few ahead of the one that is used. Who uses them diagnoses in the thread that
iterates, or in other processes: the time limit of a pattern counts what its whole process does.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future
from contextlib import closing
from itertools import islice
from typing import Any, Generic, TypeVar

import msgspec
from msgspec.structs import replace

from bkdoctor.errors import GitLabError
from bkdoctor.gitlab.client import FetchedJob
from bkdoctor.gitlab.connection import Connection, Limits
from bkdoctor.gitlab.pace import Pace
from bkdoctor.gitlab.settled import MAX_TRACE, fetch_settled
from bkdoctor.gitlab.target import Spot
from bkdoctor.story import Job

PATIENCE = 90.0
"""Seconds that one request waits because a rate limit asks for it: GitLab's limits are those of a minute."""
SIDE_BY_SIDE = 4
"""Requests at one time: a trace takes GitLab longer than other answers, and the limit is that of one user."""
_AHEAD = 2
"""Traces that are held beyond those that are being fetched."""
_GIVE_UP = 5
"""Failures one after the other, of requests that were tried again each, from which on GitLab is asked no more."""

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

Open = Callable[[], Connection]
"""Opens a connection; called once in each thread. All of them should have one `Pace` in their limits."""


def opener(spot: Spot, limits: Limits | None = None) -> Open:
    """Return what opens connections to where something stands, all with one pace."""
    limits = limits or Limits(patience=PATIENCE)
    shared = replace(limits, pace=Pace(patience=limits.patience, sleep=limits.sleep))
    return lambda: Connection(spot.base, spot.token, verify=spot.verify, advice=spot.advice, limits=shared)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A job whose trace is wanted."""

    project_id: int
    job: Job
    fields: Mapping[str, Any] | None = None
    """All that the API says of the job, where a list has told it: then it is not asked again."""


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    wanted: Wanted
    log: FetchedJob | GitLabError
    """The trace and what the API says, or why there is none."""


def fetch_all(
    open_: Open, wanted: Iterable[Wanted], *, side_by_side: int = SIDE_BY_SIDE, max_bytes: int = MAX_TRACE
) -> Generator[Fetched, None, None]:
    """Yield what came of each job, in order; nothing that GitLab refuses is raised.

    `wanted` may be endless and is read as traces are used, in this thread; it must not raise. At most
    `side_by_side + 2` traces of `max_bytes` are held, large ones in temporary files. If GitLab refuses one after the
    other, or asks for more patience than the connections have, the jobs that are left come with that error and are not
    asked for.
    """

    def fetch(api: Connection, one: Wanted) -> FetchedJob:
        return fetch_settled(api, one.project_id, one.job, max_bytes=max_bytes, fields=one.fields)

    with closing(ask_all(open_, wanted, fetch, side_by_side=side_by_side)) as answers:
        for one, log in answers:
            yield Fetched(wanted=one, log=log)


def ask_all(
    open_: Open,
    items: Iterable[_Item],
    ask: Callable[[Connection, _Item], _Answer],
    *,
    side_by_side: int = SIDE_BY_SIDE,
) -> Generator[tuple[_Item, _Answer | GitLabError], None, None]:
    """Yield each item with what `ask` makes of it over a connection, in order, in the same way as `fetch_all`.

    `ask` runs in several threads, each with a connection of its own.
    """
    crew, left = _Crew(open_, side_by_side, ask), iter(items)
    waiting: deque[tuple[_Item, Future[_Answer | GitLabError]]] = deque()
    try:
        while True:
            more = islice(left, side_by_side + _AHEAD - len(waiting))
            waiting.extend((one, crew.ask(one)) for one in more)
            if not waiting:
                return
            one, future = waiting.popleft()
            yield one, future.result()
    finally:
        crew.dismiss()


class _Crew(Generic[_Item, _Answer]):
    """Threads with a connection each; they end with the program, whatever they wait for."""

    def __init__(self, open_: Open, size: int, ask: Callable[[Connection, _Item], _Answer]) -> None:
        self._open, self._size, self._asked = open_, size, ask
        self._tasks: queue.SimpleQueue[tuple[_Item, Future[_Answer | GitLabError]] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._failures = 0
        self._refusal: GitLabError | None = None

    def ask(self, item: _Item) -> Future[_Answer | GitLabError]:
        """Have something asked for."""
        future: Future[_Answer | GitLabError] = Future()
        self._tasks.put((item, future))
        if len(self._threads) < self._size:
            # daemon: an interrupt must not wait for a host that says nothing
            self._threads.append(threading.Thread(target=self._work, daemon=True))
            self._threads[-1].start()
        return future

    def dismiss(self) -> None:
        """Let the threads end when they have done what they are at."""
        self._refusal = self._refusal or GitLabError("nobody waits for this any more")
        for _ in self._threads:
            self._tasks.put(None)

    def _work(self) -> None:
        connection: Connection | None = None
        try:
            while (task := self._tasks.get()) is not None:
                item, future = task
                try:
                    connection = connection or self._open()
                    future.set_result(self._answer(connection, item))
                except BaseException as error:
                    future.set_exception(error)
        finally:
            if connection:
                connection.close()

    def _answer(self, connection: Connection, item: _Item) -> _Answer | GitLabError:
        if self._refusal:
            return self._refusal
        try:
            answer = self._asked(connection, item)
        except GitLabError as error:
            self._count(error)
            return error
        with self._lock:
            self._failures = 0
        return answer

    def _count(self, error: GitLabError) -> None:
        with self._lock:
            # what is permanent is so for one job
            self._failures = 0 if error.permanent else self._failures + 1
            if self._failures >= _GIVE_UP or (error.retry_after is not None and not error.permanent):
                self._refusal = self._refusal or error
