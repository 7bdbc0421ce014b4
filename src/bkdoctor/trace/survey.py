"""From a Source to a Survey: one pass over a trace in blocks, which finds lines, marked lines and literals.

A block is cleaned before it is searched only where something in it could split what is looked for. What is found there
is a superset: a line that is shown or judged is always read and cleaned by itself.
"""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from bkdoctor.trace import clean, unsplit
from bkdoctor.trace.finder import Finder, Seen
from bkdoctor.trace.lines import LineIndex
from bkdoctor.trace.marks import WORDS
from bkdoctor.trace.source import Source

BLOCK = 256 * 1024
_OVERLAP = 4096
"""Bytes that a block repeats of a line that is longer than a block."""
_KNOWN = 20_000
"""Texts of marked lines that are kept once however often they come."""
_MANY = 200
"""Marks in a block from which on it is taken apart at once."""
_GREEN = b"\x1b[32;1m$ "
_LOST = b"[0K"


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


class Survey:
    """What one pass over a trace found."""

    def __init__(self, source: Source, literals: int, *, timestamped: bool, lost_escapes: bool) -> None:
        self.source = source
        self.timestamped = timestamped
        self.lost_escapes = lost_escapes
        """Whether whoever pasted the trace lost the escape characters but not the rest of the codes."""
        self.index = LineIndex(source)
        self.blocks: list[Block] = []
        self.seen: dict[int, array[int]] = {}
        """For the index of each literal, the blocks that hold it."""
        self.joined: dict[int, list[int]] = {}
        """Of some blocks the lines whose text comes together only when a section's marker goes out of it."""
        self.marked_numbers = array("Q")
        self.marked_bytes: list[bytes | None] = []
        """Of the marked lines the bytes without headers; None where they have to be read again."""
        self.has_sections = False
        self.green = False
        """Whether commands are green, as the runner prints them."""
        self.escapes = False
        self._literals = literals

    def raw(self, block: Block) -> bytes:
        """Return the bytes of a block, with the newlines before and behind it."""
        data = self.source.read(max(0, block.begin), block.stop)
        head = b"\n" if block.begin < 0 else b""
        tail = b"\n" if block.stop == self.source.size and not data.endswith(b"\n") else b""
        return head + data + tail if head or tail else data

    def text(self, block: Block) -> bytes:
        """Return what was searched of a block."""
        data = self.raw(block)
        if not block.dirty:
            return data
        if self.timestamped:
            data = unsplit.unfolded(data, unsplit.continuations_in(data))
        if self.lost_escapes:
            data = unsplit.without_lost_escapes(data)
        return unsplit.without_controls(unsplit.without_escapes(data))

    def holds(self, word: bytes) -> bool:
        """Say whether the trace holds one of WORDS; a line that one begins with `\\n` is not the first."""
        blocks = self.seen.get(self._literals + WORDS.index(word), ())
        return any(self.text(self.blocks[n]).find(word, self.blocks[n].begin < 0) >= 0 for n in blocks)


def survey(source: Source, finder: Finder, *, timestamped: bool) -> Survey:
    """Search a trace: once, or twice where only its end tells that escape characters were lost."""
    first = _Surveyor(Survey(source, finder.literals, timestamped=timestamped, lost_escapes=False), finder).run()
    if first.escapes or not first.holds(_LOST):
        return first
    return _Surveyor(Survey(source, finder.literals, timestamped=timestamped, lost_escapes=True), finder).run()


