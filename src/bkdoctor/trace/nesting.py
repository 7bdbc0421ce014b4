"""From spans that may lie in each other to the innermost one at a line, found by bisection."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple


class Nesting(NamedTuple):
    """Lines at which it changes which span is the innermost, and which that is from there on: -1 for none."""

    turns: list[int]
    spans: list[int]

    def at(self, number: int) -> int:
        """Return the index of the innermost span that holds a line, -1 where there is none."""
        index = bisect_right(self.turns, number) - 1
        return self.spans[index] if index >= 0 else -1


def nesting(spans: Sequence[tuple[int, int]]) -> Nesting:
    """Return what lies where; spans come ascending by their first line, and end before the second number.

    Of several that hold a line the one that comes last counts.
    """
    turns = sorted({turn for span in spans for turn in span})
    innermost: list[int] = []
    open_: list[int] = []
    following = 0
    for turn in turns:
        while following < len(spans) and spans[following][0] <= turn:
            open_.append(following)
            following += 1
        while open_ and spans[open_[-1]][1] <= turn:
            open_.pop()
        innermost.append(open_[-1] if open_ else -1)
    return Nesting(turns, innermost)


def holds(numbers: Sequence[int], number: int) -> bool:
    """Whether ascending numbers hold one."""
    index = bisect_right(numbers, number)
    return index > 0 and numbers[index - 1] == number
