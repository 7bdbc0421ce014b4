"""The tables of kaniko's and docker's options -> what a command's words say, option by option."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Literal, NamedTuple

import msgspec

from bkdoctor.fixes.result import CannotEdit
from bkdoctor.migrate.words import inner

Tool = Literal["kaniko", "docker"]
Target = Literal["rootless", "buildx"]


class Flag(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row: an option and what stands for it. The head of the data file says what each field means."""

    name: str
    short: str = ""
    value: bool
    role: str = ""
    becomes: str = ""
    becomes_buildx: str = ""
    """Where it is not the same as for rootless."""
    rootless: list[str] = []
    buildx: list[str] = []
    attribute: list[str] = []
    needless: str = ""
    none: str = ""
    same: str = ""
    note: str = ""
    only: str = ""
    """The target that has a counterpart, where the other one has none; `none` says why."""
    try_: str = msgspec.field(default="", name="try")
    """A value for the test of this row."""


class Given(NamedTuple):
    """An option as a command has it; its value stands between double quotes."""

    flag: Flag
    value: str


@cache
def table(tool: Tool) -> dict[str, Flag]:
    """Return the options of a tool, by name, and by letter as `-f`."""
    text = resources.files("bkdoctor.config").joinpath("data", f"{tool}-flags.toml").read_text(encoding="utf-8")
    rows = msgspec.convert(tomllib.loads(text)["flag"], list[Flag])
    named = {row.name: row for row in rows}
    found = {f"--{row.name}": named[row.same] if row.same else row for row in rows}
    return found | {f"-{row.short}": row for row in rows if row.short}


def read(words: Sequence[str], tool: Tool) -> tuple[list[Given], list[str]]:
    """Return the options of a command and its other words.

    Raises:
        CannotEdit: an option is not known, or hidden in a variable.
    """
    found: list[Given] = []
    others: list[str] = []
    rest = iter([inner(word) for word in words])
    for word in rest:
        if word == "--":
            others += rest
        elif word.startswith("-") and word != "-":
            found += _options(word, rest, tool)
        else:
            others.append(word)
    return found, others


def _options(word: str, rest: Iterator[str], tool: Tool) -> Iterator[Given]:
    name, sign, value = word.partition("=")
    known = table(tool)
    flag = known.get(name) or (None if sign else _letters(word, known))
    if flag is None and not word.startswith("--") and word[:2] in known:
        name, sign, value = word[:2], "=", word[2:].removeprefix("=")
        flag = known[name]
    if flag is None:
        raise CannotEdit(f"the option {name} of {tool} is not known")
    if not flag.value:
        yield Given(flag, value.lower() if sign else "true")
        return
    taken = value if sign else next(rest, None)
    if taken is None:
        raise CannotEdit(f"the option {name} has no value")
    yield Given(flag, taken)


def _letters(word: str, known: dict[str, Flag]) -> Flag | None:
    """Return the flag of several letters in one word (`-qt`): none, as nobody writes that for a build."""
    return known.get(word) if re.fullmatch(r"-\w", word) else None


def on(given: Given) -> bool:
    """Whether an option without a value is switched on."""
    return given.value not in ("false", "0", "f")
