"""A group or a project, and a window -> its failed builds: listed, read side by side or from what was kept, judged.

Whatever cannot be read is said, takes nothing else away and is asked for the next time; what is read is kept at once.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.errors import GitLabError
from bkdoctor.fleet import Case, Verdict
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.failures import FailedJob, Listed, Project, Root, failed_since, passed_in_pipeline, read_root
from bkdoctor.gitlab.fetching import Fetched, Open, Wanted, ask_all, fetch_all
from bkdoctor.scan.cache import Cache
from bkdoctor.scan.judging import case_of, verdict_of
from bkdoctor.scan.missing import Missing
from bkdoctor.scan.progress import Bar
from bkdoctor.scan.window import Window, iso, listed_from

MAX_JOBS = 50_000
"""Failed jobs that one scan looks at."""
_SETTLED = timedelta(days=1)
"""After which nobody runs a job again."""
_T = TypeVar("_T")
Found = tuple[Project, FailedJob]


class Scanner(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed to gather."""

    open: Open
    catalog: Catalog
    cache: Cache
    words: str
    """Regular expression for the names of build jobs."""
    window: Window
    compare: bool
    """Whether the window before is looked at too."""
    stop: threading.Event
    """Set by who wants an end: what is under way is finished."""
    bar: Bar


class Gathered(msgspec.Struct, kw_only=True):
    """What was found."""

    root: Root
    failed: int = 0
    """Jobs of all kinds that failed in the window."""
    now: list[Case] = []
    before: list[Case] = []
    lines: dict[str, tuple[str, ...]] = {}
    """Of unknown failures, by signature, lines that are worth reading."""
    missing: Missing


def gather(scanner: Scanner, name: str) -> Gathered:
    """Return the failed builds of the group or project of that name. Raises GitLabError if nothing can be read."""
    with scanner.open() as api:
        root = read_root(api, name)
    gathered = Gathered(root=root, missing=Missing(root.missing))
    try:
        found = _listed(scanner, root, gathered.missing)
        start = iso(scanner.window.start)
        gathered.failed = sum(job.ended >= start for _, job in found)
        for (project, job), verdict in _verdicts(scanner, found, gathered.missing):
            if verdict.build:
                _add(gathered, case_of(project, job, verdict), verdict, start)
        _find_flaky(scanner, gathered)
    except KeyboardInterrupt:
        scanner.stop.set()
    if scanner.stop.is_set():
        kept = "" if scanner.cache.fault else f", what was read is kept in {scanner.cache.path}"
        gathered.missing.add(f"it was interrupted: run the same command again to go on{kept}")
    gathered.now.sort(key=lambda case: (case.ended, case.id), reverse=True)
    return gathered


def _until_stopped(scanner: Scanner, items: Iterable[_T]) -> Iterator[_T]:
    for item in items:
        if scanner.stop.is_set():
            return
        yield item


def _listed(scanner: Scanner, root: Root, missing: Missing) -> list[Found]:
    """Return all failed jobs of both windows, the newest first. Raises GitLabError if no project can be asked."""
    start = scanner.window.before if scanner.compare else scanner.window.start
    projects = [project for project in root.projects if project.has_jobs]
    scanner.bar.begin("projects", len(projects))

    def ask(api: Connection, project: Project) -> Listed:
        return failed_since(api, project, iso(start), listed_from(start))

    found: list[Found] = []
    refusal: GitLabError | None = None
    answered, told = False, 0
    with closing(ask_all(scanner.open, _until_stopped(scanner, projects), ask)) as answers:
        for project, listed in answers:
            scanner.bar.step()
            told += 1
            why = str(listed) if isinstance(listed, GitLabError) else listed.why_partial
            if why:
                missing.add(f"the failed jobs of {project.path_with_namespace or project.id} are not all known: {why}")
            if isinstance(listed, GitLabError):
                refusal = listed
            else:
                answered = True
                found += [(project, job) for job in listed.jobs]
    if refusal and not answered:
        raise refusal
    if told < len(projects):
        missing.add(f"{len(projects) - told} projects were not asked")
    found.sort(key=lambda one: (one[1].ended, one[1].id), reverse=True)
    if len(found) > MAX_JOBS:
        missing.add(f"only the newest {MAX_JOBS} of {len(found)} failed jobs were read: take a shorter window")
    return found[:MAX_JOBS]


def _verdicts(scanner: Scanner, found: list[Found], missing: Missing) -> Iterator[tuple[Found, Verdict]]:
    """Yield what is known of each job, that which was kept first."""
    wanted: list[Found] = []
    scanner.bar.begin("logs", len(found))
    for one in found:
        if (kept := scanner.cache.verdict(one[1].id)) is None:
            wanted.append(one)
            continue
        scanner.bar.step()
        if kept.unread:
            missing.add(f"job {one[1].id} was not read: {kept.unread}")
        yield one, kept
    asked = (
        Wanted(project_id=project.id, job=job, fields=job.fields) for project, job in _until_stopped(scanner, wanted)
    )
    done = 0
    with closing(fetch_all(scanner.open, asked)) as answers:
        for fetched in answers:
            one = wanted[done]
            done += 1
            scanner.bar.step()
            verdict = _verdict(scanner, one[1], fetched, missing)
            if verdict is not None:
                yield one, verdict
    if done < len(wanted):
        missing.add(f"{len(wanted) - done} failed jobs were not read")


def _verdict(scanner: Scanner, job: FailedJob, fetched: Fetched, missing: Missing) -> Verdict | None:
    verdict = verdict_of(job, fetched.log, scanner.catalog, scanner.words)
    if verdict is not None:
        scanner.cache.keep_verdict(job.id, verdict)
    if isinstance(fetched.log, GitLabError):
        missing.add(f"job {job.id} was not read: {fetched.log}")
    return verdict


def _add(gathered: Gathered, case: Case, verdict: Verdict, start: str) -> None:
    (gathered.now if case.ended >= start else gathered.before).append(case)
    if verdict.lines and verdict.signature:
        gathered.lines.setdefault(verdict.signature, verdict.lines)


def _find_flaky(scanner: Scanner, gathered: Gathered) -> None:
    """Mark the builds of the window of which another attempt passed in the same pipeline."""
    newest: dict[tuple[int, int], str] = {}
    names: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    for case in gathered.now:
        if case.pipeline_id:
            place = (case.project_id, case.pipeline_id)
            newest[place] = max(newest.get(place, ""), case.ended)
            names[place].add(case.name)
    passed: dict[int, dict[str, int]] = {}
    for _, number in newest:
        if (kept := scanner.cache.passed(number)) is not None:
            passed[number] = kept
    asked = [place for place in newest if place[1] not in passed]
    scanner.bar.begin("pipelines", len(asked))
    ask: Callable[[Connection, tuple[int, int]], dict[str, int]] = lambda api, place: passed_in_pipeline(api, *place)  # noqa: E731
    old = iso(datetime.now(UTC) - _SETTLED)
    with closing(ask_all(scanner.open, _until_stopped(scanner, asked), ask)) as answers:
        for place, jobs in answers:
            scanner.bar.step()
            if isinstance(jobs, GitLabError):
                gathered.missing.add(f"whether jobs of pipeline {place[1]} passed later is not known: {jobs}")
                continue
            passed[place[1]] = jobs
            # what passed stays so; what did not may still be run again
            if newest[place] < old or names[place] <= jobs.keys():
                scanner.cache.keep_passed(place[1], jobs)
    gathered.now = [replace(c, passed_as=passed.get(c.pipeline_id, {}).get(c.name)) for c in gathered.now]
