"""From a Log and a Catalog to Matches: where each pattern holds, within its scope, place and step."""

import re
from collections.abc import Iterator
from functools import cached_property

import msgspec

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.entry import Entry, Wanted
from bkdoctor.catalog.template import Hit, Template, bounded
from bkdoctor.diagnosis.blame import Blame, Weight
from bkdoctor.diagnosis.scan import Candidates
from bkdoctor.model import Facts, Place
from bkdoctor.trace.layout import Layout, Section, Step, is_script
from bkdoctor.trace.log import Line, Log

_KEPT_TEXT = 16 * 1024 * 1024
"""Characters of lines whose place is remembered."""

_QUOTED_COMMAND = re.compile(
    r'process "(?P<a>.*)" did not complete|executor failed running \[(?P<b>.*)\]: |^The command \'(?P<c>.*)\' returned'
    r"|building at STEP \"(?P<d>.*)\": "
)
_ECHO = re.compile(
    r"^\++ \S|^\[[^\]]*\d/\d+\] (?:RUN|COPY|ADD|ENV|LABEL) "
    r"|^INFO\[[\dTZ:+-]+\] (?:RUN|COPY|ADD|[Aa]rgs: |[Cc]md: |Running: )"
)

_EPILOGUE = re.compile(
    r"ERROR: process |\s*npm (?:ERR!|error|info|verb|notice)(?:\s|$)|(?:g?make|ninja)(?:\[\d+\])?: "
    r"|error Command failed|info Visit |lerna (?:ERR!|info)|error: (?:script|recipe) \S+ (?:exited|failed)"
    r"|\S+: recipe for target .* failed|(?:Exit code|Command|Arguments|Directory|Output): |\s*ELIFECYCLE|\s*$"
)
"""What the callers of a failed program add: the failure was not survived because lines of theirs follow."""


class Spot(msgspec.Struct):
    """Where one line stands."""

    line: Line
    place: Place | None
    step: Step | None
    section: Section | None


class Match(msgspec.Struct):
    """One place where a pattern holds."""

    entry: Entry
    spot: Spot | None
    weight: Weight
    captures: dict[str, str]
    lines: list[int] = []
    """Numbers of the lines that prove it, the decisive one first."""


