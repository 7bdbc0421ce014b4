"""Measures a whole `bkdoctor log` on a trace of 100 kB against `python -c "import typer, rich.console"`.

    python -m benchmarks.startup [--runs N] [--check]

Both are run in turn in this environment, each as a process of its own, with each output, and with the log on standard
input. With --check the exit status is 1 when bkdoctor takes more than LIMIT times as long.
"""

import argparse
import sys

from benchmarks.measure import BKDOCTOR, compared, folder, generated, row

LIMIT = 1.8
SIZE = 100_000
FIRST = "a first run"
"""With nothing kept; where the patterns are read from a checkout, and not from the wheel, all of them are read."""
BASE = [sys.executable, "-c", "import typer, rich.console"]


def main() -> int:
    """Print the times and their ratios; 1 when one is over the limit and that is asked for."""
    parser = argparse.ArgumentParser(description="Start-up time of bkdoctor log")
    parser.add_argument("--runs", type=int, default=15, help="rounds that count")
    parser.add_argument("--check", action="store_true", help=f"fail when a ratio is over {LIMIT}")
    options = parser.parse_args()
    with folder() as place:
        log = str(generated(place / "log", SIZE))
        commands = {
            "an empty Python": [sys.executable, "-c", "pass"],
            "terminal": [*BKDOCTOR, log],
            "markdown": [*BKDOCTOR, "-f", "markdown", log],
            "json": [*BKDOCTOR, "-f", "json", log],
            "from standard input": ["sh", "-c", f'exec "{BKDOCTOR[0]}" < "{log}"'],
            FIRST: ["sh", "-c", f'XDG_CACHE_HOME="$(mktemp -d -p "{place}")" exec "{BKDOCTOR[0]}" log "{log}"'],
        }
        base, *taken = compared([BASE, *commands.values()], options.runs)
    print(f"{f'{SIZE // 1000} kB':32} {'import':>9} {'bkdoctor':>9}")
    for name, own in zip(commands, taken, strict=True):
        print(row(name, base, own))
    limited = [own for name, own in zip(commands, taken, strict=True) if name != FIRST]
    return int(options.check and any(own.wall > LIMIT * base.wall for own in limited))


if __name__ == "__main__":
    sys.exit(main())
