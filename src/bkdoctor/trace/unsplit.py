"""From a block of a trace to the same without what could split a word: continued lines, escapes, control characters.

No newline goes but those of continued lines. What a carriage return cleared stays: what is visible is there.
"""

import re
from collections import Counter
from itertools import accumulate

from bkdoctor.trace import clean

ESCAPE = b"\x1b"
_CONTINUATION = re.compile(rb"\n" + clean.HEADER.pattern[:-4] + rb"\+")
_USUAL = re.compile(rb"\x1b(?:%b|%b)" % (clean.CSI, clean.OTHER))
"""The same where there is no title, no link and no run of escape characters."""
_UNUSUAL = re.compile(rb"\x1b[\]\x1b]")
_FEW = 5000
"""Escape characters in a block up to which going from one to the next is faster than looking at each byte."""
_WHOLE = re.compile(rb"\x1b(?:\[[0-?]*+[ -/]*+[@-~]|[0-Z\\^-~])")
"""An escape sequence that is no beginning of a longer one."""
_BELL = b"\x07"
"""Ends every escape sequence."""
_OFTEN = 1200
"""Times that a sequence is in a block from which on taking it out by itself is faster than by an expression."""
_SHARE = 0.7
"""The share of all sequences that these must have: taking out a few of many kinds saves nothing."""
_SAMPLES = 32
"""The part of a block that is looked at for such sequences."""
_WINDOW = clean.LONG // 2
_LOST_ESCAPES = re.compile(clean.LOST.encode())
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
    escapes = block.count(ESCAPE)
    if escapes > _OFTEN:
        for sequence in _commonest(block):
            block = block.replace(sequence, _BELL)
    if ESCAPE in block:
        # a run of escape characters that may be empty has no literal to jump to: half as fast
        expression = clean.ESCAPES if _is_unusual(block, escapes) else _USUAL
        # splitting and joining takes a tenth less than replacing by nothing
        block = b"".join(expression.split(block))
    return block.translate(None, _BELL) if _BELL in block else block


def _is_unusual(block: bytes, escapes: int) -> bool:
    """Whether there is a title, a link or a run of escape characters."""
    if escapes < _FEW:
        return _UNUSUAL.search(block) is not None
    return block.count(b"\x1b[") != escapes and (b"\x1b]" in block or b"\x1b\x1b" in block)


def _commonest(block: bytes) -> list[bytes]:
    """Return the sequences that a block is full of; each is one wherever its bytes stand."""
    half, length = len(block) // 2, len(block) // 2 // _SAMPLES
    found = Counter(_WHOLE.findall(block, 0, length) + _WHOLE.findall(block, half, half + length))
    # the letter could be that of a section's marker
    often = {sequence: n for sequence, n in found.items() if n * _SAMPLES >= _OFTEN and not sequence.endswith(b"s")}
    return list(often) if sum(often.values()) > _SHARE * found.total() else []


def without_middles(block: bytes) -> bytes:
    """Return the block without what is not read of very long lines, or most of it."""
    inner = [block.find(b"\n", at, at + _WINDOW) < 0 for at in range(0, len(block) - _WINDOW + 1, _WINDOW)]
    # a line that goes over a window may have its head in the one before, and its tail in the one behind
    left_out = [n * _WINDOW for n in range(1, len(inner) - 1) if all(inner[n - 1 : n + 2])]
    pieces, start = [], 0
    for at in left_out:
        if at > start:
            pieces.append(block[start:at])
        start = at + _WINDOW
    # an escape sequence that was cut must not take what comes next for its own
    between = _BELL if ESCAPE in block else b""
    return between.join([*pieces, block[start:]]) if left_out else block


def without_controls(block: bytes) -> bytes:
    """Return the block without control characters."""
    return block.translate(None, _CONTROLS)


def without_lost_escapes(block: bytes) -> bytes:
    """Return the block without what is left of escape sequences whose escape character was lost."""
    return _LOST_ESCAPES.sub(b"", block)
