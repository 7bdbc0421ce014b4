"""From the survey of a Log and the catalogue's literals to Candidates: which literal stands in which lines.

The survey knows which blocks hold a literal; its lines are looked for when somebody asks for them.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from bkdoctor.trace.log import Log
from bkdoctor.trace.survey import Block

MOST_LINES = 400
"""Lines of one literal that are given, half of them from the head and half from the tail of the log."""
_TEXTS = 8
"""Blocks that are kept to be searched again."""


class Candidates:
    """The lines that hold a literal, by literal; `log` was surveyed for these literals."""

    def __init__(self, log: Log, literals: Sequence[str]) -> None:
        self._log = log
        self._ids = {literals[n]: n for n in sorted(log.survey.seen) if n < len(literals)}
        self._known: dict[str, list[int]] = {}
        self._texts: dict[int, bytes] = {}

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
        found = list(islice(self._in(blocks, literal), MOST_LINES + 1))
        if len(found) <= MOST_LINES:
            return found
        half = MOST_LINES // 2
        last = list(islice(self._in(blocks, literal, backwards=True), half))
        return [*found[:half], *reversed(last)]

    def _in(self, blocks: Sequence[int], literal: str, *, backwards: bool = False) -> Iterator[int]:
        """Yield the lines of some blocks whose text holds a literal, each once."""
        survey, before = self._log.survey, 0
        for number in reversed(blocks) if backwards else blocks:
            block, text = survey.blocks[number], self._text(number)
            numbers = _lines_with(literal.encode(), text, self._numbers_of(block, text))
            if number in survey.joined:
                numbers = sorted({*numbers, *survey.joined[number]})
            for n in reversed(numbers) if backwards else numbers:
                # a line that goes over the end of a block is in both
                if n != before and literal in self._log.line(n).text:
                    before = n
                    yield n

    def _text(self, number: int) -> bytes:
        text = self._texts.get(number)
        if text is None:
            if len(self._texts) >= _TEXTS:
                del self._texts[next(iter(self._texts))]
            survey = self._log.survey
            text = self._texts[number] = survey.text(survey.blocks[number])
        return text

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
