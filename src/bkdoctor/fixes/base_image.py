"""From the version that a tool asks for to the tag of a stage's base image that has it."""

import re

from bkdoctor.fixes.dockerfile import Instruction, image_of, instructions, origin_of, stages
from bkdoctor.fixes.result import CannotEdit, Splice, spliced
from bkdoctor.model import BaseEdit
from bkdoctor.text import one_line

_TERM = re.compile(
    r"(?P<sign>[<>=!]=|\^|~>|~=|[~=<>\[(])?\s*v?(?P<version>\d+(?:\.\d+)*)(?:\.[x*])?(?:\+|[-.][\w.-]*)?[\s,)\]]*"
)
_WORDS = re.compile(r"^(?:python|\.net(?: core)?|node(?:\.js)?|java|jdk|go|ruby|rustc)\s*", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{?(?P<name>\w+)(?::[-+][^}]*)?\}?")


def wanted_version(said: str, parts: int) -> str | None:
    """Return the version to take for what a tool asks for: the lowest of a range, the newest of several; None: unclear.

    Zeros at its end are left out, and what follows so many parts: `>=18.0.0` is 18.
    """
    found: list[tuple[int, ...]] = []
    for range_ in _WORDS.sub("", said.strip()).split("||"):
        position, text = 0, range_.strip(" .")
        while match := _TERM.match(text, position):
            position = match.end()
            if match["sign"] not in ("<", "<=", "!="):
                found.append(_numbers(match["version"]))
        if position < len(text):
            return None
    best = max(found, default=())[:parts]
    while len(best) > 2 and best[-1] == 0:
        best = best[:-1]
    return ".".join(map(str, best)) or None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in version.split("."))


def raised(text: str, edit: BaseEdit, failed: Instruction | None) -> str:
    """Return a Dockerfile whose stage of the failed instruction stands on an image with the version. Raises CannotEdit.

    The version may stand in an ARG that the tag names. What follows it in the tag stays, save an Alpine release.
    """
    version = wanted_version(edit.version, edit.parts)
    if version is None:
        raise CannotEdit(f"the version to take cannot be told from {edit.version!r}: put it into FROM by hand")
    begun = origin_of(text, failed) if failed else _only(text, edit)
    if begun is None:
        raise CannotEdit("the log does not say which stage of the Dockerfile failed")
    image = image_of(begun)
    start = begun.start + begun.text.index(image)
    if (variable := _VARIABLE.search(image)) is not None:
        return _in_argument(text, edit, variable, image, version)
    return spliced(text, [Splice(start, start + len(image), _retagged(image, edit, version))])


def shown(image: str, said: str, parts: int) -> str:
    """Return a FROM with the version that is wanted, or what is wanted above one without."""
    version = wanted_version(said, parts)
    name, _, form = image.partition(":")
    if version is None:
        return f"# a tag for {one_line(said)}\nFROM {name}"
    return f"FROM {name}:{(form or '{}').replace('*', '').replace('{}', version)}"


def _only(text: str, edit: BaseEdit) -> Instruction | None:
    fitting = [i for i in stages(text) if _form(image_of(i), edit)]
    return fitting[0] if len(fitting) == 1 else None


def _form(image: str, edit: BaseEdit) -> "re.Match[str] | None":
    name, _, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    for form in edit.images:
        wanted, _, shape = form.partition(":")
        pattern = re.escape(shape or "{}").replace(r"\*", ".*?").replace(r"\{\}", r"(?P<v>\d+(?:\.\d+)*)")
        if name == wanted and (match := re.fullmatch(f"{pattern}(?P<rest>(?:-.*)?)", tag)):
            return match
    return None


def _retagged(image: str, edit: BaseEdit, version: str) -> str:
    match = _form(image, edit)
    if match is None:
        names = ", ".join(dict.fromkeys(form.partition(":")[0] for form in edit.images))
        raise CannotEdit(f"the tag of {image} names no version of {names}: choose the image by hand")
    new = _higher(match["v"], version, edit)
    if new == match["v"]:
        return image
    rest = re.sub(r"-alpine[\d.]+$", "-alpine", match["rest"])
    head = image.partition("@")[0].rpartition(":")[0]
    return f"{head}:{match.string[: match.start('v')]}{new}{rest}"


def _higher(old: str, version: str, edit: BaseEdit) -> str:
    mine, theirs = _numbers(version), _numbers(old)
    # a tag of fewer parts, `18`, is the newest of its kind
    if not edit.exact and theirs[: len(mine)] == mine:
        return old
    if not edit.exact and mine < theirs:
        raise CannotEdit(f"the base image has {old} already, which is newer than {version}")
    return version


def _in_argument(text: str, edit: BaseEdit, variable: "re.Match[str]", image: str, version: str) -> str:
    """Give the ARG whose value is the tag's version, or the whole tag, another default."""
    form = re.compile(
        rf"(?i)ARG\s+(?P<name>{re.escape(variable['name'])})=(?P<quote>[\"']?)(?P<value>[^\s\"']+)(?P=quote)\s*$"
    )
    for instruction in instructions(text):
        if instruction.keyword == "FROM":
            break
        if match := form.match(instruction.text):
            known = image[: variable.start()] + match["value"] + image[variable.end() :]
            new = _retagged(known, edit, version)
            value = new[variable.start() : len(new) - len(image) + variable.end()]
            if known[: variable.start()] != new[: variable.start()] or not new.endswith(image[variable.end() :]):
                break
            at = instruction.start + match.start("value")
            return spliced(text, [Splice(at, at + len(match["value"]), value)])
    raise CannotEdit(f"what {variable[0]} stands for in {image} is not told by an ARG above the first FROM")
