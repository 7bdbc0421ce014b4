"""Measures a whole `bkdoctor log` on logs that somebody hostile wrote against a build's log of the same size.

    python -m benchmarks.hostile [--runs N] [--size 50] [--check]

With --check the exit status is 1 when one takes more than LIMIT times as long, or more memory than MEGABYTES.
"""

import argparse
import sys

from benchmarks import logs
from benchmarks.measure import BKDOCTOR, compared, folder, generated, row

LIMIT = 5.0
MEGABYTES = 150


def main() -> int:
    """Print a line for each log; 1 when one is over the limit and that is asked for."""
    parser = argparse.ArgumentParser(description="bkdoctor log on hostile logs")
    parser.add_argument("--runs", type=int, default=3, help="rounds that count")
    parser.add_argument("--size", type=int, default=50, help="megabytes")
    parser.add_argument("--kinds", default=",".join(logs.HOSTILE), help="what to measure")
    parser.add_argument("--check", action="store_true", help=f"fail when a ratio is over {LIMIT}")
    options = parser.parse_args()
    over = False
    print(f"{'log':32} {'a build':>9} {'this':>9}")
    with folder() as place:
        plain = generated(place / "plain", options.size * 1_000_000)
        for kind in options.kinds.split(","):
            path = place / "hostile"
            with path.open("wb") as file:
                logs.write(file, logs.HOSTILE[kind](options.size * 1_000_000))
            base, own = compared([[*BKDOCTOR, str(plain)], [*BKDOCTOR, str(path)]], options.runs)
            print(row(kind, base, own), flush=True)
            over = over or own.wall > LIMIT * base.wall or own.megabytes > MEGABYTES
    return int(options.check and over)


if __name__ == "__main__":
    sys.exit(main())
