"""From a block of a trace to the same without what could split a word: continued lines, escapes, control characters.

No newline goes but those of continued lines. What a carriage return cleared stays: what is visible is there.
"""

import re

from bkdoctor.trace import clean

ESCAPE = b"\x1b"
_ESCAPES = re.compile(rb"\x1b+(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)")
_REST = re.compile(rb"\[[0-?]*[ -/]*[@-~]|[ -/]*[0-~]?")
"""What of an escape sequence follows its escape character, if it is no title or link."""
_LINK, _RUN = b"\x1b]", b"\x1b\x1b"
_COLOURS = frozenset(b"[" + b";".join(codes) for n in range(108) for one in (b"%d" % n,)
                     for codes in ((one,), (one, b"1"), (b"0", one), (b"1", one))) | {
    b"[", *(b"[38;5;%d" % n for n in range(256))}  # fmt: skip
"""The usual codes of colours, without their end."""
_LOST_ESCAPES = re.compile(rb"\[(?:0K|0;m|0m|3\d;1m|0;3\dm)")
_CONTROLS = bytes([*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])


def unfolded(block: bytes, continuations: list[int]) -> bytes:
    """Join lines with those that go on from them, whose headers begin at `continuations`."""
    pieces, last = [], 0
    for start in continuations:
        # the line before the block's first is not there to be joined
        if start > 1:
            pieces.append(block[last : start - 1])
            last = start + clean.HEADER_LENGTH
    return b"".join([*pieces, block[last:]])


def continuations_in(block: bytes) -> list[int]:
    """Return where the headers of lines begin that go on from the one before."""
    return clean.continuations(block) if b"O+" in block or b"E+" in block else []


def without_escapes(block: bytes) -> bytes:
    """Return the block without escape sequences; some control characters may be added."""
    # a section's marker is one whatever stands before it; this character ends every escape sequence
    block = block.replace(b"section_", b"\x07section_")
    if _LINK in block or _RUN in block:
        return _ESCAPES.sub(b"", block)
    # twice as fast: no other sequence goes on over an escape character
    first, *others = block.split(ESCAPE)
    parted = [(other, *other.partition(b"m")) for other in others]
    return first + b"".join([rest if code in _COLOURS and end else _rest(other) for other, code, end, rest in parted])


def _rest(other: bytes) -> bytes:
    """Return what comes behind the sequence whose escape character stood before these bytes."""
    found = _REST.match(other)
    return other[found.end() :] if found else other


def without_controls(block: bytes) -> bytes:
    """Return the block without control characters."""
    return block.translate(None, _CONTROLS)


def without_lost_escapes(block: bytes) -> bytes:
    """Return the block without what is left of escape sequences whose escape character was lost."""
    return _LOST_ESCAPES.sub(b"", block)
