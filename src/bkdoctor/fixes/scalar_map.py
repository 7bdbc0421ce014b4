"""From a YAML scalar to where each character of its value stands in the text, so that a value is edited in place."""

import re
from typing import NamedTuple

from bkdoctor.fixes.result import CannotEdit
from bkdoctor.fixes.yaml_tree import Node

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip


class Char(NamedTuple):
    """A character of a value and the part of the text that stands for it."""

    char: str
    start: int
    end: int


def char_map(text: str, node: Node) -> list[Char]:
    """Return the characters of a scalar's value with their places. Raises CannotEdit."""
    chars = _block(text, node) if node.style in ("|", ">") else _flow(text, node)
    # a value's last line breaks may be fewer or more than the text has
    if "".join(c.char for c in chars).rstrip("\n") != node.value.rstrip("\n"):
        raise CannotEdit(f"the string in line {text.count(chr(10), 0, node.start) + 1} cannot be edited in place")
    return chars


def _block(text: str, node: Node) -> list[Char]:
    head = text.index("\n", node.inner) + 1
    lines: list[tuple[int, int, int]] = []
    while head < node.end:
        stop = text.find("\n", head)
        stop = len(text) if stop < 0 else stop
        lines.append((head, stop - (text[head:stop][-1:] == "\r"), stop + 1))
        head = stop + 1
    indent = _indent(text, node, lines)
    content = [(min(start + indent, end), end, after) for start, end, after in lines]
    return _joined(text, content, folded=node.style == ">")


def _indent(text: str, node: Node, lines: list[tuple[int, int, int]]) -> int:
    first = next((line for line in lines if text[line[0] : line[1]].strip()), None)
    value = next((v for v in node.value.split("\n") if v.strip()), "")
    if first is None:
        return 0
    body = text[first[0] : first[1]]
    return len(body) - len(body.lstrip(" ")) - (len(value) - len(value.lstrip(" ")))


def _joined(text: str, lines: list[tuple[int, int, int]], *, folded: bool) -> list[Char]:
    out: list[Char] = []
    for number, (start, end, after) in enumerate(lines):
        out += [Char(text[i], i, i + 1) for i in range(start, end)]
        nearby = lines[number + 1][0] if number + 1 < len(lines) else after
        out += [Char(c, end, nearby) for c in (_fold(text, lines, number) if folded else "\n")]
    return out


def _fold(text: str, lines: list[tuple[int, int, int]], number: int) -> str:
    """Return what the end of a line in a folded block stands for."""

    def body(n: int) -> str:
        return text[lines[n][0] : lines[n][1]] if n < len(lines) else ""

    here, below = body(number), body(number + 1)
    if number + 1 == len(lines) or not here:
        return "\n"
    following = next((body(n) for n in range(number + 1, len(lines)) if body(n)), "")
    if here[0] in " \t" or following[:1] in (" ", "\t"):
        return "\n"
    return " " if below else ""


def _flow(text: str, node: Node) -> list[Char]:
    quote = node.style if node.style in ("'", '"') else ""
    position, stop = node.inner + len(quote), node.end - len(quote)
    out: list[Char] = []
    while position < stop:
        char, end = text[position], position + 1
        if char in " \t\r\n":
            end = re.compile(r"[ \t\r\n]+").match(text, position, stop).end()  # type: ignore[union-attr]
            out += _blank(text, position, end)
        elif char == "\\" and quote == '"':
            end = _escaped(text, position, out)
        elif char == "'" and quote == "'":
            end = position + 2
            out.append(Char("'", position, end))
        else:
            out.append(Char(char, position, end))
        position = end
    return out


def _blank(text: str, start: int, end: int) -> list[Char]:
    breaks = text.count("\n", start, end)
    if not breaks:
        return [Char(text[i], i, i + 1) for i in range(start, end)]
    if breaks == 1:
        return [Char(" ", start, end)]
    return [Char("\n", start, end), *[Char("\n", end, end)] * (breaks - 2)]


def _escaped(text: str, position: int, out: list[Char]) -> int:
    broken = re.compile(r"\\\r?\n[ \t]*").match(text, position)
    if broken:
        return broken.end()
    match = _ESCAPE.match(text, position)
    if match is None:
        raise CannotEdit("a string holds an escape that is not known")
    number = match[1] or match[2] or match[3]
    char = chr(int(number, 16)) if number else _ESCAPES.get(match[4], match[4])
    out.append(Char(char, position, match.end()))
    return match.end()
