"""From a Source to a Survey: one pass over a trace in blocks, which finds lines, marked lines and literals.

A block is cleaned before it is searched only where something in it could split what is looked for. What a hostile trace
has too much of is looked for at its head and its tail only.
"""

import sys
from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from bkdoctor.trace import clean, unsplit
from bkdoctor.trace.block import Block, lines_of_cleaned, lines_of_plain, numbers_at
from bkdoctor.trace.finder import Finder, Most, Seen
from bkdoctor.trace.source import Source
from bkdoctor.trace.survey import Survey

BLOCK = 256 * 1024
_OVERLAP = 4096
"""Bytes that a block repeats of a line that is longer than a block."""
_KNOWN = 20_000
"""Texts of marked lines that are kept once however often they come."""
_MANY = 200
"""Marks in a block from which on it is taken apart at once."""
_GOING_ON = 100
"""Lines that a block's end is moved up over because each goes on from the one before."""
DENSE = 1000
"""Marks in a block from which on they are looked for only if the block belongs to the tail: the head has enough."""
CROWDED = 400
"""Different literals in a block from which on they are looked for only in the first and the last such blocks."""
_CROWDED_BLOCKS = 4
MOST_MARKED = 10_000
"""Marked lines that are kept from the head of a trace, and as many from its tail."""
_WAITING = 32
"""Blocks that wait until it is known whether they belong to the tail."""
_GREEN = b"\x1b[32;1m$ "
_LOST = b"[0K"


