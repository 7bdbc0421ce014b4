"""From a trace with a preflight's output to a Report: each failed check is the pattern that explains it.

Causes and fixes are the catalogue's. A check names its pattern through `meanings.toml`; where it only tells what a
program said, the catalogue reads that text.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import get_args

import msgspec

from bkdoctor.bounded import Bounded
from bkdoctor.catalog.catalog import Catalog
from bkdoctor.diagnosis.blame import Weight
from bkdoctor.diagnosis.match import Match, Matcher, Spot
from bkdoctor.diagnosis.rank import rank
from bkdoctor.doctor import evidence_of, report_on
from bkdoctor.model import Facts, Method, Report, Source, Verdict
from bkdoctor.preflight.reading import Check, Preflight, read
from bkdoctor.redact import redact
from bkdoctor.text import one_line
from bkdoctor.trace.facts import facts_of, merge
from bkdoctor.trace.log import Log
from bkdoctor.trace.segment import segment
from bkdoctor.trace.source import Source as TraceSource

_VERSION = re.compile(r"v?(\d+\.\d+(?:\.\d+)?)")
_EXECUTORS = ("docker", "kubernetes")
_MOST_LINES = 20


WELL = "All is well: no check of the preflight failed."


UNEXPLAINED = "The preflight found no cause that is known."


def without_findings(report: Report) -> str:
    """Return what to say of a preflight that no pattern explains: all is well, or what stands in its place."""
    head = WELL if report.verdict == "passed" else UNEXPLAINED
    return "\n".join([head, *(f"- {one_line(note)}" for note in report.notes)]) + "\n"


@cache
def meanings() -> dict[str, str]:
    """Return the pattern's id for each CHECK/REASON, and for each CHECK whose reason does not matter."""
    text = files(__package__).joinpath("meanings.toml").read_text(encoding="utf-8")
    return {key: str(value) for key, value in tomllib.loads(text).items()}


def explain(
    trace: bytes | TraceSource, catalog: Catalog, *, known: Facts, source: Source, cut: Bounded | None = None
) -> Report:
    """Return the report of the last preflight in a trace; `known` are facts that go before what the trace says.

    `cut` says where the trace's middle is missing. Raises InputError where the trace holds no preflight.
    """
    log = Log(trace, catalog.searcher, cut_at=cut.cut_at if cut else None, left_out=cut.left_out_lines if cut else 0)
    layout = segment(log)
    seen = read(log, source.name or "the log")
    facts = merge(merge(_facts(seen), facts_of(log, layout)), known)
    failed = [check for check in seen.checks if check.status == "fail"]
    matcher = Matcher(log, layout, facts, catalog)
    matches = _all_matches(failed, matcher)
    answers = rank([match for _, found in matches for match in found], catalog)
    base = Report(verdict="unknown", source=source, facts=facts, notes=tuple(_notes(seen, matches, catalog)))
    report = report_on(base, log, layout, matcher, answers, failed=bool(failed))
    verdict: Verdict = "diagnosed" if answers else "passed" if not failed and seen.finished else "unknown"
    worth = [check for check in seen.checks if check.status in ("fail", "warn")][:_MOST_LINES]
    lines = evidence_of(log, [check.line for check in worth]) if verdict != "passed" else ()
    return msgspec.structs.replace(report, verdict=verdict, excerpt=lines)


def _facts(seen: Preflight) -> Facts:
    """Return what the script knows of the job, as far as it is of the right form."""
    told = seen.facts
    found: dict[str, object] = {}
    if told.get("method") in get_args(Method):
        found["method"] = told["method"]
    if told.get("executor") in _EXECUTORS:
        found["executor"] = told["executor"]
    for name in ("runner", "buildkit", "docker"):
        if match := _VERSION.match(told.get(name, "")):
            found[name] = match[1]
    found |= {name: redact(told[name]) for name in ("image", "job") if told.get(name)}
    return msgspec.convert(found, Facts)


def _all_matches(failed: list[Check], matcher: Matcher) -> list[tuple[Check, list[Match]]]:
    """Return each failed check with what the catalogue knows of it.

    What rootlesskit said only wraps the reason, where another check has found that.
    """
    known = [(check, _named_matches(check, matcher)) for check in failed]
    rootless = [match for _, found in known for match in found if match.entry.family == "rootless"]
    return [
        (check, found or ((rootless or _said_matches(check, matcher)) if "said" in check.values else []))
        for check, found in known
    ]


def _named_matches(check: Check, matcher: Matcher) -> list[Match]:
    pattern = _pattern(check)
    entry = matcher.catalog.get(pattern) if pattern else None
    if entry is None:
        return []
    # the script's word for a reason is for programs
    values = check.values | {"reason": check.text}
    captures = {name: value for name, value in values.items() if name in entry.captured}
    return [Match(entry, _spot(check, matcher), Weight.DECISIVE, captures, [check.line])]


def _said_matches(check: Check, matcher: Matcher) -> list[Match]:
    """Return what the catalogue says of the line that a program printed."""
    log = Log(check.values["said"].encode(), matcher.catalog.searcher)
    found = Matcher(log, segment(log), matcher.facts, matcher.catalog).run()
    lines = list(dict.fromkeys((check.line, check.own_line)))
    return [Match(m.entry, _spot(check, matcher), Weight.DECISIVE, m.captures, lines) for m in found]


def _spot(check: Check, matcher: Matcher) -> Spot:
    return Spot(matcher.log.line(check.line), None, None, matcher.layout.section_at(check.line))


def _pattern(check: Check) -> str | None:
    known = meanings()
    return known.get(f"{check.name}/{check.values.get('reason', '')}") or known.get(check.name)


def _notes(seen: Preflight, matches: list[tuple[Check, list[Match]]], catalog: Catalog) -> Iterator[str]:
    if not seen.finished:
        yield "The preflight's last line is missing: it was stopped, or its output was cut. What it found is shown."
    for check, found in matches:
        if not found:
            yield f"{_named(check)}. No pattern explains this check."
    causes = {match.entry.id for _, found in matches for match in found}
    for check in seen.checks:
        if check.status == "warn" and (pattern := _pattern(check)) not in causes:
            known = f" See `bkdoctor explain {pattern}`." if pattern and catalog.get(pattern) else ""
            yield f"To mind: {_named(check)}.{known}"


def _named(check: Check) -> str:
    return redact(f"{check.name}: {check.text}".rstrip(". "))
