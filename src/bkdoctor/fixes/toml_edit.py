"""From a partial TOML document and a file to the splices that merge the one into the other.

Tables merge by key, a value replaces, an array gains what it lacks; tables of an array are known by `name`, else
`mount_path`, else by all they say. What is there stays as it is written.
"""

import re
from collections.abc import Sequence
from typing import Any

from bkdoctor.fixes.result import CannotEdit, Splice, inserted_lines, line_start, spliced
from bkdoctor.fixes.toml_tree import Entry, Key, Table, inline_entries, items, parse, scan

_KEY_VALUE = re.compile(r"([A-Za-z_][\w.-]*)=")
_KEY_COLON_VALUE = re.compile(r"([A-Za-z_][\w.-]*)[=:]")
_WITH_COLON = frozenset({"extra_hosts", "security_opt", "services_security_opt"})
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_NAMES = ("name", "mount_path")


def merge_toml(text: str, snippet: str, scope: slice = slice(None)) -> str:
    """Return the text with a snippet merged into some of its tables. Raises CannotEdit.

    `scope` are the tables of one `[[runners]]` entry, the snippet's `runners` tables are merged into it.
    """
    for number in range(len(scan(snippet))):
        # each table of the snippet sees what those before it have added
        tables = scan(text)
        inside = tables[scope]
        text = spliced(text, _Merge(text, inside, snippet, tables).table(scan(snippet)[number]))
        added = len(scan(text)) - len(tables)
        if scope.stop is not None:
            scope = slice(scope.start, scope.stop + added)
    parse(text)
    return text


