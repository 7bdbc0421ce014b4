"""From the literals of all patterns to a Finder: which of them a text holds, and where its marks are, in one pass.

Hyperscan is the fast one; its compiled form can be kept (`dump`). Where there is none yet and the trace is small, or
where the package is missing, ahocorasick_rs does the same in more time. Both say the same.
"""

import re
import sys
from array import array
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

from bkdoctor import kept
from bkdoctor.digests import blake2b
from bkdoctor.trace.marks import CONTINUATION, CONTROLS, MARKS, WORDS

if TYPE_CHECKING:
    import ahocorasick_rs
    import hyperscan

WORTH_COMPILING = 4 * 1024 * 1024
"""Bytes of a trace above which compiling for Hyperscan takes less time than it saves."""


class Seen(NamedTuple):
    """What a text holds."""

    literals: list[int]
    """Indexes of literals, each once, none if more than were asked for; behind the last literal follow WORDS."""
    marks: list[int]
    """Offsets within, or just behind, what marks a line; none if there are more than were asked for."""
    continued: bool
    """Whether there may be a line that goes on from the one before."""
    controls: bool
    """Whether there are control characters."""
    dense: bool = False
    """Whether there are more marks than were asked for."""
    crowded: bool = False
    """Whether there are more literals than were asked for."""


class Most(NamedTuple):
    """What is asked for of a text; where there is more, looking for it ends."""

    literals: int
    marks: int


ALL = Most(sys.maxsize, sys.maxsize)


class Finder(Protocol):
    """Searches texts for literals and marks."""

    literals: int
    """How many literals there are; the indexes of WORDS follow theirs."""

    def scan(self, text: bytes, most: Most = ALL) -> Seen:
        """Return what a text holds that begins and ends with a newline."""


class Searcher:
    """The literals of a catalogue and the finders made of them; at `path` the compiled form is kept."""

    def __init__(self, literals: Sequence[str], path: str | None = None) -> None:
        self.literals = literals
        self._path = path
        self._stored: bytes | None = None
        if path is not None:
            with suppress(OSError), open(path, "rb") as file:
                self._stored = file.read()

    @cached_property
    def fast(self) -> Finder | None:
        """Hyperscan's; None where it is missing or refuses this machine."""
        try:
            return HyperscanFinder(self.literals, self._stored)
        except (ImportError, RuntimeError, ValueError):
            return None

    @cached_property
    def plain(self) -> "AhoCorasickFinder":
        """The one of ahocorasick_rs."""
        return AhoCorasickFinder(self.literals)

    def finder_for(self, size: int) -> Finder:
        """Return the faster finder for a trace of this size."""
        if self._stored is None and size < WORTH_COMPILING and "fast" not in self.__dict__:
            return self.plain
        return self.fast or self.plain

    def keep(self, *, compiling: bool) -> None:
        """Keep the compiled form for the next run; if there is none, make it only where `compiling` asks for that."""
        if self._path is None or self._stored is not None or not (compiling or "fast" in self.__dict__):
            return
        if isinstance(self.fast, HyperscanFinder):
            self._stored = self.fast.dump()
            kept.write(self._path, self._stored)


def fingerprint(literals: Sequence[str]) -> str:
    """Return a name for the compiled form of these literals, another for other marks."""
    parts = [*literals, *map(repr, MARKS), *map(repr, WORDS)]
    return blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()