class Matcher:
    """Matches one log; `not_judged` names the patterns whose regular expression ran out of time."""

    def __init__(self, log: Log, layout: Layout, facts: Facts, catalog: Catalog) -> None:
        self.log = log
        self.layout = layout
        self.facts = facts
        self.catalog = catalog
        self.blame = Blame(layout)
        self.not_judged: set[str] = set()
        self._candidates = Candidates(log, catalog.literals)
        self._spots: dict[int, Spot] = {}
        self._wanted: dict[int, dict[int, Hit | None]] = {}
        """For a required or excluded template, by its id, where it holds of the lines it was tried on."""
        self._kept = 0

    @property
    def left_out(self) -> bool:
        """Whether not all lines were tried that a pattern could match, because they were so many."""
        return self._candidates.cut

    def run(self) -> Iterator[Match]:
        """Yield every match of every pattern that has not been survived.

        A `failure_reason` that GitLab gives is enough by itself; other facts restrict where lines may match.
        """
        for entry in self.catalog.possible(self._candidates):
            wanted = entry.pattern.match.facts
            reason = wanted.get("failure_reason")
            if any(str(getattr(self.facts, k, None)) not in v for k, v in wanted.items() if k != "failure_reason"):
                continue
            try:
                found = list(self._of(entry))
            except TimeoutError:
                self.not_judged.add(entry.id)
                continue
            yield from found
            if not found and reason and self.facts.failure_reason in reason:
                yield Match(entry, None, Weight.LIKELY, {})

    def _of(self, entry: Entry) -> Iterator[Match]:
        if not all(wanted.template.literal in self._candidates for wanted in entry.requires):
            return
        for sequence in entry.lines:
            if not all(template.literal in self._candidates for template in sequence):
                continue
            for number in self._candidates.lines(sequence[0].literal):
                spot = self.spot(number)
                if not self._eligible(entry, spot):
                    continue
                weight = self.blame.weigh(spot.line, spot.place, spot.step)
                if weight is Weight.INNOCENT and entry.pattern.role != "hint":
                    continue
                found = self._sequence(sequence, spot)
                if found is not None and (match := self._complete(entry, spot, found)):
                    match.weight = weight
                    yield match

    def spot(self, number: int) -> Spot:
        """Return where a line stands."""
        known = self._spots.get(number)
        if known is None:
            line = self.log.line(number)
            place, step = self.layout.place_at(line), self.layout.step_at(line)
            if place == "chain" and step is None:
                step = self.blame.failing_step
            self._kept += len(line.text)
            if self._kept > _KEPT_TEXT:
                self._spots.clear()
                self._kept = 0
            known = self._spots[number] = Spot(line, place, step, self.layout.section_at(number))
        return known

    def _eligible(self, entry: Entry, spot: Spot) -> bool:
        match = entry.pattern.match
        if self._is_echo(spot) or not fits_place(spot, tuple(match.place), tuple(match.sections)):
            return False
        return match.step is None or self._fits_step(entry, spot)

    def _is_echo(self, spot: Spot) -> bool:
        """Whether the line repeats a command or the Dockerfile instead of printing what came of it."""
        number = spot.line.number
        dump = self.layout.dump_at(number)
        if dump is not None and dump.span.start == number:
            return True
        if self.layout.in_excerpt(number) or self.layout.is_command(number):
            return True
        if (
            spot.step is not None
            and spot.step.first == number
            and spot.step.title.instruction
            and spot.step.kind != "dump"
        ):
            return True
        return _ECHO.match(spot.line.body) is not None

    def _fits_step(self, entry: Entry, spot: Spot) -> bool:
        test, step = entry.pattern.match.step, spot.step
        assert test is not None
        if step is None:
            return False
        if test.instruction and step.title.instruction not in test.instruction:
            return False
        if entry.step_text is not None and entry.step_text.match(step.title.text) is None:
            return False
        if test.platform == "foreign" and not self.is_foreign(step):
            return False
        return test.siblings is None or self._siblings(step) == test.siblings

    def is_foreign(self, step: Step) -> bool:
        """Whether it is not the builder's own platform, which a log does not name: taken to be amd64."""
        platform = step.title.platform
        return platform is not None and not platform.startswith("linux/amd64")

    def _siblings(self, step: Step) -> str | None:
        alike = self._alike[step.build, step.title.text]
        others = [s for s in alike if s is not step and s.title.platform != step.title.platform]
        if not others:
            return None
        return "passed" if any(s.finished for s in others) else "failed"

    @cached_property
    def _alike(self) -> dict[tuple[int, str], list[Step]]:
        """The steps of each build that say the same, one for each platform."""
        found: dict[tuple[int, str], list[Step]] = {}
        for step in self.layout.steps:
            found.setdefault((step.build, step.title.text), []).append(step)
        return found

    def _sequence(self, sequence: tuple[Template, ...], spot: Spot) -> tuple[dict[str, str], list[int]] | None:
        """Match a template, and those behind it on the lines that follow in the same step."""
        captures: dict[str, str] = {}
        lines: list[int] = []
        current: Spot | None = spot
        for template in sequence:
            if current is None:
                return None
            hit = self._hit(template, current)
            if hit is None:
                return None
            captures = hit.captures | captures
            lines.append(current.line.number)
            current = self._following(current)
        return captures, lines

    def _hit(self, template: Template, spot: Spot) -> Hit | None:
        hit = template.match(bounded(spot.line.body))
        if hit is None:
            return None
        quoted = _QUOTED_COMMAND.search(spot.line.body)
        if (
            quoted
            and quoted.lastgroup
            and hit.start >= quoted.start(quoted.lastgroup)
            and hit.end <= quoted.end(quoted.lastgroup)
        ):
            return None
        return hit

    def _following(self, spot: Spot) -> Spot | None:
        """Return the next line with text of the same step, or simply the next one where there is no step."""
        number = self.log.next(spot.line.number)
        for _ in range(200):
            if number is None:
                return None
            after = self.spot(number)
            if after.line.body.strip() and (spot.step is None or after.step is spot.step):
                return after
            number = self.log.next(number)
        return None

    def _complete(self, entry: Entry, spot: Spot, found: tuple[dict[str, str], list[int]]) -> Match | None:
        captures, lines = dict(found[0]), list(found[1])
        for wanted in entry.requires:
            other = next(self._others(wanted, spot), None)
            if other is None:
                return None
            captures = other[0].captures | captures
            if other[1] not in lines:
                lines.append(other[1])
        if any(next(self._others(wanted, spot), None) for wanted in entry.excludes):
            return None
        if self._is_survived(entry, spot):
            return None
        return Match(entry, spot, Weight.LIKELY, captures, lines)

    def _is_survived(self, entry: Entry, spot: Spot) -> bool:
        """Whether the step went on behind this line, or says that what failed there was overcome."""
        near = entry.pattern.match.near_end
        if near is not None and spot.step is not None and self._lines_behind(spot, near + 1) > near:
            return True
        here = spot.line.number
        return any(n > here for wanted in entry.survived_by for _, n in self._others(wanted, spot))

    def _lines_behind(self, spot: Spot, most: int) -> int:
        """Count the lines of the same step and place that follow, up to `most`, without what callers add."""
        count, after = 0, self._following(spot)
        while after is not None and count < most and after.place == spot.place:
            count += after.step is spot.step and not _EPILOGUE.match(after.line.body)
            after = self._following(after)
        return count

    def _others(self, wanted: Wanted, spot: Spot) -> Iterator[tuple[Hit, int]]:
        """Yield where a required or excluded line stands within its scope, nearest first."""
        known = self._wanted.setdefault(id(wanted.template), {})
        for number in self._candidates.nearest(wanted.template.literal, spot.line.number):
            other = self.spot(number)
            if not self._together(wanted.scope, spot, other):
                continue
            if number not in known:
                fits = fits_place(other, wanted.place, wanted.sections) and _in_step(other, wanted.step)
                known[number] = wanted.template.match(bounded(other.line.body)) if fits else None
            hit = known[number]
            if hit is not None:
                yield hit, number

    def _together(self, scope: str, one: Spot, other: Spot) -> bool:
        if scope == "job":
            return True
        if scope == "line":
            return one.line.number == other.line.number
        if scope == "step" and (one.step is not None or other.step is not None):
            return other.step is one.step
        return one.section is other.section


def _in_step(spot: Spot, wanted: Template | None) -> bool:
    return wanted is None or (spot.step is not None and wanted.match(spot.step.title.name) is not None)


def fits_place(spot: Spot, place: tuple[Place, ...], sections: tuple[str, ...]) -> bool:
    """Say whether a line stands where it is looked for; what cannot be known is taken to fit."""
    if place and spot.place not in place and not (spot.place is None and {"runner", "script"} & set(place)):
        return False
    if not sections or spot.section is None:
        return True
    name = spot.section.name
    return name in sections or ("step_script" in sections and is_script(name) and name != "after_script")
