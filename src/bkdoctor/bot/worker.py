"""Work from the ledger -> a handler, one piece at a time, tried again for as long as that may help.

A worker that dies says nothing: its lease ends, and another one does the work again from the start, which is why a
handler looks first for what was done before.
"""

import logging
import random
import threading
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

import msgspec

from bkdoctor.bot.config import Config
from bkdoctor.bot.database import DatabaseError
from bkdoctor.bot.keeper import Keeper
from bkdoctor.bot.logs import say
from bkdoctor.bot.metrics import of_record
from bkdoctor.bot.missed import KIND, events_of, since_of
from bkdoctor.bot.store import BusyError, Store, Work
from bkdoctor.bot.task import Hold, Record, Task
from bkdoctor.errors import GitLabError

_POLL = 0.3
_BUSY_SECONDS = 1.0
_FIRST_PAUSE, _LONGEST_PAUSE, _LONGEST_WAIT = 5.0, 600.0, 3600.0
_CRASHES = 5
_ACCIDENTS = 8
"""Tries of work that fails by a fault of our own; GitLab's faults are given a day."""
_FORGET_EVERY = 600.0

Counted = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Handler(Protocol):
    """Does the work, and counts what it asks of GitLab."""

    @property
    def asked(self) -> tuple[int, int]:
        """Requests to GitLab so far, and how many of them were made again."""

    def handle(self, task: Task, hold: Hold) -> Record:
        """Do what a task asks for. Raises GitLabError."""

    def catch_up(self, since: datetime) -> Iterable[Task]:
        """Find what was missed. Raises GitLabError."""


class Worker:
    """Takes work until it is told to stop."""

    def __init__(self, config: Config, store: Store, handler: Handler, stop: threading.Event, name: str) -> None:
        self._config, self._store, self._handler, self._stop, self._name = config, store, handler, stop, name
        self._work: Work | None = None
        self._began = 0.0
        self._forgot = float("-inf")
        self._asked = handler.asked

    def run(self) -> None:
        """Work until `stop` is set."""
        Keeper(self._config, self._store, self._stop, self._name, lambda: self._work).start()
        say("worker starts", worker=self._name)
        while not self._stop.is_set():
            try:
                self._tidy()
                if not self.step():
                    self._stop.wait(_about(_POLL))
            except DatabaseError as error:
                say(str(error), level=logging.ERROR)
                self._stop.wait(_FIRST_PAUSE)
        say("worker stops", worker=self._name)

    def step(self) -> bool:
        """Take one piece of work and do it; False: there is none. Raises DatabaseError."""
        work = self._store.claim(self._name, self._config.lease_seconds)
        if work is None:
            return False
        say("work taken", event=work.event_id, key=work.key, tries=work.tries, crashes=work.crashes)
        self._work, self._began = work, time.monotonic()
        try:
            self._do(work)
        finally:
            self._work = None
        return True

    def _do(self, work: Work) -> None:
        if work.crashes >= _CRASHES:
            self._give_up(work, f"{work.crashes} workers died at this work")
            return
        try:
            record = self._handled(work)
        except BusyError:
            self._store.postpone(work, _about(_BUSY_SECONDS))
        except msgspec.DecodeError as error:
            self._give_up(work, f"the ledger's row cannot be read: {error}")
        except GitLabError as error:
            failing = work.now - work.failing_since if work.failing_since else 0.0
            last = error.permanent or failing > self._config.give_up_hours * 3600
            self._give_up(work, str(error)) if last else self._again(work, str(error), error.retry_after)
        except DatabaseError:
            raise
        except Exception as error:
            say("accident", level=logging.ERROR, error=error, event=work.event_id, key=work.key)
            why = f"an accident of ours: {type(error).__name__}"
            self._give_up(work, why) if work.tries + 1 >= _ACCIDENTS else self._again(work, why, None)
        else:
            self._finish(work, record)

    def _handled(self, work: Work) -> Record:
        if work.kind == KIND:
            found = sum(sum(self._store.add(some)) for some in events_of(self._handler.catch_up(since_of(work.body))))
            return Record(outcome="nothing", project_id=0, pipeline_id=0, reason=f"{found} pipelines were missed")
        task = msgspec.json.decode(work.body, type=Task)
        return self._handler.handle(task, lambda name: self._store.hold(work, name, self._config.lease_seconds))

    def _finish(self, work: Work, record: Record) -> None:
        seconds = max(0.0, work.now - work.since) + time.monotonic() - self._began
        counts = of_record(record, seconds) | self._asked_since()
        body = msgspec.json.encode(record).decode()
        mine = self._store.done(work, outcome=record.outcome, body=body, counts=counts)
        say(
            "work done" if mine else "work done, but its lease had ended",
            level=logging.INFO if mine else logging.WARNING,
            event=work.event_id, key=work.key, outcome=record.outcome, reason=record.reason,
            pipeline=record.pipeline_id, patterns=",".join(record.patterns), seconds=round(seconds, 3),
        )  # fmt: skip

    def _again(self, work: Work, why: str, retry_after: float | None) -> None:
        pause = _about(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(work.tries, 20)))
        if retry_after is not None:
            pause = min(_LONGEST_WAIT, max(1.0, retry_after))
        self._store.fail(work, pause, counts=self._asked_since() | {("bkdoctor_work_retried", ()): 1.0})
        say(
            "work failed and is tried again", level=logging.WARNING,
            event=work.event_id, key=work.key, why=why, in_seconds=round(pause, 1),
        )  # fmt: skip
        if retry_after is not None:
            # GitLab asks the token's owner to wait, whatever the work is
            self._stop.wait(min(pause, self._config.lease_seconds))

    def _give_up(self, work: Work, why: str) -> None:
        counts = self._asked_since() | {("bkdoctor_work_done", (("outcome", "failed"),)): 1.0}
        self._store.done(work, outcome="failed", error=why, counts=counts)
        say("work given up", level=logging.ERROR, event=work.event_id, key=work.key, why=why)

    def _asked_since(self) -> Counted:
        before, self._asked = self._asked, self._handler.asked
        names = ("bkdoctor_api_calls", "bkdoctor_api_retries")
        return {(name, ()): float(n - b) for name, n, b in zip(names, self._asked, before, strict=True) if n > b}

    def _tidy(self) -> None:
        if time.monotonic() - self._forgot > _FORGET_EVERY:
            self._forgot = time.monotonic()
            self._store.forget(self._config.keep_days)


def _about(seconds: float) -> float:
    # workers that failed together shall not come back together
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311
