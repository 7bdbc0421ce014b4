"""A trace as bytes with an index of its lines; a `Line` is made when somebody asks for it.

Numbers are those of the raw trace, counted by `\\n` from 1: what a GitLab link `#L123` counts. A line that goes
on in the next raw lines (FF_TIMESTAMPS, `+`) has the number of its first.
"""

from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

from bkdoctor.trace import clean


class Line(NamedTuple):
    """One line as GitLab's viewer shows it."""

    number: int
    text: str
    prefix: int
    """How many characters of `text` are the tool's own: `#7 12.3 `."""

    @property
    def body(self) -> str:
        """The text without the tool's prefix."""
        return self.text[self.prefix :]


class Log:
    """A trace: raw bytes, and where its lines start.

    `cut_at` is the offset at which the middle of a trace that was too large is missing, `left_out` how many line ends
    were there: they count in the numbers that are shown.
    """

    def __init__(self, raw: bytes, *, cut_at: int | None = None, left_out: int = 0) -> None:
        self.raw = raw
        self._cut_at = cut_at
        self._left_out = left_out
        first = raw[: clean.HEADER_LENGTH * 8].lstrip(b"\n")
        self.timestamped = clean.is_timestamped(first)
        self.lost_escapes = b"[0K" in raw and b"\x1b" not in raw
        self._starts = _line_starts(raw)
        self._heads = self._find_heads()
        self._copied = _copied_numbers(raw, self._starts)
        self.line = lru_cache(maxsize=8192)(self._line)

    def __len__(self) -> int:
        """Return how many raw lines there are; an empty trace has none."""
        return len(self._starts) - 1

    def _find_heads(self) -> list[int]:
        """Return the numbers of the raw lines that begin a visible line."""
        numbers = range(1, len(self) + 1)
        if not self.timestamped:
            return list(numbers)
        return [n for n in numbers if not clean.continues(self.raw_line(n))] or [1]

    def raw_line(self, number: int) -> bytes:
        """Return the bytes of a raw line without its `\\n`."""
        end = self._starts[number]
        line = self.raw[self._starts[number - 1] : end]
        return line[:-1] if line.endswith(b"\n") else line

    def joined(self, number: int) -> bytes:
        """Return the bytes of a line and its continuations, without headers; markers and codes are still there."""
        if not self.timestamped:
            return self.raw_line(number)
        index = bisect_right(self._heads, number)
        stop = self._heads[index] if index < len(self._heads) else len(self) + 1
        return b"".join(clean.without_header(self.raw_line(n)) for n in range(number, stop))

    def _line(self, number: int) -> Line:
        text = clean.clean(self.joined(number), lost_escapes=self.lost_escapes)[self._copied.get(number, 0) :]
        return Line(number, text, clean.prefix_length(text))

    def numbers(self, start: int = 1, stop: int | None = None) -> list[int]:
        """Return the numbers of the visible lines from `start` up to, not including, `stop`."""
        first = bisect_right(self._heads, start - 1)
        last = bisect_right(self._heads, stop - 1) if stop is not None else len(self._heads)
        return self._heads[first:last]

    def head_of(self, number: int) -> int:
        """Return the number of the visible line that the raw line `number` is part of."""
        return self._heads[max(0, bisect_right(self._heads, number) - 1)]

    def number_at(self, offset: int) -> int:
        """Return the number of the raw line that holds the byte at `offset`."""
        return bisect_right(self._starts, offset)

    def shown_number(self, number: int) -> int:
        """Return the number that a line has in the whole trace."""
        behind = self._cut_at is not None and self._starts[number - 1] >= self._cut_at
        return number + self._left_out if behind else number

    def next(self, number: int) -> int | None:
        """Return the number of the visible line after `number`, None at the end."""
        index = bisect_right(self._heads, number)
        return self._heads[index] if index < len(self._heads) else None

    @property
    def blank(self) -> bool:
        """Whether no character of the whole trace is visible."""
        return all(not self.line(n).text.strip() for n in self._heads)


_PASTE_LIMIT = 4 * 1024 * 1024
"""A log that somebody copied from a web page with its line numbers is not larger than this."""


def _copied_numbers(raw: bytes, starts: list[int]) -> dict[int, int]:
    """Return, for a log copied from GitLab's page with line numbers glued to the lines, how many digits each line has.

    The page gives section titles no number of their own line, so that the count goes on below them.
    """
    if len(raw) > _PASTE_LIMIT or not _looks_numbered(raw[:4096].split(b"\n")):
        return {}
    found: dict[int, int] = {}
    expected = 1
    for number in range(1, len(starts)):
        line = raw[starts[number - 1] : starts[number]]
        here = _number_at_start(line, expected)
        if here is not None:
            found[number] = len(str(here))
            expected = here + 1
        elif number == 1:
            expected = 2
    return found


def _number_at_start(line: bytes, expected: int) -> int | None:
    """Return the copied line number: the expected one, or a little more where lines were cut out."""
    if line.startswith(str(expected).encode()):
        return expected
    digits = line[: len(line) - len(line.lstrip(b"0123456789"))]
    found = int(digits) if 0 < len(digits) <= 6 else 0
    return found if expected < found < expected + 5_000 else None


def _looks_numbered(lines: list[bytes]) -> bool:
    expected, hits = 2, 0
    for line in lines[1:]:
        if line.startswith(str(expected).encode()):
            expected, hits = expected + 1, hits + 1
    return hits >= 5 and hits * 2 >= len(lines) - 1


def _line_starts(raw: bytes) -> list[int]:
    starts = [0]
    find = raw.find
    position = find(b"\n")
    while position >= 0:
        starts.append(position + 1)
        position = find(b"\n", position + 1)
    if starts[-1] != len(raw):
        starts.append(len(raw))
    return starts
