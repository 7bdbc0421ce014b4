"""From an edit of a command's options and a Dockerfile's instruction to the instruction with the edit made.

The instruction's own keyword counts as a command: `FROM`, `RUN` and `COPY` take options as programs do.
"""

import re
from collections.abc import Iterator

from bkdoctor.fixes.command import _name, _normal, _same
from bkdoctor.fixes.command_edit import ValueEdit, edited_value, groups_of, run_edits
from bkdoctor.fixes.dockerfile import HERE
from bkdoctor.fixes.shell_words import Run, runs
from bkdoctor.model import CommandEdit

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def edited(text: str, edit: CommandEdit) -> str | None:
    """Return the instruction with the edit made; None if it does not run the command."""
    # of the same length, so that places are those of the text
    flat = text.replace("\\\r\n", " \\\n")
    found = list(_runs(flat, edit))
    if not found:
        return None
    edits = [e for start, run in found for e in _moved(start, _edits(flat[start:], run, edit))]
    return edited_value(text, edits)


def shown(step: str | None, edit: CommandEdit) -> str:
    """Return how the instruction shall read: the one of the log's step, else the command alone."""
    if step and (changed := edited(step, edit)) is not None:
        return changed
    run = [*([edit.before] if edit.before else []), edit.run[0], *edit.set, *edit.add]
    text = " ".join(run if edit.run[0].isupper() else ["RUN", *run])
    return text + (f"\n# without: {' '.join(edit.drop)}" if edit.drop else "")


def _runs(text: str, edit: CommandEdit) -> Iterator[tuple[int, Run]]:
    """Yield where the command runs: in the instruction itself, and in the here-document that is its script."""
    yield from ((0, run) for run in runs(text, edit.run))
    head, newline, body = text.partition("\n")
    if newline and HERE.search(head) and head.upper().startswith("RUN"):
        start = len(head) + 1
        yield from ((start, run) for run in runs(body, edit.run))


def _edits(text: str, run: Run, edit: CommandEdit) -> list[ValueEdit]:
    groups = [g.text for g in groups_of(run)]
    spelled = {w.text for w in run.words}
    known = tuple(o for o in edit.set if any(_same(g, o) for g in groups))
    lacking = [
        o
        for o in (*edit.set, *edit.add)
        if o not in known and o not in spelled and not any(_normal(g) == _normal(o) or _says_name(g, o) for g in groups)
    ]
    edits = run_edits(run, CommandEdit(edit.run, set=known, drop=edit.drop))
    if lacking:
        end = run.words[run.first - 1].end
        edits.append(ValueEdit(end, end, " " + " ".join(lacking)))
    return edits + _in_front(text, run, edit.before)


def _says_name(group: str, option: str) -> bool:
    """Say whether an option that stands alone is there with a value of its own: `--retry 3` for `--retry 5`."""
    return option.startswith("--") and not option.startswith("--mount") and _name(group) == _name(option)


def _in_front(text: str, run: Run, before: str) -> list[ValueEdit]:
    start = run.begin
    while start > 0 and _ASSIGNMENT.match(run.words[start - 1].text):
        start -= 1
    at = run.words[start].start
    there = " ".join(text[: run.words[run.begin].start].replace("\\\n", " ").split())
    return [] if not before or before in there else [ValueEdit(at, at, f"{before} ")]


def _moved(by: int, edits: list[ValueEdit]) -> list[ValueEdit]:
    return [ValueEdit(e.start + by, e.end + by, e.text, e.blank and (e.blank[0] + by, e.blank[1] + by)) for e in edits]
