"""From a Log and the catalogue's literals to candidates: which literal stands in which line.

One pass over the bytes with a multi-pattern matcher. Where colour codes, carriage returns or timestamps could split a
literal, the pass goes over the cleaned text instead.
"""

from bisect import bisect_right
from collections.abc import Sequence

from bkdoctor.trace.log import Log

Candidates = dict[str, list[int]]
"""For each literal that occurs, the numbers of the lines that hold it, ascending."""


def candidates(log: Log, literals: Sequence[str]) -> Candidates:
    """Return the lines of the log that hold each literal."""
    from ahocorasick_rs import BytesAhoCorasick  # a third of the time of importing bkdoctor

    if not literals:
        return {}
    text, numbers = _searchable(log)
    starts = _starts(text)
    matcher = BytesAhoCorasick([literal.encode() for literal in literals])
    found: Candidates = {}
    for index, start, _ in matcher.find_matches_as_indexes(text, overlapping=True):
        number = numbers[bisect_right(starts, start) - 1]
        lines = found.setdefault(literals[index], [])
        if not lines or lines[-1] != number:
            lines.append(number)
    return found


def _searchable(log: Log) -> tuple[bytes, Sequence[int]]:
    plain = not log.timestamped and not log.lost_escapes and b"\x1b" not in log.raw and b"\r" not in log.raw
    if plain:
        return log.raw, range(1, len(log) + 2)
    numbers = log.numbers()
    return "\n".join(log.line(n).text for n in numbers).encode(), numbers


def _starts(text: bytes) -> list[int]:
    starts, position = [0], text.find(b"\n")
    while position >= 0:
        starts.append(position + 1)
        position = text.find(b"\n", position + 1)
    return starts
