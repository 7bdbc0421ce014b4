"""From a change to a YAML document to splices of its text: keys and items added, values replaced, where they stand."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bkdoctor.fixes.result import CannotEdit, Splice, inserted_lines, line_start, next_line, spliced
from bkdoctor.fixes.yaml_tree import Node
from bkdoctor.fixes.yaml_write import Style, in_brackets, item_lines, pair_lines, value_lines

Pair = tuple[Node, Node]


@dataclass(slots=True)
class Sheet:
    """A text under change: it collects splices, which `text_after` makes all at once."""

    text: str
    style: Style
    splices: list[Splice] = field(default_factory=list)

    def text_after(self) -> str:
        """Return the text with everything that was asked for."""
        return spliced(self.text, self.splices)

    def add_pairs(
        self, target: Node, pairs: Sequence[Pair], *, before: Node | None = None, apart: bool = False
    ) -> None:
        """Put keys into a mapping: above the key `before`, else at its end, `apart` by a blank line."""
        if not pairs:
            return
        if target.flow:
            last = target.pairs[-1][1] if target.pairs else None
            inner = ", ".join(f"{in_brackets(k)}: {in_brackets(v)}" for k, v in pairs)
            self._into_brackets(target, last, inner)
            return
        lines = [line for k, v in pairs for line in pair_lines(k, v, target.column, self.style)]
        lines = ["", *lines] if apart else lines
        self._lines(target, before.start if before else None, lines)

    def add_items(self, target: Node, items: Sequence[Node], index: int | None = None) -> None:
        """Put items into a list: before the item number `index`, else at its end."""
        if not items:
            return
        at = target.items[index] if index is not None and index < len(target.items) else None
        if target.flow:
            inner = ", ".join(in_brackets(i) for i in items)
            if at is not None:
                self.splices.append(Splice(at.start, at.start, f"{inner}, "))
            else:
                self._into_brackets(target, target.items[-1] if target.items else None, inner)
            return
        lines = [line for item in items for line in item_lines(item, target.column, self.style)]
        self._lines(target, self._dash(target, at) if at else None, lines)

    def _into_brackets(self, target: Node, last: Node | None, inner: str) -> None:
        at, text = (last.end, f", {inner}") if last else (target.inner + 1, inner)
        if last is not None and last.start == last.end:
            raise CannotEdit("a value in brackets is empty")
        self.splices.append(Splice(at, at, text))

    def _lines(self, target: Node, before: int | None, lines: Sequence[str]) -> None:
        if before is None:
            self.splices.append(inserted_lines(self.text, next_line(self.text, max(target.end - 1, 0)), lines))
            return
        start = line_start(self.text, before)
        if self.text[start:before].strip(" "):
            raise CannotEdit(f"line {self.text.count(chr(10), 0, before) + 1} holds more than one thing")
        self.splices.append(inserted_lines(self.text, self._above_comments(start, before - start), lines))

    def _above_comments(self, start: int, column: int) -> int:
        """Return where the comments begin that stand directly above a line and as far in as it does."""
        while start > 0:
            above = line_start(self.text, start - 1)
            line = self.text[above:start]
            if not line.startswith(" " * column + "#"):
                break
            start = above
        return start

    def _dash(self, target: Node, item: Node) -> int:
        """Return where the dash of an item stands."""
        position = item.start
        while position >= target.inner:
            start = line_start(self.text, position)
            dash = target.inner if start <= target.inner <= position else start + target.column
            if self.text[dash : dash + 1] == "-":
                return dash
            position = start - 1
        raise CannotEdit("a list's dash was not found")

    def replace(self, target: Node, key: str, value: Node, *, brackets: bool) -> None:
        """Let a key have another value; `brackets` says whether the mapping stands in brackets."""
        key_node, old = target.key(key), target.get(key)
        if old is None:
            raise CannotEdit(f"the key {key} is gone")
        if brackets or target.flow:
            if old.start == old.end:
                raise CannotEdit(f"{key} has no value in its brackets")
            self.splices.append(Splice(old.start, old.end, in_brackets(value)))
            return
        colon = self.text.index(":", key_node.end)
        self._value(colon + 1, old, value_lines(value, target.column, self.style))

    def replace_item(self, target: Node, index: int, value: Node, *, brackets: bool) -> None:
        """Let an item of a list be another."""
        old = target.items[index]
        if brackets or target.flow:
            self.splices.append(Splice(old.start, old.end, in_brackets(value)))
            return
        dash = self._dash(target, old)
        first, *rest = item_lines(value, target.column, self.style)
        self._value(dash + 1, old, [first.lstrip(" ")[1:], *rest])

    def _value(self, behind: int, old: Node, lines: Sequence[str]) -> None:
        """Put a value behind a colon or dash; a comment behind an old one that ends in this line stays in it."""
        first, *rest = lines
        end = max(old.end, behind)
        here = "\n" not in self.text[behind:end]
        if not rest and here and old.start < old.end:
            start = old.inner if old.anchor and not old.tag else old.start
            self.splices.append(Splice(start, end, first.strip(" ")))
            return
        if not rest or not here:
            self.splices.append(Splice(behind, end, "\n".join(lines)))
            return
        # a block scalar's sign may have a comment behind it, as may any other first line
        self.splices.append(Splice(behind, end, first))
        self.splices.append(inserted_lines(self.text, next_line(self.text, end), rest))
