"""From nodes to YAML text as a file writes it itself: lines of a block, or one line in brackets, without comments."""

import json
import re
from typing import NamedTuple

from bkdoctor.fixes.yaml_tree import Node

_PLAIN = re.compile(r"(?![-?:](?:\s|$))[^\s\[\]{}\"'|>%@`!&*#,][^\n]*")
_NOT_PLAIN = re.compile(r":(?:\s|$)|\s#|\s$|[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\u2028\u2029]|\t")
_RESOLVED = re.compile(
    r"(?i:true|false|yes|no|on|off|y|n|null|~|\.inf|\.nan|<<|=)|[-+]?[0-9][0-9_,:.eExXoO+a-fA-F-]*|[-+]?\.[0-9]+"
)
_STANDARD_TAG = "tag:yaml.org,2002:"


class Style(NamedTuple):
    """How a file indents: a mapping below its key, and the dash of a list below its key."""

    step: int = 2
    dash: int = 2


def style_of(root: Node) -> Style:
    """Return how most of a document is indented."""
    steps: list[int] = []
    dashes: list[int] = []
    for node in root.walk():
        for key, value in node.pairs if not node.flow else ():
            if value.kind == "map" and not value.flow and value.pairs:
                steps.append(value.column - key.column)
            if value.kind == "seq" and not value.flow and value.items:
                dashes.append(value.column - key.column)
    step = _most([n for n in steps if n], 2)
    return Style(step, _most(dashes, step))


def _most(numbers: list[int], otherwise: int) -> int:
    usual = [n for n in numbers if 0 <= n <= 8]
    return max(sorted(set(usual)), key=usual.count, default=otherwise)


def text_node(value: str) -> Node:
    """Return a node for a string, plain where YAML lets it be."""
    return Node("scalar", 0, 0, value=value, style="" if is_plain(value) and not _RESOLVED.fullmatch(value) else '"')


def list_node(items: list[Node]) -> Node:
    """Return a node for a list."""
    return Node("seq", 0, 0, items=items)


def map_node(pairs: list[tuple[str, Node]]) -> Node:
    """Return a node for a mapping."""
    return Node("map", 0, 0, pairs=[(text_node(key), value) for key, value in pairs])


def is_plain(value: str, *, flow: bool = False) -> bool:
    """Say whether a string may stand without quotes."""
    if not _PLAIN.fullmatch(value) or _NOT_PLAIN.search(value):
        return False
    return not (flow and re.search(r"[,\[\]{}]", value))


def pair_lines(key: Node, value: Node, indent: int, style: Style) -> list[str]:
    """Return the lines of a key and its value in a block."""
    return _below(" " * indent + in_brackets(key, flow=False) + ":", value, indent, style, style.dash)


def item_lines(item: Node, indent: int, style: Style) -> list[str]:
    """Return the lines of a list's item in a block."""
    node, head = item.real, " " * indent + "-"
    if node.kind == "map" and node.pairs and not node.flow and not node.tag:
        lines = [line for k, v in node.pairs for line in pair_lines(k, v, indent + 2, style)]
        return [f"{head} {lines[0].lstrip(' ')}", *lines[1:]]
    return _below(head, node, indent, style, 2)


def value_lines(value: Node, indent: int, style: Style) -> list[str]:
    """Return what stands behind `key:`, with its blank, and the lines below; `indent` is the key's."""
    return _below("", value, indent, style, style.dash)


def _below(head: str, value: Node, indent: int, style: Style, dash: int) -> list[str]:
    node = value.real
    if node.kind == "scalar":
        lines = scalar_lines(node, indent + style.step)
        return [f"{head} {lines[0]}".rstrip(" ") if not node.null else head, *lines[1:]]
    if node.flow or node.tag or not (node.pairs or node.items):
        return [f"{head} {in_brackets(node)}"]
    if node.kind == "map":
        return [head, *(line for k, v in node.pairs for line in pair_lines(k, v, indent + style.step, style))]
    return [head, *(line for item in node.items for line in item_lines(item, indent + dash, style))]


def scalar_lines(node: Node, indent: int) -> list[str]:
    """Return a scalar: a literal block where it has several lines, its content indented; else one line."""
    value = node.value
    if "\n" not in value.rstrip("\n") and node.style not in ("|", ">"):
        return [in_brackets(node, flow=False)]
    if not value.strip() or value[0] in " \t\n" or re.search(r"[ \t]\n|[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff]", value):
        return [_tagged(node, quoted(value))]
    keep = "" if value.endswith("\n") and not value.endswith("\n\n") else "+" if value.endswith("\n") else "-"
    body = value[:-1] if value.endswith("\n") else value
    return [_tagged(node, f"|{keep}"), *(f"{' ' * indent}{line}" if line else "" for line in body.split("\n"))]


def in_brackets(value: Node, *, flow: bool = True) -> str:
    """Return a node in one line, a collection in brackets; `flow` says whether brackets stand around it."""
    node = value.real
    if node.kind == "map":
        inner = ", ".join(f"{in_brackets(k)}: {in_brackets(v)}" for k, v in node.pairs)
        return _tagged(node, f"{{{inner}}}")
    if node.kind == "seq":
        return _tagged(node, f"[{', '.join(in_brackets(i) for i in node.items)}]")
    return _tagged(node, _in_line(node, flow=flow))


def _in_line(node: Node, *, flow: bool) -> str:
    value = node.value
    if node.null or (node.style == "" and is_plain(value, flow=flow)):
        return value
    if node.style == "'" and re.fullmatch(r"[\x20-\x7e\xa0-\ud7ff\ue000-\ufefe]*", value):
        return "'" + value.replace("'", "''") + "'"
    return quoted(value)


def quoted(value: str) -> str:
    """Return a string in double quotes."""
    text = json.dumps(value, ensure_ascii=False)
    return re.sub(r"[\x7f-\x9f\ufeff\u2028\u2029]", lambda m: f"\\u{ord(m[0]):04x}", text)


def _tagged(node: Node, text: str) -> str:
    if not node.tag:
        return text
    tag = node.tag
    return f"{'!!' + tag.removeprefix(_STANDARD_TAG) if tag.startswith(_STANDARD_TAG) else tag} {text}"
