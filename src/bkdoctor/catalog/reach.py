"""From a template and a log that it does not match to the line that comes nearest, with a caret where it stops."""

import re

import regex

from bkdoctor.catalog.entry import Entry
from bkdoctor.catalog.template import Template
from bkdoctor.trace.log import Log

_NOT_LITERAL = re.compile(r"\(\?[P:].*?\)|\\\w|\[.*?\]|\.[*+]\??")
_ENOUGH = re.compile(r"[^\0]{4}")
_MOST = 400
"""Characters of an expression that are tried one by one."""


def bodies_of(log: str) -> list[str]:
    """Return the lines of a log as templates see them."""
    parsed = Log(log.encode())
    return [parsed.line(n).body for n in parsed.numbers()]


def how_far(entry: Entry, log: str) -> str:
    """Return, for the template that got furthest, the line with a caret where it stopped matching."""
    bodies = bodies_of(log)
    shown = [caret(sequence[0], bodies) for sequence in entry.lines]
    matched = [s for s in shown if "matched up to here" in s]
    whole = [s for s in shown if "what else" in s]
    return (whole or sorted(matched, key=lambda s: -s.index("^")) or shown or [""])[0]


def caret(template: Template, bodies: list[str]) -> str:
    """Show how much of a template stands in the line that has the most of it."""
    for body in bodies:
        if template.compiled.search(body):
            return f"    {body}\n    matches {template.source!r}: what else [match] asks for does not hold"
    for length in range(min(len(template.expression), _MOST), 3, -1):
        beginning = _compiled(template.expression[:length])
        for body in bodies:
            if beginning and (found := beginning.search(body)):
                return f"    {body}\n    {' ' * (found.end() - 1)}^ matched up to here by {template.source!r}"
    return f"    no line holds {template.literal!r}"


def _compiled(expression: str) -> "regex.Pattern[str] | None":
    """Return the expression, None where it is cut at a place that makes it none, or says no more than `something`."""
    if not _ENOUGH.search(_NOT_LITERAL.sub("\0", expression)):
        return None
    try:
        return regex.compile(expression)
    except regex.error:
        return None
