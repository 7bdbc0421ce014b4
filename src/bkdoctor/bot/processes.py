"""A configuration -> running processes: one that receives, some that work, and one that keeps them running.

Receiving and diagnosing never share a process: the work of one would keep the other's answers waiting, and the time
limit of a pattern counts what the whole process uses.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import uuid4

import msgspec

from bkdoctor.bot.catchup import catch_up
from bkdoctor.bot.config import Config
from bkdoctor.bot.database import Database
from bkdoctor.bot.handle import handle
from bkdoctor.bot.keeper import PARENT
from bkdoctor.bot.logs import say, set_up
from bkdoctor.bot.store import Store
from bkdoctor.bot.task import Hold, Record, Task
from bkdoctor.bot.worker import Worker
from bkdoctor.errors import UsageError
from bkdoctor.gitlab.connection import Connection, Limits
from bkdoctor.session import catalog_of, user_folders

_SOON = 10.0
_HASTY_ENDS = 10
_LONGEST_PAUSE = 10.0


def new_name() -> str:
    """Return a name that no other process of the bot has or had."""
    return f"{socket.gethostname()[:60]}-{os.getpid()}-{uuid4().hex[:8]}"


def connect(config: Config, stop: threading.Event | None = None) -> Connection:
    """Return a connection to the configured GitLab. Raises UsageError."""
    gitlab = config.gitlab()
    limits = Limits(sleep=stop.wait if stop else time.sleep, read_timeout=config.timeout_seconds)
    return Connection(gitlab.base, gitlab.token, limits=limits)


def receive(config: Config) -> None:
    """Receive webhooks until told to stop. Raises UsageError and DatabaseError."""
    import uvicorn

    from bkdoctor.bot.receiver import create_app
    from bkdoctor.web.listen import listen

    config.require_secret()
    set_up(config)
    # the receiver of a bot that was killed ends a moment later
    listening = listen(config.host, config.port, patience=config.stop_seconds)
    app = create_app(config, Store(Database(config.database_url)), name=new_name())
    uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=1000,
            timeout_graceful_shutdown=int(config.stop_seconds) or 1,
        )
    ).run(sockets=[listening])


def work(config: Config) -> None:
    """Work until told to stop. Raises UsageError and DatabaseError."""
    config.require("gitlab_url", "token")
    set_up(config)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    store = Store(Database(config.database_url, durable=False))
    with connect(config, stop) as api:
        Worker(config, store, _GitLabHandler(api, config), stop, new_name()).run()


class _GitLabHandler:
    """The worker's handler: GitLab, and the patterns."""

    def __init__(self, api: Connection, config: Config) -> None:
        self._api, self._config = api, config
        self._catalog = catalog_of(user_folders(None))

    @property
    def asked(self) -> tuple[int, int]:
        return self._api.calls, self._api.retries

    def handle(self, task: Task, hold: Hold) -> Record:
        return handle(task, self._api, self._config, self._catalog, hold=hold)

    def catch_up(self, since: datetime) -> Iterable[Task]:
        return catch_up(self._api, self._config, since)


class _Child(msgspec.Struct):
    """A process that is kept running."""

    role: str
    words: tuple[str, ...]
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    hasty: int = 0
    """How often in a row it ended soon after its start."""
    start_at: float = 0.0


def keep_running(config: Config, words: Sequence[str], receiver: Sequence[str]) -> int:
    """Run a receiver and workers, each anew when it ends, until told to stop; return an exit status.

    `words` are options for the command lines of all of them, `receiver` those that only it takes.
    """
    config.require_secret()
    config.require("gitlab_url", "token")
    set_up(config)
    # what is wrong with the database is told once, here
    Database(config.database_url).close()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    children = [_Child("receive", (*words, *receiver)), *(_Child("work", tuple(words)) for _ in range(config.workers))]
    status = 0
    while not stop.is_set() and status == 0:
        for child in children:
            status = status or _look_after(child)
        stop.wait(0.2)
    say("stopping", processes=len(children))
    _end(children, config.stop_seconds + 5.0)
    return status


def _look_after(child: _Child) -> int:
    """Start a child that does not run; return the exit status with which all shall end, 0 for none."""
    if child.process is not None:
        ended = child.process.poll()
        if ended is None:
            return 0
        child.process = None
        if ended == UsageError.exit_status:
            return ended
        lived = time.monotonic() - child.started
        child.hasty = child.hasty + 1 if lived < _SOON else 0
        say("process ended", level=logging.WARNING, role=child.role, status=ended)
        if child.hasty >= _HASTY_ENDS:
            return 1
        child.start_at = time.monotonic() + (0.0 if lived > _SOON else min(_LONGEST_PAUSE, 0.25 * 2**child.hasty))
    if time.monotonic() >= child.start_at:
        # -P: what lies in the working directory is no module of ours
        command = [sys.executable, "-P", "-m", "bkdoctor", "bot", child.role, *child.words]
        child.process = subprocess.Popen(command, env={**os.environ, PARENT: str(os.getpid())})  # noqa: S603
        child.started = time.monotonic()
    return 0


def _end(children: Sequence[_Child], seconds: float) -> None:
    running = [child.process for child in children if child.process is not None]
    for process in running:
        process.terminate()
    until = time.monotonic() + seconds
    for process in running:
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
