"""A plain, slow reading of a trace as GitLab's own viewer reads it, to compare the fast one with.

Character by character: `\\r` that is not followed by the line's end clears the line, every escape sequence is dropped, a
section marker is not shown, a line of a timestamped trace whose header ends in `+` goes on from the line before.
Source: GitLab `lib/gitlab/ci/ansi2json/v2/converter.rb`.
"""

import re

_HEADER = re.compile(rb"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{6}Z [0-9a-f]{2}[EO]([+ ])")
_MARKER = re.compile(r"section_(?:start|end):\d{9,11}:[A-Za-z0-9_.-]+(?:\[[^\]\r\n]*=[^\]\r\n]*\])?\r?(?:\x1b\[0K)?")


def view(raw: bytes) -> dict[int, str]:
    """Return the visible text of each line by the number of its first raw line, blanks folded; empty lines are left out."""
    lines = raw.split(b"\n")
    timestamped = _HEADER.match(lines[0]) is not None
    joined: list[tuple[int, bytes]] = []
    for number, line in enumerate(lines, 1):
        header = _HEADER.match(line) if timestamped else None
        body = line[header.end() :] if header else line
        if header and header[1] == b"+" and joined:
            joined[-1] = (joined[-1][0], joined[-1][1] + body)
        else:
            joined.append((number, body))
    shown = ((number, " ".join(_show(body).split())) for number, body in joined)
    return {number: text for number, text in shown if text}


def _show(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    parts = [_type(part) for part in _MARKER.split(text)]
    return " ".join(p for p in parts if p.strip())


def _type(text: str) -> str:
    out: list[str] = []
    position = 0
    text = text.rstrip("\r")
    while position < len(text):
        char = text[position]
        if char == "\r":
            out.clear()
        elif char == "\x1b":
            position += _escape_length(text[position:]) - 1
        elif char >= " " or char == "\t":
            out.append(char)
        position += 1
    return "".join(out)


def _escape_length(text: str) -> int:
    for pattern in (r"\x1b\[[0-?]*[ -/]*[@-~]", r"\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?", r"\x1b[ -/]*[0-~]?"):
        if match := re.match(pattern, text):
            return match.end()
    return 1
