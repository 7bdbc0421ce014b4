"""From Matches to the few that answer: one for each pattern, causes before their wrappers, the failed step first.

Order comes from where a match stands and from what the patterns say of each other (`masks`, `yields_to`, role,
confidence); there is no list of precedence.
"""

import msgspec

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.diagnosis.blame import Weight
from bkdoctor.diagnosis.match import Match
from bkdoctor.trace.layout import Step

MOST_FINDINGS = 5
MOST_EVIDENCE = 12
_CLOSE = 4
"""Lines between two wordings of one failure, at most."""
_CONFIDENCE = {"high": 0, "medium": 1, "low": 2}
_ROLE = {"cause": 0, "symptom": 1, "hint": 2}


class Answer(msgspec.Struct):
    """All matches of one pattern: the best of them decides, the others are further printings of the same."""

    best: Match
    evidence: list[int] = []
    steps: list[Step | None] = []
    last: int = 0
    """The last line of a match in the same step and place as the best one."""

    @property
    def key(self) -> tuple[int, ...]:
        """What answers are sorted by."""
        pattern, match = self.best.entry.pattern, self.best
        return (
            _ROLE[pattern.role],
            int(pattern.generic),
            -int(match.weight),
            _CONFIDENCE[pattern.confidence],
            self._position,
        )

    @property
    def _position(self) -> int:
        """The line that counts: within a RUN step the last one wins, since what came before it was survived."""
        spot = self.best.spot
        if spot is None:
            return 0
        return -spot.line.number if self.in_run else spot.line.number

    @property
    def in_run(self) -> bool:
        """Whether the best match stands in what a RUN step printed."""
        spot = self.best.spot
        if spot is None or spot.step is None:
            return False
        return spot.step.title.instruction == "RUN" and spot.place in ("step", "dump")


def rank(matches: list[Match], catalog: Catalog) -> list[Answer]:
    """Return the answers, most likely root cause first, without what another one explains; at most five."""
    answers = _later_first(sorted(_collect(matches), key=lambda a: a.key))
    kept = [a for a in answers if not _is_masked(a, answers, catalog)]
    causes = [a for a in kept if a.best.entry.pattern.role == "cause" and not a.best.entry.pattern.generic]
    kept = [a for a in kept if not _is_explained(a, causes)]
    if all(a.best.entry.pattern.role == "hint" for a in kept):
        return []
    return kept[:MOST_FINDINGS]


def _later_first(answers: list[Answer]) -> list[Answer]:
    """Put what a RUN step printed long after another answer before that: the script had gone on by then.

    What stands close together is one failure in several words, and stays in order.
    """
    ordered: list[Answer] = []
    for answer in answers:
        place = len(ordered)
        while place and _is_left_behind(ordered[place - 1], answer):
            place -= 1
        ordered.insert(place, answer)
    return ordered


def _is_left_behind(one: Answer, other: Answer) -> bool:
    """Whether `one` is told before `other` for its confidence alone, though their step went on to that."""
    a, b = one.best.spot, other.best.spot
    if a is None or b is None or one.key[:3] != other.key[:3] or not (one.in_run and other.in_run):
        return False
    return a.step is b.step and a.place == b.place and one.last + _CLOSE < b.line.number


def _collect(matches: list[Match]) -> list[Answer]:
    groups: dict[str, list[Match]] = {}
    for match in matches:
        groups.setdefault(match.entry.id, []).append(match)
    return [_answer(group) for group in groups.values()]


def _answer(group: list[Match]) -> Answer:
    ordered = sorted(group, key=lambda m: (-int(m.weight), -len(m.captures), m.lines[0] if m.lines else 0))
    best = ordered[0]
    top = [m for m in ordered if m.weight == best.weight]
    evidence = list(dict.fromkeys([*best.lines, *(n for m in top for n in m.lines)]))
    near = [m for m in top if best.spot and m.spot and (m.spot.step, m.spot.place) == (best.spot.step, best.spot.place)]
    last = max((m.spot.line.number for m in near if m.spot), default=0)
    return Answer(best, evidence[:MOST_EVIDENCE], [m.spot.step if m.spot else None for m in top], last)


def _is_masked(answer: Answer, answers: list[Answer], catalog: Catalog) -> bool:
    return any(_masks(other, answer, catalog) for other in answers if other is not answer)


def _masks(strong: Answer, weak: Answer, catalog: Catalog) -> bool:
    """Whether `strong` explains `weak`: one of them says so, and both stand in one step, or one in none.

    What only says where never explains what says why, though a FAMILY/* may name it.
    """
    one, other = strong.best.entry, weak.best.entry
    if one.pattern.generic and not other.pattern.generic:
        return False
    said = any(catalog.covers(spec, other) for spec in one.pattern.masks) or any(
        catalog.covers(spec, one) for spec in other.pattern.yields_to
    )
    return said and _share_step(strong, weak) and strong.best.weight > Weight.INNOCENT


def _share_step(one: Answer, other: Answer) -> bool:
    return None in one.steps or None in other.steps or any(a is b for a in one.steps for b in other.steps)


def _is_explained(answer: Answer, causes: list[Answer]) -> bool:
    """A symptom or a generic finding is not told beside the cause that stands in its step."""
    pattern = answer.best.entry.pattern
    if pattern.role == "hint" or not (pattern.generic or pattern.role == "symptom"):
        return False
    return any(_share_step(cause, answer) for cause in causes)
