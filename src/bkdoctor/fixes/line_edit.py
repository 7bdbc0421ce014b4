"""From a fix and a file made of lines (Dockerfile, .dockerignore), or any text with words to replace, to the new text.

A Dockerfile's snippet shows a form, as a rule; written into the file is what can stand above the failed instruction.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from bkdoctor.fixes.result import CannotEdit, Splice, inserted_lines, next_line, spliced
from bkdoctor.model import Location

_DIRECTIVE = re.compile(r"#\s*(syntax|escape|check)\s*=", re.IGNORECASE)
_HERE = re.compile(r"<<-?\s*([\"']?)(\w+)\1")
_APT = re.compile(r"\bapt(?:-get)?\b[^&|;]*\binstall\b")
_APK = re.compile(r"\bapk\b[^&|;]*\badd\b")
_DISTRIBUTIONS = (
    (re.compile("alpine|docker:|-dind"), "apk"),
    (re.compile("debian|ubuntu|slim|bookworm|bullseye|trixie|jammy|noble"), "apt"),
)


class Instruction(NamedTuple):
    """An instruction of a Dockerfile: its words in capitals, where it stands, and what it says."""

    keyword: str
    line: int
    start: int
    end: int
    """Where the line behind it begins."""
    text: str


def instructions(text: str) -> list[Instruction]:
    """Return the instructions of a Dockerfile."""
    out: list[Instruction] = []
    position, number = (1 if text.startswith("\ufeff") else 0), 1
    escape = "`" if re.match(r"(?:\ufeff)?(?:#.*\n)*#\s*escape\s*=\s*`", text) else "\\"
    while position < len(text):
        end = next_line(text, position)
        line = text[position:end].strip()
        if not line or line.startswith("#"):
            position, number = end, number + 1
            continue
        end = _end(text, position, end, escape)
        body = text[position:end]
        out.append(Instruction(line.split(maxsplit=1)[0].upper(), number, position, end, body.rstrip("\r\n")))
        number += body.count("\n")
        position = end
    return out


def _end(text: str, start: int, end: int, escape: str) -> int:
    while end < len(text):
        last = text[start:end].rstrip("\r\n").rpartition("\n")[2]
        if not (last.rstrip(" \t").endswith(escape) or last.lstrip().startswith("#") or not last.strip()):
            break
        end = next_line(text, end)
    for match in _HERE.finditer(text[start:end]):
        closed = re.compile(rf"^\t*{re.escape(match[2])}[ \t]*\r?$", re.MULTILINE).search(text, end)
        end = next_line(text, closed.end()) if closed else end
    return end


def edit_dockerfile(text: str, snippet: str, location: Location) -> str:
    """Return a Dockerfile with what a snippet brings above the instruction that failed. Raises CannotEdit."""
    new = instructions(snippet)
    directive = _DIRECTIVE.match(snippet)
    if directive:
        return _with_directive(text, snippet[: next_line(snippet, 0)].strip(), directive[1].lower())
    failed = failed_instruction(text, location)
    if not new or not all(_stands_alone(i) for i in new):
        where = f"line {failed.line} " if failed else ""
        raise CannotEdit(f"its snippet shows the form that {where}of the Dockerfile shall have: change it by hand")
    if failed is None:
        raise CannotEdit("the log does not say which line of the Dockerfile failed")
    _check_manager(text, failed, new)
    above = [i for i in instructions(text) if _in_stage(text, i, failed)]
    lacking = [i for i in new if not any(_words(i.text) == _words(o.text) for o in above)]
    if not lacking:
        return text
    return spliced(text, [inserted_lines(text, failed.start, [line for i in lacking for line in i.text.split("\n")])])


def _stands_alone(new: Instruction) -> bool:
    if new.keyword in ("ENV", "ARG"):
        return True
    return new.keyword == "RUN" and bool(_APT.search(new.text) or _APK.search(new.text))


def _check_manager(text: str, failed: Instruction, new: Sequence[Instruction]) -> None:
    """Raise CannotEdit if a package is to be installed that this base image, or this step, does not take so."""
    for instruction in new:
        manager = "apt" if _APT.search(instruction.text) else "apk" if _APK.search(instruction.text) else None
        if manager is None:
            continue
        if _APT.search(failed.text) or _APK.search(failed.text):
            raise CannotEdit(f"line {failed.line} of the Dockerfile installs packages itself: change it by hand")
        base = _base(text, failed)
        known = next((m for pattern, m in _DISTRIBUTIONS if pattern.search(base)), None)
        if known != manager:
            why = f"uses {known}" if known else "does not tell its package manager by its name"
            raise CannotEdit(f"the snippet installs with {manager}, and the base image {base or 'is not known'} {why}")


def _base(text: str, failed: Instruction, depth: int = 0) -> str:
    """Return the image on which the stage of an instruction stands."""
    stages = [i for i in instructions(text) if i.keyword == "FROM" and i.start <= failed.start]
    if not stages:
        return ""
    words = [w for w in stages[-1].text.split()[1:] if not w.startswith("--")]
    base = words[0] if words else ""
    for stage in stages[:-1]:
        if re.search(rf"(?i)\sAS\s+{re.escape(base)}\s*$", stage.text) and depth < 50:
            return _base(text, stage, depth + 1)
    return base


def _in_stage(text: str, other: Instruction, failed: Instruction) -> bool:
    begun = max((i.start for i in instructions(text) if i.keyword == "FROM" and i.start <= failed.start), default=0)
    return begun <= other.start < failed.start


def failed_instruction(text: str, location: Location) -> Instruction | None:
    """Return the instruction that the log names: by its line, else by what the step says. Raises CannotEdit."""
    known = instructions(text)
    if location.dockerfile_line:
        found = next((i for i in known if i.line <= location.dockerfile_line <= i.line + i.text.count("\n")), None)
        if found is None or location.instruction not in (None, found.keyword):
            raise CannotEdit(f"line {location.dockerfile_line} is not the instruction of the log: the file has changed")
        return found
    step = _words((location.step or "").partition("] ")[2])
    same = [i for i in known if step and _words(i.text) == step]
    return same[0] if len(same) == 1 else None


def _words(text: str) -> list[str]:
    return re.sub(r"\\\r?\n", " ", text).split()


def _with_directive(text: str, line: str, name: str) -> str:
    """Put a parser directive into the first line, or in the place of the one that is there."""
    position = 1 if text.startswith("\ufeff") else 0
    while match := _DIRECTIVE.match(text, position):
        end = next_line(text, position)
        if match[1].lower() == name:
            old = text[position:end].rstrip("\r\n")
            return text if old == line else spliced(text, [Splice(position, position + len(old), line)])
        position = end
    position = 1 if text.startswith("\ufeff") else 0
    return spliced(text, [inserted_lines(text, position, [line])])


def edit_ignore(text: str | None, snippet: str) -> str:
    """Return a .dockerignore with the lines that it lacks behind its own: the last one that matches counts."""
    wanted = [line for line in snippet.split("\n") if line.strip() and not line.startswith("#")]
    if text is None:
        return "".join(f"{line}\n" for line in wanted)
    there = {line.strip() for line in text.removeprefix("\ufeff").split("\n")}
    lacking = [line for line in wanted if line.strip() not in there]
    return spliced(text, [inserted_lines(text, len(text), lacking)]) if lacking else text


def replace_text(text: str, pairs: Sequence[tuple[str, str]], location: Location, *, dockerfile: bool) -> str:
    """Return a text with words replaced: in the failed instruction, where the log names one. Raises CannotEdit."""
    failed = failed_instruction(text, location) if dockerfile else None
    start, end = (failed.start, failed.end) if failed else (0, len(text))
    for find, new in pairs:
        part = text[start:end]
        if new and new in part:
            continue
        count = part.count(find)
        if count == 0 and not new:
            continue
        if count == 0 or (count > 1 and failed is None):
            where = f"line {failed.line}" if failed else "the file"
            raise CannotEdit(f"{where} holds {find!r} {'not at all' if count == 0 else f'{count} times'}")
        changed = spliced(part, [Splice(part.index(find), part.index(find) + len(find), new)])
        text, end = text[:start] + changed + text[end:], end + len(changed) - len(part)
    return text
