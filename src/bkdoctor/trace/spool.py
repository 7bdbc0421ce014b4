"""From the chunks of a stream to a trace that can be read at any place: from memory, or from a temporary file.

However large it is, little of it is in memory. Of a stream that does not end its head is kept, and the rest as it fits.
"""

import io
from collections.abc import Iterable
from itertools import chain
from typing import BinaryIO, NamedTuple

from bkdoctor.bounded import Bounded, read_bounded
from bkdoctor.errors import InputError
from bkdoctor.trace.source import Source

IN_MEMORY = 4 * 1024 * 1024
"""Bytes of a trace that are kept in memory."""


class _Kept(Source):
    """A source that closes its file."""

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()


class Spooled(NamedTuple):
    """A trace, and what of its middle is missing."""

    source: Source
    cut: Bounded | None = None
    """Where it is missing and how much; without data."""


def spooled(chunks: Iterable[bytes], max_bytes: int) -> Spooled:
    """Keep a stream, of one longer than `max_bytes` not the middle; its file is gone with the last who has the source.

    Raises:
        InputError: there is no room for the file.
    """
    spool: BinaryIO = io.BytesIO()
    waiting = iter(chunks)
    room, cut = max_bytes - max_bytes // 32, None
    for chunk in waiting:
        spool = _written(spool, chunk[:room])
        if len(chunk) > room:
            size = spool.tell()
            rest = read_bounded(chain([chunk[room:]], waiting), max_bytes // 32)
            spool = _written(spool, rest.data)
            if rest.cut_at is not None:
                lines = rest.left_out_lines
                cut = Bounded(data=b"", cut_at=size + rest.cut_at, left_out=rest.left_out, left_out_lines=lines)
        room -= len(chunk)
    return Spooled(Source(spool.getvalue()) if isinstance(spool, io.BytesIO) else _Kept(spool), cut)


def _written(spool: BinaryIO, data: bytes) -> BinaryIO:
    """Write behind what is there; return the file in which it is now."""
    if isinstance(spool, io.BytesIO) and spool.tell() + len(data) <= IN_MEMORY:
        spool.write(data)
        return spool
    import tempfile

    try:
        if isinstance(spool, io.BytesIO):
            before, spool = spool, tempfile.TemporaryFile()  # noqa: SIM115  # the source closes it
            spool.write(before.getbuffer())
        spool.write(data)
        # whoever reads asks the system for the file, which must have all of it
        spool.flush()
    except OSError as error:
        advice = "Make room there, or name another folder in TMPDIR."
        raise InputError(f"{tempfile.gettempdir()}: {error.strerror}. {advice}") from error
    return spool
