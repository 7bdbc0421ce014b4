"""A trace with an index of its lines; a `Line` is made when somebody asks for it.

Numbers are those of the raw trace, counted by `\\n` from 1: what a GitLab link `#L123` counts. A line that goes
on in the next raw lines (FF_TIMESTAMPS, `+`) has the number of its first.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from functools import cache, cached_property
from itertools import islice
from typing import NamedTuple

from bkdoctor.trace import clean, pasted
from bkdoctor.trace.finder import Searcher
from bkdoctor.trace.lines import LineIndex
from bkdoctor.trace.source import Source
from bkdoctor.trace.survey import Survey
from bkdoctor.trace.surveyor import survey

_KEPT_TEXT = 16 * 1024 * 1024
"""Characters of lines that are kept to be asked for again."""


class Line(NamedTuple):
    """One line as GitLab's viewer shows it; of a very long one the head and the tail."""

    number: int
    text: str
    prefix: int
    """How many characters of `text` are the tool's own: `#7 12.3 `."""

    @property
    def body(self) -> str:
        """The text without the tool's prefix."""
        return self.text[self.prefix :]


class Log:
    """A trace that is read where it is needed.

    `searcher` holds the literals to look for in the one pass over all of it. `cut_at` is the offset at which the middle
    of a trace that was too large is missing, `left_out` how many line ends were there: they count in the numbers shown.
    """

    def __init__(
        self, trace: bytes | Source, searcher: Searcher | None = None, *, cut_at: int | None = None, left_out: int = 0
    ) -> None:
        source = pasted.without_mark(trace if isinstance(trace, Source) else Source(trace))
        self._searcher = searcher or _marks_alone()
        self._cut_at = cut_at
        self._left_out = left_out
        self.source, self.quote = pasted.plain(source)
        self.timestamped = clean.is_timestamped(self.source.read(0, clean.HEADER_LENGTH * 8).lstrip(b"\n"))
        self._lines: dict[int, Line] = {}
        self._kept = 0

    @cached_property
    def survey(self) -> Survey:
        """What a pass over the whole trace finds."""
        return survey(self.source, self._searcher.finder_for(self.source.size), timestamped=self.timestamped)

    def places(self, text: bytes) -> dict[int, array[int]]:
        """Return where in a text each of the literals stands that are looked for."""
        return self._searcher.plain.places(text)

    @cached_property
    def index(self) -> LineIndex:
        """Where lines begin."""
        return self.survey.index

    @cached_property
    def _copied(self) -> dict[int, int]:
        return pasted.copied_numbers(self.source)

    def __len__(self) -> int:
        """Return how many raw lines there are; an empty trace has none."""
        return len(self.index)

    def raw_line(self, number: int) -> bytes:
        """Return the bytes of a raw line without its `\\n`."""
        return self.source.read(self.index.start_of(number), self.index.stop_of(number))

    def joined(self, number: int) -> bytes:
        """Return the bytes of a line and its continuations, without headers; markers and codes are still there."""
        start = self.index.start_of(number)
        stop = self.index.stop_of(self.index.after(number) - 1 if self.timestamped else number)
        if stop - start <= clean.LONG:
            region = self.source.read(start, stop)
            return clean.joined(region) if self.timestamped else region
        half = clean.LONG // 2
        before = max(start, stop - 2 * clean.LONG)
        head, tail = self.source.read(start, start + half), self.source.read(before, stop)
        return clean.shortened(head, tail[:-half], tail[-half:], timestamped=self.timestamped)

    def line(self, number: int, raw: bytes | None = None) -> Line:
        """Return a line as it is shown; `raw` are its bytes, if nothing goes on from it and they are at hand."""
        known = self._lines.get(number)
        if known is not None:
            return known
        if raw is None:
            return self.made(number, self.joined(number))
        return self.made(number, clean.joined(raw) if self.timestamped else raw)

    def made(self, number: int, joined: bytes) -> Line:
        """Return the line of that number from its bytes."""
        text = clean.clean(joined, lost_escapes=self.survey.lost_escapes)[self._copied.get(number, 0) :]
        line = Line(number, text, clean.prefix_length(text))
        self._kept += 200 + len(text)
        if self._kept > _KEPT_TEXT:
            self._lines.clear()
            self._kept = 0
        self._lines[number] = line
        return line

    def numbers(self, start: int = 1, stop: int | None = None) -> Iterator[int]:
        """Yield the numbers of the visible lines from `start` up to, not including, `stop`."""
        return self.index.heads(max(1, start), self._stop(stop))

    def ends(self, start: int, stop: int | None, count: int) -> list[int]:
        """Return the first and the last `count` numbers of visible lines in that range, or all if they are not more."""
        stop = self._stop(stop)
        first = list(islice(self.index.heads(max(1, start), stop), count))
        last = list(islice(self.index.heads_backwards(first[-1] + 1, stop), count)) if first else []
        return [*first, *reversed(last)]

    def _stop(self, stop: int | None) -> int:
        return len(self) + 1 if stop is None else min(stop, len(self) + 1)

    def head_of(self, number: int) -> int:
        """Return the number of the visible line that the raw line `number` is part of."""
        return self.index.head_of(number)

    def shown_number(self, number: int) -> int:
        """Return the number that a line has in the whole trace."""
        behind = self._cut_at is not None and self.index.start_of(number) >= self._cut_at
        return number + self._left_out if behind else number

    def next(self, number: int) -> int | None:
        """Return the number of the visible line after `number`, None at the end."""
        after = self.index.after(number)
        return after if after <= len(self) else None

    def is_blank(self, start: int = 1) -> bool:
        """Whether no character from the line `start` on is visible."""
        return not any(self.line(n).text.strip() for n in self.numbers(start))


@cache
def _marks_alone() -> Searcher:
    return Searcher(())
