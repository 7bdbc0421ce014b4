"""From Matches to those that the shell of their RUN step did not leave behind.

A step runs one program after another. Where one of them says that it ended well, and an error follows, what was
printed before it did not end the step.
"""

import re
from collections.abc import Iterator

from bkdoctor.diagnosis.match import Match
from bkdoctor.diagnosis.region import Region, step_lines
from bkdoctor.model import Place
from bkdoctor.trace.holding import holding
from bkdoctor.trace.layout import Layout, Step
from bkdoctor.trace.log import Log

_ENDED_WELL = re.compile(
    r"^\s*(?:Successfully installed |added \d+ packages|found 0 vulnerabilities|OK: \d[\d.]* [KMG]iB in \d+ packages"
    r"|Processing triggers for |Complete!$|(?:✨\s+)?Done in [\d.]+ ?m?s|Bundle complete!|\[INFO\] BUILD SUCCESS$"
    r"|BUILD SUCCESSFUL in |Generating (?:optimized )?autoload files|Build succeeded\.$)"
)
_WORDS = (
    b"successfully installed ", b"added ", b"found 0 vulnerabilities", b"ok: ", b"processing triggers for ",
    b"complete!", b"done in ", b"build success", b"autoload files", b"build succeeded", b"errors were encountered",
)  # fmt: skip
"""One of them is in all that ends well, in small letters, and in what dpkg says."""
_DPKG = "Errors were encountered while processing"
"""dpkg goes on to the triggers of other packages first."""


class Survivors:
    """Judges the matches of one log."""

    def __init__(self, log: Log, layout: Layout) -> None:
        self._log = log
        self._layout = layout
        self._ended: dict[tuple[int, Place | None], int] = {}

    def of(self, matches: Iterator[Match]) -> list[Match]:
        """Return the matches behind which no program of their step ended well before the one that failed.

        One of the tool that failed in the end as well stays: an index that apt could not get is missed later.
        """
        judged = [(m, self._is_left(m)) for m in matches]
        tools = {_tool(m) for m, left in judged if not left}
        return [m for m, left in judged if not left or _tool(m) in tools]

    def _is_left(self, match: Match) -> bool:
        spot = match.spot
        if spot is None or spot.step is None or spot.place not in ("step", "dump"):
            return False
        if spot.step.title.instruction != "RUN" or not match.lines:
            return False
        return max(match.lines) < self._last_end(spot.step, spot.place)

    def _last_end(self, step: Step, place: Place) -> int:
        """Return the last line of a step, as it is printed at a place, that ends a program well before an error."""
        key = (id(step), place)
        if key not in self._ended:
            self._ended[key] = self._find(step, place)
        return self._ended[key]

    def _find(self, step: Step, place: Place) -> int:
        numbers = step_lines(self._log, self._layout, step)
        ended = [n for n in holding(self._log, numbers, _WORDS) if self._stands(n, step, place)]
        lines = [n for n in ended if _ENDED_WELL.match(self._log.line(n).body)]
        if not lines:
            return 0
        region = Region(self._log, numbers, lambda line: self._stands(line.number, step, place))
        error = next(region.errors(backwards=True), 0)
        last = max((n for n in lines if n < error), default=0)
        return 0 if any(n > last and _DPKG in self._log.line(n).body for n in ended) else last

    def _stands(self, number: int, step: Step, place: Place) -> bool:
        line = self._log.line(number)
        return self._layout.place_at(line) == place and self._layout.step_at(line) is step


def _tool(match: Match) -> tuple[str, int]:
    """Return the first word of the pattern's name, which for package managers is the tool, and the step."""
    return match.entry.id.split("-", 1)[0], id(match.spot.step) if match.spot else 0