class HyperscanFinder:
    """One database for everything; a literal is reported once for each text, marks wherever they are."""

    def __init__(self, literals: Sequence[str], stored: bytes | None = None) -> None:
        import hyperscan

        self.literals = len(literals)
        self._words = [*(literal.encode() for literal in literals), *WORDS]
        self._too_many = hyperscan.ScanTerminated
        self._apart: dict[str, hyperscan.Database] = {}
        if stored is not None:
            try:
                self._database = hyperscan.loadb(stored, mode=hyperscan.HS_MODE_BLOCK)
                self._database.scratch = hyperscan.Scratch(self._database)
                return
            except hyperscan.HyperscanError:
                pass
        try:
            self._database = _compiled(self._words, "literals marks rest")
        except hyperscan.HyperscanError as error:
            raise RuntimeError(str(error)) from error

    def dump(self) -> bytes:
        """Return the compiled form."""
        import hyperscan

        return bytes(hyperscan.dumpb(self._database))

    def scan(self, text: bytes, most: Most = ALL) -> Seen:
        """Return what a text holds."""
        found = self._searched(self._database, text, most)
        dense, crowded = found.exceed(most)
        # a hostile text has so many of one that each call counts: the others are looked for alone
        if crowded:
            found = self._searched(self._part("marks"), text, most)
            dense, _ = found.exceed(most)
            found.rest.extend(self._searched(self._part("rest"), text, most).rest)
        elif dense:
            found = self._searched(self._part("literals rest"), text, most)
            _, crowded = found.exceed(most)
            if crowded:
                found.rest.extend(self._searched(self._part("rest"), text, most).rest)
        first = len(self._words)
        literals, marks = [] if crowded else found.literals, [] if dense else found.marks
        return Seen(literals, marks, first + 2 in found.rest, first + 1 in found.rest, dense, crowded)

    def _part(self, kinds: str) -> "hyperscan.Database":
        if kinds not in self._apart:
            self._apart[kinds] = _compiled(self._words, kinds)
        return self._apart[kinds]

    def _searched(self, database: "hyperscan.Database", text: bytes, most: Most) -> "_Hits":
        found = _Hits([], [], [])
        literals, marks, rest = found
        first, most_literals, most_marks = len(self._words), most.literals, most.marks

        def hit(index: int, _start: int, end: int, _flags: int, _context: object) -> bool | None:
            """Take in a hit; True ends the search."""
            if index < first:
                literals.append(index)
                return len(literals) > most_literals
            if index == first:
                marks.append(end)
                return len(marks) > most_marks
            rest.append(index)
            return None

        with suppress(self._too_many):
            database.scan(text, match_event_handler=hit)
        return found


class _Hits(NamedTuple):
    literals: list[int]
    marks: list[int]
    rest: list[int]

    def exceed(self, most: Most) -> tuple[bool, bool]:
        """Say whether there are more marks, and more literals."""
        return len(self.marks) > most.marks, len(self.literals) > most.literals


def _compiled(words: list[bytes], kinds: str) -> "hyperscan.Database":
    import hyperscan

    once, table = hyperscan.HS_FLAG_SINGLEMATCH, list[tuple[int, bytes, int]]()
    if "literals" in kinds:
        table += [(index, _escaped(word), once) for index, word in enumerate(words)]
    if "marks" in kinds:
        table += [(len(words), mark.expression or _escaped(mark.literal), 0) for mark in MARKS]
    if "rest" in kinds:
        table += [(len(words) + 1, CONTROLS, once), (len(words) + 2, CONTINUATION, once)]
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

    def scan(self, text: bytes, most: Most = ALL) -> Seen:
        """Return what a text holds."""
        literals: dict[int, None] = {}
        marks: list[int] = []
        tried = [-1] * len(MARKS)
        for index, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            if index < self._words:
                literals[index] = None
                continue
            if len(marks) > most.marks:
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
        dense, crowded = len(marks) > most.marks, len(literals) > most.literals
        continued = self._continuation.search(text) is not None
        controls = self._controls.search(text) is not None
        found = [] if crowded else list(literals)
        return Seen(found, [] if dense else marks, continued, controls, dense, crowded)

    def places(self, text: bytes) -> "dict[int, array[int]]":
        """Return where each literal begins, ascending, however often."""
        found: dict[int, array[int]] = {}
        for index, start, _ in self._automaton.find_matches_as_indexes(text, overlapping=True):
            if index in found:
                found[index].append(start)
            elif index < self.literals:
                found[index] = array("I", [start])
        return found
