"""The second thread of a worker: it keeps the lease, says that the worker lives, and ends what does not end."""

import logging
import os
import threading
import time
from collections.abc import Callable

from bkdoctor.bot.config import Config
from bkdoctor.bot.database import DatabaseError
from bkdoctor.bot.logs import say
from bkdoctor.bot.store import Store, Work

PARENT = "BKDOCTOR_BOT_PARENT"
"""The process that started this one, in the environment: what it started ends with it."""


class Keeper:
    """Runs beside the work until the process ends."""

    def __init__(
        self, config: Config, store: Store, stop: threading.Event, name: str, work: Callable[[], Work | None]
    ) -> None:
        self._config, self._store, self._stop, self._name, self._work = config, store, stop, name, work
        self._told_at: float | None = None

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="keeper", daemon=True).start()

    def _run(self) -> None:
        every = min(5.0, self._config.lease_seconds / 4)
        beaten = 0.0
        while True:
            if time.monotonic() - beaten >= every:
                beaten = time.monotonic()
                self._beat()
            if orphaned():
                self._stop.set()
            self._end_what_takes_too_long()
            time.sleep(min(0.5, every))

    def _beat(self) -> None:
        try:
            self._store.beat(self._name, "worker")
            work = self._work()
            if work is not None and not self._store.extend(work, self._config.lease_seconds) and work is self._work():
                say("the lease has ended", level=logging.WARNING, event=work.event_id, key=work.key)
        except DatabaseError as error:
            say(str(error), level=logging.ERROR)

    def _end_what_takes_too_long(self) -> None:
        if not self._stop.is_set():
            return
        self._told_at = self._told_at or time.monotonic()
        if time.monotonic() - self._told_at > self._config.stop_seconds:
            work = self._work()
            # the lease is left to end by itself: a request to GitLab may still be on its way
            say("stops in the middle of work, which another worker does", event=work.event_id if work else "")
            os._exit(0)


def orphaned() -> bool:
    """Whether the process that started this one has ended."""
    parent = os.environ.get(PARENT, "")
    return bool(parent) and os.getppid() != int(parent)
