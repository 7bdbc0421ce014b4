"""From the lines of a copied log to what stands before nearly all of them and is not theirs.

Times are those of raw logs elsewhere, names those that Kubernetes, docker compose, syslog and other services put before
what a container prints; editors and pages number lines; a message quotes with `>` or indents.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from bkdoctor.trace import clean

_FEW = 3
"""A beginning that a single line may have by itself must stand before so many."""
_INDENT = 4
"""Blanks before every line that make a block of code of it; programs indent by less, too."""
_LOOKED_AT = 200
"""Lines by which it is judged."""
_MOST = 0.6
_AT_FIRST = 10
"""Lines of which one must have what only most have."""
_DAY = rb"\d{4}-[01]\d-[0-3]\d"
_CLOCK = rb"[0-2]\d:[0-5]\d:[0-5]\d(?:[.,]\d{1,9})?"
_ZONE = rb"(?:Z| ?[+-]\d\d:?\d\d)?"
_DATE = rb"[0-3]\d-[A-Z][a-z]{2}-\d{4}"
_PROCESS = rb"[\w./@-]+(?:\[\d+\])?: ?"
_BLANK = rb"(?: |\r?$)"
_COLOURS = rb"(?:\x1b\[[\d;]*m)*"


class Beginning(NamedTuple):
    """What stands before lines."""

    pattern: re.Pattern[bytes]
    least: int = _FEW
    """The number of lines before which it must stand."""
    counts: bool = False
    """Whether its digits must be the numbers of the lines."""
    shown: bool = False
    """Whether lines are shown with it."""
    share: float = 0.9
    """The part of the lines before which it must stand; a name that no tool prints needs not be before all."""


_BEGINNINGS = [
    Beginning(
        re.compile(
            rb"(?:[^\t\n]{1,120}\t[^\t\n]{1,120}\t(?:\xef\xbb\xbf)?)?"  # the names of a job and a step
            rb"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)(?:[ \t]|\r?$)"
            rb"(?:[0-9a-f]{2}[EO][ +])?"  # the stream of a GitLab trace whose first lines are missing
        ),
        least=1,
    ),
    Beginning(re.compile(rb"\[" + _DAY + rb"[T ]" + _CLOCK + _ZONE + rb"\](?:[ \t]|\r?$)"), least=1),
    Beginning(re.compile(rb"(?:\x1b_bk;t=\d+\x07)+"), least=1),  # Buildkite
    Beginning(re.compile(_DAY + rb" " + _CLOCK + _ZONE + rb":?(?:[ \t]|\r?$)")),
    Beginning(re.compile(rb"\d{4}-[A-Z][a-z]{2}-[0-3]\d " + _CLOCK + rb"(?:[ \t]|\r?$)")),  # Coolify
    Beginning(re.compile(rb"\d{4}/[01]\d/[0-3]\d " + _CLOCK + rb"(?:[ \t]|\r?$)")),
    Beginning(re.compile(rb"\[" + _CLOCK + rb"\][ \w]?:[ \t]+(?:\[[^\]\n]{1,60}\] )?")),  # TeamCity
    Beginning(re.compile(rb"\[?" + _CLOCK + rb"\]?(?:  |\r?$)")),
    Beginning(re.compile(rb"\[?" + _CLOCK + rb"\]?(?:[ \t]|\r?$)")),
    Beginning(re.compile(rb"(?:(?:simple|build|error|command)\t)?" + _DATE + rb" " + _CLOCK + rb"[ \t]")),  # Bamboo
    Beginning(
        re.compile(rb"[A-Z][a-z]{2} [ \d]\d " + _CLOCK + rb" [\w.-]+ " + _PROCESS), share=_MOST
    ),  # syslog, journald
    Beginning(
        re.compile(rb"[A-Z][a-z]{2} [ \d]\d " + _CLOCK + rb"(?: \[[\w.-]+\] \xe2\x94\x82)?(?: |\r?$)")
    ),  # App Platform
    Beginning(re.compile(rb"(?:\xe2\x94\x82 )+[\w.-]+/[\w.-]+  ?"), share=_MOST),  # werf
    Beginning(re.compile(rb"\[[^\]\n]{1,160}\] +\|(?: |\r?$)"), share=_MOST),  # act
    Beginning(re.compile(rb"[\w.-]+ [\w./@-]+\[\d+\]: ?")),  # behind the time of another syslog
    Beginning(re.compile(rb"std(?:out|err) [FP](?: |\r?$)")),  # behind the time in a container runtime's file
    Beginning(re.compile(rb"\[pod/[^\]\s]+\](?: |\r?$)"), share=_MOST),  # kubectl logs --prefix
    Beginning(re.compile(rb"\[[\w.-]+(?: : [\w.-]+|:\d+)\](?: |\r?$)"), share=_MOST),  # tkn, drone
    Beginning(re.compile(rb"[a-z0-9]+(?:-[a-z0-9]+){3,} [a-z0-9-]+ (?:\xe2\x80\xba )?")),  # stern
    Beginning(re.compile(rb"[a-z0-9]+(?:-[a-z0-9]+){2,}: ")),  # argo
    Beginning(re.compile(rb"Step #\d+(?: - \"[^\"\n]{1,80}\")?:(?: |\r?$)"), share=_MOST),  # Cloud Build
    Beginning(
        re.compile(rb"[ \t]*" + _COLOURS + rb"[\d_.@+/-]*+[A-Za-z][\w.@+/-]*+ +\|" + _COLOURS + _BLANK + _COLOURS)
    ),  # compose
    Beginning(re.compile(rb"remote:(?: |\r?$)")),  # git push
    Beginning(re.compile(rb"[\w./-]+\.(?:log|txt):\d+:")),  # grep -n
    Beginning(re.compile(rb"[ \t]*(\d{1,6})(?:\t|: ?| \| ?| |\r?$)"), least=5, counts=True),
    Beginning(re.compile(rb">(?: |(?=>+(?: |\r?$))|\r?$)"), shown=True),
    Beginning(re.compile(rb">"), least=8),
]


def beginning_of(head: bytes) -> Beginning | None:
    """Return what stands before the lines of a log: the same before one of the first and nearly all others."""
    if clean.is_timestamped(head.lstrip(b"\n")):
        return None
    filled = [line for line in head.split(b"\n")[:_LOOKED_AT] if line.strip()]
    for beginning in _BEGINNINGS:
        if len(filled) >= beginning.least and _fits(beginning, filled):
            return beginning
    indent = min((len(line) - len(line.lstrip(b" ")) for line in filled), default=0)
    return Beginning(re.compile(rb" {%d}" % indent)) if indent >= _INDENT and len(filled) >= _FEW else None


def _fits(beginning: Beginning, filled: Sequence[bytes]) -> bool:
    match = beginning.pattern.match
    if not any(match(line) for line in filled[: _AT_FIRST if beginning.share == _MOST else 2]):
        return False
    found = [one for line in filled if (one := match(line))]
    if len(found) < max(beginning.least, beginning.share * len(filled)):
        return False
    return not beginning.counts or _counted([int(one[1]) for one in found], len(filled))


def _counted(numbers: Sequence[int], lines: int) -> bool:
    """Whether numbers are those of all the lines, some of which are blank or left out: a Dockerfile's are of fewer."""
    steps = [after - before for before, after in pairwise(numbers)]
    return len(numbers) == lines and min(steps) > 0 and steps.count(1) >= len(steps) // 2
