"""The text of a config.toml or buildkitd.toml -> its faults, each with its line and the next step."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from bkdoctor.config.ignored import ignored_in_runner
from bkdoctor.config.ignored_buildkitd import ignored_in_buildkitd
from bkdoctor.config.keys import Key, Kind, Version, homes, misfit, nearest, table
from bkdoctor.config.positions import Path, positions
from bkdoctor.config.reading import Saying, under
from bkdoctor.errors import InputError

_READER = {"config.toml": "the runner", "buildkitd.toml": "buildkitd"}
_PRODUCT = {"config.toml": "GitLab Runner", "buildkitd.toml": "BuildKit"}
_PAGES = {
    "config.toml": "https://docs.gitlab.com/runner/configuration/advanced-configuration/",
    "buildkitd.toml": "https://docs.docker.com/build/buildkit/toml-configuration/",
}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the answer."""

    line: int
    text: str
    note: bool = False
    """Easily misread, but no fault."""


class KeyFault(msgspec.Struct, frozen=True, kw_only=True):
    """A key that does not do what its writer thinks, by the key tables alone."""

    path: Path
    reason: Literal["unknown", "type", "newer"]
    text: str
    since: Version | None = None


def kind_of(name: str) -> Kind:
    """Return which kind of file a file is, by its name."""
    return "buildkitd.toml" if "buildkit" in name.lower() else "config.toml"


def lint(text: str, name: str, kind: Kind, version: Version | None = None) -> list[Fault]:
    """Return the faults of a file, by line; `version` is that of the runner or of BuildKit.

    Raises:
        InputError: the text is no TOML.
    """
    data = parsed(text, name)
    lines = positions(text.replace("\r\n", "\n"))
    faults = [Fault(line=_line(f.path, lines), text=f.text) for f in key_faults(data, kind, version)]
    for path, words, note in _sayings(data, kind, version):
        faults.append(Fault(line=_line(path, lines), text=words, note=note))
    return sorted(set(faults), key=lambda fault: (fault.line, fault.text))


def parsed(text: str, name: str) -> dict[str, Any]:
    """Return what a TOML text holds; InputError names the line where it is none."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.fullmatch(r"(?P<why>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)", str(error))
        line = found["line"] if found and found["line"] else text.count("\n") + 1
        why = found["why"] if found else str(error)
        raise InputError(f"{name}:{line}: not valid TOML: {why}. Mend the syntax at that line.") from error


def _sayings(data: dict[str, Any], kind: Kind, version: Version | None) -> Iterator[Saying]:
    if kind == "config.toml":
        runners = data.get("runners")
        for number, runner in enumerate(runners if isinstance(runners, list) else []):
            if isinstance(runner, dict):
                yield from under("runners", under(number, ignored_in_runner(runner, version)))
    else:
        yield from ignored_in_buildkitd(data)


def _line(path: Path, lines: Mapping[Path, int]) -> int:
    """Return the line of a path, that of what it stands in where it has none itself."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def key_faults(data: Mapping[str, Any], kind: Kind, version: Version | None = None) -> Iterator[KeyFault]:
    """Yield the keys of a file that are unknown, of the wrong type, or newer than `version`."""
    yield from _below(data, table(kind), kind, version, ())


def _below(data: Mapping[str, Any], key: Key, kind: Kind, version: Version | None, path: Path) -> Iterator[KeyFault]:
    for name, value in data.items():
        here = (*path, name)
        child = key.child(name)
        if child is None:
            if not key.open:
                yield KeyFault(path=here, reason="unknown", text=_unknown(here, key, kind))
            continue
        if version and child.since and child.since > version:
            yield KeyFault(path=here, reason="newer", text=_newer(here, child, kind, version), since=child.since)
        if (wanted := misfit(child, value)) is not None:
            yield KeyFault(path=here, reason="type", text=_wrong_type(here, wanted, value, kind))
            continue
        for inner, items in _tables(here, value):
            yield from _below(items, child, kind, version, inner) if child.below else ()


def _tables(path: Path, value: object) -> Iterator[tuple[Path, dict[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
    elif isinstance(value, list):
        yield from (((*path, number), item) for number, item in enumerate(value) if isinstance(item, dict))


def _name(path: Path) -> str:
    return ".".join(str(part) for part in path if isinstance(part, str))


def _unknown(path: Path, parent: Key, kind: Kind) -> str:
    name = str(path[-1])
    text = f"`{_name(path)}` is no key that {_READER[kind]} knows: it is ignored without a word."
    if near := nearest(parent, name):
        return f"{text} Write `{near}`, if that is meant."
    if found := homes(table(kind), name):
        return f"{text} `{name}` stands in {' or '.join(f'[{home}]' for home in found[:2])}: move it there."
    return f"{text} Remove it, or see {_PAGES[kind]}"


def _newer(path: Path, key: Key, kind: Kind, version: Version) -> str:
    since, have = (".".join(map(str, number)) for number in (key.since or (), version))
    return (
        f"`{_name(path)}` came with {_PRODUCT[kind]} {since}: {have} ignores it without a word. "
        "Update, or do without it."
    )


def _wrong_type(path: Path, wanted: str, value: object, kind: Kind) -> str:
    shown = "this" if isinstance(value, dict | list) else str(value).lower() if isinstance(value, bool) else repr(value)
    return f"`{_name(path)}` must be {wanted}, not {shown}: {_READER[kind]} does not load the file. Change the value."
