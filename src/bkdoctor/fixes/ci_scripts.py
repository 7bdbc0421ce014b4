"""From lines that a job's script lacks to the script with them, in their place: before what needs them, and once."""

from collections.abc import Sequence
from dataclasses import dataclass

from bkdoctor.fixes.ci_commands import add_options, merge_options
from bkdoctor.fixes.ci_config import SCRIPTS, File, Found
from bkdoctor.fixes.command_edit import groups_of
from bkdoctor.fixes.result import CannotEdit
from bkdoctor.fixes.script_lines import (
    BEFORE_BUILD,
    BEHIND,
    BOOTSTRAP,
    BUILD,
    CONTEXT,
    LOGIN,
    family_of,
    holds,
    only,
    rank,
    servers,
    slots,
)
from bkdoctor.fixes.shell_words import runs
from bkdoctor.fixes.workspace import Workspace
from bkdoctor.fixes.yaml_tree import Node
from bkdoctor.fixes.yaml_write import list_node, text_node

_ONCE = ("wait", "context", "bootstrap", "mkdir")
"""What a script does once, in whichever words."""
_ORDER = ("image", "services", "id_tokens", "variables", "before_script", "script")
_BELOW = frozenset({"after_script", "artifacts", "needs", "retry", "rules", "secrets", "timeout"})
"""Keys that stand below a script."""


@dataclass(slots=True)
class Line:
    """A new line, and the number of its place."""

    node: Node
    rank: int


def merge_script(space: Workspace, key: str, patch: Node, *, recipe: bool, section: bool) -> None:
    """Give a script of the job the lines of a fix. Raises CannotEdit.

    `section` says that the fix is a recipe for one section of a job that works: how it logs in is its own affair.
    """
    items = [item.real for item in patch.items] if patch.kind == "seq" else [patch]
    new: list[Line] = []
    for line in _ranked(items, key):
        text = line.node.value
        if family_of(text):
            add_options(space, text, recipe=recipe)
        elif section and (rank(text) == LOGIN or set(slots(text)) == {"mkdir"}):
            continue
        elif not _done(space, key, line.node):
            new.append(line)
    later = [line for line in new if key == "before_script" and _belongs_below(space, line)]
    for where, lines in (("script", later), (key, [line for line in new if line not in later])):
        if lines:
            _insert(space, where, lines)


def _belongs_below(space: Workspace, line: Line) -> bool:
    """Say whether a line for the builder must follow one that the job has in its script."""
    if not CONTEXT <= line.rank <= BOOTSTRAP:
        return False
    own = space.config.own(space.job, "script")
    ranks = [rank(node.value) for _, node in space.config.scalars(own)] if own else []
    return any(r is not None and CONTEXT <= r <= line.rank for r in ranks)


def _ranked(items: Sequence[Node], key: str) -> list[Line]:
    """Number the lines; one without a number of its own goes with the next that has one, or is behind the build."""
    lines: list[Line] = []
    following = BEFORE_BUILD if key != "after_script" else BUILD + 1
    built = next((n for n, item in enumerate(items) if family_of(item.value)), len(items))
    for n, item in reversed(list(enumerate(items))):
        own = rank(item.value)
        if n > built and not family_of(item.value):
            lines.insert(0, Line(item, BEHIND))
            continue
        following = own if own is not None and own < BUILD else following
        lines.insert(0, Line(item, following if own is None else own))
    return lines


def _done(space: Workspace, key: str, item: Node) -> bool:
    """Say whether the job does already what a line does, or see to it that the line which does it does it so."""
    keys = SCRIPTS if key == "after_script" else SCRIPTS[:2]
    texts = [node.value for _, _, _, node in space.scripts(*(keys if key != "after_script" else ("after_script",)))]
    if any(holds(text, item.value) for text in texts):
        return True
    mine = slots(item.value)
    theirs = [slots(text) for text in texts]
    if len(mine) == 1 and any(kind in mine and _same_slot(kind, mine, other) for other in theirs for kind in _ONCE):
        return True
    if "create" in mine and any("create" in other for other in theirs):
        _merge_create(space, item.value, theirs)
        return True
    return any(kind in mine and _replaced(space, item, kind, mine[kind]) for kind in ("write", "login"))


def _same_slot(kind: str, mine: dict[str, str], other: dict[str, str]) -> bool:
    return kind in other and (kind in ("context", "bootstrap") or mine[kind] == other[kind])


def _merge_create(space: Workspace, line: str, theirs: list[dict[str, str]]) -> None:
    """Give the job's own `docker buildx create` what the fix's has: options, and a context where it names none."""
    names = ("docker buildx create", "docker-buildx create")
    groups = [g.text for run in runs(line, names) for g in groups_of(run)]
    own = next((other["context"] for other in theirs if "context" in other), None)
    context = next((g for g in groups if not g.startswith("-")), None)
    options = [g for g in groups if g.startswith("-")]
    merge_options(space, names, options, recipe=True, argument=own if own and context else context)


def _replaced(space: Workspace, item: Node, kind: str, which: str) -> bool:
    """Put a line in the place of the job's own that does the same in another way."""
    for _, found, file, node in space.scripts("before_script", "script"):
        if slots(node.value).get(kind) != which:
            continue
        lost = servers(node.value) - servers(item.value) if kind == "write" else set()
        if lost:
            names = ", ".join(sorted(lost))
            raise CannotEdit(f"the job {space.job} writes {which} with an entry for {names}: add the new one there")
        index = _own_index(found, node)
        if index is None or not only(node.value, kind):
            continue
        sheet = space.sheet(file)
        sheet.replace_item(found.node, index, item, brackets=found.node.flow)
        space.write(file, sheet.splices)
        return True
    return False


