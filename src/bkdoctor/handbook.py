"""From a Catalog to docs/catalogue: a page for each pattern (what you see, why, what to change) and an index by family.

Texts are filled with the values of the pattern's first example, so that a page reads like an answer.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.entry import Entry
from bkdoctor.catalog.pattern import METHODS, Example, FixSpec
from bkdoctor.fixes.fill import fill_markdown
from bkdoctor.fixes.select import select
from bkdoctor.model import Facts, Fix
from bkdoctor.render import _prose as prose
from bkdoctor.render import _words as words
from bkdoctor.text import fence

MOST_LOGS = 3
"""Example logs on a page; each further wording is in the pattern's file."""
_WRITTEN = "<!-- Written by `make bless` from the pattern's file. -->"
_CODE = re.compile(r"(`+)(?:(?!\1).)+\1", re.DOTALL)
_ID = re.compile(r"(?<![\w/.-])[a-z0-9]+(?:-[a-z0-9]+)+(?![\w/]|-\w|\.\w)")
_CONFIDENCE = {"high": "the log leaves no doubt", "medium": "likely", "low": "possible"}


def pages(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Yield name and text of each page; the index comes first."""
    yield "README.md", index(catalog)
    for entry in _entries(catalog):
        yield f"{entry.id}.md", page(entry, catalog)


def index(catalog: Catalog) -> str:
    """Return the index of all pages by family."""
    families = dict.fromkeys(e.family for e in _entries(catalog))
    links = " · ".join(f"[{family}](#{family})" for family in families)
    parts = [
        "# Known failures",
        "<!-- Written by `make bless` from the patterns. -->",
        "Each page says what you see in the log, why it happens, what to change in which file and who can change it."
        " `bkdoctor explain ID` prints the same in a terminal.",
        links,
        *(_family(family, [e for e in _entries(catalog) if e.family == family]) for family in families),
    ]
    return "\n\n".join(parts) + "\n"


def page(entry: Entry, catalog: Catalog) -> str:
    """Return the page of one pattern."""
    pattern = entry.pattern
    positive = [e for e in pattern.example if e.match]
    first = positive[0] if positive else Example()
    parts = [
        f"# {prose.line_to_markdown(pattern.title)}",
        _WRITTEN,
        _header(entry),
        "## What you see",
        _text(pattern.explain.summary, first.captures, catalog, entry),
        *_logs(entry, positive),
        "## Why",
        _text(pattern.explain.cause, first.captures, catalog, entry),
        *_changes(entry, first, catalog),
        *_others(entry, catalog),
        "## References",
        _references(entry),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _entries(catalog: Catalog) -> list[Entry]:
    return sorted(catalog.entries.values(), key=lambda e: (e.family, e.id))


def _family(family: str, entries: list[Entry]) -> str:
    rows = "".join(
        f"| [{e.id}]({e.id}.md) | {_cell(e.pattern.title)} | {words.OWNERS[e.pattern.owner]} |\n" for e in entries
    )
    return f"## {family}\n\n| id | what failed | who can change it |\n| --- | --- | --- |\n{rows}".rstrip("\n")


def _cell(text: str) -> str:
    return prose.line_to_markdown(text).replace("|", "\\|")


def _header(entry: Entry) -> str:
    pattern = entry.pattern
    lines = [
        f"`{entry.id}` in family [{entry.family}](README.md#{entry.family});"
        f" [the pattern's file](../../patterns/{entry.path})",
        f"Who can change it: {words.OWNERS[pattern.owner]}",
    ]
    if pattern.generic:
        lines.append("It says where the job failed, not why")
    elif pattern.role == "symptom":
        lines.append("A symptom: told only where no cause was found beside it")
    elif pattern.role == "hint":
        lines.append("Advice beside an answer, never an answer itself")
    if pattern.transient:
        lines.append("It may pass when the job is run again")
    lines.append(f"Confidence: {pattern.confidence} ({_CONFIDENCE[pattern.confidence]})")
    if pattern.aliases:
        lines.append("Earlier ids: " + ", ".join(f"`{alias}`" for alias in pattern.aliases))
    return "\n".join(f"- {line}" for line in lines)


def _logs(entry: Entry, positive: list[Example]) -> Iterator[str]:
    logs = [e for e in positive if e.log.strip()]
    reasons = entry.pattern.match.facts.get("failure_reason", [])
    if reasons:
        named = " or ".join(f"`{reason}`" for reason in reasons)
        yield f"GitLab gives the job the failure reason {named}" + ("." if logs else "; the job has no log of its own.")
    for number, example in enumerate(logs[:MOST_LOGS]):
        if number == 1:
            yield "Other wordings:"
        yield fence(example.log)


def _changes(entry: Entry, first: Example, catalog: Catalog) -> Iterator[str]:
    if not entry.pattern.fix:
        return
    yield "## What to change"
    commands = [line.removeprefix("$ ") for line in first.log.splitlines() if line.startswith("$ ")]
    for number, spec in enumerate(entry.pattern.fix, 1):
        made = _made(spec, first.captures, commands, catalog)
        if not made:
            continue
        yield f"### {number}. {prose.line_to_markdown(made[0].title)}"
        yield _where(made[0], spec, entry)
        if made[0].note:
            yield _link(prose.to_markdown(made[0].note), catalog, entry)
        yield _recipes(spec.recipe, catalog) if spec.recipe else ""
        yield fence(made[0].snippet, made[0].language)


def _made(spec: FixSpec, captures: Mapping[str, str], commands: list[str], catalog: Catalog) -> tuple[Fix, ...]:
    """Return the fix as an answer would show it, whatever place or capture it asks for; a recipe in each method."""
    anywhere = {name: wanted for name, wanted in spec.when.items() if name not in ("has", "place", "platform")}
    facts = Facts()
    if spec.recipe and "/" not in spec.recipe:
        anywhere.pop("method", None)
        facts = Facts(method=next((m for m in METHODS if (m, spec.recipe) in catalog.recipes), None))
    free = msgspec.structs.replace(spec, when=anywhere)
    return select([free], facts, captures, captures, commands=commands, place=None, foreign=None, catalog=catalog)


def _where(fix: Fix, spec: FixSpec, entry: Entry) -> str:
    name = words.file_of(fix)
    parts = [f"In `{name}`" if name else words.place_of(fix).capitalize()]
    if fix.owner != entry.pattern.owner:
        parts.append(f"by {words.OWNERS[fix.owner]}")
    text = f"{', '.join(parts)}; {words.RISKS[fix.risk]}."
    condition = fix.condition if spec.recipe is None else None
    return f"{text} Where {condition}." if condition else text


def _recipes(section: str, catalog: Catalog) -> str:
    """Say where the recipe stands for each build method; the first is shown below."""
    one, slash, rest = section.partition("/")
    if slash:
        return f"This is the recipe [{section}](../../patterns/recipes/{one}/{rest}.toml):\n\n"
    methods = [method for method in METHODS if (method, section) in catalog.recipes]
    links = ", ".join(f"[{m}](../../patterns/recipes/{m}/{section}.toml)" for m in methods)
    return (
        f"The recipe `{section}` stands for {links}. An answer shows that of the job's build method; this is the first:"
    )


def _others(entry: Entry, catalog: Catalog) -> Iterator[str]:
    others = [e for e in entry.pattern.example if not e.match and e.why]
    if not others:
        return
    yield "## Not to be confused with"
    for example in others:
        why = _link(prose.line_to_markdown(example.why or ""), catalog, entry)
        yield why[:1].upper() + why[1:] + ("" if why.endswith((".", ":")) else ".")
        yield fence(example.log) if example.log.strip() else ""


def _references(entry: Entry) -> str:
    explain = entry.pattern.explain
    lines = [f"- <{url}>" if words.safe_url(url) else f"- {prose.line_to_markdown(url)}" for url in explain.references]
    return "\n".join(lines) + (f"\n\nRead on {explain.checked}." if explain.checked else "")


def _text(text: str, captures: Mapping[str, str], catalog: Catalog, entry: Entry) -> str:
    return _link(prose.to_markdown(fill_markdown(text.strip("\n"), captures)), catalog, entry)


def _link(markdown: str, catalog: Catalog, entry: Entry) -> str:
    """Make each id of another pattern that stands outside code a link to its page."""

    def linked(match: re.Match[str]) -> str:
        found = catalog.get(match[0])
        return match[0] if found is None or found is entry else f"[{match[0]}]({found.id}.md)"

    out, position = "", 0
    for code in _CODE.finditer(markdown):
        out += _ID.sub(linked, markdown[position : code.start()]) + code[0]
        position = code.end()
    return out + _ID.sub(linked, markdown[position:])
