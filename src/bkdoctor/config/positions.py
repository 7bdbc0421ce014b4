"""The text of a TOML file -> the line on which each key stands; `tomllib` does not tell.

The text is known to be valid, so only as much is read of it as tells keys from values.
"""

import re
import tomllib

Path = tuple[str | int, ...]

_KEY = re.compile(r"""[ \t]*("(?:\\.|[^"\\])*"|'[^']*'|[A-Za-z0-9_-]+)[ \t]*(\.?)""")
_STRING = re.compile(
    r'"{3}(?:\\.|[^\\])*?"{3,5}' r"|'{3}.*?'{3,5}" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'",
    re.DOTALL,
)
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")


def positions(text: str) -> dict[Path, int]:
    """Return the line of each key by its path; an item of an array is a number in the path."""
    reader = _Reader(text)
    reader.read()
    return reader.lines


class _Reader:
    """Goes through the text once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._tables: dict[Path, int] = {}
        self.lines: dict[Path, int] = {}

    def read(self) -> None:
        table: Path = ()
        while self._skip_blank():
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table, ends="\n")

    def _skip_blank(self) -> bool:
        found = _BLANK.match(self._text, self._at)
        assert found
        self._at = found.end()
        return self._at < len(self._text)

    def _header(self) -> Path:
        start, array = self._at, self._text.startswith("[[", self._at)
        self._at += 2 if array else 1
        names = self._names()
        path: Path = (*self._inside(names[:-1], start), names[-1])
        if array:
            number = self._tables[path] = self._tables.get(path, -1) + 1
            self._note(path, start)
            path += (number,)
        elif path in self._tables:
            path += (self._tables[path],)
        self._note(path, start)
        self._at = self._text.index("]", self._at) + (2 if array else 1)
        return path

    def _inside(self, names: list[str], start: int) -> Path:
        """Return the path of a table, in the last item of each array of tables on the way."""
        path: Path = ()
        for name in names:
            path += (name,)
            self._note(path, start)
            if path in self._tables:
                path += (self._tables[path],)
        return path

    def _names(self) -> list[str]:
        out: list[str] = []
        while found := _KEY.match(self._text, self._at):
            self._at = found.end()
            out.append(_unquoted(found[1]))
            if not found[2]:
                break
        return out

    def _pair(self, table: Path, ends: str) -> None:
        start = self._at
        path = table
        for name in self._names():
            path += (name,)
            self._note(path, start)
        self._at = self._text.index("=", self._at) + 1
        self._value(path, ends)

    def _value(self, path: Path, ends: str) -> None:
        while self._text.startswith((" ", "\t"), self._at):
            self._at += 1
        opening = self._text[self._at : self._at + 1]
        if opening == "[":
            self._items(path)
        elif opening == "{":
            self._inline(path)
        elif string := _STRING.match(self._text, self._at):
            self._at = string.end()
        else:
            while self._at < len(self._text) and self._text[self._at] not in f"#{ends}\n":
                self._at += 1

    def _items(self, path: Path) -> None:
        self._at += 1
        number = 0
        while self._skip_blank() and self._text[self._at] != "]":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._note((*path, number), self._at)
            self._value((*path, number), ends=",]")
            number += 1
        self._at += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        while self._skip_blank() and self._text[self._at] != "}":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._pair(path, ends=",}")
        self._at += 1

    def _note(self, path: Path, at: int) -> None:
        self.lines.setdefault(path, self._text.count("\n", 0, at) + 1)


def _unquoted(key: str) -> str:
    if key.startswith('"'):
        return str(tomllib.loads(f"x = {key}")["x"])
    return key.strip("'")