class _Found(NamedTuple):
    """A block with marks in it."""

    number: int
    block: Block
    data: bytes
    text: bytes
    marks: list[int] | None
    """None: more than DENSE, which were not looked for."""
    lines: list[int]
    """The numbers of the lines that hold the marks, of a block that was searched as it is."""

    @property
    def least(self) -> int:
        """How many marks there are at least."""
        return DENSE if self.marks is None else len(self.marks)


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
        self.number = 0
        """The block whose marks are taken in."""
        self.waiting: deque[_Found] = deque()
        self.crowded: deque[tuple[int, bytes | None]] = deque(maxlen=_CROWDED_BLOCKS)
        """The last blocks with more than CROWDED literals, and the text of those that were not searched for them."""
        self.dropped = 0
        """The last line whose mark was left out."""

    def run(self) -> Survey:
        out = self.out
        for block, data in self._blocks():
            text, continued, seen = self._searched(data)
            end = len(data) - (block.begin + len(data) > block.stop)
            marks = sorted(mark - 1 for mark in seen.marks)
            numbers = out.index.add(data, block.begin, block.fresh, end, marks if text is data else ())
            if continued:
                before = block.first - data.count(b"\n", 0, block.fresh)
                out.index.go_on([before + count for count in continued])
            self._keep(block._replace(dirty=text is not data), data, text, seen)
            if marks or seen.dense:
                self._wait(_Found(len(out.blocks) - 1, block, data, text, None if seen.dense else marks, numbers))
        self._take_tail()
        self._leave_out(MOST_MARKED)
        for number, searched in self.crowded:
            for literal in self.finder.scan(searched).literals if searched is not None else ():
                self._hold(literal, number)
        return out

    def _wait(self, found: _Found) -> None:
        """Take in a block, or have it wait where the head has enough: with enough marks behind it, it is left out."""
        if len(self.out.marked_numbers) < MOST_MARKED:
            self._take(found)
            return
        waiting = self.waiting
        waiting.append(found)
        behind = sum(one.least for one in waiting)
        while (behind := behind - waiting[0].least) >= MOST_MARKED:
            waiting.popleft()
            self.dropped = waiting[0].block.first - 1
        if len(waiting) > _WAITING:
            self._take(waiting.popleft())

    def _take_tail(self) -> None:
        """Take in as many of the waiting blocks, from the last one on, as are enough; the others are left out."""
        taken: list[_Found] = []
        behind = 0
        while self.waiting and behind < MOST_MARKED:
            taken.append(self._with_marks(self.waiting.pop()))
            behind += taken[-1].least
        if self.waiting:
            self.dropped = taken[-1].block.first - 1
        for found in reversed(taken):
            self._take(found)

    def _with_marks(self, found: _Found) -> _Found:
        if found.marks is not None:
            return found
        marks = sorted(mark - 1 for mark in self.finder.scan(found.text).marks)
        lines = numbers_at(found.block, found.data, marks) if found.text is found.data else []
        return found._replace(marks=marks, lines=lines)

    def _take(self, found: _Found) -> None:
        found = self._with_marks(found)
        self.number, block, data, lines = found.number, found.block, found.data, found.lines
        plain, marks = found.text is data, found.marks or []
        if len(marks) > _MANY and plain and not block.torn and not self.out.timestamped:
            self._mark_many(block, data, lines)
        elif plain:
            self._mark(lines_of_plain(block, data, marks, lines))
        else:
            self._mark(lines_of_cleaned(block, data, found.text, marks, self.out.index))
        if len(self.out.marked_numbers) > 4 * MOST_MARKED:
            self._leave_out(2 * MOST_MARKED)

    def _leave_out(self, tail: int) -> None:
        """Leave out marked lines between those of the head and at most so many of the tail."""
        numbers = self.out.marked_numbers
        stop = max(len(numbers) - tail, bisect_right(numbers, self.dropped) if self.dropped else 0)
        if stop > MOST_MARKED:
            self.dropped = max(self.dropped, numbers[stop - 1])
            del numbers[MOST_MARKED:stop], self.out.marked_bytes[MOST_MARKED:stop]
        if self.dropped:
            self.out.unread = (numbers[MOST_MARKED - 1] + 1, self.dropped + 1)

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
        cut, tries = newline, _GOING_ON
        while cut and tries and self.out.timestamped and clean.continues(data[cut : cut + clean.HEADER_LENGTH]):
            cut, tries = data.rfind(b"\n", fresh, cut - 1) + 1, tries - 1
        return (cut, True) if cut and tries else (newline or fresh + BLOCK, False)

    def _searched(self, data: bytes) -> tuple[bytes, list[int], Seen]:
        """Return a block as it was searched, its lines that go on (as `unfolded` gives them), and what it holds."""
        out, continued = self.out, list[int]()
        text = read = unsplit.without_middles(data)
        if out.timestamped and (out.lost_escapes or unsplit.ESCAPE in data):
            text, continued = unsplit.unfolded(read)
        if unsplit.ESCAPE in data:
            out.escapes = True
            out.green = out.green or _GREEN in data
            text = unsplit.without_escapes(text)
        elif out.lost_escapes:
            text = unsplit.without_lost_escapes(text)
        most = Most(
            literals=sys.maxsize if len(self.crowded) < _CROWDED_BLOCKS else CROWDED,
            marks=sys.maxsize if len(out.marked_numbers) < MOST_MARKED else DENSE,
        )
        seen = self.finder.scan(text, most)
        if text is read and out.timestamped and seen.continued:
            text, continued = unsplit.unfolded(read)
            seen = self.finder.scan(text, most) if continued else seen
        if seen.controls:
            text = unsplit.without_controls(text)
            seen = self.finder.scan(text, most)
        return text, continued, seen

    def _keep(self, block: Block, data: bytes, text: bytes, seen: Seen) -> None:
        out = self.out
        likely = bool(seen.marks) or seen.dense or text is not data
        out.has_sections = out.has_sections or (likely and b"section_start:" in data)
        number = len(out.blocks)
        out.blocks.append(block)
        for literal in seen.literals:
            blocks = out.seen.get(literal)
            if blocks is None:
                out.seen[literal] = array("I", [number])
            else:
                blocks.append(number)
        if seen.crowded or len(seen.literals) > CROWDED:
            out.crowded = out.crowded or (len(self.crowded) == _CROWDED_BLOCKS and self.crowded[0][1] is not None)
            self.crowded.append((number, text if seen.crowded else None))

    def _hold(self, literal: int, number: int) -> None:
        """Note that a block, behind which others may have been searched already, holds a literal."""
        blocks = self.out.seen.setdefault(literal, array("I"))
        at = bisect_right(blocks, number)
        if not at or blocks[at - 1] != number:
            blocks.insert(at, number)

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
                self.out.joined.setdefault(self.number, []).append(number)
                come_together.append(clean.clean(raw).encode())
        self.last = last
        if come_together:
            for literal in self.finder.scan(b"\n%b\n" % b"\n".join(come_together)).literals:
                self._hold(literal, self.number)

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
