"""From a log that somebody copied from a page to what of each of its lines is the page's own: a number, a time.

Numbers are those that GitLab's page shows; times before every line are what other services' raw logs have.
"""

import re

from bkdoctor.trace.source import Source

LIMIT = 4 * 1024 * 1024
"""A log that somebody copied from a web page is not larger than this."""
_TIME = re.compile(
    rb"(?:[^\t\n]{1,120}\t[^\t\n]{1,120}\t(?:\xef\xbb\xbf)?)?"  # the names of a job and a step
    rb"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)[ \t]"
)
_MARK = b"\xef\xbb\xbf"
"""What a file in UTF-8 may begin with."""


def without_times(source: Source) -> Source:
    """Return the log without the time that stands before every line; the log as it is where there is none.

    A trace of GitLab is left as it is: its own headers are `clean`'s.
    """
    if source.size > LIMIT or _TIME.match(source.read(0, 512).removeprefix(_MARK)) is None:
        return source
    data = source.read(0, source.size).removeprefix(_MARK)
    lines = data.split(b"\n")
    filled = [line for line in lines[:200] if line.strip()]
    if sum(1 for line in filled if _TIME.match(line)) < 0.9 * len(filled):
        return source
    return Source(b"\n".join([_TIME.sub(b"", line, count=1) if _TIME.match(line) else line for line in lines]))


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
