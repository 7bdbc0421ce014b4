"""Failed builds of two windows -> what they have in common: causes, runners, images, projects, when."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from bkdoctor.fleet import Case, CauseCount, Cluster, Count, Gone, Period, Scan, Totals
from bkdoctor.scan.gather import Gathered
from bkdoctor.scan.window import Window, iso
from bkdoctor.story import UNKNOWN

_EXAMPLES = 5
_LEAST, _SHARE, _LIFT = 3, 0.6, 1.5
"""What makes a cluster: so many jobs of a cause, such a part of them, so many times the usual part."""
_CHANCE = 0.01
"""How often that may be seen at most where the cause has nothing to do with it."""

Key = tuple[str, str | None]


def scan_of(gitlab: str, window: Window, gathered: Gathered, *, compared: bool, notes: tuple[str, ...] = ()) -> Scan:
    """Return what was gathered as it is shown; `compared` says whether the window before was looked at."""
    now = gathered.now
    return Scan(
        gitlab=gitlab,
        kind=gathered.root.kind,
        path=gathered.root.path,
        since=iso(window.start),
        until=iso(window.end),
        before=iso(window.before) if compared else None,
        totals=totals(gathered, compared=compared),
        causes=causes(gathered, compared=compared),
        gone=gone(gathered),
        runners=counts(now, runner),
        images=counts(now, image),
        projects=counts(now, project),
        periods=periods(now, window),
        jobs=tuple(now),
        notes=notes,
        missing=gathered.missing.texts,
    )


def key_of(case: Case) -> Key:
    """Return what cases with one reason have in common: of unknown ones the signature."""
    return case.cause, case.signature if case.cause == UNKNOWN else None


def totals(gathered: Gathered, *, compared: bool) -> Totals:
    """Return how much was looked at."""
    now = gathered.now
    return Totals(
        projects=len(gathered.root.projects),
        failed=gathered.failed,
        builds=len(now),
        builds_before=len(gathered.before) if compared else None,
        minutes=_minutes(now),
        unknown=sum(case.cause == UNKNOWN for case in now),
        flaky=sum(case.passed_as is not None for case in now),
        unread=sum(bool(case.unread) for case in now),
    )


def causes(gathered: Gathered, *, compared: bool) -> tuple[CauseCount, ...]:
    """Return each reason, that of most jobs first, then of most projects, then of most minutes."""
    before = Counter(key_of(case) for case in gathered.before)
    usual = {kind: Counter(map(get, gathered.now)) for kind, get in _KINDS.items()}
    groups: defaultdict[Key, list[Case]] = defaultdict(list)
    for case in gathered.now:
        groups[key_of(case)].append(case)
    made = [_cause(key, cases, before[key] if compared else None, usual, gathered) for key, cases in groups.items()]
    return tuple(sorted(made, key=lambda one: (-one.jobs, -one.projects, -one.minutes, one.cause, one.signature or "")))


def gone(gathered: Gathered) -> tuple[Gone, ...]:
    """Return the causes that only the window before had."""
    now = {key_of(case) for case in gathered.now}
    titles = {key_of(case): case.title for case in gathered.before}
    before = Counter(key_of(case) for case in gathered.before)
    return tuple(
        Gone(cause=key[0], title=titles[key], signature=key[1], jobs_before=count)
        for key, count in before.most_common()
        if key not in now
    )


def counts(cases: list[Case], name: Callable[[Case], str | None]) -> tuple[Count, ...]:
    """Return how many cases there are of each name, most first; those without a name are left out."""
    groups: defaultdict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if found := name(case):
            groups[found].append(case)
    made = [
        Count(
            name=found, jobs=len(some), minutes=_minutes(some), top=Counter(c.cause for c in some).most_common(1)[0][0]
        )
        for found, some in groups.items()
    ]
    return tuple(sorted(made, key=lambda count: (-count.jobs, count.name)))


def periods(cases: list[Case], window: Window) -> tuple[Period, ...]:
    """Return how many cases ended in each stretch of the window, also where there were none."""
    starts = [iso(start) for start in window.periods()]
    found: list[Counter[str]] = [Counter() for _ in starts]
    at = len(starts) - 1
    for case in sorted(cases, key=lambda one: one.ended, reverse=True):
        while at and case.ended < starts[at]:
            at -= 1
        found[at][case.cause] += 1
    return tuple(
        Period(start=start, jobs=counter.total(), causes=dict(counter.most_common()))
        for start, counter in zip(starts, found, strict=True)
    )


def runner(case: Case) -> str | None:
    """Return the runner's name."""
    return case.runner


def image(case: Case) -> str | None:
    """Return the job's image."""
    return case.image


def project(case: Case) -> str:
    """Return the project's path."""
    return case.project


_KINDS: dict[str, Callable[[Case], str | None]] = {"runner": runner, "image": image}


def _cause(
    key: Key, cases: list[Case], before: int | None, usual: dict[str, Counter[str | None]], gathered: Gathered
) -> CauseCount:
    first = cases[0]
    return CauseCount(
        cause=key[0],
        title=first.title,
        owner=first.owner,
        transient=first.transient,
        signature=key[1],
        jobs=len(cases),
        projects=len({case.project_id for case in cases}),
        minutes=_minutes(cases),
        flaky=sum(case.passed_as is not None for case in cases),
        jobs_before=before,
        new=before == 0,
        first=min(case.ended for case in cases),
        last=max(case.ended for case in cases),
        clusters=tuple(_clusters(cases, usual)),
        lines=gathered.lines.get(key[1] or "", ()),
        examples=tuple(case.web_url for case in cases if case.web_url)[:_EXAMPLES],
    )


def _clusters(cases: list[Case], usual: dict[str, Counter[str | None]]) -> Iterable[Cluster]:
    for kind, counter in usual.items():
        (name, jobs), *_ = Counter(_KINDS[kind](case) for case in cases).most_common(1)
        share, common = jobs / len(cases), counter[name] / counter.total()
        if (
            name
            and jobs >= _LEAST
            and share >= max(_SHARE, _LIFT * common)
            and not _by_chance(jobs, len(cases), common)
        ):
            yield Cluster(
                kind="runner" if kind == "runner" else "image",
                name=name,
                jobs=jobs,
                share=round(share, 3),
                usual=round(common, 3),
            )


def _by_chance(jobs: int, of: int, usual: float) -> bool:
    """Whether so many jobs of a cause, or more, may stand there by chance: the bound of Chernoff."""
    weight = jobs * math.log(jobs / of / usual)
    if jobs < of:
        weight += (of - jobs) * math.log((1 - jobs / of) / (1 - usual))
    return math.exp(-weight) > _CHANCE


def _minutes(cases: list[Case]) -> float:
    return round(sum(case.minutes for case in cases), 1)
