"""Events of many requests -> one transaction: all that wait while the one before is written share the next."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from bkdoctor.bot.store import Event

_LARGEST_BATCH = 200


class FullError(Exception):
    """More requests wait for the database than memory is given to."""


class Intake:
    """Stores events through one thread; `add` returns when the event is safe."""

    def __init__(self, add: Callable[[Sequence[Event]], list[bool]], limit: int = 2000) -> None:
        self._add = add
        self._limit = limit
        self._waiting: list[tuple[Event, asyncio.Future[bool]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "intake")

    async def add(self, event: Event) -> bool:
        """Store an event; tell whether it is new. Raises FullError and DatabaseError."""
        if len(self._waiting) >= self._limit:
            raise FullError
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((event, stored))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await stored

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[:_LARGEST_BATCH], self._waiting[_LARGEST_BATCH:]
            events = [event for event, _ in batch]
            try:
                answers = await loop.run_in_executor(self._thread, self._add, events)
            except Exception as error:
                for _, stored in batch:
                    if not stored.done():
                        stored.set_exception(error)
                continue
            for (_, stored), new in zip(batch, answers, strict=True):
                if not stored.done():
                    stored.set_result(new)
