"""From a Report and the catalogue's texts to answers of bounded length, redacted and without control characters.

An answer is a dictionary of the form of the same name in `forms`. What makes it too long is left out from its end, and
the answer says so.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from bkdoctor.catalog.entry import Entry
from bkdoctor.catalog.pattern import FILE_OWNERS, FixSpec
from bkdoctor.explain import snippet_of
from bkdoctor.fixes.apply import EDITABLE
from bkdoctor.fixes.fill import fill_markdown
from bkdoctor.fixes.select import condition_of
from bkdoctor.model import Evidence, Finding, Fix, Report
from bkdoctor.redact import redact
from bkdoctor.text import one_line, shorten, strip_controls

LIMIT = 24_000
"""Characters of an answer's JSON."""
LINE = 300
_TITLE, _SENTENCE, _TEXT, _CODE = 300, 1_500, 4_000, 4_000

Answer = dict[str, Any]
_Cut = tuple[str, Callable[[], None]]


def size(answer: Answer) -> int:
    """Return the length of an answer as it is sent."""
    return len(json.dumps(answer, ensure_ascii=False, indent=2))


def text(value: str, limit: int) -> str:
    """Return prose or code that is safe to send: redacted, without invisible characters, of bounded length."""
    return shorten(redact(strip_controls(value)), limit)


def line(value: str, limit: int = LINE) -> str:
    """Return one line that is safe to send."""
    return shorten(redact(one_line(value)), limit)


def diagnosis(report: Report) -> Answer:
    """Return the answer for a report, of the form `Diagnosis`."""
    numbers = _numbers(report)
    known = any(not finding.generic and finding.role != "hint" for finding in report.findings)
    answer: Answer = {
        "verdict": report.verdict,
        "source": line(report.source.url or report.source.name or ""),
        "facts": _facts(report),
        "findings": [_finding(finding, numbers) for finding in report.findings],
        "excerpt": [] if known else _lines(report.excerpt),
        "signature": report.signature,
        "notes": [line(note, _SENTENCE) for note in report.notes[:10]],
        "left_out": [],
        "next_step": _next(report),
    }
    _fit(answer, _cuts(answer))
    return answer


def _numbers(report: Report) -> dict[int, int]:
    """Return what propose_fix calls each fix: its place among those of all findings but hints."""
    fixes = [fix for finding in report.findings if finding.role != "hint" for fix in finding.fixes]
    return {id(fix): number for number, fix in enumerate(fixes, 1) if fix.file in EDITABLE}


def _facts(report: Report) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for name, value in msgspec.to_builtins(report.facts).items():
        if isinstance(value, list):
            items = [item["name"] if isinstance(item, dict) else item for item in value]
            facts[name] = [line(str(item), 200) for item in items[:10]]
        else:
            facts[name] = value if isinstance(value, int) else line(str(value), 200)
    return facts


def _lines(lines: tuple[Evidence, ...]) -> list[Answer]:
    return [{"line": item.line, "text": line(item.text)} for item in lines]


def _finding(finding: Finding, numbers: dict[int, int]) -> Answer:
    location = msgspec.to_builtins(finding.location)
    return {
        "id": finding.id,
        "title": line(finding.title, _TITLE),
        "role": finding.role,
        "confidence": finding.confidence,
        "owner": finding.owner,
        "transient": finding.transient,
        "generic": finding.generic,
        "location": {k: v if isinstance(v, int) else line(v) for k, v in location.items()},
        "summary": text(finding.summary, _SENTENCE),
        "explanation": text(finding.explanation, _TEXT),
        "evidence": _lines(finding.evidence),
        "fixes": [_fix(fix, numbers.get(id(fix), 0)) for fix in finding.fixes],
        "references": list(finding.references),
    }


def _fix(fix: Fix, number: int) -> Answer:
    return {
        "number": number,
        "title": line(fix.title, _TITLE),
        "file": line(fix.file, _TITLE),
        "owner": fix.owner,
        "risk": fix.risk,
        "condition": fix.condition,
        "fits": fix.fits,
        "snippet": text(fix.snippet, _CODE),
        "note": text(fix.note, _SENTENCE) if fix.note else None,
        "references": list(fix.references),
    }


def _next(report: Report) -> str:
    if report.verdict == "passed":
        return "The job passed: there is nothing to mend."
    if report.verdict == "empty":
        return "The log is empty. Give the whole log of the job, or use diagnose_job."
    if report.verdict == "unknown":
        return (
            "The cause is not known. Read the excerpt; search_patterns with its first error may find a failure like it."
        )
    return "Tell the user the first finding, its evidence and who can change it; propose_fix makes a diff of a fix."


def _shortened(holder: Answer, key: str, most: int) -> Callable[[], None]:
    def cut() -> None:
        holder[key] = holder[key][:most]

    return cut


def _without(items: list[Answer], item: Answer) -> Callable[[], None]:
    return lambda: items.remove(item)


def _cuts(answer: Answer) -> Iterator[_Cut]:
    """Yield what can be left out, the least needed first."""
    findings = answer["findings"]
    first, others = findings[:1], findings[:0:-1]
    yield "all but 8 lines of the excerpt", _shortened(answer, "excerpt", 8)
    for finding in others:
        yield f"the explanation of {finding['id']}", _shortened(finding, "explanation", 0)
        yield f"all but the first fix of {finding['id']}", _shortened(finding, "fixes", 1)
        yield f"all but 2 lines of evidence of {finding['id']}", _shortened(finding, "evidence", 2)
    for finding in others:
        yield f"the finding {finding['id']}", _without(findings, finding)
    for finding in first:
        for fix in finding["fixes"][:0:-1]:
            yield f"the fix {fix['title']!r}", _without(finding["fixes"], fix)
        yield "all but 3 lines of evidence", _shortened(finding, "evidence", 3)
    yield "all but 3 notes", _shortened(answer, "notes", 3)
    yield "the facts", answer["facts"].clear


def _fit(answer: Answer, cuts: Iterable[_Cut]) -> None:
    for what, cut in cuts:
        if size(answer) <= LIMIT:
            return
        before = size(answer)
        cut()
        if size(answer) < before:
            answer["left_out"].append(what)


def explanation(entry: Entry) -> Answer:
    """Return what the catalogue says of a failure, of the form `Explanation`."""
    pattern = entry.pattern
    answer: Answer = {
        "id": entry.id,
        "family": entry.family,
        "title": pattern.title,
        "owner": pattern.owner,
        "phase": pattern.phase,
        "transient": pattern.transient,
        "cause": text(fill_markdown(pattern.explain.cause.strip(), {}), _TEXT),
        "fixes": [_pattern_fix(fix) for fix in pattern.fix],
        "not_to_be_confused_with": [text(e.why, _SENTENCE) for e in pattern.example if not e.match and e.why],
        "references": list(pattern.explain.references),
        "left_out": [],
    }
    fixes = answer["fixes"]
    _fit(answer, [(f"the fix {fix['title']!r}", _without(fixes, fix)) for fix in fixes[:0:-1]])
    return answer


def _pattern_fix(fix: FixSpec) -> Answer:
    return {
        "title": fill_markdown(fix.title, {}),
        "file": fix.file,
        "owner": fix.owner or FILE_OWNERS.get(fix.file, "author"),
        "risk": fix.risk,
        "condition": condition_of(fix.when),
        "snippet": text(snippet_of(fix), _CODE),
        "note": text(fix.note, _SENTENCE) if fix.note else None,
    }
