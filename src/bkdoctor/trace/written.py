"""From a log whose line ends and characters were written out to its text.

A JSON document or a program's message has `\\n` for a line end and `\\u001b` for the escape character; a page's source
has entities and tags; a page or a chat program makes blanks and quotes of its own.
"""

import re
from typing import NamedTuple

import msgspec

from bkdoctor.trace import clean

_ENTITIES = [(b"&quot;", b'"'), (b"&#34;", b'"'), (b"&#39;", b"'"), (b"&#x27;", b"'"), (b"&lt;", b"<"), (b"&gt;", b">")]
_TAG = re.compile(rb"</?(?:pre|code|span|br|div|p|a|b|i|li|td|tr|details|summary)(?:\s[^<>\n]*)?/?>")
_FENCE = re.compile(rb"^[ \t]*(?:>[ \t]?)*(?:```|~~~)[\w+-]{0,20}[ \t]*\r?$", re.MULTILINE)
_ONE_BLOCK = 3
"""Parts that a fence and its end make of a text."""
_CODE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
_SIGN = rb"(?:" + clean.SIGN.encode() + rb"|\xef\xbf\xbd|\xe2\x90\x9b)"
"""What may stand for an escape character."""
_USUAL = re.compile(_SIGN + clean.LOST.encode())
_SIGNS = re.compile(_SIGN + rb"(?=\[[\d;]*[A-Za-z])")
_CLEARED = re.compile(rb"\^M(?=\x1b\[|\r?$)", re.MULTILINE)
_BACKSLASH = b"\x00"
"""Stands for a backslash while others are read; no character of a log that is shown."""
_LETTERS = [
    (b"\\\\", _BACKSLASH), (b"\\n", b"\n"), (b"\\r", b"\r"), (b"\\t", b"\t"), (b"\\e", b"\x1b"), (b"\\b", b""),
    (b"\\f", b""), (b'\\"', b'"'), (b"\\'", b"'"), (b"\\/", b"/"),
]  # fmt: skip
_RECORD = re.compile(rb'\s*\{"')
_TEXTS = ("log", "message", "msg", "line", "text", "trace", "output", "MESSAGE", "textPayload")
"""The names under which a record holds what was printed."""
_MANY = 5
"""Written line ends from which on they are the log's, if it has hardly a real one."""
_FEW_LINES = 3
_LONG = 250
_STARTS = re.compile(
    rb"(?<! ) ++(?=#\d+ (?:\[|DONE|CACHED|ERROR|CANCELED|\d+\.\d+ )|Step \d+/\d+ : |STEP \d+/\d+: |---> |-----"
    rb"|Dockerfile:\d+ |Removing intermediate container |The command '/|(?:INFO|WARN|ERRO|FATA)\[\d{4}\] "
    rb"|error building image: |npm (?:ERR!|error) |Error response from daemon: |\[rootlesskit:"
    rb"|(?:Err|Get|Hit):\d+ https?://|Running with gitlab-runner |Preparing (?:the |environment )|Getting source from "
    rb"|Executing \"step_script\" |Cleaning up (?:project|file)|Uploading artifacts|Job succeeded)"
    rb"|(?<![:,=(])(?<!#\d)(?<!#\d\d)(?<!rpc)(?<! ) ++(?=(?:ERROR|Error|error|fatal|E): )"
)
"""What began a line in a log whose line ends were lost."""
_CHARACTERS = [
    (b"\xc2\xa0", b" "),  # a blank that does not break
    (b"\xe2\x80\x8b", b""),  # a place where a line may break
]
_QUOTES = [
    (b"\xe2\x80\x9c", b'"'), (b"\xe2\x80\x9d", b'"'), (b"\xe2\x80\x98", b"'"), (b"\xe2\x80\x99", b"'")
]  # fmt: skip


