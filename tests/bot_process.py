"""The bot as processes of its own, beside a GitLab double: started, spoken to over HTTP, and killed."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bot_cases import APP
from tests.bot_setting import SECRET
from tests.gitlab_double import TOKEN
from tests.gitlab_routes_bot import SHA, BotGitLab


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def until(true: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Wait for something to be true, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


class Bot:
    """One command `bkdoctor bot ...` and the processes that it starts."""

    def __init__(self, folder: Path, gitlab_url: str, database_url: str, *role: str, port: int = 0, **bot: Any) -> None:
        self.port = port or free_port()
        self.config = folder / f"bot-{self.port}.toml"
        settings = {"lease_seconds": 2, "stop_seconds": 10} | bot
        timeout = settings.pop("timeout_seconds", 30)
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        self.config.write_text(f"[gitlab]\ntimeout_seconds = {timeout}\n[bot]\n" + "\n".join(lines) + "\n")
        self.log = folder / f"bot-{self.port}.log"
        env = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "XDG_CACHE_HOME")}
        env |= {
            "BKDOCTOR_GITLAB_URL": gitlab_url, "BKDOCTOR_GITLAB_TOKEN": TOKEN, "BKDOCTOR_WEBHOOK_SECRET": SECRET,
            "BKDOCTOR_DATABASE_URL": database_url,
        }  # fmt: skip
        words: list[str | Path] = [*role, "--config", self.config]
        if role != ("work",):
            words += ["--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "bkdoctor", "bot", *words], env=env, cwd=folder, stdout=log, stderr=log
            )

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except OSError:
            return 0
        finally:
            connection.close()

    def post(self, payload: object, **headers: str) -> int:
        known = {"X-Gitlab-Token": SECRET, "Content-Type": "application/json"}
        return self.ask("POST", "/webhook", json.dumps(payload).encode(), known | headers)

    def ready(self) -> "Bot":
        until(lambda: self.ask("GET", "/readyz") == 200)
        return self

    def says(self, message: str) -> list[dict[str, Any]]:
        """What it logged with a message."""
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in map(json.loads, lines) if line["message"] == message]

    def children(self) -> list[int]:
        file = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(number) for number in file.read_text().split()] if file.exists() else []

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self, seconds: float = 30.0) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


@contextlib.contextmanager
def running(*bots: Bot) -> Iterator[None]:
    """Kill what still runs at the end, with its children."""
    try:
        yield
    finally:
        for bot in bots:
            left = [*bot.children(), bot.process.pid]
            for number in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            bot.process.wait()


def alive(number: int) -> bool:
    try:
        state = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def done(bot: Bot, times: int = 1) -> list[dict[str, Any]]:
    """Wait until the bot has done so many pieces of work."""
    found: list[dict[str, Any]] = until(lambda: len(bot.says("work done")) >= times and bot.says("work done"))
    return found


def hook(
    gitlab: BotGitLab, pipeline: int = 100, *, mr: int = 3, status: str = "failed", sha: str = SHA
) -> dict[str, Any]:
    """What GitLab sends of a pipeline of a merge request that is in the double."""
    project = gitlab.project_id(APP)
    attributes = {"id": pipeline, "ref": "feature", "sha": sha, "status": status}
    builds = [{"id": n, "status": status} for n in gitlab.pipeline_jobs.get(pipeline, [])]
    return {
        "object_kind": "pipeline", "object_attributes": attributes, "builds": builds,
        "project": {"id": project, "path_with_namespace": APP},
        "merge_request": {"iid": mr, "target_project_id": project},
    }  # fmt: skip
