"""Measures a whole `bkdoctor log` on large logs against `rg -c -F -f` with the catalogue's own literals.

    python -m benchmarks.large [--runs N] [--sizes 1,10,100] [--check]

Each is a process of its own; medians are compared. With --check the exit status is 1 when bkdoctor takes more than
LIMIT times as long on one of the builds of the largest size that have no colours, or more memory than MEGABYTES.
"""

import argparse
import sys

from benchmarks.measure import BKDOCTOR, compared, folder, generated, ripgrep, row

LIMIT = 1.5
MEGABYTES = 150


def main() -> int:
    """Print a line for each log; 1 when one is over the limit and that is asked for."""
    parser = argparse.ArgumentParser(description="bkdoctor log against ripgrep")
    parser.add_argument("--runs", type=int, default=7, help="rounds that count")
    parser.add_argument("--sizes", default="1,10,100", help="megabytes")
    parser.add_argument("--check", action="store_true", help=f"fail when a ratio is over {LIMIT}")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    over = False
    print(f"{'log':32} {'rg':>9} {'bkdoctor':>9}")
    with folder() as place:
        for size in sizes:
            for name, failure, timestamps, colours in (
                ("fails at its head", "head", False, False),
                ("fails in its middle", "middle", False, False),
                ("fails at its end", "end", False, False),
                ("passes", "none", False, False),
                ("timestamps", "end", True, False),
                ("colours in most lines", "end", False, True),
            ):
                log = generated(place / "log", size * 1_000_000, failure, timestamps=timestamps, colours=colours)
                rg = [ripgrep(), "-c", "-F", "-f", str(place / "literals"), str(log)]
                base, own = compared([rg, [*BKDOCTOR, str(log)]], options.runs)
                print(row(f"{size} MB, {name}", base, own), flush=True)
                slow = size == max(sizes) and not colours and own.wall > LIMIT * base.wall
                over = over or slow or own.megabytes > MEGABYTES
    return int(options.check and over)


if __name__ == "__main__":
    sys.exit(main())
