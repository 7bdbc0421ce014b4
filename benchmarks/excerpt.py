"""How often the decisive line is among the lines worth reading of a failure that no pattern knows.

    python -m benchmarks.excerpt [SHARED] [--missed] [--set NAME]

SHARED holds `lab/labels.jsonl` and `corpus/public.jsonl`: labelled logs that are no part of the project. Each is
diagnosed with an empty catalogue; a label's `key_line` must be in the excerpt. Sets:

    lab     whole jobs
    long    public traces of more than 40 lines
    short   shorter ones, set into 2,000 lines of build noise
    quotes  short or retyped pieces of logs, set into the same noise

The noise is what the sample logs of passing jobs printed, warnings and survived errors included. Labels whose id ends
in 7 are held out: they are scored apart, and nobody looks at them.
"""

import argparse
import json
import random
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.doctor import diagnose
from bkdoctor.trace.layout import is_script
from bkdoctor.trace.log import Log
from bkdoctor.trace.segment import segment

ROOT = Path(__file__).resolve().parent.parent
SETS = ("lab", "long", "short", "quotes")
_NOISE = 2_000
_LONG = 40
_SEED = 7
_SECTION = "section_start:1764164236:{0}\r\x1b[0K\x1b[0K\x1b[36;1m{1}\x1b[0;m\x1b[0;m\n"
_HEAD = "\x1b[0KRunning with gitlab-runner 18.4.0 (abcdef12)\x1b[0;m\n" + _SECTION.format(
    "step_script", 'Executing "step_script" stage of the job script'
)
_MIDDLE = "\nsection_end:1764164240:step_script\r\x1b[0K" + _SECTION.format("after_script", "Running after_script")
_END = "\nsection_end:1764164254:after_script\r\x1b[0K\x1b[31;1mERROR: Job failed: exit code 1\n\x1b[0;m"


class Case(NamedTuple):
    """A log, and the line that must be shown."""

    name: str
    log: bytes
    key: str
    held_out: bool


def cases(shared: Path, wanted: str) -> Iterator[Case]:
    """Yield the logs of a set."""
    draw = random.Random(_SEED)
    for row in _rows(shared, wanted):
        log = _log(shared, row)
        if wanted in ("short", "quotes"):
            log = set_into_noise(log, draw)
        yield Case(row["id"], log.encode(), row["key_line"], row["id"].endswith("7"))


def _rows(shared: Path, wanted: str) -> Iterator[dict[str, Any]]:
    labels = "lab/labels.jsonl" if wanted == "lab" else "corpus/public.jsonl"
    for text in (shared / labels).open(encoding="utf-8"):
        row = json.loads(text)
        if row["label"] == "none" or not row.get("key_line"):
            continue
        if wanted == "quotes":
            fits = row["kind"] == "quote"
        else:
            long = wanted != "lab" and row["log"].count("\n") >= _LONG
            fits = row["kind"] == "trace" and (wanted == "lab" or long == (wanted == "long"))
        if fits:
            yield row


def _log(shared: Path, row: dict[str, Any]) -> str:
    if "log_file" in row:
        path: Path = shared / "lab" / row["log_file"]
        return path.read_bytes().decode("utf-8", "replace")
    return str(row["log"])


@cache
def noise() -> tuple[tuple[str, ...], ...]:
    """Return what the scripts of passing jobs printed, a tuple of lines for each."""
    return tuple(_script_lines(path) for path in sorted((ROOT / "sample_logs" / "passing").glob("*.log")))


def _script_lines(path: Path) -> tuple[str, ...]:
    log = Log(path.read_bytes())
    layout = segment(log)
    numbers = (n for n in log.numbers() if (section := layout.section_at(n)) is None or is_script(section.name))
    texts = [log.line(n).text for n in numbers if n != layout.final]
    return tuple(text for text in texts if not text.startswith("Running with gitlab-runner"))


def set_into_noise(log: str, draw: random.Random) -> str:
    """Return a job that prints 2,000 lines of other builds, then this piece of a log; a part of the noise cleans up."""
    before: list[str] = []
    while len(before) < _NOISE - 100:
        before += draw.choice(noise())
    after = [line for lines in draw.sample(noise(), 12) for line in lines][:100]
    return _HEAD + "\n".join([*before[-(_NOISE - 100) :], log.strip("\n")]) + _MIDDLE + "\n".join(after) + _END


def plain(text: str) -> str:
    """Return text without colours, its blanks made one."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).split())


def is_shown(case: Case, catalog: Catalog) -> bool:
    """Whether the excerpt of a log holds its decisive line."""
    report = diagnose(case.log, catalog)
    shown = " \n ".join(plain(evidence.text) for evidence in report.excerpt)
    return plain(case.key)[:120] in shown


def main() -> None:
    """Print a line for each set."""
    parser = argparse.ArgumentParser(description="Score the excerpts of unknown failures")
    parser.add_argument("shared", nargs="?", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--missed", action="store_true", help="name the logs whose line is not shown")
    parser.add_argument("--set", choices=SETS, help="only this set")
    options = parser.parse_args()
    if not options.shared.is_dir():
        sys.exit(f"{options.shared}: there are no labelled logs. Nothing is measured.")
    nothing = Catalog({}, {}, {})
    for name in [options.set] if options.set else SETS:
        results = [(case, is_shown(case, nothing)) for case in cases(options.shared, name)]
        for title, held_out in ((name, False), (f"{name}, held out", True)):
            shown = [good for case, good in results if case.held_out == held_out]
            if shown:
                print(f"{title:18} {sum(shown):4} of {len(shown):4}  {sum(shown) / len(shown):6.1%}")
        if options.missed:
            print(*(f"    {case.name}" for case, good in results if not good and not case.held_out), sep="\n")


if __name__ == "__main__":
    main()
