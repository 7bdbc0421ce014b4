r"""From text that may be hostile (a log's) to text that is safe to show: control characters, code spans, fences.

In go strings, out come strings; nothing here knows the report. `code_span` and `fence` give Markdown in which the text
cannot become anything but itself.
"""

import re
from collections.abc import Callable

_ESCAPE_SEQUENCES = re.compile("\x1b\\[[0-?]*[ -/]*[@-~]|\x1b[\\]P^_X][^\x07\x1b\n]*(?:\x07|\x1b\\\\)|\x1b[ -/]*[0-~]")
# C0 but tab and newline, DEL and C1; soft hyphen; marks, embeddings, overrides and isolates of writing direction;
# invisible spaces and operators; annotation anchors; language tags
INVISIBLE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_SEPARATORS = re.compile("[\u2028\u2029]")
_TICKS = re.compile("`+")
_FENCES = re.compile("`{3,}|~{3,}")
_LONGEST_RUN = 16
"""Backticks in a row that are shown; more are no text that anyone reads, and a fence must be longer than they are."""

LANGUAGES = frozenset({"yaml", "toml", "json", "dockerfile", "sh", "shell", "console", "ini", "diff", "text"})
"""Names that may stand behind a fence. Others make a viewer draw, compute or suggest (mermaid, math, suggestion)."""


def strip_controls(text: str) -> str:
    """Return `text` without escape sequences, control and invisible characters; tabs and newlines stay."""
    if text.isascii() and text.isprintable():
        return text
    text = _ESCAPE_SEQUENCES.sub("", text.replace("\r\n", "\n"))
    text = _SEPARATORS.sub(" ", _INVISIBLE.sub("", text))
    return _SURROGATES.sub("\ufffd", text)


def one_line(text: str) -> str:
    """Return `text` safe and in one line: line breaks and tabs become blanks."""
    return strip_controls(text).replace("\n", " ").replace("\t", " ")


def shorten(text: str, limit: int) -> str:
    """Return `text` cut to at most `limit` characters, the last one an ellipsis where something is missing."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def shorten_middle(text: str, limit: int) -> str:
    """Return `text` cut to at most `limit` characters; of a longer one the head and, as causes stand last, the tail."""
    if len(text) <= limit:
        return text
    head = limit * 5 // 8
    return f"{text[:head]}…{text[len(text) - (limit - head - 1) :]}"


def code_span(value: str) -> str:
    """Return `value` as a Markdown code span that nothing inside can end."""
    text = _cap_runs(one_line(value)) or " "
    fence = "`" * (_longest(_TICKS, text) + 1)
    padded = text.startswith("`") or text.endswith("`") or (text[0] == text[-1] == " " and text.strip() != "")
    return f"{fence} {text} {fence}" if padded else f"{fence}{text}{fence}"


def fence(text: str, language: str = "") -> str:
    """Return `text` as a fenced Markdown block that no line inside can end, without a newline at its end."""
    body = _cap_runs(strip_controls(text).strip("\n"))
    if _FENCES.search(body) and re.search("^/", body, re.MULTILINE):
        # Old GitLab versions find quick actions with a regex for which the first line of backticks ends the block.
        body = re.sub("^", " ", body, flags=re.MULTILINE)
    ticks = "`" * max(3, _longest(_FENCES, body) + 1)
    return f"{ticks}{language if language in LANGUAGES else 'text'}\n{body}\n{ticks}"


def _cap_runs(text: str) -> str:
    cap: Callable[[re.Match[str]], str] = lambda run: shorten(run[0], _LONGEST_RUN)  # noqa: E731
    return re.sub("`{17,}|~{17,}", cap, text)


def _longest(runs: re.Pattern[str], text: str) -> int:
    return max(map(len, runs.findall(text)), default=0)
