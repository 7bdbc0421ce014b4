"""The reports of a pipeline's failed build jobs -> groups of jobs that failed for one reason and are mended alike."""

import msgspec

from bkdoctor.jobs.reading import JobReport
from bkdoctor.model import Finding, Report

UNKNOWN = "unknown"


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs with one cause; the first stands for all."""

    cause: str
    """The pattern, or `unknown`."""
    jobs: tuple[JobReport, ...]

    @property
    def finding(self) -> Finding | None:
        """What the first job failed for."""
        return answer(self.jobs[0].report) if self.cause != UNKNOWN else None


def answer(report: Report) -> Finding | None:
    """Return the finding that says why a job failed; None where that is not known."""
    if report.verdict != "diagnosed":
        return None
    return next((finding for finding in report.findings if finding.role != "hint"), None)


def cause_of(report: Report) -> str:
    """Return the pattern that says why a job failed, else `unknown`."""
    finding = answer(report)
    return finding.id if finding else UNKNOWN


def group(reports: tuple[JobReport, ...]) -> tuple[Group, ...]:
    """Put jobs together that failed for one reason, those without one last."""
    groups: dict[tuple[str, ...], list[JobReport]] = {}
    for report in reports:
        finding = answer(report.report)
        # the same failure of two different files has two different fixes
        fixes = [fix.diff or fix.snippet for fix in finding.fixes] if finding else []
        groups.setdefault((cause_of(report.report), *fixes), []).append(report)
    made = [Group(cause=key[0], jobs=tuple(jobs)) for key, jobs in groups.items()]
    return tuple(sorted(made, key=lambda g: g.cause == UNKNOWN))
