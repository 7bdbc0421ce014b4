"""From YAML text to its nodes, each with the place where it stands in the text.

ruamel.yaml's events give the places; nothing is resolved, constructed or dumped. Aliases stay nodes of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from bkdoctor.fixes.result import CannotEdit

Kind = Literal["scalar", "map", "seq", "alias"]
_MAX_NODES = 100_000
_MAX_DEPTH = 12


@dataclass(slots=True)
class Node:
    """A node of a YAML document."""

    kind: Kind
    start: int
    """Where it begins, its anchor and tag included."""
    end: int
    """Behind its last character; the blank lines that follow a block are not its own."""
    column: int = 0
    """Of its first key or dash, or of a scalar's own text."""
    value: str = ""
    """A scalar's value, an alias's name."""
    style: str = ""
    """A scalar's quote or block sign; `flow` for a collection in brackets."""
    tag: str = ""
    anchor: str = ""
    inner: int = 0
    """Where it begins behind its anchor and tag."""
    items: list["Node"] = field(default_factory=list)
    pairs: list[tuple["Node", "Node"]] = field(default_factory=list)
    target: "Node | None" = None
    """What an alias stands for."""

    @property
    def flow(self) -> bool:
        """Whether it is a collection in brackets."""
        return self.style == "flow"

    @property
    def null(self) -> bool:
        """Whether nothing stands there, or a word for nothing."""
        return self.kind == "scalar" and not self.style and not self.tag and self.value in ("", "~", "null")

    @property
    def real(self) -> "Node":
        """The node itself, or what the alias stands for."""
        return self.target if self.target is not None else self

    def get(self, key: str) -> "Node | None":
        """Return the value of a mapping's own key."""
        return next((v for k, v in self.pairs if k.value == key and k.kind == "scalar"), None)

    def merged(self, key: str, depth: int = 0) -> "Node | None":
        """Return the value that a mapping has for a key through `<<`."""
        for name, value in self.pairs if depth < _MAX_DEPTH else ():
            if name.value != "<<" or name.style:
                continue
            real = value.real
            for source in [item.real for item in real.items] if real.kind == "seq" else [real]:
                there = source.get(key) or source.merged(key, depth + 1)
                if there is not None:
                    return there
        return None

    def key(self, key: str) -> "Node":
        """Return the node of a mapping's own key."""
        return next(k for k, _ in self.pairs if k.value == key)

    def walk(self) -> Iterator["Node"]:
        """Yield this node and all below it; what an alias stands for is not followed."""
        yield self
        for pair in self.pairs:
            for node in pair:
                yield from node.walk()
        for item in self.items:
            yield from item.walk()


@lru_cache(maxsize=32)
def documents(text: str) -> tuple[Node, ...]:
    """Return the root of each document of a text; nobody changes a node. Raises CannotEdit."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        events = list(YAML(typ="safe", pure=True).parse(text))
        return tuple(_Reader(text, events).read())
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise CannotEdit(f"it is not valid YAML{where}: {problem}") from error
    except (RecursionError, ValueError) as error:
        raise CannotEdit("it cannot be read as YAML") from error


class _Reader:
    def __init__(self, text: str, events: list[Any]) -> None:
        self.text = text
        self.events = iter(events)
        self.anchors: dict[str, Node] = {}
        self.count = 0

    def read(self) -> list[Node]:
        roots = []
        for event in self.events:
            if type(event).__name__ == "DocumentStartEvent":
                self.anchors = {}
                roots.append(self._node(next(self.events)))
        return roots

    def _node(self, event: Any) -> Node:
        self.count += 1
        if self.count > _MAX_NODES:
            raise CannotEdit("it is too large")
        name = type(event).__name__
        start = event.start_mark.index
        if name == "AliasEvent":
            target = self.anchors.get(event.anchor)
            if target is None:
                raise CannotEdit(f"its alias *{event.anchor} stands for nothing")
            return Node("alias", start, event.end_mark.index, value=event.anchor, target=target, inner=start)
        node = Node("scalar", start, event.end_mark.index, tag=_tag(event), anchor=event.anchor or "", inner=start)
        node.inner = self._behind_properties(node)
        if event.anchor:
            self.anchors[event.anchor] = node
        if name == "ScalarEvent":
            return self._scalar(node, event)
        node.style = "flow" if event.flow_style else ""
        (self._mapping if name == "MappingStartEvent" else self._sequence)(node)
        return node

    def _behind_properties(self, node: Node) -> int:
        position = node.start
        for _ in range(bool(node.anchor) + bool(node.tag)):
            while position < node.end and not self.text[position].isspace():
                position += 1
            while position < len(self.text) and self.text[position] in " \t\r\n":
                position += 1
        return position

    def _scalar(self, node: Node, event: Any) -> Node:
        node.value = event.value
        node.style = event.style or ""
        node.column = self._column(node.inner)
        body = self.text[node.inner : node.end]
        if node.style in ("|", ">") and "+" not in body.partition("\n")[0]:
            node.end = node.inner + len(body.rstrip(" \t\r\n"))
        elif node.style in ("|", ">"):
            node.end -= len(body) - len(body.rstrip("\r\n")) and (1 + body.endswith("\r\n"))
        return node

    def _mapping(self, node: Node) -> None:
        node.kind = "map"
        while type(event := next(self.events)).__name__ != "MappingEndEvent":
            key = self._node(event)
            value = self._node(next(self.events))
            node.pairs.append((key, value))
        if node.flow:
            node.end = event.end_mark.index
        elif node.pairs:
            key, value = node.pairs[-1]
            node.inner = node.pairs[0][0].start
            node.end = max(value.end, key.end + 1)
        node.column = self._column(node.inner)

    def _sequence(self, node: Node) -> None:
        node.kind = "seq"
        while type(event := next(self.events)).__name__ != "SequenceEndEvent":
            node.items.append(self._node(event))
        if node.flow:
            node.end = event.end_mark.index
        elif node.items:
            node.end = max(node.items[-1].end, node.inner + 1)
        node.column = self._column(node.inner)

    def _column(self, position: int) -> int:
        column = position - (self.text.rfind("\n", 0, position) + 1)
        # a byte order mark is no column
        return column - 1 if self.text.startswith("\ufeff") and position == column else column


def _tag(event: Any) -> str:
    tag = event.tag
    return "" if tag is None else str(tag)
