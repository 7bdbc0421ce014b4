"""What the bot must remember of a note -> the hidden last line of the note, and back.

The line is an HTML comment: GitLab keeps it in the note's source and shows it nowhere. It is the whole memory of a
merge request, so that a note is found, edited and never doubled whatever happens to the bot's own database.
"""

import re
from collections.abc import Iterable
from typing import Literal
from urllib.parse import quote, unquote

import msgspec

State = Literal["failed", "unknown", "silenced", "passed"]

_LINE = re.compile(r"^<!-- bkdoctor:note(?P<fields>(?: [a-z]+=[^\s<>]*){0,20}) -->[ \t\r]*$", re.MULTILINE)
_SUGGESTION = re.compile(r"^<!-- bkdoctor:suggestion key=(?P<key>[0-9a-f]{16}) -->[ \t\r]*$", re.MULTILINE)
_MAX_JOBS, _MAX_CAUSES, _MAX_SEEN = 20, 50, 100
_MAX_NAME = 200
"""Characters of an escaped name; a longer one is forgotten."""


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """What a note is about."""

    state: State = "failed"
    pipeline: int = 0
    causes: tuple[str, ...] = ()
    """Patterns that the note showed last; an unknown failure is `unknown:SIGNATURE`."""
    silenced: tuple[str, ...] = ()
    """Those that are not shown in this merge request; `unknown`, as older notes have it, is every unknown failure."""
    seen: tuple[str, ...] = ()
    """Emojis and replies that were taken into account: `a12`, `n34`."""
    jobs: tuple[str, ...] = ()
    """Names of the build jobs that failed last."""

    def silences(self, key: str) -> bool:
        """Whether somebody wants to hear no more of this failure."""
        return key in self.silenced or key.partition(":")[0] in self.silenced

    def line(self) -> str:
        """Return the line that ends the note."""
        fields = {
            "state": self.state,
            "pipeline": str(self.pipeline),
            "causes": _join(self.causes[:_MAX_CAUSES]),
            "silenced": _join(self.silenced[:_MAX_CAUSES]),
            "seen": _join(self.seen[-_MAX_SEEN:]),
            "jobs": _join(self.jobs[:_MAX_JOBS]),
        }
        return f"<!-- bkdoctor:note{''.join(f' {name}={value}' for name, value in fields.items() if value)} -->"


def read(body: str) -> Marker | None:
    """Return what a note remembers; None if it is none of the bot's."""
    lines = list(_LINE.finditer(body))
    if not lines:
        return None
    # the last one: the bot writes it below everything that comes from a log
    fields = dict(field.split("=", 1) for field in lines[-1]["fields"].split())
    pipeline = fields.get("pipeline", "")
    state = fields.get("state", "")
    return Marker(
        state=state if state in ("failed", "unknown", "silenced", "passed") else "failed",  # type: ignore[arg-type]
        pipeline=int(pipeline) if re.fullmatch("[0-9]{1,18}", pipeline) else 0,
        **{name: _split(fields.get(name, "")) for name in ("causes", "silenced", "seen", "jobs")},
    )


def suggestion_line(key: str) -> str:
    """Return the line that ends a suggestion."""
    return f"<!-- bkdoctor:suggestion key={key} -->"


def read_suggestion(body: str) -> str | None:
    """Return the key of a suggestion; None if the note is none of the bot's."""
    found = _SUGGESTION.findall(body)
    return found[-1] if found else None


def _join(names: Iterable[str]) -> str:
    # no two hyphens, which a comment must not hold
    escaped = (quote(name, safe="", errors="replace").replace("-", "%2D") for name in names)
    return ",".join(name for name in escaped if len(name) <= _MAX_NAME)


def _split(text: str) -> tuple[str, ...]:
    return tuple(unquote(name) for name in text.split(",") if name)
