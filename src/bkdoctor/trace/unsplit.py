"""From a block of a trace to the same without what could split a word: continued lines, escapes, control characters.

No newline goes but those of continued lines. What a carriage return cleared stays: what is visible is there.
"""

import re

from bkdoctor.trace import clean

ESCAPE = b"\x1b"
_ESCAPES = re.compile(rb"\x1b+(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)")
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
    return _ESCAPES.sub(b"", block.replace(b"section_", b"\x07section_"))


def without_controls(block: bytes) -> bytes:
    """Return the block without control characters."""
    return block.translate(None, _CONTROLS)


def without_lost_escapes(block: bytes) -> bytes:
    """Return the block without what is left of escape sequences whose escape character was lost."""
    return _LOST_ESCAPES.sub(b"", block)
