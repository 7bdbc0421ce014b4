"""From a Log and its structure to the Region in which the failure was printed: lines of the failing step or command.

A region may have thousands of lines; they are read where somebody asks for some.
"""

import re
from collections.abc import Iterator
from itertools import islice

from bkdoctor.diagnosis.blame import Blame
from bkdoctor.trace.holding import holding
from bkdoctor.trace.layout import Layout, Step
from bkdoctor.trace.log import Log

_SEARCHED = 5_000
"""Lines of the failing step, at its beginning and at its end, in which the first error is looked for."""

_ERROR = re.compile(
    r"(?<![\w-])(?:error|fatal|failed|failure|cannot|can't|could not|couldn't|unable to|denied|refused|not found"
    r"|no such|invalid"
    r"|unknown|undefined|missing|unexpected|killed|panic|exception|traceback|unauthorized|forbidden|timed? ?out"
    r"|no space left|not permitted|unsupported|does not exist|no match|conflict|E:)(?![\w-])|(?:Error|Exception)\b",
    re.IGNORECASE,
)
_WORDS = (
    b"error", b"fatal", b"failed", b"failure", b"cannot", b"can't", b"could not", b"couldn't", b"unable to", b"denied",
    b"refused", b"not found", b"no such", b"invalid", b"unknown", b"undefined", b"missing", b"unexpected", b"killed",
    b"panic", b"exception", b"traceback", b"unauthorized", b"forbidden", b"timeout", b"time out", b"timed out",
    b"timedout", b"no space left", b"not permitted", b"unsupported", b"does not exist", b"no match", b"conflict", b"e:",
)  # fmt: skip
"""One of them is in all that _ERROR matches, in small letters."""
_SURVIVED = re.compile(
    r"\bwarn(?:ing)?\b|\bdeprecat|\b0 (?:errors?|failures?|failed)\b|no errors?\b|\|\| true|ignor(?:ed|ing)|retry"
    r"|optional|skipp(?:ed|ing)|--no-error|error(?:s|-)?(?:prone|handl|code)",
    re.IGNORECASE,
)
_WRAPPER = re.compile(
    r"did not complete successfully|returned a non-zero code|executor failed running|^\s*ERROR: Job failed"
    r"|exit(?:ed)?(?: with)?(?: code| status)?:? \d+\s*$"
)


def is_error(text: str) -> bool:
    """Say whether a line reads like an error that was not survived and that says more than that something failed."""
    return bool(_ERROR.search(text)) and not _SURVIVED.search(text) and not _WRAPPER.search(text)


def only_wraps(text: str) -> bool:
    """Say whether a line only says that something failed, not what."""
    return _WRAPPER.search(text) is not None


class Region:
    """The lines of the failing step; where no error is among them, those of the failed command too."""

    def __init__(self, log: Log, layout: Layout, blame: Blame) -> None:
        self._log = log
        self._layout = layout
        self._step = blame.failing_step
        self._numbers = _step_lines(log, layout, self._step) if self._step else []
        self._of_command: frozenset[int] = frozenset()
        self._judged: dict[int, bool] = {}
        if next(self.errors(), None) is None:
            self._of_command = frozenset(_command_lines(log, layout, blame))
            self._numbers = sorted(self._of_command.union(self._numbers))

    def _belongs(self, number: int) -> bool:
        line = self._log.line(number)
        return bool(line.body.strip()) and (
            number in self._of_command or (self._step is not None and self._layout.step_at(line) is self._step)
        )

    def lines(self, *, backwards: bool = False) -> Iterator[int]:
        """Yield the region's lines with text."""
        return (n for n in (reversed(self._numbers) if backwards else self._numbers) if self._belongs(n))

    def errors(self, *, backwards: bool = False) -> Iterator[int]:
        """Yield the region's lines that read like an error."""
        likely = holding(self._log, self._numbers, _WORDS, backwards=backwards)
        return (n for n in likely if self._belongs(n) and self._is_error(n))

    def _is_error(self, number: int) -> bool:
        judged = self._judged.get(number)
        if judged is None:
            judged = self._judged[number] = is_error(self._log.line(number).body)
        return judged

    def before(self, number: int, count: int) -> list[int]:
        """Return the region's last lines before one of it."""
        earlier = (n for n in reversed(self._numbers) if n < number and self._belongs(n))
        return list(islice(earlier, count))[::-1]


def _step_lines(log: Log, layout: Layout, step: Step) -> list[int]:
    numbers = set(log.ends(step.first, step.last + 1, _SEARCHED))
    for block in layout.dumps:
        if block.step is step:
            numbers.update(log.ends(block.span.start + 1, block.span.stop, _SEARCHED))
    return sorted(numbers)


def _command_lines(log: Log, layout: Layout, blame: Blame) -> list[int]:
    section = blame.section
    start, stop = (section.start, section.stop) if section else (1, layout.end)
    if blame.command and blame.command.line in range(start, stop):
        start = blame.command.line
    for span in layout.daemon_logs:
        if any(True for _ in log.numbers(max(start, span.start), min(stop, span.stop))):
            start, stop = max(start, span.start), min(stop, span.stop)
    return log.ends(start, stop, _SEARCHED)