class Reading(NamedTuple):
    """What was written out in a log."""

    records: bool
    """Whether each line is a JSON document."""
    line_ends: bool
    lost: bool
    """Whether there are no line ends where there were some."""
    entities: bool
    characters: tuple[tuple[bytes, bytes], ...]
    fences: bool
    escapes: bool

    def read(self, data: bytes) -> bytes:
        """Return the text of the log."""
        if self.records:
            data = b"\n".join([_text_of(line) for line in data.split(b"\n")])
        elif self.line_ends:
            data = _with_line_ends(data)
        elif self.lost:
            data = _STARTS.sub(b"\n", data)
        if self.entities:
            data = _TAG.sub(b"", data)
            for entity, character in _ENTITIES:
                data = data.replace(entity, character)
            data = data.replace(b"&amp;", b"&")
        for written, character in self.characters:
            data = data.replace(written, character)
        if self.escapes:
            data = _CLEARED.sub(b"\r", _SIGNS.sub(b"\x1b", data))
        return _inside(data) if self.fences else data


def reading_of(head: bytes) -> Reading | None:
    """Say what was written out in a log that begins like this; None for a log as its tools printed it."""
    line_ends = _has_line_ends(head)
    if clean.is_timestamped(head.lstrip(b"\n")) and not line_ends:
        return None
    found = Reading(
        _has_records(head),
        line_ends,
        not line_ends and _has_lost_line_ends(head),
        any(entity in head for entity, _ in _ENTITIES) and not re.search(rb"[<>\"]", _TAG.sub(b"", head)),
        _characters(head),
        b"```" in head or b"~~~" in head,
        b"\x1b" not in head and _USUAL.search(head) is not None,
    )
    return found if any(found) else None


def _inside(data: bytes) -> bytes:
    """Return the log without fences, and without what is said around the only one if that is less than it holds."""
    parts = _FENCE.split(data)
    filled = [sum(1 for line in part.split(b"\n") if line.strip()) for part in parts]
    if len(parts) == _ONE_BLOCK and filled[1] >= max(_MANY, filled[0] + filled[2]):
        parts = [re.sub(rb"[^\n]+", b"", parts[0]), parts[1], re.sub(rb"[^\n]+", b"", parts[2])]
    return b"".join(parts)


def _has_line_ends(head: bytes) -> bool:
    """Whether line ends are written out, other than in what a program quotes."""
    if head.count(b"\\n") < _MANY or sum(1 for line in head.split(b"\n") if line.strip()) > _FEW_LINES:
        return False
    text = head.lstrip()
    before = text[: text.index(b"\\n")].replace(b'\\"', b"")
    return text.startswith(b'"') or before.count(b'"') % 2 == 0


def _has_lost_line_ends(head: bytes) -> bool:
    """Whether a log is hardly a line, in which much begins that begins a line."""
    filled = [line for line in head.split(b"\n", 2 * _FEW_LINES) if line.strip()]
    return len(filled) <= _FEW_LINES and len(head) >= _LONG and len(_STARTS.findall(head)) >= _MANY * len(filled)


def _has_records(head: bytes) -> bool:
    filled = [line for line in head.split(b"\n")[:50] if line.strip()]
    if not filled or not _RECORD.match(filled[0]):
        return False
    whole = filled[:-1] if len(filled) > 1 else filled
    return all(_RECORD.match(line) for line in whole) and _text_of(whole[0]) is not whole[0]


def _text_of(line: bytes) -> bytes:
    """Return what a record says was printed, or the line itself."""
    try:
        record = msgspec.json.decode(line)
    except (msgspec.MsgspecError, RecursionError):
        return line
    texts = [record[name] for name in _TEXTS if isinstance(record.get(name), str)] if isinstance(record, dict) else []
    return texts[0].removesuffix("\n").encode("utf-8", "replace") if texts else line


def _with_line_ends(data: bytes) -> bytes:
    if data[:1] == data.rstrip()[-1:] == b'"':
        data = data.rstrip()[1:-1]
    if b'\\"' in data or b"\\u001b" in data or b"\\x1b" in data:
        for letter, character in _LETTERS:
            data = data.replace(letter, character)
        return _CODE.sub(_character, data).replace(_BACKSLASH, b"\\")
    return data.replace(b"\\r\\n", b"\n").replace(b"\\n", b"\n").replace(b"\\t", b"\t")


def _character(match: re.Match[bytes]) -> bytes:
    return chr(int(match[1] or match[2], 16)).encode("utf-8", "replace")


def _characters(head: bytes) -> tuple[tuple[bytes, bytes], ...]:
    if head.isascii():
        return ()
    curly = b"\xe2\x80\x9c" in head and b'"' not in head
    return tuple(pair for pair in [*_CHARACTERS, *(_QUOTES if curly else ())] if pair[0] in head)
