"""What one pass over a trace found: its blocks, its marked lines, and which blocks hold which literals.

What is found is a superset: a line that is shown or judged is always read and cleaned by itself.
"""

from array import array

from bkdoctor.trace import unsplit
from bkdoctor.trace.block import Block
from bkdoctor.trace.lines import LineIndex
from bkdoctor.trace.marks import WORDS
from bkdoctor.trace.source import Source


class Survey:
    """What one pass over a trace found."""

    def __init__(self, source: Source, literals: int, *, timestamped: bool, lost_escapes: bool) -> None:
        self.source = source
        self.timestamped = timestamped
        self.lost_escapes = lost_escapes
        """Whether whoever pasted the trace lost the escape characters but not the rest of the codes."""
        self.index = LineIndex(source)
        self.blocks: list[Block] = []
        self.seen: dict[int, array[int]] = {}
        """For the index of each literal, the blocks that hold it."""
        self.joined: dict[int, list[int]] = {}
        """Of some blocks the lines whose text comes together only when a section's marker goes out of it."""
        self.marked_numbers = array("Q")
        self.marked_bytes: list[bytes | None] = []
        """Of the marked lines the bytes without headers; None where they have to be read again."""
        self.unread: tuple[int, int] | None = None
        """The first line of the middle whose marked lines were too many to be kept, and the line behind it."""
        self.has_sections = False
        self.green = False
        """Whether commands are green, as the runner prints them."""
        self.escapes = False
        self.crowded = False
        """Whether blocks of the middle were not searched for literals, because they hold so many different ones."""
        self._literals = literals

    def raw(self, block: Block) -> bytes:
        """Return the bytes of a block, with the newlines before and behind it."""
        data = self.source.read(max(0, block.begin), block.stop)
        head = b"\n" if block.begin < 0 else b""
        tail = b"\n" if block.stop == self.source.size and not data.endswith(b"\n") else b""
        return head + data + tail if head or tail else data

    def text(self, block: Block) -> bytes:
        """Return what was searched of a block."""
        data = self.raw(block)
        if not block.dirty:
            return data
        data = unsplit.without_middles(data)
        if self.timestamped:
            data, _ = unsplit.unfolded(data)
        if self.lost_escapes:
            data = unsplit.without_lost_escapes(data)
        return unsplit.without_controls(unsplit.without_escapes(data) if unsplit.ESCAPE in data else data)

    def holds(self, word: bytes) -> bool:
        """Say whether the trace holds one of WORDS; a line that one begins with `\\n` is not the first."""
        blocks = self.seen.get(self._literals + WORDS.index(word), ())
        return any(self.text(self.blocks[n]).find(word, self.blocks[n].begin < 0) >= 0 for n in blocks)
