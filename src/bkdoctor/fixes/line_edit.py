"""From a fix and a file made of lines (.dockerignore), or any text with words to replace, to the new text."""

from collections.abc import Sequence

from bkdoctor.fixes.dockerfile import failed_instruction
from bkdoctor.fixes.result import CannotEdit, Splice, inserted_lines, spliced
from bkdoctor.model import Location


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
    start, end, line = _region(text, location) if dockerfile else (0, len(text), None)
    for find, new in pairs:
        part = text[start:end]
        if new and new in part and not (new in find and find in part):
            continue
        count = part.count(find)
        if count == 0 and not new:
            continue
        if count == 0 or (count > 1 and line is None):
            where = f"line {line}" if line else "the file"
            raise CannotEdit(f"{where} holds {find!r} {'not at all' if count == 0 else f'{count} times'}")
        changed = spliced(part, [Splice(part.index(find), part.index(find) + len(find), new)])
        text, end = text[:start] + changed + text[end:], end + len(changed) - len(part)
    return text


def _region(text: str, location: Location) -> tuple[int, int, int | None]:
    """Return where the failed instruction begins and ends, and its line; or a comment that did, `# syntax=`."""
    lines = text.splitlines(keepends=True)
    number = location.dockerfile_line or 0
    if 0 < number <= len(lines) and lines[number - 1].lstrip("\ufeff").startswith("#"):
        start = sum(map(len, lines[: number - 1]))
        return start, start + len(lines[number - 1]), number
    failed = failed_instruction(text, location)
    return (failed.start, failed.end, failed.line) if failed else (0, len(text), None)
