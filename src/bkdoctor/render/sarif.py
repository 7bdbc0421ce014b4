"""From Reports to SARIF 2.1.0: one run of bkdoctor, a rule for each pattern that answered, a result for each finding.

A result stands at the Dockerfile's line where the log tells it, else at `.gitlab-ci.yml`; the lines of the log that
prove it are related locations. Its fingerprint is the report's signature.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from bkdoctor import __version__
from bkdoctor.model import Evidence, Finding, Fix, Report
from bkdoctor.render import Options
from bkdoctor.render import _words as words
from bkdoctor.render._document import to_json
from bkdoctor.render._place import UNKNOWN, Fingerprints, findings_of, source_place
from bkdoctor.render._prose import line_to_markdown, plain, to_markdown
from bkdoctor.text import fence

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "bkdoctorSignature/v1"


def render(report: Report, options: Options = Options()) -> str:  # noqa: B008  (frozen)
    """Return the document of one report; no results for a job that passed."""
    return render_all([report], options)


def render_all(reports: Sequence[Report], options: Options = Options()) -> str:  # noqa: ARG001, B008  (frozen; no options)
    """Return one document for these reports."""
    rules: dict[str, dict[str, Any]] = {}
    fingerprints = Fingerprints()
    results, notes = [], []
    for report in map(words.clean, reports):
        for finding in findings_of(report):
            identity = finding.id if finding else UNKNOWN
            rules.setdefault(identity, _rule(report, finding))
            result = {"ruleId": identity, "ruleIndex": list(rules).index(identity)} | _result(report, finding)
            results.append(result | {"partialFingerprints": {FINGERPRINT: fingerprints.of(report, finding)}})
        notes += [{"level": "note", "message": {"text": note}} for note in report.notes]
    driver = {"name": "bkdoctor", "semanticVersion": __version__, "rules": list(rules.values())}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return to_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(report: Report, finding: Finding | None) -> dict[str, Any]:
    if finding is None:
        title = words.unknown_title(report)
        return {"id": UNKNOWN, "shortDescription": {"text": title}, "helpUri": words.GUIDE, "help": {"text": title}}
    references = [url for url in finding.references if words.safe_url(url)]
    see = "".join(f"\n\n- <{url}>" for url in references)
    rule = {
        "id": finding.id,
        "shortDescription": {"text": plain(finding.title)},
        "help": {"text": plain(finding.explanation), "markdown": to_markdown(finding.explanation) + see},
        "defaultConfiguration": {"level": _level(finding)},
        "properties": {
            "tags": sorted({finding.family, finding.phase}),
            "precision": finding.confidence,
            "owner": finding.owner,
            "transient": finding.transient,
        },
    }
    return rule | ({"helpUri": references[0]} if references else {})


def _level(finding: Finding | None) -> str:
    return "note" if finding is not None and finding.role == "hint" else "error"


def _result(report: Report, finding: Finding | None) -> dict[str, Any]:
    path, line = source_place(report, finding)
    lines = finding.evidence if finding and not finding.generic else report.excerpt
    place = {"artifactLocation": {"uri": quote(path)}, "region": {"startLine": line}}
    result = {
        "level": _level(finding),
        "message": {"text": _text(report, finding), "markdown": _markdown(report, finding)},
        "locations": [{"physicalLocation": place} | _logical(finding)],
        "relatedLocations": [_in_log(report, n, evidence) for n, evidence in enumerate(lines, 1)],
    }
    url = words.job_url(report)
    return result | ({"hostedViewerUri": f"{url}#L{lines[0].line}"} if url and lines else {})


def _logical(finding: Finding | None) -> dict[str, Any]:
    step = words.step(finding) if finding else None
    return {"logicalLocations": [{"name": step, "kind": "build step"}]} if step else {}


def _in_log(report: Report, number: int, evidence: Evidence) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": words.job_url(report) or quote(report.source.name or "log")},
        "region": {"startLine": evidence.line, "snippet": {"text": evidence.text}},
    }
    return {"id": number, "physicalLocation": place, "message": {"text": f"line {evidence.line} of the log"}}


def _text(report: Report, finding: Finding | None) -> str:
    if finding is None:
        return "\n".join([words.unknown_title(report), *(evidence.text for evidence in report.excerpt)])
    return f"{plain(finding.title)}: {plain(finding.summary)}"


def _markdown(report: Report, finding: Finding | None) -> str:
    if finding is None:
        return f"{words.unknown_title(report)}\n\n{fence(_text(report, finding))}"
    parts = [f"**{line_to_markdown(finding.title)}**", to_markdown(finding.summary)]
    return "\n\n".join([*parts, *(part for fix in finding.fixes for part in _fix(fix))])


def _fix(fix: Fix) -> Iterator[str]:
    where = words.file_of(fix) or words.place_of(fix)
    condition = words.condition(fix)
    about = f"{where}; {words.RISKS[fix.risk]}{f'; {condition}' if condition else ''}"
    yield f"**{line_to_markdown(fix.title)}** ({line_to_markdown(about)})"
    yield fence(fix.diff or fix.snippet, "diff" if fix.diff else fix.language)
