"""What an edit comes to: texts that change, a file that needs none, or a refusal that says why.

Edits are splices: places in a text and what shall stand there, so that everything else survives byte for byte.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec


class Refusal(msgspec.Struct, frozen=True):
    """Why nothing is written, and where was looked: one sentence without a full stop."""

    reason: str


class Unchanged(msgspec.Struct, frozen=True):
    """The file says already what the fix would write."""

    path: str


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A file before and after an edit."""

    path: str
    before: str | None
    """None: the file is new."""
    after: str
    notes: tuple[str, ...] = ()
    """What the reader must know of the change: who else it touches, what to look at."""
    job: str = ""
    """The job that it is for, if it is for one."""


class Splice(NamedTuple):
    """The characters from `start` up to `end` become `text`."""

    start: int
    end: int
    text: str


class CannotEdit(Exception):  # noqa: N818  (never shown: `apply` makes a Refusal of it)
    """Raised deep in an edit that cannot be made; its text is the reason."""


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """Return the text with the splices made, their newlines written as the text writes its own."""
    newline = newline_of(text)
    out: list[str] = []
    position = 0
    for splice in sorted(splices, key=lambda s: (s.start, s.end)):
        if splice.start < position:
            raise CannotEdit("two of its edits meet in one place")
        new = splice.text.replace("\r\n", "\n").replace("\n", newline)
        out += [text[position : splice.start], new]
        position = splice.end
    return "".join([*out, text[position:]])


def newline_of(text: str) -> str:
    """Return the line end that a text uses most."""
    windows = text.count("\r\n")
    return "\r\n" if windows * 2 > text.count("\n") else "\n"


def line_start(text: str, position: int) -> int:
    """Return where the line of a position begins."""
    start = text.rfind("\n", 0, position) + 1
    return 1 if start == 0 and text.startswith("\ufeff") and position > 0 else start


def next_line(text: str, position: int) -> int:
    """Return where the line after that of a position begins; the text's length behind the last one."""
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1


def inserted_lines(text: str, position: int, lines: Iterable[str]) -> Splice:
    """Return the splice that puts whole lines at the beginning of a line, or behind a last line without newline."""
    body = "\n".join(lines)
    behind = position == len(text) and position > 0 and text[-1] not in "\n\ufeff"
    return Splice(position, position, f"\n{body}" if behind else f"{body}\n")
