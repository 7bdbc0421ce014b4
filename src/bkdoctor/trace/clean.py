"""From the bytes of a trace to the text that GitLab's own viewer shows, line by line.

In goes one raw line (or a line and its continuations), out comes text without timestamps, section markers, carriage
returns and escape sequences. Sources of the format: gitlab-runner `helpers/build_section.go` and
`common/buildlogger/internal/timestamper`, GitLab `lib/gitlab/ci/ansi2json/v2/converter.rb`.
"""

import re

HEADER = re.compile(rb"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{6}Z [0-9a-f]{2}[EO][+ ]")
"""What FF_TIMESTAMPS puts before each line: time, stream, `+` for "goes on from the line before"."""
HEADER_LENGTH = 32
_CONTINUES = ord("+")
LONG = 64 * 1024
"""Bytes of a line that are read: of a longer one, half of them from its head and half from its tail."""
_LEFT_OUT = b"\x07..."
"""A sign for bytes that are not read, behind what ends a terminal's title."""
_SHORT = 16
"""Bytes of a word that is not shown if it has no end."""

MARKER = re.compile(
    rb"section_(?P<kind>start|end):(?P<time>\d{9,11}):(?P<name>[A-Za-z0-9_.-]+)"
    rb"(?P<options>\[[^\]\r\n]*=[^\]\r\n]*\])?\r?(?:\x1b\[0K)?"
)
"""A section marker; options stand in brackets behind the name."""

# a section's marker is one whatever stands before it: no sequence takes its first letter
CSI = rb"\[[0-?]*+[ -/]*+(?!section_)[@-~]"
"""Behind an escape character: colours, clearing."""
TITLE = rb"\][^\x07\x1b\r\ns]*+(?:(?!section_)s[^\x07\x1b\r\ns]*+)*+(?:\x07|\x1b\\)?+"
"""Behind an escape character: titles, links; a carriage return clears the beginning of one."""
OTHER = rb"[ -/]*+(?:(?!section_)[0-~])?+"
"""Behind an escape character: every other sequence."""
ESCAPES = re.compile(rb"\x1b++(?:%b|%b|%b)" % (CSI, TITLE, OTHER))
_BEGUN = re.compile(rb"\x1b(?:\[[0-?]*+[ -/]*+|\][^\x07\x1b\r\n]*+|[ -/]*+)\Z")
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, clearing
    r"|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC: titles, links
    r"|\x1b[ -/]*[0-~]?"
)
SIGN = r"\^\[|\\(?:u001[bB]|x1[bB]|033|e)"
"""What is written for an escape character."""
LOST = r"\[(?:0K|0;m|0m|3\d;1m|0;3\dm)"
"""What is left of the runner's own escape sequences where the escape character was lost."""
_LOST_ESCAPES = re.compile(rf"(?:{SIGN})?{LOST}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_PREFIX = re.compile(
    r"(?:\d{4}-\d\d-\d\dT[\d:.]+Z\s(?:[0-9a-f]{2}[EO][+ ])?)?"
    r"(?:##\[(?:error|warning|debug|section)\])?(?:\s*#\d+ (?:\d+\.\d+(?: |$))?|\s*=> => (?:# )?|\s{0,4}\d+\.\d{1,3} )?"
    # what runs the scripts of a workspace's packages puts their names before what they print: Yarn, pnpm, Turborepo
    r"(?:\[[@\w./-]{1,99}+\]: |(?:[@\w-]{0,99}+[/.][@\w./-]{0,99}+ |[@\w./-]{1,99}+:)"
    r"(?:build|compile|test|lint|typecheck|(?:pre|post)?install|generate)(?::[\w-]+)*: )?"
)


def is_timestamped(first_line: bytes) -> bool:
    """Say whether a trace with this first line carries FF_TIMESTAMPS headers throughout, as GitLab decides it."""
    return HEADER.match(first_line) is not None


def continues(raw_line: bytes) -> bool:
    """Say whether a line of a timestamped trace goes on from the line before it."""
    return (
        len(raw_line) >= HEADER_LENGTH
        and raw_line[HEADER_LENGTH - 1] == _CONTINUES
        and HEADER.match(raw_line) is not None
    )


def without_header(raw_line: bytes) -> bytes:
    """Return the line without its FF_TIMESTAMPS header, if it has one."""
    return raw_line[HEADER_LENGTH:] if HEADER.match(raw_line) else raw_line


def joined(region: bytes) -> bytes:
    """Return the bytes of a line and those that go on from it, without their headers."""
    return b"".join([without_header(line) for line in region.split(b"\n")])


def shortened(head: bytes, before: bytes, tail: bytes, *, timestamped: bool) -> bytes:
    """Return what is read of a line that is too long: its first and last bytes, and a sign for what was left out.

    `before` are bytes before the last ones: an escape sequence that begins there does not show its end. Nor does the
    beginning show a short word or a sequence that has no end: a number may be another one than it seems.
    """
    if timestamped:
        at = tail.find(b"\n") + 1
        head, before, tail = joined(head), joined(before + tail[:at]), joined(tail[at:])
    begun = before[_end_of_text(before) :]
    if begun and (escape := ESCAPES.match(begun + tail)):
        tail = tail[escape.end() - len(begun) :]
    head = head[: _end_of_text(head)]
    word = head.rfind(b" ", max(0, len(head) - _SHORT))
    return head[: word + 1 or None] + _LEFT_OUT + tail


def _end_of_text(part: bytes) -> int:
    """Return where an escape sequence begins that has no end; the length of the part if there is none."""
    start = part.rfind(b"\x1b")
    return start if start >= 0 and _BEGUN.match(part, start) else len(part)


def clean(joined: bytes, *, lost_escapes: bool = False) -> str:
    """Return the visible text of a line whose headers are gone and whose continuations are joined.

    Section markers go, text on both sides of one stays. A carriage return inside clears what stood before it.
    `lost_escapes`: the log was pasted from somewhere that dropped the escape character but not the rest of its codes.
    """
    if b"section_" not in joined:
        return _type(joined, lost_escapes)
    parts = (_type(part, lost_escapes) for part in _MARKER_SPLIT.split(joined))
    return " ".join(part for part in parts if part.strip())


def comes_together(joined: bytes) -> bool:
    """Say whether a line has text on both sides of a section's marker."""
    return sum(1 for part in _MARKER_SPLIT.split(joined) if part.strip(b"\r")) > 1


_MARKER_SPLIT = re.compile(re.sub(rb"\?P<\w+>", rb"?:", MARKER.pattern))


def _type(part: bytes, lost_escapes: bool) -> str:
    part = part.rstrip(b"\r")
    if b"\r" in part:
        part = part[part.rindex(b"\r") + 1 :]
    text = part.decode("utf-8", "replace")
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    elif lost_escapes:
        text = _LOST_ESCAPES.sub("", text)
    # a terminal's copy is filled with blanks
    return (text if text.isprintable() else _CONTROLS.sub("", text)).rstrip(" ")


def prefix_length(text: str) -> int:
    """Return the length of what stands before the output: `#7 12.3 `, `=> => # `, a pasted timestamp, `##[error]`."""
    match = _PREFIX.match(text)
    return match.end() if match else 0
