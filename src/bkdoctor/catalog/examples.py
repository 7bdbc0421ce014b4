"""Checks of a pattern's examples: the whole catalogue must answer each as the example says."""

from collections.abc import Callable, Iterator

import msgspec

from bkdoctor.catalog.entry import Entry
from bkdoctor.catalog.pattern import Example, RegexLine
from bkdoctor.catalog.template import Template, bounded, from_regex
from bkdoctor.model import Facts, Report
from bkdoctor.trace.log import Log

_LONG = 20_000
"""Characters of the line on which a regex must not be slow."""


def check_examples(entry: Entry, run: Callable[[bytes, Facts], Report]) -> Iterator[str]:
    """Yield what is wrong with the examples of a pattern; `run` diagnoses with the whole catalogue."""
    examples = entry.pattern.example
    if not any(e.match for e in examples):
        yield "needs at least one [[example]] that matches"
    if not any(not e.match for e in examples):
        yield "needs at least one [[example]] with match = false, a log that looks alike"
    for number, example in enumerate(examples, 1):
        yield from _check_example(entry, number, example, run)
    yield from _check_coverage(entry, [e.log for e in examples if e.match])
    yield from _check_regexes(entry)


def _check_example(entry: Entry, number: int, example: Example, run: Callable[[bytes, Facts], Report]) -> Iterator[str]:
    name = f"example {number}"
    try:
        known = msgspec.convert(example.facts, Facts, strict=False)
    except msgspec.ValidationError as error:
        yield f"{name}: facts: {error}"
        return
    report = run(example.log.encode(), known)
    found = {f.id: f for f in report.findings}
    if not example.match:
        if not example.why:
            yield f"{name} has match = false and no `why`"
        if entry.id in found:
            yield f"{name} must not match, and does: {found[entry.id].evidence[:1]}"
        return
    if entry.id not in found:
        got = list(found) or "nothing"
        yield f"{name} does not match (verdict {report.verdict}, got {got})\n{how_far(entry, example.log)}"
    elif report.findings[0].id != entry.id and entry.pattern.role != "hint":
        yield f"{name} is answered by {report.findings[0].id} first: {list(found)}"
    elif found[entry.id].captures != example.captures:
        yield f"{name} captures {found[entry.id].captures}, not {example.captures}"


def _check_coverage(entry: Entry, logs: list[str]) -> Iterator[str]:
    """Every alternative must earn its place."""
    bodies = [body for log in logs for body in _bodies(log)]
    for sequence in entry.lines:
        for template in sequence:
            if not any(template.match(body) for body in bodies):
                yield f"no example holds a line for {template.source!r}\n{_caret(template, bodies)}"


def _check_regexes(entry: Entry) -> Iterator[str]:
    for spec in entry.pattern.match.lines:
        if isinstance(spec, RegexLine):
            template = from_regex(spec)
            for filler in ("a", " ", "a ", "/", '"', spec.literal + " ", "0."):
                body = bounded(spec.literal + filler * (_LONG // len(filler)) + "\x00")
                try:
                    template.match(body)
                except TimeoutError:
                    yield f"{spec.regex!r} is slow on a long line of {filler!r}: avoid nested repetition"
                    break


def _bodies(log: str) -> list[str]:
    parsed = Log(log.encode())
    return [parsed.line(n).body for n in parsed.numbers()]


def how_far(entry: Entry, log: str) -> str:
    """Return, for the template that got furthest, the line with a caret where it stopped matching."""
    bodies = _bodies(log)
    shown = [_caret(sequence[0], bodies) for sequence in entry.lines]
    matched = [s for s in shown if "matched up to here" in s]
    return max(matched, key=lambda s: s.index("^")) if matched else (shown[0] if shown else "")


def _caret(template: Template, bodies: list[str]) -> str:
    """Show how much of a template's text stands in the line that has the most of it."""
    best, length = "", 0
    source = template.source
    for body in bodies:
        if template.match(body):
            return f"    {body}\n    matches {source!r}: what else [match] asks for does not hold"
        reach = _reach(template, body)
        if reach > length:
            best, length = body, reach
    if not best:
        return f"    no line holds {template.literal!r}"
    return f"    {best}\n    {' ' * (length - 1)}^ matched up to here by {source!r}"


def _reach(template: Template, body: str) -> int:
    """Return up to which character of the line a beginning of the template matches."""
    import regex

    found = regex.search(f"(?:{template.expression}){{e<=0}}", body, partial=True)
    if found is not None:
        return int(found.end())
    position = body.find(template.literal[: max(4, len(template.literal) // 2)])
    if position < 0:
        return 0
    length = 0
    while length < len(template.literal) and body[position : position + length + 1] == template.literal[: length + 1]:
        length += 1
    return position + length
