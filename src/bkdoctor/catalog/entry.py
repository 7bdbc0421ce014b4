"""One pattern file in the catalogue: its id, what it says, and its templates."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from bkdoctor.catalog.expressions import Expressions
from bkdoctor.catalog.pattern import Condition, LineSpec, Pattern, RegexLine, Scope
from bkdoctor.catalog.template import Template, Type, from_regex, from_text
from bkdoctor.errors import PatternError
from bkdoctor.model import Place

if TYPE_CHECKING:
    from pathlib import Path


class Wanted(NamedTuple):
    """A template and the stretch of log in which it is looked for."""

    template: Template
    scope: Scope
    place: tuple[Place, ...]
    sections: tuple[str, ...]
    step: Template | None = None


class Entry:
    """One pattern of the catalogue; the pattern is decoded and its templates are made when they are first needed."""

    def __init__(
        self,
        path: str | Path,
        pattern: Pattern | msgspec.Raw,
        types: dict[str, Type],
        expressions: Expressions | None = None,
    ) -> None:
        folder, name = os.path.split(path)
        self.id = name.removesuffix(".toml")
        self.family = os.path.basename(folder)
        self.path = f"{self.family}/{name}"
        self._file = path
        self._pattern = pattern
        self._types = types
        self._expressions = expressions

    @property
    def file(self) -> Path:
        """Where the pattern was read from."""
        from pathlib import Path

        return Path(self._file)

    @cached_property
    def pattern(self) -> Pattern:
        """What the file says."""
        packed = self._pattern
        return msgspec.msgpack.decode(packed, type=Pattern) if isinstance(packed, msgspec.Raw) else packed

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
    def survived_by(self) -> tuple[Wanted, ...]:
        """What, printed behind a line, shows that it was overcome."""
        return tuple(self._wanted("survived_by", spec) for spec in self.pattern.match.survived_by)

    @cached_property
    def step_text(self) -> Template | None:
        """What the step's own instruction must say."""
        test = self.pattern.match.step
        return self._template("match.step.text", test.text) if test and test.text else None

    @cached_property
    def captured(self) -> frozenset[str]:
        """The names under which lines of `lines` and `requires` are captured."""
        templates = [*(t for sequence in self.lines for t in sequence), *(w.template for w in self.requires)]
        return frozenset(name for template in templates for name in template.names)

    def source(self) -> str:
        """Return the text of the pattern's file. Raises PatternError when it cannot be read any more."""
        return text_of(self.file)

    def templates(self) -> Iterable[Template]:
        """Every template of the pattern that needs a prefilter hit."""
        for sequence in self.lines:
            yield from sequence
        for wanted in (*self.requires, *self.excludes, *self.survived_by):
            yield wanted.template

    def validate(self) -> None:
        """Try what a template's making leaves for later. Raises PatternError for a broken regular expression."""
        for template in self.templates():
            try:
                template.validate()
            except ValueError as error:
                raise PatternError(f"{self.file}: match: {error}. Mend the regular expression.") from error

    def _template(self, key: str, spec: str | RegexLine) -> Template:
        try:
            made = from_regex(spec) if isinstance(spec, RegexLine) else from_text(spec, self._types)
            if self._expressions is not None:
                made.expressions = self._expressions
        except ValueError as error:
            raise PatternError(f"{self.file}: {key}: {error}. Mend the template.") from error
        if not made.literal.strip():
            raise PatternError(f"{self.file}: {key}: {made.source!r} has no literal text. Add some words to it.")
        return made

    def _sequence(self, key: str, spec: LineSpec) -> tuple[Template, ...]:
        if isinstance(spec, list):
            if not spec:
                raise PatternError(f"{self.file}: {key}: the sequence is empty. Give its lines, or remove it.")
            return tuple(self._template(key, item) for item in spec)
        return (self._template(key, spec),)

    def _wanted(self, key: str, spec: str | Condition) -> Wanted:
        scope = self.pattern.match.scope
        if isinstance(spec, str):
            return Wanted(self._template(f"match.{key}", spec), scope, (), ())
        template = self._template(f"match.{key}", self._line_of(key, spec))
        step = self._template(f"match.{key}", spec.step) if spec.step else None
        return Wanted(template, spec.scope or scope, tuple(spec.place), tuple(spec.sections), step)

    def _line_of(self, key: str, spec: Condition) -> str | RegexLine:
        if spec.line is not None and spec.regex is None:
            return spec.line
        if spec.line is None and spec.regex and spec.literal:
            return RegexLine(regex=spec.regex, literal=spec.literal)
        raise PatternError(f"{self.file}: match.{key}: give either `line`, or `regex` with its `literal`.")


def text_of(path: Path) -> str:
    """Return the text of a file. Raises PatternError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PatternError(f"{path}: {error}. Make the file readable UTF-8 text.") from error
