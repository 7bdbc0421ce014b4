"""Runs the command line for tests: in this process, or as one of its own where that is what is tested."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from bkdoctor.cli import main


class Answer(NamedTuple):
    """What a command printed and its exit status."""

    status: int
    out: str
    err: str


class Cli:
    """The command line; calling it runs a command with these words and this standard input."""

    def __init__(self, patch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]) -> None:
        self._patch = patch
        self._captured = captured

    def __call__(self, *words: str | Path, stdin: str | bytes = b"") -> Answer:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        self._patch.setattr(sys, "argv", ["bkdoctor", *map(str, words)])
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        status = 0
        try:
            main()
        except SystemExit as ended:
            status = int(ended.code or 0)
        return Answer(status, *self._captured.readouterr())


def process(*words: str | bytes | Path, stdin: bytes = b"", **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a command as a process of its own."""
    return subprocess.run(
        [*START, *words], input=stdin, capture_output=True, timeout=60, env={**os.environ, **environment}, check=False
    )  # fmt: skip


START = [sys.executable, "-c", "import sys; sys.argv[0] = 'bkdoctor'; from bkdoctor.cli import main; main()"]
