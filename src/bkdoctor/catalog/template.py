"""From a template, a line as it reads with `<name:type>` where it varies, to a regular expression and a literal.

The form is that of design section 4: `<name:type>`, `<name>` (the rest of a word), `<...>` (a gap), `<start>`, `<end>`
(the ends of the line without the tool's prefix) and `<lt>` (`<` itself); any other `<` is itself.
"""

import re
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from bkdoctor.catalog.expressions import Expressions
from bkdoctor.catalog.pattern import RegexLine
from bkdoctor.errors import PatternError

if TYPE_CHECKING:
    import regex

TIME_LIMIT = 0.25
"""Seconds of CPU time that one regex may take on one line."""
LINE_LIMIT = 32_768
"""Characters of a line that are matched, half from its head and half from its tail."""

_TOKEN = re.compile(r"<(?:(?P<gap>\.\.\.)|(?P<name>[a-z][a-z0-9_]*)(?::(?P<type>[a-z]+))?)>")
_GROUP = re.compile(r"\(\?P<(\w+)>")
_MASKS = r"\[MASKED\]|\*\*\*"


class Type(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A type of placeholder: a regular expression for one character, or for the whole value."""

    about: str
    pattern: str
    repeat: bool = False


class Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The types that templates may name: `patterns/vocabulary.toml`."""

    types: dict[str, Type] = {}


def read_vocabulary(text: str, path: str) -> Vocabulary:
    """Return the types that `text` (TOML) defines. Raises PatternError naming `path`."""
    import tomllib

    import regex

    try:
        vocabulary = msgspec.convert(tomllib.loads(text), Vocabulary)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise PatternError(f"{path}: {error}. Give each type `about` and `pattern`.") from error
    for name, found in vocabulary.types.items():
        try:
            groups = regex.compile(found.pattern).groups
            for at_end in (True, False):
                regex.compile(f"a(?P<name>{_value(name, vocabulary.types, at_end=at_end)})b")
        except regex.error as error:
            raise PatternError(f"{path}: types.{name}: no regular expression: {error}. Mend `pattern`.") from error
        if groups:
            raise PatternError(f"{path}: types.{name}: `pattern` has a group. Write it as (?:...).")
    return vocabulary


class Hit(NamedTuple):
    """Where a template stands in a line's body, and what its placeholders hold."""

    start: int
    end: int
    captures: dict[str, str]


class Template:
    """One line that a pattern looks for. Its regular expression is made when a line holds all its literal `pieces`."""

    expressions = Expressions()
    """What compiles it."""

    def __init__(
        self, source: str, make: Callable[[], str], literal: str, names: tuple[str, ...], pieces: tuple[str, ...]
    ) -> None:
        self.source = source
        self.literal = literal
        self.names = names
        self._make = make
        self._pieces = pieces
        self._is_plain = pieces == (source,)
        self.is_regex = False
        """Whether a pattern gives it as a regular expression."""

    @cached_property
    def expression(self) -> str:
        """The regular expression as text."""
        return self._make()

    @cached_property
    def compiled(self) -> "regex.Pattern[str]":
        """The regular expression, for the `regex` package. Raises ValueError if it is none."""
        import regex

        try:
            return self.expressions.compiled(self.expression)
        except regex.error as error:
            raise ValueError(f"{self.source!r} is no regular expression: {error}") from error

    def validate(self) -> None:
        """Raise ValueError if the expression is none: one that is made of words and types always is one."""
        if self.is_regex:
            _ = self.compiled

    def match(self, body: str, limit: float = TIME_LIMIT) -> Hit | None:
        """Return the first place of this template in a line's body.

        Raises:
            TimeoutError: it takes longer than `limit`, in seconds of CPU time.
        """
        position = 0
        for piece in self._pieces:
            start = body.find(piece, position)
            if start < 0:
                return None
            position = start + len(piece)
        if self._is_plain:
            return Hit(position - len(self.source), position, {})
        found = self.compiled.search(body, timeout=limit)
        if found is None:
            return None
        captures = {k: v.strip() for k, v in found.groupdict().items() if v is not None}
        return Hit(found.start(), found.end(), captures)


def bounded(body: str) -> str:
    """Return the part of a line that is matched: all of it, or head and tail of a very long one."""
    half = LINE_LIMIT // 2
    return body if len(body) <= LINE_LIMIT else body[:half] + body[-half:]


def from_regex(spec: RegexLine) -> Template:
    """Return the template for a line that is given as a regular expression; it is compiled when it is first used."""
    names = tuple(_GROUP.findall(spec.regex))
    made = Template(spec.regex, lambda: spec.regex, spec.literal, names, (spec.literal,))
    made._is_plain = False
    made.is_regex = True
    return made


def from_text(text: str, types: Mapping[str, Type]) -> Template:
    """Return the template for a line of words and placeholders.

    Raises:
        ValueError: a placeholder has a type that the vocabulary does not know.
    """
    pieces: list[str] = [""]
    names: list[str] = []
    position = 0
    for token in _TOKEN.finditer(text):
        pieces[-1] += text[position : token.start()]
        position = token.end()
        name, kind = token["name"], token["type"]
        if name == "lt":
            pieces[-1] += "<"
            continue
        pieces.append("")
        if kind is not None and kind not in types:
            raise ValueError(f"there is no type {kind!r}; the vocabulary has {', '.join(sorted(types))}")
        if name and name not in names and (kind is not None or name not in ("start", "end")):
            names.append(name)
    pieces[-1] += text[position:]
    literals = tuple(piece for piece in pieces if piece)
    return Template(text, partial(_expression, text, types), max(pieces, key=len), tuple(names), literals)


def _expression(text: str, types: Mapping[str, Type]) -> str:
    parts: list[str] = []
    names: set[str] = set()
    position = 0
    for token in _TOKEN.finditer(text):
        parts.append(_escaped(text[position : token.start()]))
        position = token.end()
        if token["name"] == "lt":
            parts.append("<")
        else:
            parts.append(_token(token, types, names, at_end=text[position:] in ("", "<end>")))
    return "".join([*parts, _escaped(text[position:])])


def _escaped(text: str) -> str:
    import regex

    return regex.escape(text, special_only=True, literal_spaces=True)


def _token(token: re.Match[str], types: Mapping[str, Type], names: set[str], *, at_end: bool) -> str:
    if token["gap"]:
        return ".*?"
    name, kind = token["name"], token["type"]
    if name == "start" and kind is None:
        return r"^\s*"
    if name == "end" and kind is None:
        return r"\s*+$"
    body = _value(kind, types, at_end=at_end)
    if name in names:
        return f"(?:{body})"
    names.add(name)
    return f"(?P<{name}>{body})"


def _value(kind: str | None, types: Mapping[str, Type], *, at_end: bool) -> str:
    if kind is None:
        return r"\S+"
    import regex

    found = types[kind]
    if not found.repeat:
        return f"(?:{_MASKS}|{found.pattern})"
    if found.pattern == ".":
        return ".+" if at_end else ".+?"
    if regex.fullmatch(f"(?:{found.pattern})+", "[MASKED]***"):
        return f"{found.pattern}+"
    return f"(?:{_MASKS}|{found.pattern})+"


def placeholders(text: str) -> list[tuple[str, Any]]:
    """Return name and type of each placeholder in a template."""
    return [(t["name"], t["type"]) for t in _TOKEN.finditer(text) if t["name"]]
