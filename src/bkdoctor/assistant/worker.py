"""A process beside the server that does its work, one call at a time: the server itself only speaks.

The time limit of a regular expression counts the CPU time of its whole process, and a diagnosis would hold up the
answers to pings.
"""

import asyncio
import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from threading import Thread

import anyio

from bkdoctor.assistant.bounds import Answer, line
from bkdoctor.assistant.work import Setup, Work
from bkdoctor.errors import BkdoctorError, InputError

SECONDS = 300.0
"""How long one call may take."""

_work: Work | None = None


class Worker:
    """The process; started by the first call, and anew when it ended."""

    def __init__(self, setup: Setup, *, seconds: float = SECONDS) -> None:
        self._setup = setup
        self._seconds = seconds
        self._pool: ProcessPoolExecutor | None = None
        self._turn = anyio.Lock()

    async def ask(self, name: str, *arguments: object) -> Answer:
        """Call a method of Work there, and return its answer. Raises BkdoctorError."""
        async with self._turn:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    1, get_context("spawn"), initializer=_begin, initargs=(self._setup,)
                )  # fmt: skip
            try:
                with anyio.fail_after(self._seconds):
                    answer = await asyncio.wrap_future(self._pool.submit(_call, name, arguments))
            except TimeoutError:
                self.close()
                raise InputError(
                    f"It took more than {self._seconds:.0f} seconds and was stopped. Give a part of the log."
                ) from None
            except BrokenProcessPool:
                self.close()
                raise InputError("The process that diagnoses ended. Give a part of the log, or try again.") from None
            except anyio.get_cancelled_exc_class():
                # nobody waits for it any more, and the next call shall not either
                self.close()
                raise
        if isinstance(answer, BkdoctorError):
            raise answer
        return answer

    def close(self) -> None:
        """End the process, whatever it does."""
        pool, self._pool = self._pool, None
        if pool is not None:
            # there is no public way to end a process that is at work
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown(wait=False, cancel_futures=True)


def _begin(setup: Setup) -> None:
    """Prepare the process; it ends with the one that started it."""
    import signal
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None
    Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()
    _work = Work(setup)


def _call(name: str, arguments: tuple[object, ...]) -> Answer | BkdoctorError:
    assert _work is not None
    try:
        answer: Answer = getattr(_work, name)(*arguments)
    except BkdoctorError as error:
        # as text: what an exception carries beside it need not go through the pipe
        return InputError(line(str(error), 2_000))
    return answer
