"""From a pattern to the page that `bkdoctor explain` prints: what you see, why, what to change."""

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.entry import Entry
from bkdoctor.catalog.pattern import FixSpec
from bkdoctor.errors import UsageError
from bkdoctor.fixes.fill import fill_markdown
from bkdoctor.fixes.select import condition_of
from bkdoctor.text import strip_controls


def entry_of(catalog: Catalog, pattern_id: str) -> Entry:
    """Return the pattern of an id, or of FAMILY/ID.toml. Raises UsageError, which names those that are near."""
    entry = catalog.get(pattern_id.removesuffix(".toml").rpartition("/")[2])
    if entry is None:
        from difflib import get_close_matches

        near = get_close_matches(pattern_id, list(catalog.entries), n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "See `bkdoctor patterns list`."
        raise UsageError(f"there is no pattern {pattern_id!r}. {hint}")
    return entry


def snippet_of(fix: FixSpec) -> str:
    """Return what a fix writes, with its placeholders; for a recipe the command that prints it."""
    if fix.recipe:
        method, slash, section = fix.recipe.rpartition("/")
        return f"bkdoctor snippet {method if slash else 'METHOD'} {section}"
    if fix.command:
        return "\n".join([f"{fix.command.run[0]} ...", *fix.command.set, *fix.command.add])
    if fix.replace:
        return "\n".join(r.with_ for r in fix.replace)
    return fix.snippet or ""


def render_entry(entry: Entry, *, colour: bool = False) -> str:
    """Return the explanation of a pattern as text for a terminal, at most 80 columns where it can be."""
    import textwrap

    pattern = entry.pattern
    bold = (lambda s: f"\x1b[1m{s}\x1b[0m") if colour else (lambda s: s)
    out = [bold(pattern.title), f"{entry.family}/{entry.id} · {pattern.owner} can change it"]
    if pattern.transient:
        out.append("It may pass when the job is run again.")
    out += ["", bold("What you see"), ""]
    seen = [e for e in pattern.example if e.match and e.log.strip()]
    captures = seen[0].captures if seen else {}
    out += textwrap.indent("\n\n".join(strip_controls(e.log).strip("\n") for e in seen[:2]), "    ").splitlines()
    out += ["", bold("Why"), "", *_paragraphs(fill_markdown(pattern.explain.cause, captures))]
    for number, fix in enumerate(pattern.fix, 1):
        out += ["", bold(f"Fix {number}: {fill_markdown(fix.title, captures)}"), f"in {fix.file}"]
        condition = condition_of(fix.when)
        out += [f"where {condition}"] if condition else []
        out += ["", *textwrap.indent(snippet_of(fix).strip("\n"), "    ").splitlines()]
        out += ["", *_paragraphs(fix.note)] if fix.note else []
    others = [e for e in pattern.example if not e.match and e.why]
    if others:
        out += ["", bold("Not to be confused with"), "", *(f"- {e.why}" for e in others)]
    return "\n".join([*out, "", *pattern.explain.references]) + "\n"


def _paragraphs(text: str) -> list[str]:
    import textwrap

    return [line for part in text.strip().splitlines() for line in (textwrap.wrap(part, 78) or [""])]
