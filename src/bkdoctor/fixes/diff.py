"""From a changed file to a unified diff that `git apply` takes."""

import difflib
import re

from bkdoctor.fixes.result import Change

_NO_NEWLINE = "\\ No newline at end of file"
_TO_QUOTE = re.compile(r'[\x00-\x1f"\\\x7f]|[^\x00-\x7f]')


def unified(change: Change) -> str:
    """Return the diff of a change, its lines ended by a newline each."""
    before, after = _lines(change.before or ""), _lines(change.after)
    old, new = _quoted(f"a/{change.path}"), _quoted(f"b/{change.path}")
    head = [f"diff --git {old} {new}"]
    if change.before is None:
        head.append("new file mode 100644")
        old = "/dev/null"
    out = [*head]
    for line in difflib.unified_diff(before, after, old, new, lineterm="\n"):
        bare = line.removesuffix("\n")
        if line.startswith(("--- ", "+++ ")) and len(out) < len(head) + 2 and " " in bare[4:]:
            bare += "\t"  # git's way to end a name that holds blanks
        out.append(bare)
        if not line.endswith("\n"):
            out.append(_NO_NEWLINE)
    return "\n".join(out) + "\n"


def _lines(text: str) -> list[str]:
    """Split at newlines alone: a carriage return belongs to its line, as other separators do."""
    parts = text.split("\n")
    return [f"{line}\n" for line in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _quoted(name: str) -> str:
    if not _TO_QUOTE.search(name):
        return name
    inner = "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\{b:03o}" for b in name.encode())
    return f'"{inner}"'
