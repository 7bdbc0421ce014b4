"""Measures what ten times the patterns and ten times the log cost.

    python -m benchmarks.growth [--runs N] [--gigabyte]

The patterns are the catalogue's own and nine more for each of its literals, with other words behind it; the log has
100 MB. With --gigabyte the peak memory on a log of 1 GB is measured too.
"""

import argparse
import json
import sys
from pathlib import Path

from benchmarks.measure import BKDOCTOR, compared, folder, generated, row
from bkdoctor.session import catalog_of

_PATTERN = """\
title = "Pattern {name}"
phase = "build"
owner = "author"
[match]
lines = [{lines}]
[explain]
summary = "Summary."
cause = "Cause."
references = ["https://docs.gitlab.com/"]
"""


def more_patterns(target: Path, times: int) -> None:
    """Write patterns whose literals are the catalogue's with a word behind them, `times` of each."""
    (target / "run").mkdir(parents=True)
    for time in range(times):
        for entry in catalog_of(()).entries.values():
            literals = [template.literal for template in entry.templates()]
            lines = ", ".join(json.dumps(f"{literal} variant-{time}".replace("<", "<lt>")) for literal in literals)
            name = f"{entry.id}-{time}"
            text = _PATTERN.format(name=name, lines=lines or json.dumps(f"{name} variant"))
            (target / "run" / f"{name}.toml").write_text(text, encoding="utf-8")


def main() -> int:
    """Print a line for the patterns, and one for the gigabyte if it is asked for."""
    parser = argparse.ArgumentParser(description="What more patterns and larger logs cost")
    parser.add_argument("--runs", type=int, default=5, help="rounds that count")
    parser.add_argument("--gigabyte", action="store_true", help="measure a log of 1 GB as well")
    options = parser.parse_args()
    with folder() as place:
        log = generated(place / "log", 100_000_000)
        more_patterns(place / "more", 9)
        (place / "none").mkdir()
        commands = [[*BKDOCTOR, str(log), "--patterns", str(place / name)] for name in ("none", "more")]
        print(f"{'patterns':32} {'once':>9} {'10 times':>9}")
        print(row(f"{len(catalog_of(()).entries)} and ten times as many", *compared(commands, options.runs)))
        if options.gigabyte:
            large = generated(place / "large", 1_000_000_000)
            commands = [[*BKDOCTOR, str(log)], [*BKDOCTOR, str(large)]]
            print(f"{'log':32} {'100 MB':>9} {'1 GB':>9}")
            print(row("a log ten times as large", *compared(commands, 1)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
