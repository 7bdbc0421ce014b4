"""A stretch of a trace that is searched at once, and from the marks in it to its marked lines."""

from collections.abc import Iterator
from typing import NamedTuple

from bkdoctor.trace import clean
from bkdoctor.trace.lines import LineIndex


class Block(NamedTuple):
    """A stretch of a trace that is searched at once."""

    begin: int
    """Offset of its first byte: that of the newline before its first line, -1 for the first block."""
    stop: int
    fresh: int
    """Position of the first byte that no block before it holds."""
    first: int
    """The number of the raw line at `fresh`."""
    torn: bool
    """Whether its first or last line goes on in another block."""
    dirty: bool = False
    """Whether it had to be cleaned."""

    @property
    def first_at(self) -> int:
        """Where its first line begins: behind a newline, but for a block that begins within a line."""
        return 1 if self.fresh == 1 else 0


def numbers_at(block: Block, data: bytes, marks: list[int]) -> list[int]:
    """Return the numbers of the raw lines that hold the marks, ascending positions in the block's bytes."""
    numbers: list[int] = []
    line, counted = block.first - data.count(b"\n", 0, block.fresh), 0
    for mark in marks:
        line += data.count(b"\n", counted, mark)
        counted = mark
        numbers.append(line)
    return numbers


def lines_of_plain(
    block: Block, data: bytes, marks: list[int], numbers: list[int]
) -> Iterator[tuple[int, bytes | None]]:
    """Yield the marked lines of a block that was searched as it is: their numbers, and their bytes if all are there."""
    until = -1
    for mark, number in zip(marks, numbers, strict=True):
        if mark <= until:
            continue
        start = data.rfind(b"\n", 0, mark) + 1
        until = data.find(b"\n", mark)
        if until < 0:
            until = len(data)
        yield number, None if block.torn or until - start > clean.LONG else data[start:until]


def lines_of_cleaned(
    block: Block, data: bytes, text: bytes, marks: list[int], index: LineIndex
) -> Iterator[tuple[int, bytes | None]]:
    """Yield the same of a block that was cleaned: lines are counted there and taken from the raw ones."""
    raw_lines = data.split(b"\n")
    before = block.first_at
    heads = index.lines_from(block.first, len(raw_lines) + 1)
    position, line, until = before, 0, -1
    for mark in marks:
        if mark <= until:
            continue
        until = text.find(b"\n", mark)
        if until < 0:
            until = len(text)
        line += text.count(b"\n", position, max(position, mark))
        position = max(position, mark)
        number = heads[line]
        if block.torn:
            yield number, None
            continue
        at = number - block.first + before
        following = heads[line + 1] if line + 1 < len(heads) else number + 1
        raw = b"\n".join(raw_lines[at : at + following - number])
        yield number, raw if len(raw) <= clean.LONG else None
