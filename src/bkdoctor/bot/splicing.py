"""A changed file and the diff of a merge request -> the lines of that diff that a suggestion replaces."""

import difflib
import re

import msgspec

from bkdoctor.fixes.result import Change

_HUNK = re.compile(r"@@ -(?P<old>\d+)(?:,\d+)? \+(?P<new>\d+)(?:,\d+)? @@")
_MAX_ABOVE = 100
"""Lines above the commented one that GitLab lets a suggestion replace."""


class Replacement(msgspec.Struct, frozen=True, kw_only=True):
    """Lines to replace, counted up from the one that is commented."""

    new_line: int
    """Number of the last line, in the file as the merge request has it."""
    old_line: int | None
    """Number before the merge request, of a line that it did not add."""
    above: int
    """How many lines above that one are replaced too."""
    text: str


def replacement_in(change: Change, diff: str) -> Replacement | None:
    """Return what to suggest; None unless the change is one stretch of lines that the diff shows."""
    if change.before is None or "\r" in change.before + change.after:
        return None
    before, after = change.before.split("\n"), change.after.split("\n")
    codes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    changed = [code for code in codes if code[0] != "equal"]
    if len(changed) != 1:
        return None
    _, first, end, new_first, new_end = changed[0]
    if first == end:
        # nothing is replaced by an insertion: the line above it is, by itself and what is new
        first, new_first = first - 1, new_first - 1
    shown = lines_of(diff)
    numbers = range(first + 1, end + 1)
    if first < 0 or not all(number in shown for number in numbers) or len(numbers) > _MAX_ABOVE:
        return None
    text = "\n".join(after[new_first:new_end])
    if not text.strip():
        # GitLab takes an empty suggestion for "delete these lines", which is not what it looks like
        return None
    return Replacement(new_line=end, old_line=shown[end], above=len(numbers) - 1, text=text)


def lines_of(diff: str) -> dict[int, int | None]:
    """Return the new numbers of the lines that a diff shows, each with its old one; None: the line is new."""
    shown: dict[int, int | None] = {}
    old = new = 0
    for line in diff.split("\n"):
        if hunk := _HUNK.match(line):
            old, new = int(hunk["old"]), int(hunk["new"])
        elif line.startswith("+"):
            shown[new] = None
            new += 1
        elif line.startswith("-"):
            old += 1
        elif line.startswith(" "):
            shown[new] = old
            old, new = old + 1, new + 1
    return shown
