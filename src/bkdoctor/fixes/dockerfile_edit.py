"""From a fix's edit and a Dockerfile to the changed file: above, in or at the base of the instruction that failed."""

import re
from collections.abc import Sequence

from bkdoctor.fixes.base_image import raised
from bkdoctor.fixes.ci_config import Reader
from bkdoctor.fixes.dockerfile import (
    Instruction,
    failed_instruction,
    image_of,
    instructions,
    origin_of,
    stage_of,
    words,
)
from bkdoctor.fixes.fill import KEYWORDS
from bkdoctor.fixes.instruction_edit import edited
from bkdoctor.fixes.result import CannotEdit, Splice, inserted_lines, next_line, spliced
from bkdoctor.model import Edit, Location

_DIRECTIVE = re.compile(r"#\s*(syntax|escape|check)\s*=", re.IGNORECASE)
_MANAGERS = {
    "apt": re.compile(r"\b(?:apt(?:-get)?\b[^&|;]*\binstall\b|useradd\b|update-ca-certificates\b)"),
    "apk": re.compile(r"\b(?:apk\b[^&|;]*\badd\b|adduser -S\b)"),
}
_DISTRIBUTIONS = (
    (re.compile("alpine|docker:|-dind"), "apk"),
    (re.compile("debian|ubuntu|slim|bookworm|bullseye|trixie|jammy|noble"), "apt"),
)
_INSTALLS = re.compile(r"\b(?:apt(?:-get)?\b[^&|;]*\binstall|apk\b[^&|;]*\badd)\b")


def edit_dockerfile(path: str, text: str, edit: Edit, location: Location, read: Reader) -> str:
    """Return a Dockerfile with the edit made. Raises CannotEdit.

    `read` gives the other files of the project: what a COPY brings must be there.
    """
    if edit.base is not None:
        return raised(text, edit.base, failed_instruction(text, location))
    if edit.at == "first":
        return _with_directives(text, edit.snippet or "")
    failed = failed_instruction(text, location)
    if edit.at == "joined":
        return _joined(text, failed, location)
    if edit.command is None and edit.at is None:
        where = f"line {failed.line} " if failed else ""
        raise CannotEdit(f"its snippet shows the form that {where}of the Dockerfile shall have: change it by hand")
    if failed is None:
        raise CannotEdit("the log does not say which line of the Dockerfile failed")
    if edit.command is not None:
        changed = edited(failed.text, edit.command)
        if changed is None:
            raise CannotEdit(f"line {failed.line} of the Dockerfile runs no `{'` or `'.join(edit.command.run)}`")
        return spliced(text, [Splice(failed.start, failed.start + len(failed.text), changed)])
    return _above(path, text, instructions(edit.snippet or ""), failed, read)


def _joined(text: str, failed: Instruction | None, location: Location) -> str:
    """Let the line above the failed one go on with it."""
    if failed is None or location.dockerfile_line is None:
        raise CannotEdit("the log does not say which line of the Dockerfile failed")
    if failed.line != location.dockerfile_line:
        return text
    if failed.keyword in KEYWORDS:
        raise CannotEdit(f"line {failed.line} of the Dockerfile is an instruction of its own: change it by hand")
    before = next((i for i in reversed(instructions(text)) if i.start < failed.start), None)
    if before is None or before.keyword not in ("RUN", "ENV", "LABEL", "COPY", "ADD"):
        raise CannotEdit(f"the instruction above line {failed.line} is none that goes on: change it by hand")
    stop = before.start + len(before.text.rstrip())
    return spliced(text, [Splice(stop, before.start + len(before.text), " \\")])


def _above(path: str, text: str, new: Sequence[Instruction], failed: Instruction, read: Reader) -> str:
    begun = stage_of(text, failed)
    above = [i for i in instructions(text) if (begun.start if begun else 0) <= i.start < failed.start]
    if new[0].keyword == new[-1].keyword == "USER":
        return _as_user(text, new[0], failed, above)
    _check_manager(text, failed, new)
    lacking = [i for i in new if not any(words(i.text) == words(o.text) for o in above)]
    for instruction in lacking:
        _check_sources(path, instruction, read)
    if not lacking:
        return text
    place = failed.start
    if any(i.keyword == "RUN" for i in lacking):
        # what is installed or made needs root, as a rule
        place = next((i.start for i in above if i.keyword == "USER" and not _is_root(i)), place)
    return spliced(text, [inserted_lines(text, place, [line for i in lacking for line in i.text.split("\n")])])


def _is_root(user: Instruction) -> bool:
    return words(user.text)[1:2] in (["root"], ["0"], ["root:root"], ["0:0"])


def _as_user(text: str, new: Instruction, failed: Instruction, above: Sequence[Instruction]) -> str:
    """Let an instruction be done by another user, and those behind it by the one who did it until now."""
    before = [i for i in above if i.keyword == "USER"]
    if before and words(before[-1].text) == words(new.text):
        return text
    if not before:
        raise CannotEdit(f"the user of line {failed.line} is that of the base image, which is to be named behind it")
    back = inserted_lines(text, failed.end, [before[-1].text])
    return spliced(text, [inserted_lines(text, failed.start, [new.text]), back])


def _check_sources(path: str, instruction: Instruction, read: Reader) -> None:
    """Raise CannotEdit if a COPY names a file that the project does not hold."""
    named = [w for w in words(instruction.text)[1:-1] if not w.startswith("--")]
    if instruction.keyword != "COPY" or "--from=" in instruction.text:
        return
    folder = path.rpartition("/")[0]
    for name in named:
        plain = name.removeprefix("./")
        if not any(read(p) is not None for p in (plain, f"{folder}/{plain}" if folder else plain)):
            raise CannotEdit(f"the project holds no file {plain}: put it there, or name the one that is to be copied")


def _check_manager(text: str, failed: Instruction, new: Sequence[Instruction]) -> None:
    """Raise CannotEdit if something is to be installed that this base image, or this step, does not take so."""
    for instruction in new:
        manager = next((name for name, form in _MANAGERS.items() if form.search(instruction.text)), None)
        if manager is None:
            continue
        if _INSTALLS.search(failed.text) and _INSTALLS.search(instruction.text):
            raise CannotEdit(f"line {failed.line} of the Dockerfile installs packages itself: change it by hand")
        begun = origin_of(text, failed)
        base = image_of(begun) if begun else ""
        known = next((m for pattern, m in _DISTRIBUTIONS if pattern.search(base)), None)
        if known != manager:
            why = f"uses {known}" if known else "does not tell its package manager by its name"
            raise CannotEdit(f"the snippet is for {manager}, and the base image {base or 'is not known'} {why}")


def _with_directives(text: str, snippet: str) -> str:
    """Put parser directives into the first lines, or in the place of those that are there."""
    position = 0
    while match := _DIRECTIVE.match(snippet, position):
        end = next_line(snippet, position)
        text = _with_directive(text, snippet[position:end].strip(), match[1].lower())
        position = end
    return text


def _with_directive(text: str, line: str, name: str) -> str:
    position = 1 if text.startswith("\ufeff") else 0
    while match := _DIRECTIVE.match(text, position):
        end = next_line(text, position)
        if match[1].lower() == name:
            old = text[position:end].rstrip("\r\n")
            return text if old == line else spliced(text, [Splice(position, position + len(old), line)])
        position = end
    # `syntax` is the first of all, the others follow those that are there
    first = 1 if text.startswith("\ufeff") else 0
    return spliced(text, [inserted_lines(text, first if name == "syntax" else position, [line])])