class _Surveyor:
    def __init__(self, out: Survey, finder: Finder) -> None:
        self.out = out
        self.finder = finder
        self.known: dict[bytes, bytes] = {}
        self.last = 0

    def run(self) -> Survey:
        out = self.out
        for block, data in self._blocks():
            continuations = self._continuations(data) if out.lost_escapes or unsplit.ESCAPE in data else []
            text, seen = self._cleaned(data, continuations)
            if text is data and out.timestamped and seen.continuations:
                continuations = clean.continuations(data)
                text, seen = self._cleaned(data, continuations) if continuations else (text, seen)
            if seen.controls:
                text = unsplit.without_controls(text)
                seen = self.finder.scan(text)
            end = len(data) - (block.begin + len(data) > block.stop)
            marks = sorted(mark - 1 for mark in seen.marks)
            numbers = out.index.add(data, block.begin, block.fresh, end, marks if text is data else ())
            for start in continuations:
                out.index.go_on(block.first + data.count(b"\n", block.fresh, start))
            plain = text is data
            self._keep(block._replace(dirty=not plain), data, seen)
            if len(marks) > _MANY and plain and not block.torn and not out.timestamped:
                self._mark_many(block, data, numbers)
            elif marks and plain:
                self._mark(_plain(block, data, marks, numbers))
            elif marks:
                self._mark(_cleaned(block, data, text, marks, out.index))
        return out

    def _blocks(self) -> Iterator[tuple[Block, bytes]]:
        """Yield blocks that are cut where a line of its own begins, if there is such a place."""
        source, offset, broken, torn = self.out.source, 0, False, False
        while offset < source.size:
            begin = max(0, offset - _OVERLAP) if broken else offset - 1
            fresh = offset - begin
            data = source.read(max(0, begin), offset + BLOCK + clean.HEADER_LENGTH)
            if begin < 0:
                data = b"\n" + data
            stop, whole = self._cut(data, fresh)
            if stop <= fresh:
                return
            ended = begin + stop >= source.size
            data = data[:stop] if not ended or data.endswith(b"\n") else data + b"\n"
            yield Block(begin, begin + stop, fresh, self.out.index.newlines + 1, torn or not whole), data
            broken, torn = data[-1:] != b"\n", not whole
            offset = begin + stop

    def _cut(self, data: bytes, fresh: int) -> tuple[int, bool]:
        """Return where a block ends, and whether its last line does."""
        if len(data) <= fresh + BLOCK:
            return len(data), True
        newline = data.rfind(b"\n", fresh, fresh + BLOCK) + 1
        cut = newline
        while cut and self.out.timestamped and clean.continues(data[cut : cut + clean.HEADER_LENGTH]):
            cut = data.rfind(b"\n", fresh, cut - 1) + 1
        return (cut, True) if cut else (newline or fresh + BLOCK, False)

    def _continuations(self, data: bytes) -> list[int]:
        return unsplit.continuations_in(data) if self.out.timestamped else []

    def _cleaned(self, data: bytes, continuations: list[int]) -> tuple[bytes, Seen]:
        text = unsplit.unfolded(data, continuations) if continuations else data
        if unsplit.ESCAPE in data:
            self.out.escapes = True
            self.out.green = self.out.green or _GREEN in data
            text = unsplit.without_escapes(text)
        elif self.out.lost_escapes:
            text = unsplit.without_lost_escapes(text)
        return text, self.finder.scan(text)

    def _keep(self, block: Block, data: bytes, seen: Seen) -> None:
        out = self.out
        out.has_sections = out.has_sections or (bool(seen.marks) and b"section_start:" in data)
        out.blocks.append(block)
        for literal in seen.literals:
            self._hold(literal)

    def _hold(self, literal: int) -> None:
        """Note that the last block holds a literal."""
        blocks, number = self.out.seen.setdefault(literal, array("I")), len(self.out.blocks) - 1
        if not blocks or blocks[-1] != number:
            blocks.append(number)

    def _mark(self, lines: Iterator[tuple[int, bytes | None]]) -> None:
        """Keep the marked lines, and what shows in them only when they are cleaned."""
        come_together: list[bytes] = []
        timestamped, known, last = self.out.timestamped, self.known, self.last
        keep_number, keep_bytes = self.out.marked_numbers.append, self.out.marked_bytes.append
        for number, raw in lines:
            if number <= last:
                continue
            last = number
            keep_number(number)
            if raw is None:
                keep_bytes(None)
                continue
            if timestamped:
                raw = clean.joined(raw)
            keep_bytes(known.get(raw) or self._once(raw))
            if b"section_" in raw and clean.comes_together(raw):
                self.out.joined.setdefault(len(self.out.blocks) - 1, []).append(number)
                come_together.append(clean.clean(raw).encode())
        self.last = last
        if come_together:
            for literal in self.finder.scan(b"\n%b\n" % b"\n".join(come_together)).literals:
                self._hold(literal)

    def _mark_many(self, block: Block, data: bytes, numbers: list[int]) -> None:
        """Keep the marked lines of a whole block in which every line may be one."""
        fresh = [number for number in dict.fromkeys(numbers) if number > self.last]
        if not fresh:
            return
        lines, before = data.split(b"\n"), block.first - 1
        raw_lines = [lines[number - before] for number in fresh]
        if b"section_" in data or max(map(len, raw_lines)) > clean.LONG:
            kept = (raw if len(raw) <= clean.LONG else None for raw in raw_lines)
            self._mark(zip(fresh, kept, strict=True))
            return
        if len(self.known) >= _KNOWN:
            self.known.clear()
        once = self.known.setdefault
        self.out.marked_numbers.extend(fresh)
        self.out.marked_bytes.extend([once(raw, raw) for raw in raw_lines])
        self.last = fresh[-1]

    def _once(self, raw: bytes) -> bytes:
        if len(self.known) >= _KNOWN:
            self.known.clear()
        self.known[raw] = raw
        return raw


def _plain(block: Block, data: bytes, marks: list[int], numbers: list[int]) -> Iterator[tuple[int, bytes | None]]:
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


def _cleaned(
    block: Block, data: bytes, text: bytes, marks: list[int], index: LineIndex
) -> Iterator[tuple[int, bytes | None]]:
    """Yield the same of a block that was cleaned: lines are counted there and taken from the raw ones."""
    raw_lines = data.split(b"\n")
    before = 1 if block.fresh == 1 else 0
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
