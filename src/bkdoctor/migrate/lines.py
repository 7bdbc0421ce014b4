"""The strings of a job's scripts in their file -> the file with others in their place.

A line that goes is marked first and taken out when the job's new lines have found their places beside it.
"""

import re

from bkdoctor.fixes.ci_config import SCRIPTS, File, Found
from bkdoctor.fixes.ci_scripts import put_key
from bkdoctor.fixes.result import CannotEdit, Splice, line_start, next_line
from bkdoctor.fixes.workspace import Workspace
from bkdoctor.fixes.yaml_edit import Sheet
from bkdoctor.fixes.yaml_tree import Node
from bkdoctor.fixes.yaml_write import list_node, text_node
from bkdoctor.migrate.script import Plan

_MAKES_HOME = 'mkdir -p "$HOME/.docker"'
_GONE = ": # gone"
"""Stands for a line that goes until the new ones have found their places."""
_BUILD = re.compile(r"kaniko/executor|docker (?:image |buildx |builder )?build\b|buildctl")
Place = tuple[str, Found, File, Node]
"""The script's key, its value, and the file and the node of one of its strings."""


def distinct(places: list[Place]) -> list[Place]:
    """Leave out a string that a job refers to twice."""
    unique: dict[int, Place] = {}
    for place in places:
        unique.setdefault(id(place[3]), place)
    return list(unique.values())


def part(space: Workspace, places: list[Place], texts: list[str], plan: Plan) -> bool:
    """Give the job lines of its own where it shares changed ones with jobs that do not build; say whether it did."""
    keys = [
        key
        for (key, _, _, node), old, new in zip(places, texts, plan.texts, strict=True)
        if old != new and any(not _builds(space, job) for job in space.config.users(node) if job != space.job)
    ]
    for key in dict.fromkeys(keys):
        config, job = space.config, space.job
        found = config.effective(job, key)
        assert found is not None
        lines = [line_node(node.value) for _, node in config.scalars(found)]
        own = config.own(job, key)
        file, _, entry = next(e for e in config.entries(job) if own is None or e[0] is own.file)
        put_key(space, file, entry, key, list_node(lines), replace=own is not None)
    return bool(keys)


def _builds(space: Workspace, job: str) -> bool:
    found = [space.config.effective(job, key) for key in SCRIPTS]
    texts = [node.value for f in found if f for _, node in space.config.scalars(f)]
    return any(_BUILD.search(text) for text in texts)


def line_node(text: str) -> Node:
    """Return a line of a script, in a block where its text ends with a newline."""
    node = text_node(text)
    node.style = "|" if text.endswith("\n") else node.style
    return node


def write(space: Workspace, places: list[Place], texts: list[str], plan: Plan) -> None:
    """Put the plan's strings where the old ones stand."""
    makes = any("mkdir" in text and ".docker" in text for text in plan.texts)
    sheets: dict[str, tuple[File, Sheet]] = {}
    for (_, _, file, node), old, new in zip(places, texts, plan.texts, strict=True):
        if old == new:
            continue
        if not makes and "$HOME/.docker" in new:
            new, makes = f"{_MAKES_HOME}\n{new}", True
        _, sheet = sheets.setdefault(file.path, (file, space.sheet(file)))
        ended = f"{new}\n" if "\n" in new and not new.endswith("\n") else new
        replace(sheet, file.root, node, line_node(ended if new.strip() else _GONE))
    for file, sheet in sheets.values():
        space.write(file, sheet.splices)


def _parent(root: Node, node: Node) -> tuple[Node, int]:
    """Return what a node stands in, and its place there."""
    for parent in root.walk():
        for number, (_, value) in enumerate(parent.pairs):
            if value is node:
                return parent, number
        for number, item in enumerate(parent.items):
            if item is node:
                return parent, number
    raise CannotEdit("a line of its script stands in a place that cannot be told")


def replace(sheet: Sheet, root: Node, node: Node, new: Node) -> None:
    """Put a node where another stands."""
    parent, number = _parent(root, node)
    if parent.kind == "map":
        sheet.replace(parent, parent.pairs[number][0].value, new, brackets=parent.flow)
    else:
        sheet.replace_item(parent, number, new, brackets=parent.flow)


def sweep(space: Workspace, home: str) -> None:
    """Take out the lines that have nothing to do any more, now that the others stand."""
    space.job = home
    while True:
        found = next((place for place in space.scripts(*SCRIPTS) if place[3].value == _GONE), None)
        if found is None:
            return
        _, _, file, node = found
        parent, number = _parent(file.root, node)
        sheet = space.sheet(file)
        if parent.kind == "map" or len(parent.items) == 1:
            empty = list_node([])
            empty.style = "flow"
            replace(sheet, file.root, node if parent.kind == "map" else parent, empty)
        elif parent.flow:
            last = number == len(parent.items) - 1
            start = parent.items[number - 1].end if last else node.start
            sheet.splices.append(Splice(start, node.end if last else parent.items[number + 1].start, ""))
        else:
            sheet.splices.append(Splice(line_start(file.text, node.start), next_line(file.text, node.end - 1), ""))
        space.write(file, sheet.splices)
