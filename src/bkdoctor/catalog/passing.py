"""From the logs of jobs that passed to the faults of patterns that speak there, or that make every search slow."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.model import Report

MOST_COMMON = 0.02
"""Share of the lines of passing logs that may hold one literal; a slower search looks at each such line again."""
_PER_LOG = 2
"""What stands in each log a few times, such as a section's title, costs nothing in a long one."""


def check_silence(path: Path, run: Callable[[bytes], Report]) -> Iterator[tuple[str, str]]:
    """Yield the id of each pattern that speaks on the log of a passed job, and where."""
    for finding in run(path.read_bytes()).findings:
        line = finding.evidence[0].text if finding.evidence else ""
        yield finding.id, f"speaks on a job that passed, {path.name}: {line!r}"


def common_literals(catalog: Catalog, logs: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Yield each pattern with a line whose literal is too common to search by."""
    lines = [line for path in logs for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    most = max(MOST_COMMON * len(lines), _PER_LOG * len(logs))
    counts = {literal: sum(literal in line for line in lines) for literal in catalog.index.starts}
    for literal, count in counts.items():
        if lines and count > most:
            for pattern_id in catalog.index.starts[literal]:
                yield (
                    pattern_id,
                    f"the literal {literal!r} is on {count} of {len(lines)} lines of passing logs: too common",
                )
