"""Chunks of a trace that may have any size -> its head and its tail, cut at line ends, within a bound."""

import io
from collections import deque
from collections.abc import Iterable

import msgspec

_BLOCK = 64 * 1024


class Bounded(msgspec.Struct, frozen=True, kw_only=True):
    """A trace, whole or without its middle."""

    data: bytes
    cut_at: int | None = None
    """Offset in `data` where the middle is missing; None: nothing is."""
    left_out: int = 0
    """Bytes that are missing."""
    left_out_lines: int = 0
    """Line ends among them: what to add to a line's number behind the cut."""


def read_bounded(chunks: Iterable[bytes], max_bytes: int) -> Bounded:
    """Read all chunks, keep the first and the last half of `max_bytes`: never more than that and a chunk."""
    half = max_bytes // 2
    head, tail = io.BytesIO(), _Tail(max_bytes - half)
    for chunk in chunks:
        room = half - head.tell()
        head.write(chunk[:room])
        if len(chunk) > room:
            tail.add(chunk[room:])
    tail.close()
    if not tail.dropped:
        tail.move_to(head)
        return Bounded(data=head.getvalue())
    dropped, lines = _cut_at_line_ends(head, tail)
    cut_at = head.tell()
    tail.move_to(head)
    return Bounded(data=head.getvalue(), cut_at=cut_at, left_out=dropped, left_out_lines=lines)


class _Tail:
    """The last bytes of a stream, in blocks, so that many small chunks do not cost more than their bytes."""

    def __init__(self, limit: int) -> None:
        self._blocks: deque[bytes] = deque()
        self._open = bytearray()
        self._limit = limit
        self._size = 0
        self.dropped = 0
        self.dropped_lines = 0
        self._broken = False

    def add(self, chunk: bytes) -> None:
        self._open += chunk
        self._size += len(chunk)
        if len(self._open) >= min(_BLOCK, self._limit):
            self.close()

    def close(self) -> None:
        """Make a block of what came last, and hold the bound."""
        self._blocks.append(bytes(self._open))
        self._open.clear()
        while self._size > self._limit:
            self._drop(min(self._size - self._limit, len(self._blocks[0])))

    def _drop(self, count: int) -> None:
        # all of them in the first block
        block = self._blocks.popleft()
        if count < len(block):
            self._blocks.appendleft(block[count:])
        self._size -= count
        self.dropped += count
        self.dropped_lines += block.count(b"\n", 0, count)
        self._broken = block[count - 1 : count] != b"\n"

    def drop_broken_line(self) -> None:
        """Forget what is left of the line that begins before the tail, unless it is the whole tail."""
        gone = 0
        for block in self._blocks:
            if (end := block.find(b"\n")) >= 0:
                gone += end + 1
                break
            gone += len(block)
        if not self._broken or gone >= self._size:
            return
        while gone:
            step = min(gone, len(self._blocks[0]))
            self._drop(step)
            gone -= step

    def move_to(self, target: io.BytesIO) -> None:
        """Write all of it behind the target's end, freeing each block that is written."""
        while self._blocks:
            target.write(self._blocks.popleft())


def _cut_at_line_ends(head: io.BytesIO, tail: _Tail) -> tuple[int, int]:
    """Take the broken lines off both sides of the gap; bytes and line ends that are missing in all."""
    tail.drop_broken_line()
    dropped, lines = tail.dropped, tail.dropped_lines
    end = _last_line_end(head)
    if end:
        dropped += head.tell() - end
        head.seek(end)
        head.truncate()
    else:
        # one line longer than the bound: what is left of it must not run into the tail
        head.write(b"\n")
        lines -= 1
    return dropped, lines


def _last_line_end(head: io.BytesIO) -> int:
    with head.getbuffer() as view:
        for start in range(len(view) - len(view) % _BLOCK, -1, -_BLOCK):
            if (found := bytes(view[start : start + _BLOCK]).rfind(b"\n")) >= 0:
                return start + found + 1
    return 0
