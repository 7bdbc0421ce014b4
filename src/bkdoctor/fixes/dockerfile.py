"""From a Dockerfile to its instructions, and from what the log says to the one that failed."""

import re
from typing import NamedTuple

from bkdoctor.fixes.result import CannotEdit, next_line
from bkdoctor.model import Location

HERE = re.compile(r"<<-?\s*([\"']?)(\w+)\1")
_CUT = 300
"""A step's name of the log may be cut behind so many characters."""


class Instruction(NamedTuple):
    """An instruction of a Dockerfile: its keyword in capitals, where it stands, and what it says."""

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
    for match in HERE.finditer(text[start:end]):
        closed = re.compile(rf"^\t*{re.escape(match[2])}[ \t]*\r?$", re.MULTILINE).search(text, end)
        end = next_line(text, closed.end()) if closed else end
    return end


def failed_instruction(text: str, location: Location) -> Instruction | None:
    """Return the instruction that the log names: by what the step says, else by its line. Raises CannotEdit.

    Its words go first: a line's number is another once something was put above it.
    """
    known = instructions(text)
    step = location.step or ""
    said = " ".join((step.partition("] ")[2] if step.startswith("[") else step).split())
    same = [i for i in known if said and _is_said(i, said)]
    if len(same) > 1 and location.stage:
        same = [i for i in same if location.stage in names_of_stage(text, i)]
    if len(same) == 1:
        return same[0]
    if not location.dockerfile_line:
        return None
    found = next((i for i in known if i.line <= location.dockerfile_line <= i.line + i.text.count("\n")), None)
    if found is None or location.instruction not in (None, found.keyword):
        raise CannotEdit(f"line {location.dockerfile_line} is not the instruction of the log: the file has changed")
    return found


def _is_said(instruction: Instruction, said: str) -> bool:
    text = " ".join(words(instruction.text))
    return text.startswith(said) if len(said) >= _CUT else text == said


def words(text: str) -> list[str]:
    """Return the words of an instruction, whichever lines it is written in."""
    return re.sub(r"\\\r?\n", " ", text).split()


def stages(text: str) -> list[Instruction]:
    """Return the instructions that begin a stage."""
    return [i for i in instructions(text) if i.keyword == "FROM"]


def stage_of(text: str, instruction: Instruction) -> Instruction | None:
    """Return the FROM of the stage in which an instruction stands."""
    return next((i for i in reversed(stages(text)) if i.start <= instruction.start), None)


def names_of_stage(text: str, instruction: Instruction) -> set[str]:
    """Return what the log may call the stage of an instruction: its name, or its number."""
    begun = stage_of(text, instruction)
    if begun is None:
        return set()
    number = [i.start for i in stages(text)].index(begun.start)
    named = re.search(r"(?i)\sAS\s+(\S+)\s*$", begun.text)
    return {f"stage-{number}", *([named[1]] if named else [])}


def image_of(begun: Instruction) -> str:
    """Return the image that a FROM names, as it is spelled."""
    named = [w for w in words(begun.text)[1:] if not w.startswith("--")]
    return named[0] if named else ""


def origin_of(text: str, instruction: Instruction) -> Instruction | None:
    """Return the FROM that names the image on which the stage of an instruction stands, through stages by name."""
    begun = stage_of(text, instruction)
    for _ in range(50):
        earlier = [i for i in stages(text) if begun is not None and i.start < begun.start]
        below = next((i for i in earlier if begun and image_of(begun) in names_of_stage(text, i)), None)
        if below is None:
            break
        begun = below
    return begun
