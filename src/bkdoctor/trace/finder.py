"""From the literals of all patterns to a Finder: which of them a text holds, and where its marks are, in one pass.

Hyperscan is the fast one; its compiled form can be kept (`dump`). Where there is none yet and the trace is small, or
where the package is missing, ahocorasick_rs does the same in more time. Both say the same.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

from bkdoctor.digests import blake2b
from bkdoctor.trace.marks import CONTINUATION, CONTROLS, MARKS, WORDS

if TYPE_CHECKING:
    import ahocorasick_rs
    import hyperscan

WORTH_COMPILING = 8 * 1024 * 1024
"""Bytes of a trace above which compiling for Hyperscan takes less time than it saves."""


class Seen(NamedTuple):
    """What a text holds."""

    literals: list[int]
    """Indexes of literals, each once; behind the last literal follow those of WORDS."""
    marks: list[int]
    """Offsets within, or just behind, what marks a line."""
    continuations: list[int]
    """Offsets behind headers of lines that go on from the one before."""
    controls: bool
    """Whether there are control characters."""


class Finder(Protocol):
    """Searches texts for literals and marks."""

    literals: int
    """How many literals there are; the indexes of WORDS follow theirs."""

    def scan(self, text: bytes) -> Seen:
        """Return what a text holds that begins and ends with a newline."""


class Searcher:
    """The literals of a catalogue and the finders made of them; `stored` is what `dump` returned before."""

    def __init__(self, literals: Sequence[str], stored: bytes | None = None) -> None:
        self.literals = literals
        self._stored = stored

    @cached_property
    def fast(self) -> Finder | None:
        """Hyperscan's; None where it is missing or refuses this machine."""
        try:
            return HyperscanFinder(self.literals, self._stored)
        except (ImportError, RuntimeError, ValueError):
            return None

    @cached_property
    def plain(self) -> Finder:
        """The one of ahocorasick_rs."""
        return AhoCorasickFinder(self.literals)

    def finder_for(self, size: int) -> Finder:
        """Return the faster finder for a trace of this size."""
        if self._stored is None and size < WORTH_COMPILING and "fast" not in self.__dict__:
            return self.plain
        return self.fast or self.plain

    def dump(self) -> bytes | None:
        """Return the compiled form for the next time; it fits this machine only."""
        return self.fast.dump() if isinstance(self.fast, HyperscanFinder) else None


def fingerprint(literals: Sequence[str]) -> str:
    """Return a name for the compiled form of these literals, another for other marks."""
    parts = [*literals, *map(repr, MARKS), *map(repr, WORDS)]
    return blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()


class HyperscanFinder:
    """One database for everything; a literal is reported once for each text, marks wherever they are."""

    def __init__(self, literals: Sequence[str], stored: bytes | None = None) -> None:
        import hyperscan

        self.literals = len(literals)
        self._marks = len(literals) + len(WORDS)
        if stored is not None:
            try:
                self._database = hyperscan.loadb(stored, mode=hyperscan.HS_MODE_BLOCK)
                self._database.scratch = hyperscan.Scratch(self._database)
                return
            except hyperscan.HyperscanError:
                pass
        try:
            self._database = _compiled(literals)
        except hyperscan.HyperscanError as error:
            raise RuntimeError(str(error)) from error

    def dump(self) -> bytes:
        """Return the compiled form."""
        import hyperscan

        return bytes(hyperscan.dumpb(self._database))

    def scan(self, text: bytes) -> Seen:
        """Return what a text holds."""
        literals: list[int] = []
        marks: list[int] = []
        others: list[tuple[int, int]] = []
        first = self._marks

        def hit(index: int, _start: int, end: int, _flags: int, _context: object) -> None:
            if index < first:
                literals.append(index)
            elif index == first:
                marks.append(end)
            else:
                others.append((index, end))

        self._database.scan(text, match_event_handler=hit)
        controls = any(index == first + 1 for index, _ in others)
        return Seen(literals, marks, [end for index, end in others if index == first + 2], controls)


def _compiled(literals: Sequence[str]) -> "hyperscan.Database":
    import hyperscan

    once = hyperscan.HS_FLAG_SINGLEMATCH
    words = [*(literal.encode() for literal in literals), *WORDS]
    table = [(index, _escaped(word), once) for index, word in enumerate(words)]
    table += [(len(words), mark.expression or _escaped(mark.literal), 0) for mark in MARKS]
    table += [(len(words) + 1, CONTROLS, once), (len(words) + 2, CONTINUATION, 0)]
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    ids, expressions, flags = (list(column) for column in zip(*table, strict=True))
    database.compile(expressions=expressions, ids=ids, elements=len(table), flags=flags)
    return database


def _escaped(literal: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in literal)


class AhoCorasickFinder:
    """Literals by an automaton; what else a mark asks for is tried where its literal stands."""

    def __init__(self, literals: Sequence[str]) -> None:
        from ahocorasick_rs import BytesAhoCorasick

        self.literals = len(literals)
        words = [*(literal.encode() for literal in literals), *WORDS]
        self._words = len(words)
        self._expressions = [re.compile(mark.expression) if mark.expression else None for mark in MARKS]
        self._automaton: ahocorasick_rs.BytesAhoCorasick = BytesAhoCorasick([*words, *(mark.literal for mark in MARKS)])
        self._controls = re.compile(CONTROLS)
        self._continuation = re.compile(CONTINUATION)

    def scan(self, text: bytes) -> Seen:
        """Return what a text holds."""
        literals: dict[int, None] = {}
        marks: list[int] = []
        tried = [-1] * len(MARKS)
        for index, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            if index < self._words:
                literals[index] = None
                continue
            number = index - self._words
            expression = self._expressions[number]
            if expression is None:
                marks.append(end)
            elif start > tried[number]:
                begin, tried[number] = max(0, text.rfind(b"\n", 0, start)), text.find(b"\n", start)
                if tried[number] < 0:
                    tried[number] = len(text)
                if expression.search(text, begin, tried[number] + 1):
                    marks.append(end)
        continuations = [match.end() for match in self._continuation.finditer(text)]
        return Seen(list(literals), marks, continuations, self._controls.search(text) is not None)
