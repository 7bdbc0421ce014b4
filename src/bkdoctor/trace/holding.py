"""From line numbers and words to those of the lines that may hold one of the words, without making a line of each.

A line is left out only when nothing in its bytes could be a word, whatever stands between: what is given is a superset.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from bkdoctor.trace.log import Log

if TYPE_CHECKING:
    import ahocorasick_rs

_GROUP = 400
_GROUP_BYTES = 256 * 1024
# what cleaning takes out of a line could stand in the middle of a word
_SPLITTERS = (b"section_", b"\x1b", *(bytes([n]) for n in (*range(9), 11, 12, *range(14, 27), *range(28, 32), 127)))

# what is left of codes whose escape character was lost, in lower case
_LOST = (b"[0k", b"[0;", b"[0m", b"[3")


def holding(log: Log, numbers: Sequence[int], words: tuple[bytes, ...], *, backwards: bool = False) -> Iterator[int]:
    """Yield those of the visible lines `numbers` (ascending) that may hold one of `words`, whatever their case."""
    automaton = _automaton((*words, *_LOST) if log.survey.lost_escapes else words)
    groups = list(_groups(numbers))
    for first, stop in reversed(groups) if backwards else groups:
        found = _in_group(log, numbers, first, stop, automaton)
        yield from reversed(found) if backwards else found


def _groups(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the slices of `numbers` that stand together."""
    first = 0
    for index in range(1, len(numbers) + 1):
        if index == len(numbers) or index - first == _GROUP or numbers[index] - numbers[index - 1] > _GROUP:
            yield first, index
            first = index


def _in_group(
    log: Log, numbers: Sequence[int], first: int, stop: int, automaton: "ahocorasick_rs.BytesAhoCorasick"
) -> list[int]:
    index = log.index
    begin = index.start_of(numbers[first])
    end = index.stop_of(max(numbers[stop - 1], index.after(numbers[stop - 1]) - 1))
    if end - begin > _GROUP_BYTES:
        if stop - first == 1:
            return [numbers[first]]
        middle = (first + stop) // 2
        return [
            *_in_group(log, numbers, first, middle, automaton),
            *_in_group(log, numbers, middle, stop, automaton),
        ]
    text = log.source.read(begin, end).lower()
    found: set[int] = set()
    line, counted, until = numbers[first], 0, 0
    for _, position, _ in automaton.find_matches_as_indexes(text):
        if position < until:
            continue
        line += text.count(b"\n", counted, position)
        counted, until = position, text.find(b"\n", position)
        found.add(index.head_of(line))
        if until < 0:
            break
    group = numbers[first:stop]
    if log.timestamped:
        return [n for n in group if n in found or index.after(n) != n + 1]
    return [n for n in sorted(found) if group[min(bisect_left(group, n), len(group) - 1)] == n]


@cache
def _automaton(words: tuple[bytes, ...]) -> "ahocorasick_rs.BytesAhoCorasick":
    from ahocorasick_rs import BytesAhoCorasick

    return BytesAhoCorasick([*words, *_SPLITTERS])
