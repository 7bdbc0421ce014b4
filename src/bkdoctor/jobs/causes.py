"""The reports of a pipeline's failed jobs -> groups of jobs that failed for one reason and are mended alike."""

from collections.abc import Callable

from bkdoctor.model import Fix, Report
from bkdoctor.story import UNKNOWN, Group, JobReport, answer


def cause_of(report: Report) -> str:
    """Return the pattern that says why a job failed, else `unknown`."""
    finding = answer(report)
    return finding.id if finding else UNKNOWN


def group(reports: tuple[JobReport, ...]) -> tuple[Group, ...]:
    """Put jobs together that failed for one reason and have the same fixes; unknown failures last, by signature."""
    return _grouped(reports, _shown)


def group_for_story(reports: tuple[JobReport, ...]) -> tuple[Group, ...]:
    """The same for jobs of all kinds: image builds first, the biggest group first, unknown failures by signature.

    Fixes that differ by the job's own name alone are the same.
    """
    groups = _grouped(reports, _general)
    return tuple(sorted(groups, key=lambda g: (g.cause == UNKNOWN, not any(job.build for job in g.jobs), -len(g.jobs))))


def _grouped(reports: tuple[JobReport, ...], fix_key: Callable[[Fix], object]) -> tuple[Group, ...]:
    groups: dict[tuple[object, ...], list[JobReport]] = {}
    for report in reports:
        finding = answer(report.report)
        # the same failure of two different files has two different fixes
        key = [fix_key(fix) for fix in finding.fixes] if finding else [report.report.signature]
        groups.setdefault((cause_of(report.report), *key), []).append(report)
    made = [Group(cause=str(key[0]), jobs=tuple(jobs)) for key, jobs in groups.items()]
    return tuple(sorted(made, key=lambda g: g.cause == UNKNOWN))


def _shown(fix: Fix) -> object:
    return fix.diff or fix.snippet


def _general(fix: Fix) -> object:
    edit = fix.edit
    return (edit.snippet, edit.replace, edit.command) if edit else _shown(fix)
