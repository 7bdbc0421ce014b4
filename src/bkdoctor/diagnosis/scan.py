"""From the survey of a Log and the catalogue's literals to Candidates: which literal stands in which lines.

The survey knows which blocks hold a literal; its lines are looked for when somebody asks for them.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from bkdoctor.trace.block import Block
from bkdoctor.trace.log import Log

MOST_LINES = 400
"""Lines of one literal that are given, half of them from the head and half from the tail of the log."""
MOST_IN_ALL = 4_000
"""Lines of all literals together that are given in that number; from then on there are FEW_LINES of a literal."""
FEW_LINES = 10
_TEXTS = 8
"""Blocks that are kept to be searched again."""


class Candidates:
    """The lines that hold a literal, by literal; `log` was surveyed for these literals."""

    def __init__(self, log: Log, literals: Sequence[str]) -> None:
        self._log = log
        self._ids = {literals[n]: n for n in sorted(log.survey.seen) if n < len(literals)}
        self._known: dict[str, list[int]] = {}
        self._texts: dict[int, tuple[bytes, Sequence[int]]] = {}
        self._given = 0
        self.cut = False
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

    def _look(self, literal: str) -> list[int]:
        """Look from the head until there are enough, then from the tail for those that count there."""
        blocks = self._log.survey.seen[self._ids[literal]]
        if self._given >= MOST_IN_ALL:
            return self._few(blocks, literal)
        found = list(islice(self._in(blocks, literal), MOST_LINES + 1))
        self._given += len(found)
        if len(found) <= MOST_LINES:
            return found
        half = MOST_LINES // 2
        last = list(islice(self._in(blocks, literal, backwards=True), half))
        return [*found[:half], *reversed(last)]

    def _few(self, blocks: Sequence[int], literal: str) -> list[int]:
        """Look in the first and the last block only."""
        self.cut = True
        first = islice(self._in(blocks[:1], literal), FEW_LINES // 2)
        last = islice(self._in(blocks[-1:], literal, backwards=True), FEW_LINES // 2)
        return sorted({*first, *last})

    def _in(self, blocks: Sequence[int], literal: str, *, backwards: bool = False) -> Iterator[int]:
        """Yield the lines of some blocks whose text holds a literal, each once."""
        survey, before = self._log.survey, 0
        for number in reversed(blocks) if backwards else blocks:
            numbers = _lines_with(literal.encode(), *self._text(number))
            if number in survey.joined:
                numbers = sorted({*numbers, *survey.joined[number]})
            for n in reversed(numbers) if backwards else numbers:
                # a line that goes over the end of a block is in both
                if n != before and literal in self._log.line(n).text:
                    before = n
                    yield n

    def _text(self, number: int) -> tuple[bytes, Sequence[int]]:
        """Return the text of a block and the number of each of its lines."""
        known = self._texts.get(number)
        if known is None:
            if len(self._texts) >= _TEXTS:
                del self._texts[next(iter(self._texts))]
            block = self._log.survey.blocks[number]
            text = self._log.survey.text(block)
            known = self._texts[number] = (text, self._numbers_of(block, text))
        return known

    def _numbers_of(self, block: Block, text: bytes) -> Sequence[int]:
        """Return the number of each line of a block's text."""
        count = text.count(b"\n") + 1
        if not self._log.timestamped or not (block.dirty or block.torn):
            return range(block.first, block.first + count)
        index = self._log.index
        return [index.head_of(block.first), *index.lines_from(block.first, count)[1:]]


def _lines_with(word: bytes, text: bytes, numbers: Sequence[int]) -> list[int]:
    """Return the numbers of the lines of a block's text that hold a word."""
    found: list[int] = []
    line, counted = 0, 1
    position = text.find(word)
    while position >= 0:
        line += text.count(b"\n", counted, position)
        counted = position
        found.append(numbers[line])
        after = text.find(b"\n", position)
        position = text.find(word, after) if after >= 0 else -1
    return found
