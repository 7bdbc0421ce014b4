"""From a Log and its structure to the lines worth reading, and the one that reads like the first real error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING

from bkdoctor.diagnosis.blame import Blame
from bkdoctor.diagnosis.normal import normalised
from bkdoctor.diagnosis.region import Region, Regions, is_heading, only_wraps
from bkdoctor.trace.layout import Layout
from bkdoctor.trace.log import Log

if TYPE_CHECKING:
    from bkdoctor.diagnosis.baseline import Baseline

MOST_LINES = 20
_NEAR_END = 50
"""Errors before the end among which those that say the same are found."""
_LOOKED_AT = 200_000
"""Characters of lines that are compared before the search for one that says something new is given up."""
_TOGETHER = 3
"""Errors that are no further apart belong together: the first of them says why."""


class Reading:
    """What to read of a failed job; lines that `baseline` has are left out, since the job passed in spite of them."""

    def __init__(self, log: Log, layout: Layout, blame: Blame, baseline: Baseline | None = None) -> None:
        self._log = log
        self._layout = layout
        self._regions = Regions(log, layout, blame, baseline)

    @cached_property
    def decisive(self) -> int | None:
        """The line that reads like the first real error: of the failing step, else of the last ones of its command.

        Without any, the last line of these that says more than that something failed; None where nothing was printed.
        """
        step, command = self._regions.step, self._regions.command
        for number in step.errors():
            return number
        found: int | None = None
        for number in command.errors(backwards=True):
            if found is not None and found - number > _TOGETHER:
                break
            found = number
        if found is not None:
            return found
        return self._last_word(step) or self._last_word(command)

    def _last_word(self, region: Region) -> int | None:
        """Return the last line that says more than that something failed, else the last line."""
        bodies = {n: self._log.line(n).body for n in islice(region.lines(backwards=True), _NEAR_END)}
        printed = [n for n, body in bodies.items() if not is_heading(body)]
        last = next((n for n in printed if not only_wraps(bodies[n])), printed[0] if printed else None)
        # a builder prints the end of a step again: the step's own line goes before
        return next((n for n in reversed(printed) if last and bodies[n] == bodies[last]), None)

    @cached_property
    def has_errors(self) -> bool:
        """Whether a line of it reads like an error."""
        regions = self._regions
        return any(next(region.errors(), None) is not None for region in (regions.step, regions.command))

    @property
    def said(self) -> str:
        """The decisive line's text, which a signature is made of; empty where there is none."""
        return self._log.line(self.decisive).body if self.decisive is not None else ""

    def excerpt(self, evidence: Iterable[int] = ()) -> list[int]:
        """Return at most 20 line numbers, ascending: proof, the failing step's first errors, its end, the job's end."""
        step, command = self._regions.step, self._regions.command
        chosen = _Choice(self._log)
        chosen.add(evidence, 6)
        chosen.add([self.decisive] if self.decisive is not None else [], 1)
        chosen.add(step.errors(), 4)
        chosen.add(chosen.latest(step.errors(backwards=True)), 3)
        chosen.add(self._layout.chains[-2:], 2)
        chosen.add([self._layout.final] if self._layout.final else [], 1)
        # a builder may have failed and been survived: what ended the job stands at the end of its last command
        chosen.add(chosen.latest(command.errors(backwards=True)), 5)
        chosen.add(command.errors(), 2)
        if next(command.errors(), None) is None:
            chosen.add(chosen.latest(self._regions.section.errors(backwards=True)), 3)
        chosen.add(chosen.latest(self._regions.services.errors(backwards=True)), 3)
        chosen.add(command.lines(backwards=True), 3)
        chosen.add(step.before(self.decisive, 3) if self.decisive is not None else (), 3)
        chosen.add(islice(step.lines(backwards=True), 10), MOST_LINES)
        chosen.add(islice(command.lines(backwards=True), 10), MOST_LINES)
        chosen.add(chain(step.errors(), command.errors(backwards=True)), 4, again=True)
        return chosen.numbers()


class _Choice:
    """Lines worth reading, at most 20, none that says what another one says."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._chosen: dict[int, None] = {}
        self._said: set[str] = set()

    def add(self, numbers: Iterable[int], count: int, *, again: bool = False) -> list[int]:
        """Take the first `count` of these lines that say something new, as far as there is room; return them."""
        taken: list[int] = []
        for number, said in self._normalised(numbers):
            if len(taken) == count or len(self._chosen) == MOST_LINES:
                break
            if number not in self._chosen and (again or said not in self._said):
                self._chosen[number] = None
                self._said.add(said)
                taken.append(number)
        return taken

    def latest(self, backwards: Iterable[int]) -> list[int]:
        """Return lines that come last first, each as the first of those near the end that say the same."""
        first = {said: number for number, said in self._normalised(islice(backwards, _NEAR_END))}
        return list(first.values())

    def _normalised(self, numbers: Iterable[int]) -> Iterator[tuple[int, str]]:
        """Yield lines with what they say, until enough of them was looked at."""
        looked_at = 0
        for number in numbers:
            if looked_at > _LOOKED_AT:
                return
            body = self._log.line(number).body
            looked_at += len(body)
            yield number, normalised(body)

    def numbers(self) -> list[int]:
        """Return what was taken, ascending."""
        return sorted(self._chosen)
