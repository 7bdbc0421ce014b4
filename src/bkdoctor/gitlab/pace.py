"""What a GitLab says of its rate limit, to one of several connections -> how long all of them wait before they ask."""

import threading
import time
from collections.abc import Callable

_LONGEST = 60.0
"""Seconds to wait where the limit is used up but nothing was refused yet."""


class Pace:
    """Shared by the connections of one command, each in a thread of its own."""

    def __init__(
        self,
        *,
        patience: float,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience = patience
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._until = float("-inf")

    def wait(self) -> None:
        """Wait as GitLab asked, but no longer than the patience: who asks too early is told again."""
        with self._lock:
            delay = self._until - self._clock()
        if delay > 0:
            self._sleep(min(delay, self._patience))

    def learn(self, *, refused: bool, wait: float | None, left: float | None, reset: float | None) -> None:
        """Take note of an answer: whether it was a 429, the seconds it asks for, and what is left of the limit.

        `reset` are the seconds until the limit is whole again.
        """
        seconds = (wait if wait is not None else 1.0) if refused else 0.0
        if not refused and left == 0 and reset is not None:
            seconds = min(reset, _LONGEST)
        if seconds > 0:
            with self._lock:
                self._until = max(self._until, self._clock() + seconds)
