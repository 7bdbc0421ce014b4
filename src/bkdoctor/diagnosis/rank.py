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
_CONFIDENCE = {"high": 0, "medium": 1, "low": 2}
_ROLE = {"cause": 0, "symptom": 1, "hint": 2}


class Answer(msgspec.Struct):
    """All matches of one pattern: the best of them decides, the others are further printings of the same."""

    best: Match
    evidence: list[int] = []
    steps: list[Step | None] = []

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
        step = spot.step
        run = step is not None and step.title.instruction == "RUN" and spot.place in ("step", "dump")
        return -spot.line.number if run else spot.line.number


def rank(matches: list[Match], catalog: Catalog) -> list[Answer]:
    """Return the answers, most likely root cause first, without what another one explains; at most five."""
    answers = sorted(_collect(matches), key=lambda a: a.key)
    kept = [a for a in answers if not _is_masked(a, answers, catalog)]
    causes = [a for a in kept if a.best.entry.pattern.role == "cause" and not a.best.entry.pattern.generic]
    kept = [a for a in kept if not _is_explained(a, causes)]
    if all(a.best.entry.pattern.role == "hint" for a in kept):
        return []
    return kept[:MOST_FINDINGS]


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
    return Answer(best, evidence[:MOST_EVIDENCE], [m.spot.step if m.spot else None for m in top])


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
