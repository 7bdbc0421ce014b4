"""Parsed TOML of any form -> its tables and lists, empty where something else stands."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bkdoctor.config.positions import Path


class Saying(NamedTuple):
    """What is wrong somewhere, with the next step."""

    path: Path
    text: str
    note: bool = False
    """Easily misread, but no fault."""


def table_of(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the table `name`."""
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def list_of(data: Mapping[str, Any], name: str) -> list[str]:
    """Return the strings of the list `name`; a single string is a list of one."""
    value = data.get(name)
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]


def under(name: str | int, sayings: Iterator[Saying]) -> Iterator[Saying]:
    """Put the paths of sayings under a name."""
    return (Saying((name, *path), text, note) for path, text, note in sayings)
