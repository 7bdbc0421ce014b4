"""From the chunks of a stream to a trace that can be read at any place: from memory, or from a temporary file.

However large it is, little of it is in memory. Of a stream that does not end its head is kept, and the rest as it fits.
"""

from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from bkdoctor.bounded import Bounded, read_bounded
from bkdoctor.errors import InputError
from bkdoctor.trace.source import Source

if TYPE_CHECKING:
    from tempfile import SpooledTemporaryFile

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
    from tempfile import SpooledTemporaryFile

    spool = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  # the source closes it
    waiting = iter(chunks)
    room, cut = max_bytes - max_bytes // 32, None
    for chunk in waiting:
        _write(spool, chunk[:room])
        if len(chunk) > room:
            size = spool.tell()
            rest = read_bounded(chain([chunk[room:]], waiting), max_bytes // 32)
            _write(spool, rest.data)
            if rest.cut_at is not None:
                lines = rest.left_out_lines
                cut = Bounded(data=b"", cut_at=size + rest.cut_at, left_out=rest.left_out, left_out_lines=lines)
        room -= len(chunk)
    if spool.tell() > IN_MEMORY:
        return Spooled(_Kept(spool), cut)
    with spool:
        spool.seek(0)
        return Spooled(Source(spool.read()), cut)


def _write(spool: "SpooledTemporaryFile[bytes]", data: bytes) -> None:
    import tempfile

    try:
        spool.write(data)
        # whoever reads asks the system for the file, which must have all of it
        spool.flush()
    except OSError as error:
        advice = "Make room there, or name another folder in TMPDIR."
        raise InputError(f"{tempfile.gettempdir()}: {error.strerror}. {advice}") from error
