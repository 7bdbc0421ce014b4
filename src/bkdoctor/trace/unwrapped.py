"""From a log whose lines were broken at a width, by a terminal, a mail or a chat program, to its lines.

The parts of a line come together where its first one stands; the others become blank, so that numbers stay.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

_NARROW, _WIDE, _PROSE = 60, 260, 132
"""Columns between which lines are broken, and up to which between words."""
_FEW, _FEW_WORDS = 2, 3
"""Broken lines that a log must show."""
_GOES_ON = re.compile(rb" ?[a-z0-9,.;:)\]}'\"/=_%-]")
"""What the middle of a line may begin with."""
_STARTS = re.compile(
    rb"#\d+ |\s\s|\s(?:=>|>|-|#)|\d{4}[-/]\d\d[-/]\d\d[T ]"
    rb"|=>|\$ |--[->]|===|\d+\.\d+(?: |$)|sha256:|[0-9a-f]{12}: |(?:INFO|WARN|ERRO|FATA)\[|section_|[A-Z][a-z]+: "
    rb"|(?i:error|fatal|warning|failed|step|npm|info|debug|e|w)\b[ :\[]"
)
"""What begins a line of its own."""
_ALIKE = 8
"""Bytes that two lines one after the other begin with if a program prints the same of different things."""
_POWERSHELL = b"+ CategoryInfo "
"""What PowerShell says where it breaks what a program printed as an error at the width of its window."""
_SAID = 8
"""Lines before that in which it says so, and half as many behind."""


class Width(NamedTuple):
    """Where lines are broken."""

    columns: int
    words: bool
    """Whether they are broken between words."""
    kept: bool = False
    """Whether blanks are kept where a line was broken before a word, and longer words are broken, too."""

    def breaks(self, line: bytes, following: bytes) -> bool:
        """Say whether a line may have been broken before the following one."""
        if _STARTS.match(following) or line[:_ALIKE] == following[:_ALIKE]:
            return False
        length, word = _length(line), _length(following.split(b" ", 1)[0])
        if self.kept:
            return length == self.columns or (line.endswith(b" ") and length <= self.columns < length + word)
        if not self.words:
            return length == self.columns
        return length >= _NARROW // 2 and length + 1 + word > self.columns


def width_of(head: bytes) -> Width | None:
    """Return the width at which the lines of a log are broken; None for a log as its tools printed it."""
    lines = head.split(b"\n")
    lengths = list(map(len if head.isascii() else _length, lines))
    columns = max(lengths)
    if _POWERSHELL in head:
        # a program's other output is not broken, so only what PowerShell says itself shows the width
        at = next(n for n, line in enumerate(lines) if _POWERSHELL in line)
        said = lines[max(0, at - _SAID) : at + _SAID // 2]
        return Width(max(_length(line.rstrip(b"\r")) for line in said), words=False, kept=True)
    hard, soft = Width(0, words=False), Width(0, words=True)
    # most logs have longer lines, and few of the same length
    if columns <= _WIDE and lengths.count(columns) + lengths.count(columns - 1) >= _FEW:
        lines = [line.rstrip(b"\r") for line in lines]
        hard = Width(max(map(_length, lines)), words=False)
    if not any(b" " in line for line, length in zip(lines, lengths, strict=True) if length > _PROSE):
        lines = [line.rstrip() for line in lines]
        soft = Width(max((_length(line) for line in lines if b" " in line.lstrip()), default=0), words=True)
    sharp, smooth = _broken(lines, hard), _broken(lines, soft)
    # where all are broken at one column, words are broken too, and hardly a line ends before it
    if smooth >= _FEW_WORDS and (smooth >= 2 * sharp or smooth > sharp < _FEW_WORDS):
        return soft
    return hard if sharp >= _FEW else None


def _broken(lines: Sequence[bytes], width: Width) -> int:
    """Return how many lines were broken at a width, 0 if most that reach it were not."""
    if width.columns < _NARROW:
        return 0
    # a word alone, such as a digest, is as long as others by itself
    pairs = [(a, b) for a, b in pairwise(lines) if b and (width.words or b" " in a)]
    full = [after for before, after in pairs if width.breaks(before, after)]
    broken = sum(1 for after in full if _GOES_ON.match(after))
    return broken if 2 * broken >= len(full) else 0


def unwrapped(data: bytes, width: Width) -> bytes:
    """Return the log with the parts of each line together."""
    out: list[bytes] = []
    parts: list[bytes] = []
    before = b""
    for raw in data.split(b"\n"):
        line = raw.rstrip() if width.words else raw.rstrip(b"\r")
        if parts and line and width.breaks(before, line):
            parts.append(line)
        else:
            out += _together(parts, width)
            parts = [line]
        before = line
    return b"\n".join([*out, *_together(parts, width)])


def _together(parts: Sequence[bytes], width: Width) -> list[bytes]:
    return [(b" " if width.words else b"").join(parts), *[b"" for _ in parts[1:]]] if parts else []


def _length(line: bytes) -> int:
    return len(line) if line.isascii() else len(line.decode("utf-8", "replace"))
