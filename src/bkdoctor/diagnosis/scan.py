"""From the survey of a Log and the catalogue's literals to Candidates: which literal stands in which lines.

The survey knows which blocks hold a literal; its lines are looked for when somebody asks for them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, count, islice
from operator import add

from bkdoctor.trace.block import Block
from bkdoctor.trace.clean import LONG
from bkdoctor.trace.log import Log

MOST_LINES = 400
"""Lines of one literal that are given, half of them from the head and half from the tail of the log."""
MOST_IN_ALL = 2_000
"""Lines of all literals together that are given in that number; from then on there are FEW_LINES of a literal."""
FEW_LINES = 4
_FEW_BLOCKS = 3
"""Blocks at each end of those with a literal in which its FEW_LINES are looked for."""
MOST_READ = 1_500
"""Blocks that are read for all literals together; one that has to be cleaned counts _CLEANING times."""
_CLEANING = 8
_KEPT = 48
"""Blocks that are kept to be searched again."""
_OFTEN, _VERY_OFTEN = 6, 30
"""Searches of one block from which on it costs less to know where all its newlines, and all its literals, are."""


class _Part:
    """A block's text, and the number of each of its lines.

    `begin`: where its first line begins. `whole`: it is what the trace holds, from the beginning of a line to the end
    of one. `places` finds all literals.
    """

    def __init__(
        self,
        text: bytes,
        numbers: Sequence[int],
        places: Callable[[bytes], dict[int, array[int]]],
        *,
        begin: int,
        whole: bool,
    ) -> None:
        self._text = text
        self._begin = begin
        self._numbers = numbers
        self._find_all = places
        self._whole = whole
        self._asked = 0
        self._counted = (begin, 0)
        """A position, and how many newlines stand before it; that before the first line does not count."""

    def lines_with(self, literal: int, word: bytes, *, backwards: bool) -> Iterator[tuple[int, bytes | None]]:
        """Yield the number of each line that holds a word, and its bytes if they are here."""
        self._asked += 1
        text, before = self._text, -1
        for position in self._positions(literal, word, backwards=backwards):
            start, stop = text.rfind(b"\n", 0, position) + 1, text.find(b"\n", position)
            if start != before:
                before = start
                yield self._number(position), text[start:stop] if self._whole and 0 <= stop - start <= LONG else None

    def _positions(self, literal: int, word: bytes, *, backwards: bool) -> Iterator[int]:
        if self._asked >= _VERY_OFTEN:
            places = self._places.get(literal, ())
            yield from reversed(places) if backwards else places
            return
        text, find = self._text, self._text.rfind if backwards else self._text.find
        position = find(word)
        while position >= 0:
            yield position
            stop = text.rfind(b"\n", 0, position) + 1 if backwards else text.find(b"\n", position)
            position = find(word, 0, stop) if backwards else find(word, stop) if stop >= 0 else -1

    def _number(self, position: int) -> int:
        if self._asked >= _OFTEN:
            return self._numbers[bisect_left(self._newlines, position)]
        before, line = self._counted
        if before <= position:
            line += self._text.count(b"\n", before, position)
        else:
            line -= self._text.count(b"\n", position, before)
        self._counted = (position, line)
        return self._numbers[line]

    @cached_property
    def _places(self) -> dict[int, array[int]]:
        return self._find_all(self._text)

    @cached_property
    def _newlines(self) -> array[int]:
        """Where the newlines are, but for that before the first line."""
        lengths = map(len, self._text[self._begin :].split(b"\n"))
        return array("I", map(add, accumulate(lengths), count(self._begin)))


class Candidates:
    """The lines that hold a literal, by literal; `log` was surveyed for these literals."""

    def __init__(self, log: Log, literals: Sequence[str]) -> None:
        self._log = log
        self._ids = {literals[n]: n for n in sorted(log.survey.seen) if n < len(literals)}
        self._known: dict[str, list[int]] = {}
        self._parts: dict[int, _Part] = {}
        self._given = self._read = 0
        self.cut = log.survey.crowded
        """Whether lines of a literal were left out because those of all literals are so many."""

    def __iter__(self) -> Iterator[str]:
        """Iterate over the literals that may occur."""
        return iter(self._ids)

    def __contains__(self, literal: object) -> bool:
        return literal in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def lines(self, literal: str) -> list[int]:
        """Return the numbers of at most MOST_LINES lines that hold a literal, ascending."""
        known = self._known.get(literal)
        if known is None:
            known = self._known[literal] = self._look(literal) if literal in self._ids else []
        return known

    def nearest(self, literal: str, here: int) -> Iterator[int]:
        """Yield the same by how far they are from the line `here`; of two that are as far, the upper one first."""
        numbers = self.lines(literal)
        above = bisect_left(numbers, here)
        below = above - 1
        while below >= 0 or above < len(numbers):
            if above == len(numbers) or (below >= 0 and here - numbers[below] <= numbers[above] - here):
                yield numbers[below]
                below -= 1
            else:
                yield numbers[above]
                above += 1

    def _look(self, literal: str) -> list[int]:
        """Look from the head until there are enough, then from the tail for those that count there."""
        blocks = self._log.survey.seen[self._ids[literal]]
        if self._given >= MOST_IN_ALL or self._read >= MOST_READ:
            return self._few(blocks, literal)
        found = list(islice(self._in(blocks, literal), MOST_LINES + 1))
        self._given += len(found)
        if len(found) <= MOST_LINES:
            return found
        half = MOST_LINES // 2
        last = list(islice(self._in(blocks, literal, backwards=True), half))
        return [*found[:half], *reversed(last)]

    def _few(self, blocks: Sequence[int], literal: str) -> list[int]:
        """Look in the first and the last blocks only."""
        self.cut = True
        first = islice(self._in(blocks[:_FEW_BLOCKS], literal), FEW_LINES // 2)
        last = islice(self._in(blocks[-_FEW_BLOCKS:], literal, backwards=True), FEW_LINES // 2)
        return sorted({*first, *last})

    def _in(self, blocks: Sequence[int], literal: str, *, backwards: bool = False) -> Iterator[int]:
        """Yield the lines of some blocks whose text holds a literal, each once."""
        survey, before, word, index = self._log.survey, 0, literal.encode(), self._ids[literal]
        for number in reversed(blocks) if backwards else blocks:
            part = self._part(number)
            lines = part.lines_with(index, word, backwards=backwards)
            if number in survey.joined:
                others = ((n, None) for n in survey.joined[number])
                lines = iter(sorted({n: None for n, _ in (*lines, *others)}.items(), reverse=backwards))
            for n, raw in lines:
                # a line that goes over the end of a block is in both
                if n != before and literal in self._log.line(n, raw).text:
                    before = n
                    yield n

    def _part(self, number: int) -> _Part:
        """Return the text of a block."""
        known = self._parts.get(number)
        if known is None:
            if len(self._parts) >= _KEPT:
                del self._parts[next(iter(self._parts))]
            block = self._log.survey.blocks[number]
            self._read += _CLEANING if block.dirty else 1
            text = self._log.survey.text(block)
            whole = not block.dirty and not block.torn
            known = self._parts[number] = _Part(
                text, self._numbers_of(block, text), self._log.places, begin=block.first_at, whole=whole
            )
        return known

    def _numbers_of(self, block: Block, text: bytes) -> Sequence[int]:
        """Return the number of each line of a block's text."""
        if not self._log.timestamped or not (block.dirty or block.torn):
            return range(block.first, block.first + len(text) + 1)
        most, index = text.count(b"\n") + 1, self._log.index
        return [index.head_of(block.first), *index.lines_from(block.first, most)[1:]]
