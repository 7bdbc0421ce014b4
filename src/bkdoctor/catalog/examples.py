"""Checks of a pattern's examples: the whole catalogue must answer each as the example says."""

import contextlib
from collections.abc import Callable, Iterator
from time import thread_time

import msgspec
import regex

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.entry import Entry
from bkdoctor.catalog.pattern import Example
from bkdoctor.catalog.reach import bodies_of, caret, how_far
from bkdoctor.catalog.template import LINE_LIMIT, Template, bounded
from bkdoctor.model import Facts, Finding, Report

Diagnose = Callable[[bytes, Facts, Catalog], Report]

_LONG = LINE_LIMIT - 1_000
"""Characters of the line on which a regex must not be slow: the longest that is matched."""
_PLAIN = r"(?:(?!\x01).)*+"
"""Takes a step or two for each character; a line of that length takes it about 4 ms."""
_TIMES = 30
"""Times as long as the plain regex may a template take: what is quadratic takes 45 times and more, others under 15."""
_QUICK = 0.02
"""Seconds in which nearly every template is done, so that nothing need be compared."""
_TRIES = 3


def check_examples(entry: Entry, catalog: Catalog, run: Diagnose) -> Iterator[str]:
    """Yield what is wrong with the examples of a pattern; `run` diagnoses with a catalogue."""
    examples = entry.pattern.example
    if not any(e.match for e in examples):
        yield "needs at least one [[example]] that matches"
    if not any(not e.match for e in examples):
        yield "needs at least one [[example]] with match = false, a log that looks alike"
    for number, example in enumerate(examples, 1):
        for fault in _check_example(entry, example, catalog, run):
            yield f"example {number} {fault}"
    bodies = [body for e in examples for body in bodies_of(e.log)]
    yield from _check_coverage(entry, [body for e in examples if e.match for body in bodies_of(e.log)])
    yield from _check_literals(entry, bodies)
    yield from _check_speed(entry)


def _check_example(entry: Entry, example: Example, catalog: Catalog, run: Diagnose) -> Iterator[str]:
    strange = [name for name in example.facts if name not in Facts.__struct_fields__]
    if strange:
        yield f"names {strange[0]!r} in facts, which is no fact: mend or remove it"
    try:
        known = msgspec.convert(example.facts, Facts, strict=False)
    except msgspec.ValidationError as error:
        yield f"has facts that cannot be: {error}"
        return
    found = run(example.log.encode(), known, catalog).findings
    own = next((f for f in found if f.id == entry.id), None)
    if example.match:
        yield from _check_positive(entry, example, catalog, found, own, lambda c: run(example.log.encode(), known, c))
    else:
        if not example.why:
            yield "has match = false and no `why`: say what it is instead"
        if own is not None:
            yield f"must not match, and does: {[e.text for e in own.evidence[:1]]}"


def _check_positive(
    entry: Entry,
    example: Example,
    catalog: Catalog,
    found: tuple[Finding, ...],
    own: Finding | None,
    rerun: Callable[[Catalog], Report],
) -> Iterator[str]:
    got = [f.id for f in found]
    if own is None:
        alone = rerun(Catalog({entry.id: entry}, catalog.recipes, catalog.types)).findings
        if alone:
            yield f"matches, and is masked by {' and '.join(got)}: see masks and yields_to there"
        else:
            yield f"does not match (got {' and '.join(got) or 'nothing'})\n{how_far(entry, example.log)}"
        return
    if found[0] is not own and entry.pattern.role != "hint":
        yield f"is answered by {got[0]} first: {', '.join(got)}"
    if own.captures != example.captures:
        yield f"captures {own.captures}, not {example.captures}"
    if entry.pattern.role == "hint":
        return
    for other in found:
        if other is not own and other.role == "cause" and other.confidence == "high" and not other.generic:
            yield f"is answered by {other.id} as well: say which explains the other (masks, yields_to), or exclude it"


def _check_coverage(entry: Entry, bodies: list[str]) -> Iterator[str]:
    """Every alternative must earn its place."""
    for sequence in entry.lines:
        for template in sequence:
            if not any(template.match(body) for body in bodies):
                yield f"no example holds a line for {template.source!r}\n{caret(template, bodies)}"


def _check_literals(entry: Entry, bodies: list[str]) -> Iterator[str]:
    """A match without the literal would never be found: the prefilter leaves such lines out."""
    for template in entry.templates():
        for body in bodies:
            found = _search(template, body)
            if found is not None and template.literal not in found:
                yield f"{template.source!r} matches {found!r}, which does not hold its literal {template.literal!r}"
                break


def _search(template: Template, body: str) -> str | None:
    found = template.compiled.search(bounded(body), timeout=1)
    return found.group() if found else None


def _check_speed(entry: Entry) -> Iterator[str]:
    for template in entry.templates():
        own = (template.literal + " ",) if template.is_regex else ()
        for filler in ("a", " ", "a ", "/", '"', "0.", *own):
            if _is_slow(template, bounded(template.literal + filler * (_LONG // len(filler)) + "\x00")):
                yield f"{template.source!r} is slow on a long line of {filler!r}: avoid nested repetition"
                break


def _is_slow(template: Template, line: str) -> bool:
    """Say whether a template takes long beside a plain regex on the same line, whatever else the machine does."""
    if _cost(template, line, _QUICK) < _QUICK:
        return False
    allowed = _TIMES * min(_plain_cost(line) for _ in range(_TRIES))
    costs = (_cost(template, line, allowed) for _ in range(_TRIES))
    # what takes three times as long need not be tried again
    return next((cost for cost in costs if not allowed < cost < 3 * allowed), 2 * allowed) > allowed


def _cost(template: Template, line: str, allowed: float) -> float:
    """Return the CPU time of a match; it is stopped when it has taken far more than what is allowed."""
    start = thread_time()
    with contextlib.suppress(TimeoutError):
        # this limit counts what other threads take as well
        template.match(line, 5 * allowed)
    return thread_time() - start


def _plain_cost(line: str) -> float:
    plain = regex.compile(_PLAIN)
    start = thread_time()
    plain.search(line)
    return thread_time() - start
