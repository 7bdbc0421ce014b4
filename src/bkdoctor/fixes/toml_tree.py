"""From TOML text to its tables and keys with their places; `tomllib` has no places, and says whether it is valid."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bkdoctor.fixes.result import CannotEdit, next_line

Key = tuple[str, ...]

_PART = re.compile(r"""[ \t]*("(?:\\.|[^"\\\n])*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*(\.?)""")
_STRING = re.compile(
    r'"{3}(?:\\.|[^\\])*?"{3,5}' r"|'{3}.*?'{3,5}" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'",
    re.DOTALL,
)
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[^\s,\]}#]+(?: \d[^\s,\]}#]*)?")


@dataclass(slots=True)
class Entry:
    """A key with its value."""

    key: Key
    start: int
    value_start: int
    value_end: int

    def data(self, text: str) -> Any:
        """Return the value."""
        return tomllib.loads(f"x = {text[self.value_start : self.value_end]}")["x"]


@dataclass(slots=True)
class Table:
    """A header with the keys below it; the first table of a text has no header."""

    key: Key
    array: bool
    start: int
    """Where its header's bracket stands."""
    head_end: int
    """Where the line after its header begins."""
    indent: str = ""
    entries: list[Entry] = field(default_factory=list)

    def end(self, text: str) -> int:
        """Return where the line after its last key begins."""
        return next_line(text, self.entries[-1].value_end) if self.entries else self.head_end

    def get(self, key: Key) -> Entry | None:
        """Return the entry of a key."""
        return next((e for e in self.entries if e.key == key), None)


def parse(text: str) -> dict[str, Any]:
    """Return the data of a text. Raises CannotEdit."""
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise CannotEdit(f"it is not valid TOML: {error}") from error


def scan(text: str) -> list[Table]:
    """Return the tables of a valid text in their order."""
    position = 1 if text.startswith("\ufeff") else 0
    tables = [Table((), False, position, position)]
    while (position := _blank(text, position)) < len(text):
        if text[position] == "[":
            table = _header(text, position)
            tables.append(table)
            position = _close(text, position)
        else:
            entry = _entry(text, position)
            tables[-1].entries.append(entry)
            position = entry.value_end
    return tables


def _blank(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return match.end() if match else position


def _header(text: str, position: int) -> Table:
    array = text.startswith("[[", position)
    key, end = _key(text, position + (2 if array else 1))
    start = text.rfind("\n", 0, position) + 1
    return Table(key, array, position, next_line(text, end), text[start:position].lstrip("\ufeff"))


def _close(text: str, position: int) -> int:
    _, end = _key(text, position + (2 if text.startswith("[[", position) else 1))
    while end < len(text) and text[end] in " \t]":
        end += 1
    return end


def _key(text: str, position: int) -> tuple[Key, int]:
    parts: list[str] = []
    while match := _PART.match(text, position):
        position = match.end()
        raw = match[1]
        parts.append(tomllib.loads(f"x = {raw}")["x"] if raw[0] in "\"'" else raw)
        if not match[2]:
            break
    return tuple(parts), position


def _entry(text: str, start: int) -> Entry:
    key, position = _key(text, start)
    value = re.compile(r"[ \t]*=[ \t]*").match(text, position)
    if not key or value is None:
        raise CannotEdit(f"its line {text.count(chr(10), 0, start) + 1} is not understood")
    return Entry(key, start, value.end(), value_end(text, value.end()))


def value_end(text: str, position: int) -> int:
    """Return where a value ends."""
    if text[position] in "[{":
        close = "]" if text[position] == "[" else "}"
        *_, end = (position + 1, *(e for _, e in items(text, position)))
        end = _blank(text, end)
        end = _blank(text, end + 1) if text[end : end + 1] == "," else end
        if text[end : end + 1] != close:
            raise CannotEdit(f"its line {text.count(chr(10), 0, position) + 1} is not understood")
        return end + 1
    match = _STRING.match(text, position) or _BARE.match(text, position)
    if match is None:
        raise CannotEdit(f"its line {text.count(chr(10), 0, position) + 1} is not understood")
    return match.end()


def items(text: str, position: int) -> Iterator[tuple[int, int]]:
    """Yield where the items of an array, or the entries of an inline table, begin and end."""
    close = "]" if text[position] == "[" else "}"
    position = _blank(text, position + 1)
    while text[position : position + 1] not in (close, ""):
        end = value_end(text, position) if close == "]" else _entry(text, position).value_end
        yield position, end
        position = _blank(text, end)
        if text[position : position + 1] == ",":
            position = _blank(text, position + 1)


def inline_entries(text: str, position: int) -> list[Entry]:
    """Return the entries of an inline table."""
    return [_entry(text, start) for start, _ in items(text, position)]
