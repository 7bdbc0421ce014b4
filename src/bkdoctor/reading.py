"""From a file's name, or `-`, to a trace that can be read: a file where it lies, a stream from a temporary file.

However large a log is, little of it is in memory: a stream goes to a file once it is no longer small. Of one that does
not end its head is kept, and of the rest what fits.
"""

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from bkdoctor.bounded import Bounded, read_bounded
from bkdoctor.errors import InputError
from bkdoctor.trace.source import Source

MAX_BYTES = 1024 * 1024 * 1024
"""A stream longer than this, and a little more, is cut in its middle, which the report says."""
IN_MEMORY = 4 * 1024 * 1024
"""Bytes of a log that are kept in memory."""
_CHUNK = 256 * 1024


class Opened(NamedTuple):
    """A trace, and what of its middle is missing."""

    source: Source
    cut: Bounded | None = None


def shown(name: str) -> str:
    """Return a file's name as it can be printed, even if it is no UTF-8."""
    return "<stdin>" if name == "-" else os.fsencode(name).decode("utf-8", "replace")


@contextmanager
def open_log(name: str) -> Iterator[Opened]:
    """Open a file or standard input for as long as it is diagnosed. Raises InputError."""
    with ExitStack() as stack:
        try:
            opened = _opened(name, stack)
        except (OSError, AttributeError) as error:
            reason = getattr(error, "strerror", None) or "cannot be read"
            advice = "Give a log file, or - and the log on standard input."
            raise InputError(f"{shown(name)}: {reason}. {advice}") from error
        yield opened


def _opened(name: str, stack: ExitStack) -> Opened:
    if name == "-":
        if sys.stdin.isatty():
            sys.stderr.write("Paste the log, then press Ctrl-D.\n")
        return _spooled(_chunks(sys.stdin.buffer), stack)
    file: BinaryIO = stack.enter_context(Path(name).open("rb", buffering=0))  # noqa: SIM115  # the stack closes it
    state = os.fstat(file.fileno())
    if not stat.S_ISREG(state.st_mode):
        return _spooled(_chunks(file), stack)
    return Opened(Source(file.read(IN_MEMORY + 1)) if state.st_size <= IN_MEMORY else Source(file))


def _spooled(chunks: Iterator[bytes], stack: ExitStack) -> Opened:
    """Keep a stream: in memory, then in a file, and what is more than MAX_BYTES without its middle."""
    spool = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115  # as above
    size = 0
    cut: Bounded | None = None
    for chunk in chunks:
        spool.write(chunk)
        size += len(chunk)
        if size >= MAX_BYTES:
            rest = read_bounded(chunks, MAX_BYTES // 32)
            spool.write(rest.data)
            if rest.cut_at is not None:
                cut = Bounded(
                    data=b"", cut_at=size + rest.cut_at, left_out=rest.left_out, left_out_lines=rest.left_out_lines
                )
            size += len(rest.data)
    if size <= IN_MEMORY:
        spool.seek(0)
        return Opened(Source(spool.read()), cut)
    spool.rollover()
    spool.flush()
    return Opened(Source(spool), cut)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
