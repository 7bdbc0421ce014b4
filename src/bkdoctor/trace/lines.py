"""From the newlines of a trace to an index of its lines: where each begins, and which go on from the line before.

The index holds one entry for each page, not for each line; what lies within a page is counted when it is asked for.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate, count, islice
from operator import add

from bkdoctor.trace.source import Source

PAGE = 64 * 1024
"""Bytes for which there is one entry."""


class LineIndex:
    """Line numbers and offsets of a trace; filled by `add` from its beginning to its end."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._offsets = array("Q", [0])
        self._before = array("Q", [0])
        # 1 for each line that goes on from the one before, up to the last such one: found as fast as bytes are
        self._goes_on = bytearray()
        self.newlines = 0
        self._ends = lru_cache(maxsize=64)(self._ends_in)

    def add(self, piece: bytes, offset: int, start: int, stop: int, points: Sequence[int] = ()) -> list[int]:
        """Count the newlines in `piece[start:stop]`; `piece` stands at `offset` in the trace.

        Return the numbers of the lines in which the `points`, ascending positions in the piece, stand.
        """
        numbers: list[int] = []
        waiting = iter(points)
        point = next(waiting, stop)
        for page in range(start, stop, PAGE):
            self._offsets.append(offset + page)
            self._before.append(self.newlines)
            position, end = page, min(page + PAGE, stop)
            while point < end:
                if point > position:
                    self.newlines += piece.count(b"\n", position, point)
                    position = point
                numbers.append(self.newlines + 1)
                point = next(waiting, stop)
            self.newlines += piece.count(b"\n", position, end)
        numbers += [self.newlines + 1 for _ in range(len(points) - len(numbers))]
        return numbers

    def go_on(self, numbers: Sequence[int]) -> None:
        """Note, in ascending order, lines that go on from the one before; the first line of a trace cannot."""
        numbers = numbers[1:] if numbers and numbers[0] <= 1 else numbers
        if not numbers:
            return
        flags = self._goes_on
        flags.extend(bytes(max(0, numbers[-1] + 1 - len(flags))))
        for number in numbers:
            flags[number] = 1

    def __len__(self) -> int:
        """Return how many raw lines there are."""
        return self.newlines + self._is_open

    @cached_property
    def _is_open(self) -> bool:
        """Whether the last line has no newline behind it."""
        size = self._source.size
        return size > 0 and self._source.read(size - 1, size) != b"\n"

    def start_of(self, number: int) -> int:
        """Return the offset at which a raw line begins; that behind the last newline for the line after the last."""
        if number <= 1:
            return 0
        page = bisect_left(self._before, number - 1) - 1
        return self._offsets[page] + self._ends(page)[number - 2 - self._before[page]]

    def stop_of(self, number: int) -> int:
        """Return the offset of a raw line's `\\n`, or of the end of the trace."""
        return self.start_of(number + 1) - 1 if number <= self.newlines else self._source.size

    def number_at(self, offset: int) -> int:
        """Return the number of the raw line that holds the byte at `offset`."""
        page = bisect_right(self._offsets, offset) - 1
        return self._before[page] + bisect_right(self._ends(page), offset - self._offsets[page]) + 1

    def _ends_in(self, page: int) -> "array[int]":
        """Return, for each newline of a page, the position behind it."""
        stop = self._offsets[page + 1] if page + 1 < len(self._offsets) else self._offsets[page] + PAGE
        parts = self._source.read(self._offsets[page], stop).split(b"\n")
        del parts[-1]
        return array("I", map(add, accumulate(map(len, parts)), count(1)))

    def head_of(self, number: int) -> int:
        """Return the first line of those that `number` goes on from; itself for most."""
        flags = self._goes_on
        return flags.rfind(0, 0, number) if number < len(flags) and flags[number] else number

    def after(self, number: int) -> int:
        """Return the next line that does not go on from another; it may be behind the last."""
        flags, following = self._goes_on, number + 1
        if following >= len(flags) or not flags[following]:
            return following
        end = flags.find(0, following)
        return end if end >= 0 else len(flags)

    def heads(self, start: int, stop: int) -> Iterator[int]:
        """Yield the lines from `start` up to, not including, `stop` that go on from no other."""
        number = start if self.head_of(start) == start else self.after(start)
        while number < stop:
            until = self._goes_on.find(1, number, stop)
            if until < 0:
                until = stop
            yield from range(number, until)
            number = self.after(until - 1)

    def lines_from(self, first: int, most: int) -> Sequence[int]:
        """Return `first`, which may go on from another, and the `most` lines behind it that do not."""
        if first >= len(self._goes_on):
            return range(first, first + most + 1)
        return [first, *islice(self.heads(first + 1, first + 2 * most + len(self._goes_on)), most)]

    def heads_backwards(self, start: int, stop: int) -> Iterator[int]:
        """Yield the same from the last to the first."""
        number = stop - 1
        while number >= start:
            head = self.head_of(number)
            if head == number:
                yield number
            number = min(head, number - 1) if head != number else number - 1
