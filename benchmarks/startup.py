"""Measures a whole `bkdoctor log` on a trace of 100 kB against `python -c "import typer, rich.console"`.

    python benchmarks/startup.py [--runs N] [--check]

Both are run in turn in this environment, each as a process of its own; medians are compared. With --check the exit
status is 1 when bkdoctor takes more than LIMIT times as long.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

LIMIT = 2.5
SIZE = 100_000
BASE = [sys.executable, "-c", "import typer, rich.console"]


def trace(size: int = SIZE) -> str:
    """Return a trace of a failed build, the same at every call, of about `size` characters."""
    lines = [*_HEAD, *_FILLER]
    while sum(map(len, lines)) + len(lines) < size - 1000:
        number = len(lines)
        lines.append(
            f"#8 {number / 100:.3f} Get:{number} https://mirror.example.com/dists/stable/package-{number}.deb [12 kB]"
        )
    return "\n".join([*lines, *_TAIL]) + "\n"


_HEAD = """\
Running with gitlab-runner 18.4.0 (abcdef12)
  on builder-1 t1_AbCdEf, system ID: s_0123456789ab
section_start:1764164224:prepare_executor\r\x1b[0K\x1b[36;1mPreparing the "docker" executor\x1b[0;m
Using Docker executor with image moby/buildkit:rootless ...
section_end:1764164228:prepare_executor\r\x1b[0K
section_start:1764164236:step_script\r\x1b[0K\x1b[36;1mExecuting "step_script"\x1b[0;m
\x1b[32;1m$ buildctl-daemonless.sh build --frontend dockerfile.v0 --local context=.\x1b[0;m""".splitlines()
_FILLER = """\
#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 512B done
#1 DONE 0.0s
#8 [2/3] RUN install-the-tools""".splitlines()
_TAIL = """\
#8 DONE 21.4s
#9 [3/3] COPY dist/app /usr/local/bin/app
#9 ERROR: failed to calculate checksum of ref abc::def: "/dist/app": not found
------
 > [3/3] COPY dist/app /usr/local/bin/app:
------
error: failed to solve: failed to calculate checksum of ref abc::def: "/dist/app": not found
section_end:1764164240:step_script\r\x1b[0K\x1b[31;1mERROR: Job failed: exit code 1\x1b[0;m""".splitlines()


def seconds(commands: Sequence[Sequence[str]], runs: int) -> list[float]:
    """Return the median time of each command over `runs` rounds, after one that is not counted."""
    taken: list[list[float]] = [[] for _ in commands]
    for round_ in range(runs + 1):
        for times, command in zip(taken, commands, strict=True):
            start = time.perf_counter()
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
            elapsed = time.perf_counter() - start
            if done.returncode:
                sys.exit(f"{' '.join(command)}: exit status {done.returncode}: {done.stderr.decode()}")
            if round_:
                times.append(elapsed)
    return [statistics.median(times) for times in taken]


def main() -> int:
    """Print both times and their ratio; 1 when it is over the limit and that is asked for."""
    parser = argparse.ArgumentParser(description="Start-up time of bkdoctor log")
    parser.add_argument("--runs", type=int, default=15, help="rounds that count")
    parser.add_argument("--check", action="store_true", help=f"fail when the ratio is over {LIMIT}")
    options = parser.parse_args()
    bkdoctor = str(Path(sys.executable).with_name("bkdoctor"))
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "job.log"
        log.write_text(trace(), encoding="utf-8", newline="")
        base, own = seconds([BASE, [bkdoctor, "log", str(log)]], options.runs)
    print(f"import typer, rich.console  {base * 1000:7.1f} ms")
    print(f"bkdoctor log, {SIZE // 1000} kB        {own * 1000:7.1f} ms")
    print(f"ratio                       {own / base:7.2f}    (limit {LIMIT})")
    return int(options.check and own / base > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
