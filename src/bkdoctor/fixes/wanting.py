"""From an edit to what it leaves to the reader: values that the log does not tell or masks, examples, forms for hands.

What a report calls safe and what is written into a file go by the same answers.
"""

import re
from collections.abc import Iterable, Iterator

from bkdoctor.model import Edit

_GAP = re.compile(r"<(?!job>)[a-z][a-z0-9_]*(?:\.[a-z_]+)?(?::[a-z]+)?(?:\|[^<>]*)?>")
_MASK = re.compile(r"\[(?:MASKED|REDACTED)\]|\*{3,}")
_EXAMPLE = re.compile(
    r"[\w.-]{0,253}\bexample\.(?:com|org|net)\b|\b[\w-][\w.-]{0,253}\.example\b|\bpath/to\b[\w./-]*|\b192\.0\.2\.\d+|\byour-[a-z-]+"
    r"|\.\.\.$",
    re.MULTILINE,
)


def texts(edit: Edit) -> Iterator[str]:
    """Yield what an edit brings or looks for."""
    yield edit.snippet or ""
    if edit.command:
        yield from (*edit.command.set, *edit.command.add, edit.command.before)
    if edit.base:
        yield edit.base.version
    yield from (part for pair in edit.replace for part in pair)


def missing_value(edit: Edit) -> str | None:
    """Return why an edit cannot be made for want of a value; None: it has all."""
    text = " ".join(texts(edit))
    if mask := _MASK.search(text):
        return f"a value that the fix needs is masked in the log ({mask[0]}): fill it in by hand"
    if gap := _GAP.search(text):
        return f"the log does not say what stands for {gap[0]}: fill that in by hand"
    return None


def examples(edit: Edit, values: Iterable[str]) -> tuple[str, ...]:
    """Return what an edit holds that is there to be replaced: hosts and paths of examples, save `values` of the log."""
    known = "\n".join(values)
    return tuple(dict.fromkeys(w for text in texts(edit) for w in _EXAMPLE.findall(text) if w not in known))


def is_form(file: str, edit: Edit) -> bool:
    """Say whether a snippet shows how a file's lines shall read, and is not written into it as it stands."""
    return file == "Dockerfile" and edit.snippet is not None and edit.at is None


def is_whole(file: str, edit: Edit) -> bool:
    """Say whether an edit can be made as it stands."""
    return missing_value(edit) is None and not edit.examples and not is_form(file, edit)
