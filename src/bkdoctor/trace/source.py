"""The bytes of a trace, in memory or in a file: read where they are needed, never all at once from a file."""

import os
from collections.abc import Iterator
from typing import IO


class Source:
    """A trace that is read by offsets; a file must stay open and as it is while it is used."""

    def __init__(self, data: bytes | IO[bytes]) -> None:
        self._data = data if isinstance(data, bytes) else b""
        self._file = None if isinstance(data, bytes) else data
        self.size = len(data) if isinstance(data, bytes) else os.fstat(data.fileno()).st_size

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to `stop`, fewer at the end."""
        if self._file is None:
            return self._data[start:stop]
        length = max(0, min(stop, self.size) - start)
        if hasattr(os, "pread"):
            return os.pread(self._file.fileno(), length, start)
        self._file.seek(start)
        return self._file.read(length)

    def tail(self, count: int) -> bytes:
        """Return the last bytes."""
        return self.read(max(0, self.size - count), self.size)

    def pieces(self, size: int, overlap: int = 0) -> Iterator[bytes]:
        """Yield all of it in pieces, each with the last bytes of the one before."""
        return (self.read(max(0, at - overlap), at + size) for at in range(0, self.size, size))