def _own_index(found: Found, node: Node) -> int | None:
    if found.how != "own" or found.node.kind != "seq" or found.node.tag:
        return None
    return next((n for n, item in enumerate(found.node.items) if item is node), None)


def _insert(space: Workspace, key: str, lines: list[Line]) -> None:
    config, job = space.config, space.job
    own = config.own(job, key)
    if own is not None and own.node.kind == "scalar" and not own.node.null:
        _into_list(space, own, key)
        own = space.config.own(job, key)
    if own is not None and own.node.kind == "seq" and not own.node.tag:
        _into_own(space, own, lines)
        return
    behind = [line for line in lines if line.rank == BEHIND]
    if key == "script" and len(behind) < len(lines):
        _insert(space, "before_script", [line for line in lines if line.rank != BEHIND])
    if key == "script" and not (lines := behind):
        return
    inherited = _inherited(space, own, key)
    if inherited is None and key == "script":
        raise CannotEdit(_unknown_template(space))
    if inherited is None and key == "before_script" and _may_inherit(space):
        if (script := config.own(job, "script")) is None or script.node.kind == "alias":
            raise CannotEdit(_unknown_template(space))
        _insert(space, "script", lines)
        return
    new = [line.node for line in lines]
    _put(space, key, own, list_node(_with_inherited(space, inherited, lines) if inherited else new))


def _inherited(space: Workspace, own: Found | None, key: str) -> Found | None:
    if own is not None and not own.node.null:
        return Found(own.node, own.file, "merge", own.source)
    return space.config.inherited(space.job, key)


def _may_inherit(space: Workspace) -> bool:
    """Say whether a file that is not at hand may give the job a before_script."""
    config = space.config
    return config.whole is None and bool(config.missing or config.lost(space.job))


def _unknown_template(space: Workspace) -> str:
    what = ", ".join(space.config.lost(space.job) or space.config.missing)
    return f"the job {space.job} takes its script from {what}, which is not at hand: give that file with --file"


def _into_list(space: Workspace, own: Found, key: str) -> None:
    """Make a list of a script that is one string."""
    _, _, node = next(entry for entry in space.config.entries(space.job) if entry[0] is own.file)
    sheet = space.sheet(own.file)
    sheet.replace(node, key, list_node([own.node]), brackets=node.flow)
    space.write(own.file, sheet.splices)


def _into_own(space: Workspace, own: Found, lines: list[Line]) -> None:
    """Put each line before the first of the script that comes after it, none after a line that stands behind it."""
    ranks = [_rank_of_item(space, own, item) for item in own.node.items]
    behind = max((n + 1 for n, r in enumerate(ranks) if r == BUILD), default=len(ranks))
    places = [
        behind if line.rank == BEHIND else next((n for n, r in enumerate(ranks) if r > line.rank), len(ranks))
        for line in lines
    ]
    for n in reversed(range(len(places) - 1)):
        places[n] = min(places[n], places[n + 1])
    sheet = space.sheet(own.file)
    for place in sorted(set(places)):
        nodes = [line.node for line, p in zip(lines, places, strict=True) if p == place]
        sheet.add_items(own.node, nodes, place)
    space.write(own.file, sheet.splices)


def _rank_of_item(space: Workspace, own: Found, item: Node) -> int:
    texts = [node.value for _, node in space.config.scalars(Found(item, own.file, own.how, own.source))]
    return max((r for text in texts if (r := rank(text)) is not None), default=-1)


def _with_inherited(space: Workspace, inherited: Found, lines: list[Line]) -> list[Node]:
    """Return the inherited lines with the new ones: by reference where the new ones stand before or behind them all."""
    there = [node for _, node in space.config.scalars(inherited)]
    ranks = [rank(node.value) or -1 for node in there]
    new = [line.node for line in lines]
    reference = _reference(space, inherited)
    if reference is not None and all(r <= lines[0].rank for r in ranks):
        return [reference, *new]
    if reference is not None and there and ranks[0] > lines[-1].rank:
        return [*new, reference]
    out: list[Node] = []
    waiting = list(lines)
    for node, number in zip(there, ranks, strict=True):
        while waiting and number > waiting[0].rank:
            out.append(waiting.pop(0).node)
        out.append(node)
    return [*out, *(line.node for line in waiting)]


def _reference(space: Workspace, inherited: Found) -> Node | None:
    """Return `!reference [...]` to what is inherited, None if it stands under no key of the top."""
    for file in space.config.files:
        for key, value in file.root.pairs:
            for name, node in value.pairs if key.value != space.job else ():
                if node is inherited.node:
                    items = [text_node(key.value), text_node(name.value)]
                    return Node("seq", 0, 0, items=items, tag="!reference", style="flow")
    return None


def _put(space: Workspace, key: str, own: Found | None, value: Node) -> None:
    entries = list(space.config.entries(space.job))
    file, _, node = next((e for e in entries if own is not None and e[0] is own.file), entries[0])
    put_key(space, file, node, key, value, replace=own is not None)


def put_key(space: Workspace, file: File, node: Node, key: str, value: Node, *, replace: bool) -> None:
    """Give a job a key, above its script, or another value for one that it has."""
    sheet = space.sheet(file)
    if replace:
        sheet.replace(node, key, value, brackets=node.flow)
    else:
        later = _ORDER[_ORDER.index(key) + 1 :] if key in _ORDER else _ORDER[-2:]
        below = next((k for k, _ in node.pairs if k.value in later), None)
        sheet.add_pairs(node, [(text_node(key), value)], before=None if node.flow or key in _BELOW else below)
    space.write(file, sheet.splices)
