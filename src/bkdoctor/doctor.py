"""START HERE: from the bytes of a trace to a Report, the whole pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import TYPE_CHECKING

from bkdoctor.bounded import Bounded
from bkdoctor.catalog.catalog import Catalog
from bkdoctor.diagnosis.blame import Blame
from bkdoctor.diagnosis.dockerfile import path_of
from bkdoctor.diagnosis.fragment import ends_in_failure, is_left_behind
from bkdoctor.diagnosis.match import Matcher
from bkdoctor.diagnosis.normal import signature
from bkdoctor.diagnosis.rank import Answer, rank
from bkdoctor.diagnosis.survived import Survivors
from bkdoctor.diagnosis.unknown import Reading
from bkdoctor.diagnosis.verdict import outcome
from bkdoctor.fixes.fill import fill_markdown
from bkdoctor.fixes.select import select
from bkdoctor.model import Evidence, Facts, Finding, Location, Report, Source, Verdict
from bkdoctor.redact import redact, redact_lines
from bkdoctor.text import shorten_middle
from bkdoctor.trace.builds import LAST_NAMED, MOST_NAMED
from bkdoctor.trace.facts import facts_of, merge
from bkdoctor.trace.layout import Layout, Step
from bkdoctor.trace.log import Log
from bkdoctor.trace.segment import segment
from bkdoctor.trace.source import Source as TraceSource

if TYPE_CHECKING:
    from bkdoctor.diagnosis.baseline import Baseline

TEXT_LIMIT = 400
"""Characters of an evidence line that are shown."""
CAPTURE_LIMIT = 300
MOST_COMMANDS = 1_000


def diagnose(
    trace: bytes | TraceSource,
    catalog: Catalog,
    *,
    known: Facts | None = None,
    source: Source | None = None,
    notes: Sequence[str] = (),
    cut: Bounded | None = None,
    baseline: Baseline | None = None,
) -> Report:
    """Return the report for one trace.

    `known` are facts from the job API or the command line and go before what the log says; `notes` go into the report.
    `cut` says where the middle of the trace is missing, so that the lines behind it are shown with their own numbers.
    What `baseline` printed as well, when the job passed, is no line worth reading and proves nothing.
    """
    log = Log(trace, catalog.searcher, cut_at=cut.cut_at if cut else None, left_out=cut.left_out_lines if cut else 0)
    layout = segment(log)
    facts = merge(facts_of(log, layout), known or Facts())
    base = Report(verdict="unknown", source=source or Source(), facts=facts, notes=tuple(notes))
    if outcome(log, layout, facts) == "passed":
        return _replace(base, verdict="passed")
    matcher = Matcher(log, layout, facts, catalog)
    answers = rank(Survivors(log, layout).of(matcher.run()), catalog)
    if log.is_blank() and not answers:
        return _replace(base, verdict="empty")
    ended = outcome(log, layout, facts)
    if ended == "open":
        answers = _not_overcome(answers, log, layout)
    if baseline is not None:
        base = _replace(base, notes=(*notes, f"Compared with {baseline.name}: lines that it has too are left out."))
        answers = _new_first(answers, log, baseline)
    return report_on(base, log, layout, matcher, answers, failed=ended == "failed", baseline=baseline)


def _replace(report: Report, **changes: object) -> Report:
    import msgspec

    return msgspec.structs.replace(report, **changes)


def _says_why(answers: Sequence[Answer]) -> bool:
    return any(not a.best.entry.pattern.generic and a.best.entry.pattern.role != "hint" for a in answers)


def _not_overcome(answers: Sequence[Answer], log: Log, layout: Layout) -> list[Answer]:
    """Return the answers of a log that does not say how it ended, without what the job went on behind."""
    if any(a.best.spot is None for a in answers):
        return list(answers)
    kept = [a for a in answers if a.best.spot and not is_left_behind(log, layout, a.best.spot, max(a.evidence))]
    proofs = {n for a in kept if a.best.entry.pattern.role != "hint" for n in a.evidence}
    return kept if _says_why(kept) and ends_in_failure(log, proofs) else []


def _new_first(answers: Sequence[Answer], log: Log, baseline: Baseline) -> list[Answer]:
    """Put answers whose decisive line the job printed when it passed behind those that are new."""
    return sorted(answers, key=lambda a: bool(a.evidence) and baseline.has(log.line(a.evidence[0]).body))


def report_on(
    base: Report, log: Log, layout: Layout, matcher: Matcher, answers: Sequence[Answer], *, failed: bool,
    baseline: Baseline | None = None,
) -> Report:  # fmt: skip
    """Return `base` with these answers as findings, an excerpt, a signature and a verdict."""
    findings = tuple(_finding(answer, log, layout, matcher) for answer in answers)
    verdict: Verdict = "diagnosed" if _says_why(answers) else "unknown"
    reading = Reading(log, layout, matcher.blame, baseline)
    told = failed or bool(answers)
    # a piece of a log that does not say how the job ended may still hold what somebody wants explained
    shown = told or reading.has_errors
    return _replace(
        base,
        verdict=verdict,
        findings=findings,
        # the same whether there is a baseline or not
        signature=_signature(log, Reading(log, layout, matcher.blame), answers) if told else None,
        decisive=log.shown_number(reading.decisive) if shown and reading.decisive is not None else None,
        excerpt=evidence_of(log, reading.excerpt(answers[0].evidence if answers else ())) if shown else (),
        notes=(*base.notes, *_notes(log, layout, matcher)),
    )


def _notes(log: Log, layout: Layout, matcher: Matcher) -> Iterator[str]:
    """Yield what of the log was not looked at, or not to its end."""
    for pattern in sorted(matcher.not_judged):
        yield f"The pattern {pattern} ran out of time: not judged."
    if matcher.left_out:
        yield (
            "So many lines hold words that patterns look for that of some patterns only the first and last were tried."
        )
    if layout.unread:
        first, last = log.shown_number(layout.unread.start), log.shown_number(layout.unread.stop - 1)
        yield (
            f"Lines {first} to {last} hold more headings of steps, sections and commands than are looked at: "
            "how the steps there ended is not known."
        )
    if layout.named_late:
        yield (
            f"The output of more than {MOST_NAMED} steps is printed again: "
            f"which steps they are was looked for among the last {LAST_NAMED} only."
        )
    if len(layout.commands) > MOST_COMMANDS:
        number, half = len(layout.commands), MOST_COMMANDS // 2
        yield f"Of {number} commands the first and last {half} counted when fixes were chosen."
    if layout.cut_by_limit:
        line = log.shown_number(layout.cut_by_limit)
        yield f"The log passed its size limit and ends at line {line}: the failure may be missing."


def _signature(log: Log, reading: Reading, answers: Sequence[Answer]) -> str:
    if answers and answers[0].evidence and _says_why(answers):
        return signature(answers[0].best.entry.id, log.line(answers[0].evidence[0]).body)
    return signature(answers[0].best.entry.id if answers else "unknown", reading.said)


def _finding(answer: Answer, log: Log, layout: Layout, matcher: Matcher) -> Finding:
    entry, match = answer.best.entry, answer.best
    pattern, spot = entry.pattern, match.spot
    step = spot.step if spot else None
    captures = {k: redact(v)[:CAPTURE_LIMIT] for k, v in match.captures.items()}
    values = _values(captures, step, matcher.facts, layout, entry.captured)
    if spot and spot.place == "service":
        from bkdoctor.fixes.service import alias_of

        values |= {"service.alias": alias_of(log.line(answer.evidence[0]).body) or ""}
    commands = _commands(layout)
    fixes = select(
        pattern.fix, matcher.facts, captures, values,
        # a pasted piece has no sections: what stands in none of its steps was printed by the script
        commands=commands, place=(spot.place or "script") if spot else None, catalog=matcher.catalog,
        foreign=matcher.is_foreign(step) if step and step.title.platform else None,
    )  # fmt: skip
    return Finding(
        id=entry.id,
        family=entry.family,
        title=pattern.title,
        role=pattern.role,
        phase=pattern.phase,
        confidence=pattern.confidence,
        owner=pattern.owner,
        transient=pattern.transient,
        generic=pattern.generic,
        location=_location(answer, layout, matcher.blame),
        summary=fill_markdown(pattern.explain.summary, values),
        explanation=fill_markdown(pattern.explain.cause.strip("\n"), values),
        captures=captures,
        evidence=evidence_of(log, answer.evidence),
        fixes=fixes,
        references=tuple(pattern.explain.references),
    )


def _commands(layout: Layout) -> list[str]:
    """Return the commands of the job that a fix may speak of; of very many the first and the last."""
    texts = [c.text for c in layout.commands]
    known = texts if len(texts) <= MOST_COMMANDS else [*texts[: MOST_COMMANDS // 2], *texts[-MOST_COMMANDS // 2 :]]
    return [redact(text) for text in known]


def _location(answer: Answer, layout: Layout, blame: Blame) -> Location:
    spot = answer.best.spot
    if spot is None:
        return Location()
    step = spot.step
    dockerfile = layout.dockerfile if step is None or step in blame.failing else None
    if dockerfile:
        dockerfile = path_of(layout, dockerfile, spot.line.number)
    return Location(
        section=spot.section.name if spot.section else None,
        step=redact(step.title.name)[:TEXT_LIMIT] if step else None,
        stage=step.title.stage if step else None,
        platform=step.title.platform if step else None,
        instruction=step.title.instruction if step else None,
        dockerfile=dockerfile,
        dockerfile_line=layout.dockerfile_line if dockerfile else None,
    )


def _values(
    captures: dict[str, str], step: Step | None, facts: Facts, layout: Layout, captured: Set[str]
) -> dict[str, str]:
    """Everything that a text's placeholders may name.

    `captured` are the names that the pattern gives to parts of lines: a fact of such a name means something else.
    """
    names = [n for n in facts.__struct_fields__ if n not in captured]
    values = {name: _shown(getattr(facts, name)) for name in names if getattr(facts, name)}
    if step is not None:
        title = step.title
        parts = {
            "platform": title.platform,
            "stage": title.stage,
            "instruction": title.instruction,
            "text": title.text,
        }
        values |= {f"step.{name}": redact(part)[:CAPTURE_LIMIT] for name, part in parts.items() if part}
    if layout.dockerfile_line:
        values["step.line"] = str(layout.dockerfile_line)
    return values | captures


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(getattr(item, "name", item)) for item in value)
    return str(value)


def evidence_of(log: Log, numbers: Sequence[int]) -> tuple[Evidence, ...]:
    """Return lines as they are shown: cleaned, redacted, of bounded length."""
    texts = redact_lines([log.quote + log.line(n).text for n in numbers])
    return tuple(
        Evidence(log.shown_number(n), shorten_middle(text, TEXT_LIMIT)) for n, text in zip(numbers, texts, strict=True)
    )
