"""The keys of config.toml and buildkitd.toml: is one known, of which type, since which version.

In goes the name of a table of keys, out comes its root `Key`; below it keys are found as a TOML reader finds them.
"""

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any, Literal

import msgspec

Kind = Literal["config.toml", "buildkitd.toml"]
Version = tuple[int, ...]

_FILES: dict[Kind, str] = {"config.toml": "config-keys.json", "buildkitd.toml": "buildkitd-keys.json"}
_ANY_NAME = "<name>"
_SCALARS = {"string": str, "bool": bool, "int": int, "int64": int}
_MIXED: dict[str, tuple[type, ...]] = {
    "float64": (int, float),
    "duration": (str, int),
    "Duration": (str, int),
    "DiskSpace": (str, int),
}
_WORDS = {
    "string": "a string", "bool": "true or false", "int": "a whole number", "int64": "a whole number",
    "float64": "a number", "duration": 'a duration such as "10m"', "Duration": 'a duration such as "48h"',
    "DiskSpace": 'a size such as "10GB" or "20%"', "time": "a date and time",
    "string or []string": "a string or a list of strings",
}  # fmt: skip
_MAPS = {"DockerSysCtls": "string", "Labels": "string", "RequestRetryLimits": "int"}
"""Types that are named maps: what their values are."""


class Key(msgspec.Struct, kw_only=True):
    """A key, or the table that it opens."""

    name: str
    type: str = "table"
    since: Version | None = None
    """The first version that has it; None: it has always been there, or nobody knows."""
    open: bool = False
    below: dict[str, "Key"] = {}

    def child(self, name: str) -> "Key | None":
        """Return the key `name` of this table; case does not count, as it does not for the tools."""
        found = self.below.get(name) or self.below.get(_ANY_NAME)
        return found or next((key for known, key in self.below.items() if known.lower() == name.lower()), None)

    @property
    def repeated(self) -> bool:
        """Whether the table is an array of tables: `[[name]]`."""
        return bool(self.below) and self.type.startswith("[]")


@cache
def table(kind: Kind) -> Key:
    """Return the root of the keys of a kind of file."""
    text = resources.files("bkdoctor.config").joinpath("data", _FILES[kind]).read_text(encoding="utf-8")
    return _tree(json.loads(text))


def _tree(rows: Mapping[str, Mapping[str, Any]]) -> Key:
    root = Key(name="")
    places: dict[str, Key] = {"": root}
    for path in sorted(rows, key=lambda p: p.replace("[]", "")):
        row, plain = rows[path], path.replace("[]", "")
        if f".{_ANY_NAME}." in plain:
            stem = plain.partition(f".{_ANY_NAME}.")[0]
            places.setdefault(f"{stem}.{_ANY_NAME}", _put(places[stem], _ANY_NAME))
        # A name may hold a dot (`dockerfile.v0`): the parent is the longest path that is a key itself.
        parent = max((p for p in places if plain.startswith(f"{p}.") or not p), key=len)
        key = _put(places[parent], plain[len(parent) :].lstrip("."))
        key.type, key.since, key.open = row["type"], version(row["since"]), bool(row.get("open"))
        places[plain] = key
    return root


def _put(parent: Key, name: str) -> Key:
    return parent.below.setdefault(name, Key(name=name, below={}))


def version(text: str) -> Version | None:
    """Return `18.11` as (18, 11); None for a version that says only "before", or for no version."""
    return tuple(int(part) for part in text.split(".")[:2]) if re.fullmatch(r"v?\d+(\.\d+)+", text) else None


def nearest(parent: Key, name: str) -> str | None:
    """Return the key of `parent` that `name` is meant to be: `allowPrivilegeEscalation` and slips of the pen."""
    folded = {_fold(known): known for known in parent.below if known != _ANY_NAME}
    if _fold(name) in folded:
        return folded[_fold(name)]
    near = get_close_matches(_fold(name), list(folded), n=1, cutoff=0.75)
    return folded[near[0]] if near else None


def _fold(name: str) -> str:
    return re.sub("[_-]", "", name).lower()


def homes(root: Key, name: str) -> list[str]:
    """Return the tables that have a key of this very name, shallow ones first, as they stand in brackets."""
    found = [path for path, key in _walk(root, "") if name in key.below and path]
    return sorted(found, key=lambda path: (path.count("."), path))


def _walk(key: Key, path: str) -> list[tuple[str, Key]]:
    out = [(path, key)]
    for name, child in key.below.items():
        out += _walk(child, f"{path}.{name}".lstrip("."))
    return out


def misfit(key: Key, value: object) -> str | None:
    """Return what `value` should be instead, None where it fits."""
    if key.below:
        return _table_misfit(key, value)
    if key.open:
        return _map_misfit(key.type, value)
    return None if fits(key.type, value) else words(key.type)


def _table_misfit(key: Key, value: object) -> str | None:
    if key.repeated:
        listed = isinstance(value, list) and all(isinstance(item, dict) for item in value)
        return None if listed else f"an array of tables, [[{key.name}]]"
    return None if isinstance(value, dict) else f"a table, [{key.name}]"


def _map_misfit(type_: str, value: object) -> str | None:
    if not isinstance(value, dict):
        return None if type_.startswith("[]") and isinstance(value, list) else "a table"
    inner = _MAPS.get(type_) or (type_.rpartition("map[string]")[2] if type_.startswith("map[") else "any")
    wrong = [name for name, item in value.items() if not fits(inner, item)]
    return f"a table whose values are each {words(inner)} ({wrong[0]} is not)" if wrong else None


def fits(type_: str, value: object) -> bool:
    """Return whether a value that TOML holds may stand for a key of this type; a type not known takes any."""
    if type_ in _SCALARS:
        return isinstance(value, _SCALARS[type_]) and (type_ == "bool" or not isinstance(value, bool))
    if type_ in _MIXED:
        return isinstance(value, _MIXED[type_]) and not isinstance(value, bool)
    if type_ == "string or []string":
        return fits("string", value) or fits("[]string", value)
    if type_.startswith("[]"):
        return isinstance(value, list) and all(fits(type_[2:], item) for item in value)
    return True


def words(type_: str) -> str:
    """Return a type in words."""
    if type_.startswith("[]"):
        return f"a list; each item is {words(type_[2:])}"
    return _WORDS.get(type_, "a table")
