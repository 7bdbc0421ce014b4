"""From a file's name, or `-`, to a trace that can be read: a file where it lies, a stream as it is spooled."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO

from bkdoctor.errors import InputError
from bkdoctor.trace.source import Source
from bkdoctor.trace.spool import IN_MEMORY, Spooled, spooled

MAX_BYTES = 1024 * 1024 * 1024
"""A stream longer than this is cut in its middle, which the report says."""
_CHUNK = 256 * 1024


def shown(name: str) -> str:
    """Return a file's name as it can be printed, even if it is no UTF-8."""
    return "<stdin>" if name == "-" else os.fsencode(name).decode("utf-8", "replace")


@contextmanager
def open_log(name: str) -> Iterator[Spooled]:
    """Open a file or standard input for as long as it is diagnosed. Raises InputError."""
    with ExitStack() as stack:
        try:
            opened = _opened(name, stack)
        except (OSError, AttributeError) as error:
            reason = getattr(error, "strerror", None) or "cannot be read"
            advice = "Give a log file, or - and the log on standard input."
            raise InputError(f"{shown(name)}: {reason}. {advice}") from error
        yield opened


def _opened(name: str, stack: ExitStack) -> Spooled:
    if name == "-":
        if sys.stdin.isatty():
            sys.stderr.write("Paste the log, then press Ctrl-D.\n")
        return spooled(_chunks(sys.stdin.buffer), MAX_BYTES)
    file: BinaryIO = stack.enter_context(open(name, "rb", buffering=0))  # noqa: SIM115  # the stack closes it
    state = os.fstat(file.fileno())
    if not stat.S_ISREG(state.st_mode):
        return spooled(_chunks(file), MAX_BYTES)
    return Spooled(Source(file.read(IN_MEMORY + 1)) if state.st_size <= IN_MEMORY else Source(file))


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
