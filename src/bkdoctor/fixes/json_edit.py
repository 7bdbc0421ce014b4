"""From a partial JSON document and a file (daemon.json) to the file with the one merged into the other.

Objects merge by key, a value replaces, an array gains what it lacks; the rest of the text stays as it is written.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from bkdoctor.fixes.result import CannotEdit, Splice, line_start, spliced

_BLANK = re.compile(r"[ \t\r\n]*")
_ASSIGNED = re.compile(r"([A-Za-z_][\w.-]*)=")


@dataclass(slots=True)
class Value:
    """A value and where it stands."""

    start: int
    end: int
    data: Any
    members: dict[str, "Value"] = field(default_factory=dict)
    items: list["Value"] = field(default_factory=list)


def edit_json(text: str | None, snippet: str) -> str:
    """Return a JSON file with a snippet merged into it; a file that is not there begins with the snippet."""
    new = _load(snippet)
    if text is None or not text.strip("\ufeff \t\r\n"):
        return json.dumps(new, indent=2, ensure_ascii=False) + "\n"
    _load(text.removeprefix("\ufeff"))
    root = _Reader(text).read()
    if not isinstance(root.data, dict) or not isinstance(new, dict):
        raise CannotEdit("it holds no object")
    splices: list[Splice] = []
    _merge(text, root, new, splices)
    return spliced(text, splices)


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise CannotEdit(f"it is not valid JSON: {error}") from error


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.decoder = json.JSONDecoder()

    def read(self) -> Value:
        return self._value(1 if self.text.startswith("\ufeff") else 0)

    def _skip(self, position: int) -> int:
        match = _BLANK.match(self.text, position)
        return match.end() if match else position

    def _value(self, position: int) -> Value:
        start = self._skip(position)
        data, end = self.decoder.raw_decode(self.text, start)
        value = Value(start, end, data)
        if data and isinstance(data, dict | list):
            self._members(value)
        return value

    def _members(self, value: Value) -> None:
        position = value.start + 1
        while self.text[position - 1] not in "]}" or position == value.start + 1:
            name = None
            if isinstance(value.data, dict):
                name, position = self.decoder.raw_decode(self.text, self._skip(position))
                position = self.text.index(":", position) + 1
            member = self._value(position)
            if name is None:
                value.items.append(member)
            else:
                value.members[name] = member
            position = self._skip(member.end) + 1


def _merge(text: str, old: Value, new: dict[str, Any], splices: list[Splice]) -> None:
    lacking = {}
    for key, value in new.items():
        there = old.members.get(key)
        if there is None:
            lacking[key] = value
        elif isinstance(there.data, dict) and isinstance(value, dict):
            _merge(text, there, value, splices)
        elif isinstance(there.data, list) and isinstance(value, list):
            _merge_list(text, there, value, splices)
        elif there.data != value or isinstance(there.data, bool) != isinstance(value, bool):
            splices.append(Splice(there.start, there.end, json.dumps(value, ensure_ascii=False)))
    last = list(old.members.values())[-1:] or None
    _add(text, old, last[0] if last else None, lacking, splices)


def _merge_list(text: str, old: Value, new: list[Any], splices: list[Splice]) -> None:
    lacking = []
    for value in new:
        same = next((item for item in old.items if _same(item.data, value)), None)
        if value in old.data:
            continue
        if same is None:
            lacking.append(value)
        else:
            splices.append(Splice(same.start, same.end, json.dumps(value, ensure_ascii=False)))
    _add(text, old, old.items[-1] if old.items else None, lacking, splices)


def _same(one: object, other: object) -> bool:
    if not isinstance(one, str) or not isinstance(other, str):
        return False
    mine, theirs = _ASSIGNED.match(one), _ASSIGNED.match(other)
    return bool(mine and theirs and mine[1] == theirs[1])


def _add(text: str, old: Value, last: Value | None, new: dict[str, Any] | list[Any], splices: list[Splice]) -> None:
    """Put members or items behind the last one, each on a line of its own if that one has one."""
    if not new:
        return
    own = text[line_start(text, old.start) :]
    outer = own[: len(own) - len(own.lstrip(" \t"))]
    if last is None:
        written = json.dumps(new, indent=2, ensure_ascii=False).replace("\n", f"\n{outer}")
        splices.append(Splice(old.start, old.end, written))
        return
    head = text[line_start(text, last.start) : last.start]
    indent = head[: len(head) - len(head.lstrip(" \t"))]
    lined = "\n" in text[old.start : last.start]
    unit = indent[len(outer) :] or "  "
    parts = [_written(p, unit if lined else None, indent) for p in _parts(new)]
    glue = f",\n{indent}" if lined else ", "
    splices.append(Splice(last.end, last.end, "".join(glue + part for part in parts)))


def _parts(new: dict[str, Any] | list[Any]) -> list[tuple[str | None, Any]]:
    return list(new.items()) if isinstance(new, dict) else [(None, value) for value in new]


def _written(part: tuple[str | None, Any], unit: str | None, indent: str) -> str:
    key, value = part
    text = json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", f"\n{indent}")
    return text if key is None else f"{json.dumps(key, ensure_ascii=False)}: {text}"
