"""From the names of many logs to their reports, in order, by as many processes as there are cores.

A process diagnoses one log at a time: the time limit of a regular expression counts the CPU time of its whole process.
"""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import islice
from multiprocessing import get_context

from bkdoctor.errors import InputError
from bkdoctor.model import Report

Diagnose = Callable[[str], Report]
_WORTH = 1.0
"""Seconds that all logs would take one after the other, from which on starting processes pays."""
_SECONDS_EACH, _BYTES_PER_SECOND = 0.02, 400_000_000
_AHEAD = 4
"""Logs for each process that are begun or done before the report before them is written."""

_diagnose: Diagnose | None = None


def processes_for(names: Sequence[str]) -> int:
    """Return how many processes are worth starting for these logs; 1: do it in this one."""
    if len(names) < 2 or "-" in names:
        return 1
    size = 0
    for name in names:
        with suppress(OSError, ValueError):
            size += os.stat(name).st_size  # noqa: PTH116  # there may be thousands
    seconds = len(names) * _SECONDS_EACH + size / _BYTES_PER_SECOND
    return min(_cores(), len(names)) if seconds >= _WORTH else 1


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def reports(names: Sequence[str], diagnose: Diagnose, processes: int) -> Iterator[Report | InputError]:
    """Yield a report, or why there is none, for each log; `diagnose` must be something that can be pickled."""
    told = 0
    if processes > 1:
        with suppress(BrokenProcessPool):
            for result in _by_processes(names, diagnose, processes):
                yield result
                told += 1
    for name in names[told:]:
        yield _result(diagnose, name)


def _by_processes(names: Sequence[str], diagnose: Diagnose, processes: int) -> Iterator[Report | InputError]:
    pool = ProcessPoolExecutor(processes, get_context("spawn"), initializer=_begin, initargs=(diagnose,))
    finished = False
    try:
        waiting: deque[Future[Report | InputError]] = deque()
        left = iter(names)
        while True:
            waiting.extend(pool.submit(_work, name) for name in islice(left, processes * _AHEAD - len(waiting)))
            if not waiting:
                finished = True
                return
            yield waiting.popleft().result()
    finally:
        # an interpreter that ends while idle processes still do complains of pipes that are closed
        pool.shutdown(wait=finished, cancel_futures=True)


def _begin(diagnose: Diagnose) -> None:
    """Prepare a process of its own: an interrupt ends the one that started it, which ends this one."""
    import signal

    global _diagnose
    _diagnose = diagnose
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(name: str) -> Report | InputError:
    assert _diagnose is not None
    return _result(_diagnose, name)


def _result(diagnose: Diagnose, name: str) -> Report | InputError:
    try:
        return diagnose(name)
    except InputError as error:
        return error


class Progress:
    """Says on a terminal how many logs are done, on a line that is gone when a report is written."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._shown = total > 1 and sys.stderr.isatty()

    def show(self, done: int) -> None:
        """Say how many logs are done."""
        if self._shown and done < self._total:
            sys.stderr.write(f"\r{done} of {self._total} logs\x1b[K")
            sys.stderr.flush()

    def hide(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
