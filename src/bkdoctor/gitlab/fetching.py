"""Many jobs -> each with its trace, or with why there is none: side by side, within one rate limit, in bounded memory.

Traces come in the order of the jobs, a few ahead of the one that is used. Who uses them diagnoses in the thread that
iterates, or in other processes: the time limit of a pattern counts what its whole process does.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from itertools import islice

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
    crew, left = _Crew(open_, side_by_side, max_bytes), iter(wanted)
    waiting: deque[tuple[Wanted, Future[FetchedJob | GitLabError]]] = deque()
    try:
        while True:
            more = islice(left, side_by_side + _AHEAD - len(waiting))
            waiting.extend((one, crew.ask(one)) for one in more)
            if not waiting:
                return
            one, future = waiting.popleft()
            yield Fetched(wanted=one, log=future.result())
    finally:
        crew.dismiss()


class _Crew:
    """Threads with a connection each; they end with the program, whatever they wait for."""

    def __init__(self, open_: Open, size: int, max_bytes: int) -> None:
        self._open, self._size, self._max_bytes = open_, size, max_bytes
        self._tasks: queue.SimpleQueue[tuple[Wanted, Future[FetchedJob | GitLabError]] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._failures = 0
        self._refusal: GitLabError | None = None

    def ask(self, wanted: Wanted) -> Future[FetchedJob | GitLabError]:
        """Have a trace fetched."""
        future: Future[FetchedJob | GitLabError] = Future()
        self._tasks.put((wanted, future))
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
                wanted, future = task
                try:
                    connection = connection or self._open()
                    future.set_result(self._fetched(connection, wanted))
                except BaseException as error:
                    future.set_exception(error)
        finally:
            if connection:
                connection.close()

    def _fetched(self, connection: Connection, wanted: Wanted) -> FetchedJob | GitLabError:
        if self._refusal:
            return self._refusal
        try:
            fetched = fetch_settled(connection, wanted.project_id, wanted.job, max_bytes=self._max_bytes)
        except GitLabError as error:
            self._count(error)
            return error
        with self._lock:
            self._failures = 0
        return fetched

    def _count(self, error: GitLabError) -> None:
        with self._lock:
            # what is permanent is so for one job
            self._failures = 0 if error.permanent else self._failures + 1
            if self._failures >= _GIVE_UP or (error.retry_after is not None and not error.permanent):
                self._refusal = self._refusal or error
