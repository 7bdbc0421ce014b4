"""Measures `bkdoctor log FILE...` on many logs: with all cores beside one, and beside `rg -c -F -f` on the same files.

    python -m benchmarks.many [--runs N] [--logs 500] [--size 100000]

That the answers come in order, one for each log, is checked with each run. The one core is had by `taskset`.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks import logs
from benchmarks.measure import BKDOCTOR, Taken, compared, folder, ripgrep, row


def written(place: Path, count: int, size: int) -> list[str]:
    """Write the logs, of which each fails in another way, and return their names."""
    texts = [b"".join(logs.build(size, failure=failure)) for failure in ("head", "middle", "end", "none")]
    names = []
    for number in range(count):
        path = place / f"{number:05}.log"
        path.write_bytes(texts[number % len(texts)])
        names.append(str(path))
    return names


def in_order(names: list[str]) -> bool:
    """Whether there is a report for each log, where it belongs."""
    done = subprocess.run([*BKDOCTOR, "-f", "json", *names], capture_output=True, check=False)
    return [json.loads(line)["source"]["name"] for line in done.stdout.splitlines()] == names


def main() -> int:
    """Print a line for each comparison; 1 when reports are missing or in another order."""
    parser = argparse.ArgumentParser(description="bkdoctor log on many logs")
    parser.add_argument("--runs", type=int, default=3, help="rounds that count")
    parser.add_argument("--logs", type=int, default=500, help="how many")
    parser.add_argument("--size", type=int, default=100_000, help="bytes of each")
    options = parser.parse_args()
    with folder() as place:
        (place / "logs").mkdir()
        names = written(place / "logs", options.logs, options.size)
        own = [*BKDOCTOR, "-f", "json", *names]
        one = [shutil.which("taskset") or sys.exit("taskset is not installed."), "-c", "0", *own]
        rg = [ripgrep(), "-c", "-F", "-f", str(place / "literals"), *names]
        taken: list[Taken] = compared([rg, one, own], options.runs)
        print(f"{f'{options.logs} logs':32} {'base':>9} {'bkdoctor':>9}")
        print(row("all cores beside rg", taken[0], taken[2]))
        print(row("all cores beside one core", taken[1], taken[2]))
        print(row("a log more beside its start", *compared([[*BKDOCTOR, names[0]], [*BKDOCTOR, *names[:2]]], 7)))
        right = in_order(names)
        print(f"each has its report, in order: {'yes' if right else 'NO'}")
    return int(not right)


if __name__ == "__main__":
    sys.exit(main())
