"""What tests of the page share: its command as a process of its own, and forms as a browser sends them."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.bot_process import free_port, until

_KEPT = ("PATH", "HOME", "XDG_CACHE_HOME")


def form(**fields: str | bytes) -> dict[str, tuple[str | None, str | bytes]]:
    """The page's form for httpx: each field there, empty where nothing is given."""
    parts: dict[str, tuple[str | None, str | bytes]] = {
        "text": (None, ""), "file": ("", b""), "job": (None, ""), "kubernetes": (None, ""),
    }  # fmt: skip
    return parts | {name: ("job.log" if name == "file" else None, value) for name, value in fields.items()}


@contextlib.contextmanager
def page(folder: Path, *options: str, **env: str) -> Iterator[str]:
    """Run `bkdoctor web`; give its address."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    command = [sys.executable, "-P", "-m", "bkdoctor", "web", "--port", str(port), *options]
    with (folder / "web.log").open("wb") as log:
        process = subprocess.Popen(command, env=kept | env, cwd=folder, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/"
    try:
        until(lambda: answers(url))
        yield url
    finally:
        process.terminate()
        process.wait(20)


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
