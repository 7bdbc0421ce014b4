"""From a finding to what tools that read reports ask for: a file and line of the repository, and a fingerprint."""

import hashlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from bkdoctor.diagnosis.normal import signature
from bkdoctor.model import Finding, Report
from bkdoctor.text import one_line

CI_FILE = ".gitlab-ci.yml"
UNKNOWN = "unknown-failure"
"""The id of a failure without any finding."""


def source_place(report: Report, finding: Finding | None) -> tuple[str, int]:
    """Return where in the repository to show a failure: the Dockerfile's line, else the first of `.gitlab-ci.yml`."""
    where = finding.location if finding else None
    if where is None or not where.dockerfile_line:
        return CI_FILE, 1
    path = _in_repository(one_line(where.dockerfile or "Dockerfile"), report.facts.project)
    return (path, where.dockerfile_line) if path else (CI_FILE, 1)


def _in_repository(name: str, project: str | None) -> str | None:
    """Return a path below the repository's root; None where a name does not lead there."""
    if project:
        name = name.removeprefix(f"/builds/{project}/")
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or not path.parts or "://" in name
    return None if outside else str(path)


def findings_of(report: Report) -> list[Finding | None]:
    """Return what to report: the findings, or None once for a failure without one; nothing for a job that passed."""
    if report.findings:
        return list(report.findings)
    return [None] if report.verdict == "unknown" and report.signature else []


class Fingerprints:
    """Gives each finding of several reports a fingerprint of its own: the signature, where it is the first of it."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def of(self, report: Report, finding: Finding | None) -> str:
        """Return 16 hexadecimal digits, the same for the same failure in another run of the same logs."""
        main = finding is None or finding is report.findings[0]
        base = report.signature if main and report.signature else _of_finding(finding)
        count = self._seen[base] = self._seen.get(base, 0) + 1
        return base if count == 1 else hashlib.sha256(f"{base}\n{count}".encode()).hexdigest()[:16]


def _of_finding(finding: Finding | None) -> str:
    text = finding.evidence[0].text if finding and finding.evidence else ""
    return signature(finding.id if finding else UNKNOWN, text)


def sources(reports: list[Report]) -> Iterator[str]:
    """Yield a name for each report, each another: the job's, else the log's."""
    seen: dict[str, int] = {}
    for report in reports:
        name = one_line(report.facts.job or report.source.name or "log")
        count = seen[name] = seen.get(name, 0) + 1
        yield name if count == 1 else f"{name} ({count})"
