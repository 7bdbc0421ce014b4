"""From a block of a trace to the same without what could split a word: continued lines, escapes, control characters.

No newline goes but those of continued lines. What a carriage return cleared stays: what is visible is there.
"""

import re
from collections import Counter
from itertools import accumulate

from bkdoctor.trace import clean

ESCAPE = b"\x1b"
_CONTINUATION = re.compile(rb"\n" + clean.HEADER.pattern[:-4] + rb"\+")
_ESCAPES = re.compile(rb"\x1b++(?:\[[0-?]*+[ -/]*+[@-~]|\][^\x07\x1b\n]*+(?:\x07|\x1b\\)?+|[ -/]*+[0-~]?+)")
_USUAL = re.compile(rb"\x1b(?:\[[0-?]*+[ -/]*+[@-~]|[ -/]*+[0-~]?+)")
"""The same where there is no title, no link and no run of escape characters."""
_LINK, _RUN = b"\x1b]", b"\x1b\x1b"
_WHOLE = re.compile(rb"\x1b(?:\[[0-?]*+[ -/]*+[@-~]|[0-Z\\^-~])")
"""An escape sequence that is no beginning of a longer one."""
_BELL = b"\x07"
_MANY = 1000
"""Escape characters in a block from which on taking out the commonest sequences first pays."""
_SAMPLE = 4096
"""Bytes that are looked at for them, twice."""
_LOST_ESCAPES = re.compile(rb"\[(?:0K|0;m|0m|3\d;1m|0;3\dm)")
_CONTROLS = bytes([*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])


def unfolded(block: bytes) -> tuple[bytes, list[int]]:
    """Join lines of a timestamped trace with those that go on from them.

    Return also, for each line that goes on, how many newlines stand before it.
    """
    if b"O+" not in block and b"E+" not in block:
        return block, []
    parts = _CONTINUATION.split(block)
    before = list(accumulate([part.count(b"\n") + 1 for part in parts[:-1]]))
    # the line before the block's first is not there to be joined
    if before and not parts[0]:
        parts[0] = block[: clean.HEADER_LENGTH + 1]
    return b"".join(parts) if before else block, before


def without_escapes(block: bytes) -> bytes:
    """Return the block without escape sequences, and without the control characters that may end one."""
    # a section's marker is one whatever stands before it; this character ends every escape sequence
    block = block.replace(b"section_", _BELL + b"section_")
    if block.count(ESCAPE) > _MANY:
        for sequence in _commonest(block):
            block = block.replace(sequence, _BELL)
    # a run of escape characters that may be empty has no literal to jump to: half as fast
    expression = _ESCAPES if _LINK in block or _RUN in block else _USUAL
    return expression.sub(b"", block).translate(None, _BELL)


def _commonest(block: bytes) -> list[bytes]:
    """Return a few sequences that a block is full of; each is one wherever its bytes stand."""
    half = len(block) // 2
    found = Counter(_WHOLE.findall(block, 0, _SAMPLE) + _WHOLE.findall(block, half, half + _SAMPLE))
    return [sequence for sequence, _ in found.most_common(4)]


def without_controls(block: bytes) -> bytes:
    """Return the block without control characters."""
    return block.translate(None, _CONTROLS)


def without_lost_escapes(block: bytes) -> bytes:
    """Return the block without what is left of escape sequences whose escape character was lost."""
    return _LOST_ESCAPES.sub(b"", block)
