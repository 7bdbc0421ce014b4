"""The form of a pattern file and of a recipe, and their reading.

In goes TOML text, out comes a `Pattern` or a `Recipe`; the JSON Schema in `patterns/schema.json` is made from
these same classes.
"""

from typing import Annotated, Any, Literal, TypeVar

import msgspec

from bkdoctor.errors import PatternError
from bkdoctor.model import Confidence, Method, Owner, Phase, Place, Risk, Role, SnippetPlace

Scope = Literal["line", "step", "section", "job"]
File = Literal[
    ".gitlab-ci.yml", "config.toml", "buildkitd.toml", "daemon.json", "Dockerfile", ".dockerignore",
    "source", "shell", "gitlab", "registry", "node",
]  # fmt: skip
Text = Annotated[str, msgspec.Meta(min_length=1)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Refuses keys that it does not know: a misspelt key must not be ignored."""


class RegexLine(_Strict, frozen=True, kw_only=True):
    """A line described by a regular expression where words fail."""

    regex: Text
    literal: Text
    """In every match of `regex`, letter for letter: what the prefilter looks for."""


LineSpec = str | list[str] | RegexLine
"""A template, templates of lines that follow each other, or a regex."""


class StepTest(_Strict, frozen=True, kw_only=True):
    """What must hold of the build step that a matched line belongs to."""

    instruction: list[str] = []
    text: str | None = None
    platform: Literal["foreign"] | None = None
    siblings: Literal["passed", "failed"] | None = None


class Condition(_Strict, frozen=True, kw_only=True):
    """A line that must (not) be there, with a reach of its own: `line`, or `regex` with its `literal`."""

    line: str | RegexLine | None = None
    regex: str | None = None
    literal: str | None = None
    scope: Scope | None = None
    place: list[Place] = []
    sections: list[str] = []
    step: str | None = None
    """A template for the instruction or name of the step that the line belongs to."""


class Match(_Strict, frozen=True, kw_only=True):
    """What a pattern looks for; see `docs/patterns.md` for the words."""

    scope: Scope = "step"
    place: list[Place] = []
    sections: list[str] = []
    step: StepTest | None = None
    facts: dict[str, list[str]] = {}
    lines: list[LineSpec] = []
    near_end: int | None = None
    """A line of a build step counts only where at most so many lines of that step follow: a shell stops there."""
    survived_by: list[str | Condition] = []
    """What, printed behind the line in the same step, shows that the failure was overcome."""
    requires: list[str | Condition] = []
    excludes: list[str | Condition] = []


class Explain(_Strict, frozen=True, kw_only=True):
    """The words of the answer; Markdown with placeholders."""

    summary: Text
    cause: Text
    references: Annotated[list[str], msgspec.Meta(min_length=1)]
    checked: str | None = None
    """The day (YYYY-MM-DD) on which the references were read."""


class Replace(_Strict, frozen=True, kw_only=True):
    """An edit of a file: the text to find and what stands there afterwards."""

    find: Text
    with_: str = msgspec.field(name="with")


class Command(_Strict, frozen=True, kw_only=True):
    """An edit of a command's options: in the job's script, or in the Dockerfile's instruction that failed.

    In a Dockerfile `FROM`, `RUN` and the like are commands too, whose options are written behind them.
    """

    run: Annotated[list[str], msgspec.Meta(min_length=1)]
    set: list[str] = []
    add: list[str] = []
    drop: list[str] = []
    before: str = ""
    """In a Dockerfile: what is put in front of the command, `apt-get update &&` or `NAME=value`."""


class Base(_Strict, frozen=True, kw_only=True):
    """An edit of the version in the tag of the image on which the stage of the failed instruction stands."""

    images: Annotated[list[str], msgspec.Meta(min_length=1)]
    """`NAME`, or `NAME:TAG` with `{}` where the version stands in the tag and `*` for what may stand there too."""
    version: Text
    """What is wanted, as a tool says it; a version, or a range with a lower end."""
    parts: int = 2
    """Of the version, as many are written."""
    exact: bool = False
    """Whether a newer version does not serve."""


class FixSpec(_Strict, frozen=True, kw_only=True):
    """One `[[fix]]`: exactly one of recipe, snippet, replace, command and base."""

    title: Text
    file: File
    owner: Owner | None = None
    risk: Risk = "review"
    when: dict[str, str | list[str]] = {}
    note: str | None = None
    """What the fix costs or leaves open, one sentence."""
    recipe: str | None = None
    """A section, for the recipe of the job's method; or METHOD/SECTION, for that one whatever the job uses."""
    snippet: str | None = None
    replace: list[Replace] = []
    at: SnippetPlace | None = None
    """Where a Dockerfile's snippet is written: `above` what failed, its parser directives `first`.

    `joined`: the snippet shows a form, and what is written is the backslash that the line above the failed one lacks.
    """
    command: Command | None = None
    base: Base | None = None
    examples: list[str] = []
    """Words of the snippet that stand for the reader's own: a job, a tag of a runner, a command."""
    probe: bool = False
    """It finds out more about the failure, and cures nothing."""
    renews: bool = False
    """Its images are newer on purpose: else a job keeps the version of an image that it has."""


class Example(_Strict, frozen=True, kw_only=True):
    """A log that must, or (`match = false`) must not, be answered by this pattern."""

    log: str = ""
    match: bool = True
    why: str | None = None
    captures: dict[str, str] = {}
    facts: dict[str, str] = {}


class Pattern(_Strict, frozen=True, kw_only=True):
    """One failure. Its id and family come from the path of its file, not from its text."""

    title: Text
    role: Role = "cause"
    phase: Phase
    owner: Owner
    transient: bool = False
    confidence: Confidence = "high"
    generic: bool = False
    aliases: list[str] = []
    masks: list[str] = []
    yields_to: list[str] = []
    match: Match
    explain: Explain
    fix: list[FixSpec] = []
    example: list[Example] = []


class Recipe(_Strict, frozen=True, kw_only=True):
    """Configuration that many patterns need, for one build method: `patterns/recipes/METHOD/SECTION.toml`."""

    title: Text
    file: File
    snippet: Text
    risk: Risk = "review"
    owner: Owner | None = None
    note: str | None = None
    references: list[str] = []
    when: dict[str, str | list[str]] = {}


FILE_OWNERS: dict[str, Owner] = {
    "config.toml": "runner-admin",
    "node": "runner-admin",
    "gitlab": "gitlab-admin",
    "registry": "registry-admin",
}
"""Who changes a file when a fix does not say; everything else is the author's."""

LANGUAGES: dict[str, str] = {
    ".gitlab-ci.yml": "yaml", "config.toml": "toml", "buildkitd.toml": "toml", "daemon.json": "json",
    "Dockerfile": "dockerfile", ".dockerignore": "text", "shell": "sh", "node": "sh",
}  # fmt: skip
"""The language of a fix's snippet by its file; `text` for those not named."""

METHODS: tuple[Method, ...] = ("rootless", "buildx", "native")
SECTIONS = (
    "build", "auth", "auth-many", "auth-dependency-proxy", "multi-platform", "cache", "mirror", "proxy", "certificates",
)  # fmt: skip


_T = TypeVar("_T", Pattern, Recipe)


def read_pattern(text: str, path: str) -> Pattern:
    """Return the pattern that `text` (TOML) holds; `path` is for messages.

    Raises:
        PatternError: the text is no TOML, or a key is missing, unknown or of the wrong kind.
    """
    return _convert(text, path, Pattern)


def read_recipe(text: str, path: str) -> Recipe:
    """Return the recipe that `text` (TOML) holds; `path` is for messages. Raises PatternError."""
    return _convert(text, path, Recipe)


def _convert(text: str, path: str, kind: type[_T]) -> _T:
    import tomllib

    try:
        return msgspec.convert(tomllib.loads(text), kind)
    except tomllib.TOMLDecodeError as error:
        raise PatternError(f"{path}: not valid TOML: {error}. Mend the syntax at that place.") from error
    except msgspec.ValidationError as error:
        raise PatternError(f"{path}: {_explain(str(error))}. {_next_step(kind)}") from error


def _explain(message: str) -> str:
    text, _, where = message.partition(" - at `")
    key = where.rstrip("`").removeprefix("$.") or "the top level"
    return f"{key}: {text[:1].lower()}{text[1:]}"


def _next_step(kind: type[Any]) -> str:
    if kind is Pattern:
        return "The keys of a pattern stand in patterns/schema.json."
    return f"The keys of a recipe are {', '.join(Recipe.__struct_fields__)}."
