"""From a log that somebody copied to what of each of its lines is not its own: a number, a time, a quote.

Numbers are those that GitLab's page shows; times before every line are what other services' raw logs have; a message
quotes with `>` or indents; HTML writes some characters as entities.
"""

import re

from bkdoctor.trace.source import Source

LIMIT = 4 * 1024 * 1024
"""A log that somebody copied from a web page is not larger than this."""
_HEAD = 64 * 1024
"""Bytes in which it must show what stands before the lines."""
_FEW = 3
"""A beginning that a single line may have by itself must stand before so many."""
_INDENT = 4
"""Blanks before every line that make a block of code of it; programs indent by less, too."""
_DAY = rb"\d{4}-[01]\d-[0-3]\d"
_CLOCK = rb"[0-2]\d:[0-5]\d:[0-5]\d(?:[.,]\d{1,9})?"
_ZONE = rb"(?:Z| ?[+-]\d\d:?\d\d)?"
_TIME = re.compile(
    rb"(?:[^\t\n]{1,120}\t[^\t\n]{1,120}\t(?:\xef\xbb\xbf)?)?"  # the names of a job and a step
    rb"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)[ \t]"
)
_QUOTE = re.compile(rb">(?: |\r?$)")
_BEGINNINGS = [
    (_TIME, 1),
    (re.compile(rb"\[" + _DAY + rb"[T ]" + _CLOCK + _ZONE + rb"\](?:[ \t]|\r?$)"), 1),
    (re.compile(_DAY + rb" " + _CLOCK + _ZONE + rb"(?:[ \t]|\r?$)"), _FEW),
    (re.compile(rb"\[?" + _CLOCK + rb"\]?(?:  |\r?$)"), _FEW),
    (re.compile(rb"\[?" + _CLOCK + rb"\]?(?:[ \t]|\r?$)"), _FEW),
    (_QUOTE, _FEW),
]
"""What may stand before every line, and before how many it must: times, then the quote of a message."""
_MARK = b"\xef\xbb\xbf"
"""What a file in UTF-8 may begin with."""
_ENTITIES = [(b"&quot;", b'"'), (b"&#34;", b'"'), (b"&#39;", b"'"), (b"&#x27;", b"'"), (b"&lt;", b"<"), (b"&gt;", b">")]


def without_mark(source: Source) -> Source:
    """Return the log without the mark that an editor put before its first byte."""
    if source.size > LIMIT or source.read(0, len(_MARK)) != _MARK:
        return source
    return Source(source.read(len(_MARK), source.size))


def plain(source: Source) -> tuple[Source, str]:
    """Return the log as its tools printed it: without what the page put before every line, without entities.

    Also return what quotes each line, if anything does: shown lines keep it, so that they are found again. The lines
    stay as many as they are. A trace of GitLab is left as it is: its own headers are `clean`'s.
    """
    if source.size > LIMIT:
        return source, ""
    head = source.read(0, _HEAD)
    beginning = _beginning(head)
    escaped = any(entity in head for entity, _ in _ENTITIES) and not re.search(rb"[<>\"]", head)
    if beginning is None and not escaped:
        return source, ""
    data = source.read(0, source.size)
    if beginning is not None:
        data = b"\n".join(
            [beginning.sub(b"", line, count=1) if beginning.match(line) else line for line in data.split(b"\n")]
        )
    return Source(_unescaped(data) if escaped else data), "> " if beginning is _QUOTE else ""


def _beginning(head: bytes) -> re.Pattern[bytes] | None:
    """Return what stands before the lines of a log: the same before the first and nearly all others."""
    filled = [line for line in head.split(b"\n")[:200] if line.strip()]
    for pattern, least in _BEGINNINGS:
        fits = len(filled) >= least and pattern.match(filled[0])
        if fits and sum(1 for line in filled if pattern.match(line)) >= 0.9 * len(filled):
            return pattern
    indent = min((len(line) - len(line.lstrip(b" ")) for line in filled), default=0)
    return re.compile(rb" {%d}" % indent) if indent >= _INDENT and len(filled) >= _FEW else None


def _unescaped(data: bytes) -> bytes:
    for entity, character in _ENTITIES:
        data = data.replace(entity, character)
    return data.replace(b"&amp;", b"&")


def copied_numbers(source: Source) -> dict[int, int]:
    """Return how many digits each line has that are its number on the page; nothing for a log without such numbers.

    The page gives section titles no number of their own line, so that the count goes on below them.
    """
    if source.size > LIMIT or not _looks_numbered(source.read(0, 4096).split(b"\n")):
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


def _looks_numbered(lines: list[bytes]) -> bool:
    expected, hits = 2, 0
    for line in lines[1:]:
        if line.startswith(str(expected).encode()):
            expected, hits = expected + 1, hits + 1
    return hits >= 5 and hits * 2 >= len(lines) - 1
