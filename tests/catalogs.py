"""Tiny catalogues for tests of the engine: patterns made of one line each."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from bkdoctor.catalog.catalog import Catalog, builtin_folder, load, types_of
from bkdoctor.catalog.entry import Entry
from bkdoctor.catalog.pattern import Pattern
from bkdoctor.doctor import diagnose
from bkdoctor.model import Facts, Report

TYPES = types_of(builtin_folder())


@cache
def ours() -> Catalog:
    """Return bkdoctor's own catalogue, read once for all tests that only look at it."""
    return load([])


def pattern(match: str, **more: Any) -> dict[str, Any]:
    """Return a pattern as a dictionary: `match` is the TOML of its [match] table."""
    base: dict[str, Any] = {
        "title": "Title",
        "phase": "build",
        "owner": "author",
        "match": tomllib.loads(match),
        "explain": {"summary": "Summary.", "cause": "Cause.", "references": ["https://example.com"]},
    }
    return base | more


def catalog(**patterns: dict[str, Any]) -> Catalog:
    """Return a catalogue of patterns by id; `family__some_id` is FAMILY/some-id, a name without `__` is in family run."""
    entries = {}
    for name, fields in patterns.items():
        family, _, pattern_id = name.rpartition("__")
        path = Path(family or "run") / f"{pattern_id.replace('_', '-')}.toml"
        entries[path.stem] = Entry(path, msgspec.convert(fields, Pattern), TYPES)
    return Catalog(entries, {}, TYPES)


def found(log: str, known: Facts | None = None, **patterns: dict[str, Any]) -> list[str]:
    """Return the ids that a catalogue of these patterns finds in a log."""
    return [f.id for f in report(log, known, **patterns).findings]


def report(log: str, known: Facts | None = None, **patterns: dict[str, Any]) -> Report:
    """Return the report that a catalogue of these patterns makes of a log."""
    return diagnose(log.encode(), catalog(**patterns), known=known)
