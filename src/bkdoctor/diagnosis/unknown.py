"""From a Log to the lines worth reading when nothing else is known, and to a signature of the failure.

The signature is the same for the same failure in another job.
"""

import re
from collections.abc import Iterable
from itertools import islice

from bkdoctor.diagnosis.blame import Blame
from bkdoctor.diagnosis.region import Region, is_error, only_wraps
from bkdoctor.digests import sha256
from bkdoctor.trace.layout import Layout
from bkdoctor.trace.log import Log

__all__ = ["decisive_text", "excerpt", "is_error", "signature"]

MOST_LINES = 20
_CHANGING = (
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b0x[0-9a-fA-F]+\b|sha\d+:\S+"), "H"),
    (re.compile(r"\brunner-[\w-]+?-project-\d+-concurrent-\d+(?:-\w+)*"), "R"),
    # a word such as `defaced` is no hash: that has a digit
    (re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{7,}\b"), "H"),
    (re.compile(r"\b(?:\d+(?:\.\d+)?(?:h|ms|m|s|µs|ns))+\b|\d+(?:[.:]\d+)*"), "N"),
    (re.compile(r"(?:/[\w.+@-]+){2,}/?"), "P"),
    (re.compile(r"\s+"), " "),
)


def excerpt(log: Log, layout: Layout, blame: Blame, evidence: Iterable[int] = ()) -> list[int]:
    """Return at most 20 line numbers, ascending: the proof, the failing step's first error and end, the job's end."""
    wanted: dict[int, None] = dict.fromkeys(list(evidence)[:6])
    region = Region(log, layout, blame)
    first = list(islice(region.errors(), 5))
    last = list(islice(region.errors(backwards=True), 5))
    for n in [*first, *reversed(last)]:
        wanted[n] = None
    for n in (*layout.chains[-2:], *((layout.final,) if layout.final else ())):
        wanted[n] = None
    for n in [*islice(region.lines(backwards=True), 10), *(region.before(first[0], 3) if first else ())]:
        if len(wanted) >= MOST_LINES:
            break
        wanted[n] = None
    return sorted(list(wanted)[:MOST_LINES])


def decisive_text(log: Log, layout: Layout, blame: Blame) -> str:
    """Return what the signature of an unknown failure is made of: its first error, else the last line it printed."""
    region = Region(log, layout, blame)
    for number in region.errors():
        return log.line(number).body
    bodies = (log.line(n).body for n in region.lines(backwards=True))
    return next((body for body in bodies if not only_wraps(body)), "")


def signature(kind: str, text: str) -> str:
    """Return 16 hexadecimal digits that are the same for the same failure in another job, at another time."""
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return sha256(f"{kind}\n{text.strip()}".encode()).hexdigest()[:16]
