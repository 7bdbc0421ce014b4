"""Measures a whole `bkdoctor log` on a trace of 100 kB against `python -c "import typer, rich.console"`.

    python -m benchmarks.startup [--runs N] [--check]

Both are run in turn in this environment, each as a process of its own; medians are compared. With --check the exit
status is 1 when bkdoctor takes more than LIMIT times as long.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import BKDOCTOR, compared

LIMIT = 1.8
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


def main() -> int:
    """Print both times and their ratio; 1 when it is over the limit and that is asked for."""
    parser = argparse.ArgumentParser(description="Start-up time of bkdoctor log")
    parser.add_argument("--runs", type=int, default=15, help="rounds that count")
    parser.add_argument("--check", action="store_true", help=f"fail when the ratio is over {LIMIT}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "job.log"
        log.write_text(trace(), encoding="utf-8", newline="")
        base, own = compared([BASE, [*BKDOCTOR, str(log)]], options.runs)
    print(f"import typer, rich.console  {base.wall * 1000:7.1f} ms")
    print(f"bkdoctor log, {SIZE // 1000} kB        {own.wall * 1000:7.1f} ms")
    print(f"ratio                       {own.wall / base.wall:7.2f}    (CPU {own.cpu / base.cpu:.2f}; limit {LIMIT})")
    return int(options.check and own.wall / base.wall > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
