"""What a baseline leaves out of a failed log: our normalisation beside the template miner drain3.

    pip install drain3      # only for this comparison
    python -m benchmarks.novelty [SHARED]

For each engine of the lab, the logs of its jobs that passed are the baseline of those that failed. `kept` counts the
decisive lines that are still new, which all of them should be; `left out` the lines of the failed logs that are not.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.excerpt import ROOT, plain
from bkdoctor.diagnosis.normal import normalised
from bkdoctor.trace.log import Log

Known = Callable[[str], bool]


def by_normalisation(lines: Iterable[str]) -> Known:
    said = {normalised(line) for line in lines}
    return lambda line: normalised(line) in said


def by_drain3(lines: Iterable[str]) -> Known:
    from drain3 import TemplateMiner  # type: ignore[import-not-found]
    from drain3.template_miner_config import TemplateMinerConfig  # type: ignore[import-not-found]

    miner = TemplateMiner(config=TemplateMinerConfig())
    for line in lines:
        miner.add_log_message(line)
    return lambda line: miner.match(line) is not None


def by_both(lines: Iterable[str]) -> Known:
    mined = by_drain3(map(normalised, lines))
    return lambda line: mined(normalised(line))


def bodies(path: Path) -> list[str]:
    log = Log(path.read_bytes())
    return [body for n in log.numbers() if (body := log.line(n).body.strip())]


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(description="Compare ways to find what is new in a failed log")
    parser.add_argument("shared", nargs="?", type=Path, default=ROOT.parent / "shared")
    shared: Path = parser.parse_args().shared
    if not shared.is_dir():
        sys.exit(f"{shared}: there are no labelled logs. Nothing is measured.")
    with (shared / "lab" / "labels.jsonl").open(encoding="utf-8") as file:
        rows: list[dict[str, Any]] = [json.loads(line) for line in file]
    passed: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["label"] == "none":
            passed[row["id"].split("/")[1]] += bodies(shared / "lab" / row["log_file"])
    for way in (by_normalisation, by_drain3, by_both):
        start = process_time()
        known = {engine: way(lines) for engine, lines in passed.items()}
        kept = keys = left_out = total = 0
        for row in rows:
            engine = row["id"].split("/")[1]
            if row["label"] == "none" or engine not in known or not row.get("key_line"):
                continue
            lines = bodies(shared / "lab" / row["log_file"])
            left_out += sum(map(known[engine], lines))
            total += len(lines)
            decisive = [line for line in lines if plain(line)[:120] in plain(row["key_line"])[:120]]
            keys += bool(decisive)
            kept += bool(decisive) and not all(map(known[engine], decisive))
        spent = process_time() - start
        print(
            f"{way.__name__:17} kept {kept} of {keys}, left out {left_out / total:.1%} of {total} lines, {spent:.1f} s"
        )


if __name__ == "__main__":
    main()
