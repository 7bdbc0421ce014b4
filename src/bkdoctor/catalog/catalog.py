"""From folders of pattern files to a Catalog: every pattern by id, its templates, and the recipes.

Folders are merged by id: a file of a later folder replaces that of an earlier one whole.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from bkdoctor.catalog import pattern as form
from bkdoctor.catalog.entry import Entry, text_of
from bkdoctor.catalog.expressions import Expressions
from bkdoctor.catalog.pattern import Recipe
from bkdoctor.catalog.template import Type, read_vocabulary
from bkdoctor.errors import InputError
from bkdoctor.trace.finder import Searcher

if TYPE_CHECKING:
    from pathlib import Path


class Index(msgspec.Struct, frozen=True):
    """What the catalogue must know of each pattern without reading it."""

    literals: list[str]
    """Every literal of every template, each once: what the prefilter looks for."""
    starts: dict[str, list[str]]
    """For each literal that begins one of a pattern's `lines`, the ids of those patterns."""
    by_facts: list[str]
    """The ids of the patterns that a fact alone may prove."""
    aliases: dict[str, str]
    """Retired ids, and the id that answers for each."""


class Catalog:
    """All patterns and recipes that are known; `index` is made from the patterns unless it is given."""

    def __init__(
        self,
        entries: dict[str, Entry],
        recipes: dict[tuple[str, str], Recipe],
        types: dict[str, Type],
        index: Index | None = None,
        expressions: Expressions | None = None,
    ) -> None:
        self.entries = entries
        self.recipes = recipes
        self.types = types
        self._index = index
        self._expressions = expressions

    def keep(self) -> None:
        """Keep for the next run what was compiled in this one, and from the second run on what looks for literals."""
        if self._expressions is not None:
            self.searcher.keep(compiling=self._expressions.is_kept)
            self._expressions.keep()

    @cached_property
    def index(self) -> Index:
        """What is known of the patterns without reading them."""
        return self._index or make_index(self.entries)

    @property
    def literals(self) -> list[str]:
        """What the prefilter looks for."""
        return self.index.literals

    @cached_property
    def searcher(self) -> Searcher:
        """What looks for the literals."""
        return Searcher(self.literals)

    @property
    def aliases(self) -> dict[str, str]:
        """Retired ids and the id that answers for each."""
        return self.index.aliases

    def get(self, pattern_id: str) -> Entry | None:
        """Return the entry of an id or an alias."""
        return self.entries.get(self.aliases.get(pattern_id, pattern_id))

    def possible(self, literals: Collection[str]) -> Iterator[Entry]:
        """Yield the patterns that can match a log in which these literals occur, and those that facts may prove."""
        ids = dict.fromkeys(self.index.by_facts)
        for literal in literals:
            ids.update(dict.fromkeys(self.index.starts.get(literal, ())))
        return (self.entries[i] for i in sorted(ids))

    def covers(self, spec: str, entry: Entry) -> bool:
        """Say whether `spec` (an id, an alias or FAMILY/*) of `masks` or `yields_to` means `entry`."""
        if spec.endswith("/*"):
            return entry.family == spec[:-2]
        return self.aliases.get(spec, spec) == entry.id


def make_index(entries: Mapping[str, Entry]) -> Index:
    """Return the index of these patterns. Raises PatternError when a template is broken."""
    starts: dict[str, list[str]] = {}
    for entry in entries.values():
        entry.validate()
        for sequence in entry.lines:
            starts.setdefault(sequence[0].literal, []).append(entry.id)
    return Index(
        literals=list({t.literal: None for e in entries.values() for t in e.templates()}),
        starts=starts,
        by_facts=[e.id for e in entries.values() if e.pattern.match.facts.get("failure_reason")],
        aliases={alias: e.id for e in entries.values() for alias in e.pattern.aliases},
    )


def builtin_folder() -> Path:
    """Return the folder of bkdoctor's own patterns: in the installed package, else beside the sources."""
    from pathlib import Path

    return Path(builtin_name())


def builtin_name() -> str:
    """Return that folder's name; pathlib takes longer to import than all else that is done with it."""
    package = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    packaged = os.path.join(package, "patterns")
    return packaged if os.path.isdir(packaged) else os.path.join(os.path.dirname(os.path.dirname(package)), "patterns")


def load(folders: Sequence[Path], *, builtin: bool = True, expressions: Expressions | None = None) -> Catalog:
    """Return the catalogue of bkdoctor's own patterns (unless `builtin` is False) and those of `folders`.

    `expressions` compiles theirs.

    Raises:
        InputError: a folder does not exist.
        PatternError: a pattern file is broken.
    """
    entries: dict[str, Entry] = {}
    recipes: dict[tuple[str, str], Recipe] = {}
    own = builtin_folder()
    types = types_of(own)
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder of patterns. Check --patterns and BKDOCTOR_PATTERNS.")
        types.update(types_of(folder))
    for folder in (*((own,) if builtin else ()), *folders):
        for path in pattern_files(folder):
            entry = read_entry(path, types, expressions)
            entries[entry.id] = entry
    for folder in (own, *folders):
        recipes.update(recipes_of(folder))
    return Catalog(entries, recipes, types, expressions=expressions)


def pattern_files(folder: Path) -> list[Path]:
    """Return the pattern files below a folder: FAMILY/ID.toml, in the order of their names."""
    return sorted(p for p in folder.glob("*/*.toml") if p.parent.name != "recipes")


def read_entry(path: Path, types: dict[str, Type], expressions: Expressions | None = None) -> Entry:
    """Return the pattern of one file; id and family come from its path. Raises PatternError."""
    return Entry(path, form.read_pattern(text_of(path), str(path)), types, expressions)


def types_of(folder: Path) -> dict[str, Type]:
    """Return the types that a folder's vocabulary.toml defines, none if it has none. Raises PatternError."""
    path = folder / "vocabulary.toml"
    return dict(read_vocabulary(text_of(path), str(path)).types) if path.is_file() else {}


def recipes_of(folder: Path) -> dict[tuple[str, str], Recipe]:
    """Return the recipes of a folder by method and section. Raises PatternError."""
    return {
        (path.parent.name, path.stem): form.read_recipe(text_of(path), str(path))
        for path in sorted((folder / "recipes").glob("*/*.toml"))
    }