class _Merge:
    def __init__(self, text: str, tables: Sequence[Table], snippet: str, whole: Sequence[Table]) -> None:
        self.text = text
        self.tables = tables
        self.snippet = snippet
        self.whole = whole

    def table(self, new: Table) -> list[Splice]:
        """Merge one table of the snippet."""
        if not new.entries:
            return []
        if new.array and new.key != ("runners",):
            there = self._same_of_array(new)
        else:
            there = next((t for t in self.tables if t.key == new.key and (not t.array or new.array)), None)
        if there is not None:
            return self._entries(there, new)
        if new.array or not new.key:
            return self._new_table(new) if new.key else self._first_entries(new)
        inside = self._inside_parent(new)
        return self._new_table(new) if inside is None else inside

    def _same_of_array(self, new: Table) -> Table | None:
        data = {e.key: e.data(self.snippet) for e in new.entries}
        for table in self.tables:
            if table.key != new.key or not table.array:
                continue
            theirs = {e.key: e.data(self.text) for e in table.entries}
            name = next((n for n in _NAMES if (n,) in data), None)
            if (name and theirs.get((name,)) == data[name,]) or theirs == data:
                return table
        return None

    def _entries(self, table: Table, new: Table) -> list[Splice]:
        splices: list[Splice] = []
        lines: list[str] = []
        for entry in new.entries:
            old = table.get(entry.key)
            if old is not None:
                splices += self._value(old, entry)
            elif self._is_table((*table.key, *entry.key)):
                raise CannotEdit(f"{'.'.join((*table.key, *entry.key))} is a table, where the fix has a value")
            else:
                lines.append(f"{self._indent_in(table)}{self._written(entry)}")
        if lines:
            splices.append(inserted_lines(self.text, table.end(self.text), lines))
        return splices

    def _first_entries(self, new: Table) -> list[Splice]:
        lines = [self._written(entry) for entry in new.entries]
        return [inserted_lines(self.text, self.whole[0].head_end, lines)]

    def _is_table(self, key: Key) -> bool:
        return any(t.key[: len(key)] == key for t in self.tables)

    def _written(self, entry: Entry) -> str:
        return f"{_dotted(entry.key)} = {self.snippet[entry.value_start : entry.value_end]}"

    def _value(self, old: Entry, new: Entry) -> list[Splice]:
        mine, theirs = new.data(self.snippet), old.data(self.text)
        if mine == theirs:
            return []
        if isinstance(mine, list):
            return self._array(old, new, theirs if isinstance(theirs, list) else [theirs])
        if isinstance(mine, dict) or isinstance(theirs, dict | list):
            if isinstance(mine, str) and isinstance(theirs, list):
                return self._array(old, new, theirs)
            raise CannotEdit(f"{'.'.join(new.key)} is of another kind in the file than in the fix")
        written = self.snippet[new.value_start : new.value_end]
        return [Splice(old.value_start, old.value_end, written)]

    def _array(self, old: Entry, new: Entry, theirs: list[Any]) -> list[Splice]:
        """Add to an array what it lacks; an item `K=V` has its value replaced."""
        source = self.snippet
        spans = (
            list(items(source, new.value_start))
            if source[new.value_start] == "["
            else [(new.value_start, new.value_end)]
        )
        wanted = [(_data(source[s:e]), source[s:e]) for s, e in spans]
        here = list(items(self.text, old.value_start)) if self.text[old.value_start] == "[" else []
        splices, lacking = [], []
        for value, written in wanted:
            same = next((n for n, v in enumerate(theirs) if _same(v, value, new.key[-1])), None)
            if value in theirs:
                continue
            if same is not None and here:
                splices.append(Splice(*here[same], written))
            else:
                lacking.append(written)
        if not here and self.text[old.value_start] != "[":
            own = self.text[old.value_start : old.value_end]
            return [Splice(old.value_start, old.value_end, f"[{', '.join([own, *lacking])}]")] if lacking else []
        return splices + self._appended(old, here, lacking)

    def _appended(self, old: Entry, here: list[tuple[int, int]], lacking: list[str]) -> list[Splice]:
        if not lacking:
            return []
        if not here:
            return [Splice(old.value_start + 1, old.value_start + 1, ", ".join(lacking))]
        start, end = here[-1]
        line = line_start(self.text, start)
        own_line = not self.text[line:start].strip()
        glue = f",\n{self.text[line:start]}" if own_line else ", "
        return [Splice(end, end, "".join(glue + written for written in lacking))]

    def _inside_parent(self, new: Table) -> list[Splice] | None:
        """Merge into a table that is written inline, or with dotted keys; None: there is no such table."""
        *above, name = new.key
        parent = next((t for t in self.tables if t.key == tuple(above)), None)
        if parent is None:
            return None
        inline = parent.get((name,))
        if inline is not None and self.text[inline.value_start] == "{":
            return self._inline(inline, new)
        if any(e.key[:1] == (name,) and len(e.key) > 1 for e in parent.entries):
            moved = [Entry((name, *e.key), e.start, e.value_start, e.value_end) for e in new.entries]
            return self._entries(parent, Table(parent.key, False, new.start, new.head_end, entries=moved))
        return None

    def _inline(self, inline: Entry, new: Table) -> list[Splice]:
        there = inline_entries(self.text, inline.value_start)
        splices, lacking = [], []
        for entry in new.entries:
            old = next((e for e in there if e.key == entry.key), None)
            if old is None:
                lacking.append(self._written(entry))
            else:
                splices += self._value(old, entry)
        if lacking:
            at = there[-1].value_end if there else inline.value_start + 1
            splices.append(Splice(at, at, (", " if there else " ") + ", ".join(lacking) + ("" if there else " ")))
        return splices

    def _new_table(self, new: Table) -> list[Splice]:
        above = [t for t in self.tables if t.key == new.key[: len(t.key)] or t.key[:-1] == new.key[:-1]]
        near = [t for t in self.tables if len(new.key) > 1 and t.key[: len(new.key) - 1] == new.key[:-1]]
        behind = (near or above or list(self.tables))[-1] if self.tables else self.whole[-1]
        behind = self._last_below(behind)
        indent = self._indent_of(new.key)
        brackets = ("[[", "]]") if new.array else ("[", "]")
        step = self._step()
        lines = [f"{indent}{brackets[0]}{_dotted(new.key)}{brackets[1]}"]
        lines += [f"{indent}{step}{self._written(entry)}" for entry in new.entries]
        at = behind.end(self.text)
        if self._apart() and self.text[:at].strip():
            lines.insert(0, "")
        return [inserted_lines(self.text, at, lines)]

    def _last_below(self, table: Table) -> Table:
        """Return the last table that belongs to this one: what follows an item of an array is the item's."""
        place = next(n for n, t in enumerate(self.tables) if t is table)
        while place + 1 < len(self.tables) and self.tables[place + 1].key[: len(table.key)] == table.key:
            place += 1
        return self.tables[place]

    def _apart(self) -> bool:
        heads = [t for t in self.whole if t.key]
        blank = [t for t in heads if re.search(r"\n[ \t]*\r?\n[ \t]*\Z", self.text[: t.start])]
        return not heads or len(blank) * 2 > len(heads) or (len(self.tables[-1:]) == 1 and not self.tables[-1].key)

    def _step(self) -> str:
        """Return how much further in keys stand than their header."""
        for table in self.whole:
            if table.key and table.entries:
                start = line_start(self.text, table.entries[0].start)
                return self.text[start + len(table.indent) : table.entries[0].start]
        return "  "

    def _indent_in(self, table: Table) -> str:
        if table.entries:
            last = table.entries[-1].start
            return self.text[line_start(self.text, last) : last]
        return table.indent + (self._step() if table.key else "")

    def _indent_of(self, key: Key) -> str:
        """Return how far in a new table stands: as its neighbours do, else one step from the table above it."""
        beside = [t for t in self.whole if t.key and t.key[:-1] == key[:-1] and len(key) > 1]
        if beside:
            return beside[-1].indent
        above = [t for t in self.whole if t.key and t.key == key[: len(t.key)]]
        return max(above, key=lambda t: len(t.key)).indent + self._unit() if above else ""

    def _unit(self) -> str:
        """Return how much further in a table stands than the one above it."""
        for table in self.whole:
            parent = next((t for t in self.whole if t.key and t.key == table.key[:-1]), None)
            if parent is not None:
                return table.indent.removeprefix(parent.indent)
        return self._step()


def _data(written: str) -> Any:
    return parse(f"x = {written}")["x"]


def _same(one: object, other: object, key: str) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        form = _KEY_COLON_VALUE if key in _WITH_COLON else _KEY_VALUE
        mine, theirs = form.match(one), form.match(other)
        return bool(mine and theirs and mine[1] == theirs[1])
    if isinstance(one, dict) and isinstance(other, dict):
        return any(n in one and one.get(n) == other.get(n) for n in _NAMES)
    return False


def _dotted(key: Key) -> str:
    return ".".join(part if _BARE_KEY.fullmatch(part) else _quoted(part) for part in key)


def _quoted(part: str) -> str:
    escaped = part.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
