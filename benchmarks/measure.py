"""Runs programs beside each other: the median of wall clock, CPU time and peak memory over several rounds."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks import logs

BKDOCTOR = [str(Path(sys.executable).with_name("bkdoctor")), "log"]


class Taken(NamedTuple):
    """What a program took."""

    wall: float
    cpu: float
    megabytes: float


def _once(command: Sequence[str], environment: dict[str, str]) -> Taken:
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        if process.returncode not in (0, 1, 3):
            said = process.stderr.read().decode() if process.stderr else ""
            sys.exit(f"{' '.join(command)}: exit status {process.returncode}: {said}")
    return Taken(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def compared(commands: Sequence[Sequence[str]], runs: int) -> list[Taken]:
    """Return the medians of each command; they run in turn, and a first round that fills caches does not count."""
    # compiled modules are kept, as they are where bkdoctor is installed
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    rounds = [[_once(command, environment) for command in commands] for _ in range(runs + 1)][1:]
    return [
        Taken(*(statistics.median(round_[n][field] for round_ in rounds) for field in range(3)))
        for n in range(len(commands))
    ]


def ripgrep() -> str:
    """Return where ripgrep is; without it there is nothing to compare with."""
    return shutil.which("rg") or sys.exit("ripgrep (rg) is not installed: nothing is measured.")


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder for generated logs, and in it `literals`: what the catalogue looks for, one on a line."""
    with TemporaryDirectory(prefix="bkdoctor-benchmark-") as name:
        # in a process of its own: what this one has in memory counts for each that it starts
        code = "from bkdoctor.session import catalog_of; print(*catalog_of(()).literals, sep='\\n')"
        with (Path(name) / "literals").open("wb") as file:
            subprocess.run([sys.executable, "-c", code], stdout=file, check=True)
        yield Path(name)


def generated(path: Path, size: int, failure: str = "end", *, timestamps: bool = False, colours: bool = False) -> Path:
    """Write the log of a build of that size."""
    with path.open("wb") as file:
        logs.write(file, logs.build(size, failure=failure, timestamps=timestamps, colours=colours))
    return path


def row(name: str, base: Taken, own: Taken) -> str:
    """Return a line of a table: what the base took, what bkdoctor took, and the ratios."""
    return (
        f"{name:32} {base.wall:7.3f} s {own.wall:7.3f} s  ratio {own.wall / base.wall:5.2f}"
        f" (CPU {own.cpu / base.cpu:5.2f})  {own.megabytes:4.0f} MB"
    )
