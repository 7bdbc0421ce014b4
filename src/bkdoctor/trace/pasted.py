"""From a log that somebody copied to what its tools printed: without what stands before lines, as lines, as text.

Numbers are those that GitLab's page shows. What else stands before lines is in `beginnings`; line ends and characters
that were written out are in `written`, lines that were broken at a width in `unwrapped`.
"""

from typing import TYPE_CHECKING

from bkdoctor.trace import clean
from bkdoctor.trace.source import Source

if TYPE_CHECKING:
    from bkdoctor.trace.unwrapped import Width

LIMIT = 4 * 1024 * 1024
"""A log that somebody copied from a web page is not larger than this."""
_HEAD = 64 * 1024
"""Bytes in which it must show what was made of it."""
_NUMBERED = 4096
"""Bytes in which it must show its numbers."""
_LAYERS = 4
"""Beginnings before one line: a quote, a container's name, a time."""
_WIDE = 2
"""Bytes of a character in UTF-16."""
_FEW_CHARACTERS = 16
_MARK = b"\xef\xbb\xbf"
"""What a file in UTF-8 may begin with."""


def without_mark(source: Source) -> Source:
    """Return the log in UTF-8, without the mark that an editor put before its first byte."""
    head = source.read(0, _NUMBERED)
    encoding = _wide(head)
    if encoding and source.size <= _WIDE * LIMIT:
        return Source(source.read(0, source.size).decode(encoding, "replace").lstrip("\ufeff").encode())
    if source.size > LIMIT or not head.startswith(_MARK):
        return source
    return Source(source.read(len(_MARK), source.size))


def _wide(head: bytes) -> str | None:
    """Return the encoding of a log that PowerShell wrote to a file: two bytes for a character."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    size = len(head) // _WIDE
    low, high = head[::_WIDE].count(0), head[1::_WIDE].count(0)
    # most characters are of ASCII
    if size >= _FEW_CHARACTERS and max(low, high) > _WIDE * min(low, high) + size // _WIDE:
        return "utf-16-be" if low > high else "utf-16-le"
    return None


def plain(source: Source) -> tuple[Source, str]:
    """Return the log as its tools printed it: without what was put before every line, without entities.

    Also return what quotes each line, if anything does: shown lines keep it, so that they are found again. The lines
    stay as many as they are, but where line ends were written out. A trace of GitLab is left as it is: its own headers
    are `clean`'s.
    """
    if source.size > LIMIT:
        return source, ""
    head = source.read(0, _HEAD)
    if _is_raw(head):
        return source, ""
    # with all their expressions, they take a while to import, and most traces do not come from a page
    from bkdoctor.trace import unwrapped, written
    from bkdoctor.trace.beginnings import beginning_of

    reading = written.reading_of(head)
    if reading is None and (
        clean.is_timestamped(head.lstrip(b"\n")) or (beginning_of(head) is None and _width_of(head) is None)
    ):
        return source, ""
    data = source.read(0, source.size)
    if reading is not None:
        data = reading.read(data)
    data, quote = _without_beginnings(data)
    width = None if clean.is_timestamped(data[:_HEAD]) else _width_of(data[:_HEAD])
    return Source(unwrapped.unwrapped(data, width) if width else data), quote


_RUNNER = b"\x1b[0KRunning with gitlab-runner "


def _is_raw(head: bytes) -> bool:
    """Whether a trace begins as the runner writes it."""
    return head.lstrip(b"\n").startswith(_RUNNER) or (clean.is_timestamped(head.lstrip(b"\n")) and b"\\n" not in head)


def _without_beginnings(data: bytes) -> tuple[bytes, str]:
    """Return the log without what stands before its lines, and what of it is shown."""
    from bkdoctor.trace.beginnings import beginning_of

    quote = ""
    for _ in range(_LAYERS):
        beginning = beginning_of(data[:_HEAD])
        if beginning is None:
            break
        match = beginning.pattern.match
        data = b"\n".join([line[found.end() :] if (found := match(line)) else line for line in data.split(b"\n")])
        quote += "> " if beginning.shown else ""
    return data, quote


def _width_of(head: bytes) -> "Width | None":
    from bkdoctor.trace.unwrapped import width_of

    # a raw trace is as long as it was printed, and a page's numbers would be taken for what a line goes on with
    return None if b"\x1b" in head or _looks_numbered(head) else width_of(head)


def copied_numbers(source: Source) -> dict[int, int]:
    """Return how many digits each line has that are its number on the page; nothing for a log without such numbers.

    The page gives section titles no number of their own line, so that the count goes on below them.
    """
    if source.size > LIMIT or not _looks_numbered(source.read(0, _NUMBERED)):
        return {}
    found: dict[int, int] = {}
    expected = 1
    for number, line in enumerate(source.read(0, source.size).split(b"\n"), 1):
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


def _looks_numbered(head: bytes) -> bool:
    lines = head[:_NUMBERED].split(b"\n")
    expected, hits = 2, 0
    for line in lines[1:]:
        if line.startswith(str(expected).encode()):
            expected, hits = expected + 1, hits + 1
    return hits >= 5 and hits * 2 >= len(lines) - 1
