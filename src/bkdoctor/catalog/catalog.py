"""From folders of pattern files to a Catalog: every pattern by id, its templates, and the recipes.

Folders are merged by id: a file of a later folder replaces that of an earlier one whole.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from bkdoctor.catalog import pattern as form
from bkdoctor.catalog.pattern import Condition, LineSpec, Pattern, Recipe, RegexLine, Scope
from bkdoctor.catalog.template import Template, Type, from_regex, from_text, read_vocabulary
from bkdoctor.errors import InputError, PatternError
from bkdoctor.model import Place


class Wanted(NamedTuple):
    """A template and the stretch of log in which it is looked for."""

    template: Template
    scope: Scope
    place: tuple[Place, ...]
    sections: tuple[str, ...]


class Entry:
    """One pattern of the catalogue, its templates made when they are first needed."""

    def __init__(self, path: Path, pattern: Pattern, types: dict[str, Type]) -> None:
        self.id = path.stem
        self.family = path.parent.name
        self.file = path
        self.path = f"{self.family}/{path.name}"
        self.pattern = pattern
        self._types = types

    @cached_property
    def lines(self) -> tuple[tuple[Template, ...], ...]:
        """What the pattern looks for; any one suffices, each a sequence of lines."""
        match = self.pattern.match
        return tuple(self._sequence(f"match.lines[{n}]", spec) for n, spec in enumerate(match.lines))

    @cached_property
    def requires(self) -> tuple[Wanted, ...]:
        """What must be there as well, all of it."""
        return tuple(self._wanted("requires", spec) for spec in self.pattern.match.requires)

    @cached_property
    def excludes(self) -> tuple[Wanted, ...]:
        """What must not be there."""
        return tuple(self._wanted("excludes", spec) for spec in self.pattern.match.excludes)

    @cached_property
    def step_text(self) -> Template | None:
        """What the step's own instruction must say."""
        test = self.pattern.match.step
        return self._template("match.step.text", test.text) if test and test.text else None

    def source(self) -> str:
        """Return the text of the pattern's file. Raises PatternError when it cannot be read any more."""
        return _text(self.file)

    def templates(self) -> Iterable[Template]:
        """Every template of the pattern that needs a prefilter hit."""
        for sequence in self.lines:
            yield from sequence
        for wanted in (*self.requires, *self.excludes):
            yield wanted.template

    def _template(self, key: str, spec: str | RegexLine) -> Template:
        try:
            made = from_regex(spec) if isinstance(spec, RegexLine) else from_text(spec, self._types)
        except ValueError as error:
            raise PatternError(f"{self.path}: {key}: {error}. Mend the template.") from error
        if not made.literal.strip():
            raise PatternError(f"{self.path}: {key}: {made.source!r} has no literal text. Add some words to it.")
        return made

    def _sequence(self, key: str, spec: LineSpec) -> tuple[Template, ...]:
        if isinstance(spec, list):
            return tuple(self._template(key, item) for item in spec)
        return (self._template(key, spec),)

    def _wanted(self, key: str, spec: str | Condition) -> Wanted:
        scope = self.pattern.match.scope
        if isinstance(spec, str):
            return Wanted(self._template(f"match.{key}", spec), scope, (), ())
        template = self._template(f"match.{key}", self._line_of(key, spec))
        return Wanted(template, spec.scope or scope, tuple(spec.place), tuple(spec.sections))

    def _line_of(self, key: str, spec: Condition) -> str | RegexLine:
        if spec.line is not None and spec.regex is None:
            return spec.line
        if spec.line is None and spec.regex and spec.literal:
            return RegexLine(regex=spec.regex, literal=spec.literal)
        raise PatternError(f"{self.path}: match.{key}: give either `line`, or `regex` with its `literal`.")


class Catalog:
    """All patterns and recipes that are known."""

    def __init__(
        self, entries: dict[str, Entry], recipes: dict[tuple[str, str], Recipe], types: dict[str, Type]
    ) -> None:
        self.entries = entries
        self.recipes = recipes
        self.types = types

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Retired ids and the id that answers for each."""
        return {alias: e.id for e in self.entries.values() for alias in e.pattern.aliases}

    def get(self, pattern_id: str) -> Entry | None:
        """Return the entry of an id or an alias."""
        return self.entries.get(self.aliases.get(pattern_id, pattern_id))

    @cached_property
    def literals(self) -> list[str]:
        """Every literal of every template, each once: what the prefilter looks for."""
        return list({t.literal: None for e in self.entries.values() for t in e.templates()})

    def covers(self, spec: str, entry: Entry) -> bool:
        """Say whether `spec` (an id, an alias or FAMILY/*) of `masks` or `yields_to` means `entry`."""
        if spec.endswith("/*"):
            return entry.family == spec[:-2]
        return self.aliases.get(spec, spec) == entry.id


def builtin_folder() -> Path:
    """Return the folder of bkdoctor's own patterns: in the installed package, else beside the sources."""
    here = Path(__file__).resolve().parent.parent
    packaged = here / "patterns"
    return packaged if packaged.is_dir() else here.parent.parent / "patterns"


def load(folders: Sequence[Path], *, builtin: bool = True) -> Catalog:
    """Return the catalogue of bkdoctor's own patterns (unless `builtin` is False) and those of `folders`.

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
            entry = read_entry(path, types)
            entries[entry.id] = entry
    for folder in (own, *folders):
        recipes.update(recipes_of(folder))
    return Catalog(entries, recipes, types)


def pattern_files(folder: Path) -> list[Path]:
    """Return the pattern files below a folder: FAMILY/ID.toml, in the order of their names."""
    return sorted(p for p in folder.glob("*/*.toml") if p.parent.name != "recipes")


def read_entry(path: Path, types: dict[str, Type]) -> Entry:
    """Return the pattern of one file; id and family come from its path. Raises PatternError."""
    return Entry(path, form.read_pattern(_text(path), f"{path.parent.name}/{path.name}"), types)


def types_of(folder: Path) -> dict[str, Type]:
    """Return the types that a folder's vocabulary.toml defines, none if it has none. Raises PatternError."""
    path = folder / "vocabulary.toml"
    return dict(read_vocabulary(_text(path), path.name).types) if path.is_file() else {}


def recipes_of(folder: Path) -> dict[tuple[str, str], Recipe]:
    """Return the recipes of a folder by method and section. Raises PatternError."""
    return {
        (path.parent.name, path.stem): form.read_recipe(_text(path), f"recipes/{path.parent.name}/{path.name}")
        for path in sorted((folder / "recipes").glob("*/*.toml"))
    }


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PatternError(f"{path}: {error}. Make the file readable UTF-8 text.") from error
