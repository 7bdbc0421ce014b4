"""From a log that somebody copied from GitLab's page to what of each of its lines is the number that the page shows."""

from bkdoctor.trace.source import Source

LIMIT = 4 * 1024 * 1024
"""A log that somebody copied from a web page is not larger than this."""


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
