"""From an edit of a command's options and a script's text to what changes in it; every other character stays."""

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from bkdoctor.fixes.command import _end_of_options, _name, _normal, _same, _takes
from bkdoctor.fixes.result import Splice
from bkdoctor.fixes.scalar_map import Char, char_map
from bkdoctor.fixes.shell_words import Run
from bkdoctor.fixes.yaml_tree import Node
from bkdoctor.fixes.yaml_write import is_plain, quoted
from bkdoctor.model import CommandEdit


class Group(NamedTuple):
    """An option with its value, or another word, and where it stands."""

    start: int
    end: int
    text: str


class ValueEdit(NamedTuple):
    """A change of a string: `text` in place of a part, or behind it with the blank that stands at `blank` before it."""

    start: int
    end: int
    text: str
    blank: tuple[int, int] | None = None


def groups_of(run: Run) -> list[Group]:
    """Return a command's options and other arguments."""
    out: list[Group] = []
    for word in run.words[run.first :]:
        if out and _takes(out[-1].text, word.text):
            out[-1] = Group(out[-1].start, word.end, f"{out[-1].text} {word.text}")
        else:
            out.append(Group(*word))
    return out


def run_edits(run: Run, edit: CommandEdit) -> list[ValueEdit]:
    """Return what the edit changes in one run of the command."""
    groups = groups_of(run)
    gone: set[int] = set()
    for option in edit.drop:
        gone |= {n for n, g in enumerate(groups) if _same(g.text, option) or _name(g.text) == _normal(option)}
    edits, new = [], []
    for option in edit.set:
        same = [n for n, g in enumerate(groups) if _same(g.text, option) and n not in gone]
        if not same:
            new.append(option)
            continue
        first, *others = same
        gone |= set(others)
        old = groups[first].text
        if _normal(old) != _normal(option) and not _says(old, option):
            fitted = with_fields(old, option, mine=()) or _with_variable(old, option)
            edits.append(ValueEdit(groups[first].start, groups[first].end, fitted))
    new += [o for o in edit.add if not any(_normal(g.text) == _normal(o) for g in groups)]
    edits += [ValueEdit(_end_before(run, groups[n]), groups[n].end, "") for n in sorted(gone)]
    return edits + _insertion(run, groups, new)


def fields(option: str) -> dict[str, str]:
    """Return the parts of an option of the form `--output type=image,name=...`; none where it has another form."""
    value = _normal(option).partition("=")[2]
    pairs = [part.partition("=") for part in value.split(",")]
    return {k: v for k, _, v in pairs} if value.startswith("type=") else {}


def with_fields(old: str, new: str, mine: Collection[str]) -> str | None:
    """Return the old option with what the new one says, save the parts `mine`; None if they are not of one type."""
    theirs, brought = fields(old), fields(new)
    # a part without a sign belongs to a list of names
    if not brought or theirs.get("type") != brought["type"] or not all(theirs.values()):
        return None
    head = re.split(r"[ =]", old, maxsplit=1)[0]
    quote = '"' if re.search(r"[\"']", old) or re.search(r"[\"']", new) else ""
    both = theirs | {k: v for k, v in brought.items() if k not in mine or k not in theirs}
    return f"{head} {quote}{','.join(f'{k}={v}' if v else k for k, v in both.items())}{quote}"


def _with_variable(old: str, new: str) -> str:
    """Return an option whose path is the folder of the old one, with the variable that the old one spells.

    The log shows `/builds/team/app/docker`, the file says `$CI_PROJECT_DIR/docker/Dockerfile`.
    """
    folder, slash, _ = old.rstrip("\"'").rpartition("/")
    quote = next((q for q in "\"'" if old.endswith(q) and folder.count(q) % 2), "")
    return f"{folder}{quote}" if slash and _same(old, new) and _says(folder, new) else new


def _says(old: str, new: str) -> bool:
    """Say whether a path with a variable in it may be this path."""
    if "$" not in old or "$" in new:
        return False
    tail = re.split(r"\$\{?\w+\}?", old.rstrip("\"'"))[-1]
    known = tail.startswith("/") or re.search(r"\$\{?CI_PROJECT_DIR\}?$", old.rstrip("\"'"))
    return bool(known) and new.rpartition("=")[2].strip("\"'").endswith(tail)


def _end_before(run: Run, group: Group) -> int:
    return max((w.end for w in run.words if w.end <= group.start), default=group.start)


def _insertion(run: Run, groups: Sequence[Group], new: Sequence[str]) -> list[ValueEdit]:
    if not new:
        return []
    own = [w.text for w in run.words[: run.first]]
    place = _end_of_options([*own, *(g.text for g in groups)]) - len(own)
    if place <= 0:
        end = run.words[run.first - 1].end
        return [ValueEdit(end, end, " " + " ".join(new))]
    last = groups[place - 1]
    blank = (_end_before(run, last), last.start)
    return [ValueEdit(last.end, last.end, option, blank) for option in new]


def edited_value(value: str, edits: Sequence[ValueEdit]) -> str:
    """Return a string with the edits made."""
    for edit in sorted(edits, key=lambda e: e.start, reverse=True):
        blank = value[slice(*edit.blank)] if edit.blank else ""
        value = value[: edit.start] + blank + edit.text + value[edit.end :]
    return value


def scalar_splices(text: str, node: Node, edits: Sequence[ValueEdit], *, brackets: bool = False) -> list[Splice]:
    """Return the splices that make the edits in a scalar where it stands, spelled as it is.

    `brackets` says whether it stands in a list or mapping in brackets.
    """
    if not node.style:
        new = edited_value(node.value, edits)
        if not is_plain(new.replace("\n", " "), flow=brackets):
            return [Splice(node.inner, node.end, quoted(new))]
    chars = char_map(text, node)
    made: dict[tuple[int, int], str] = {}
    for edit in edits:
        start, end = _place(chars, edit.start, edit.end)
        blank = text[slice(*_between(chars, *edit.blank))] if edit.blank else ""
        made[start, end] = made.get((start, end), "") + blank + _spelled(edit.text, node.style)
    return [Splice(start, end, new) for (start, end), new in made.items()]


def _place(chars: Sequence[Char], start: int, end: int) -> tuple[int, int]:
    first = chars[start].start if start < end else chars[start - 1].end
    return first, chars[end - 1].end if end > start else first


def _between(chars: Sequence[Char], start: int, end: int) -> tuple[int, int]:
    return chars[start - 1].end if start else chars[0].start, chars[end].start


def _spelled(text: str, style: str) -> str:
    if style == '"':
        return quoted(text)[1:-1]
    return text.replace("'", "''") if style == "'" else text
