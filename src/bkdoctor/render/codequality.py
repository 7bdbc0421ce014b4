"""From Reports to GitLab's Code Quality report: a Dockerfile's failure on its line, any other on `.gitlab-ci.yml`.

Each entry has the fields that GitLab reads, and a fingerprint of its own: of two with the same one, GitLab shows one.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from bkdoctor.model import Finding, Report
from bkdoctor.render import Options
from bkdoctor.render import _words as words
from bkdoctor.render._document import to_json
from bkdoctor.render._place import UNKNOWN, Fingerprints, findings_of, source_place
from bkdoctor.render._prose import plain
from bkdoctor.text import one_line, shorten

_LONGEST = 1_000


def render(report: Report, options: Options = Options()) -> str:  # noqa: B008  (frozen)
    """Return the document of one report; an empty list for a job that passed."""
    return render_all([report], options)


def render_all(reports: Sequence[Report], options: Options = Options()) -> str:  # noqa: ARG001, B008  (frozen; no options)
    """Return one document for these reports."""
    fingerprints = Fingerprints()
    return to_json([entry for report in map(words.clean, reports) for entry in _entries(report, fingerprints)])


def _entries(report: Report, fingerprints: Fingerprints) -> Iterator[dict[str, Any]]:
    for finding in findings_of(report):
        path, line = source_place(report, finding)
        yield {
            "description": shorten(_description(report, finding), _LONGEST),
            "check_name": f"bkdoctor/{finding.id if finding else UNKNOWN}",
            "fingerprint": fingerprints.of(report, finding),
            "severity": _severity(report, finding),
            "location": {"path": path, "lines": {"begin": line}},
        }


def _severity(report: Report, finding: Finding | None) -> str:
    if finding is None or finding.generic:
        return "major"
    if finding.role == "hint":
        return "info"
    return "critical" if finding is words.split_findings(report)[0] else "minor"


def _description(report: Report, finding: Finding | None) -> str:
    """Return one line of text: what failed, with this log's values, where, and the first fix."""
    first = words.decisive(report)
    said = f" {first.text.strip()} (line {first.line} of the log)" if first else ""
    if finding is None:
        return one_line(f"{words.unknown_title(report)}.{said}")
    job = f"job {report.facts.job}, " if report.facts.job else ""
    where = f" ({job}line {finding.evidence[0].line} of the log)" if finding.evidence else ""
    where = f".{said}" if finding.generic and said else where
    fix = words.first_fix(finding)
    change = f" What to do: {plain(fix.title)} ({words.file_of(fix) or words.place_of(fix)})." if fix else ""
    return one_line(f"{plain(finding.title)}: {plain(finding.summary)}{where}{change}")
