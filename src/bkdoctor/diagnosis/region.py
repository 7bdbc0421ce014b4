"""From a Log and its structure to the Regions in which the failure was printed: lines of the failing step and command.

A region may have thousands of lines; they are read where somebody asks for some.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from bkdoctor.diagnosis.blame import Blame
from bkdoctor.trace.holding import holding
from bkdoctor.trace.layout import Layout, Step
from bkdoctor.trace.log import Line, Log

if TYPE_CHECKING:
    from bkdoctor.diagnosis.baseline import Baseline

_SEARCHED = 5_000
"""Lines of the failing step, at its beginning and at its end, in which the first error is looked for."""

_ERROR = re.compile(
    r"(?<![\w-])(?:error|fatal|failed|failure|cannot|can't|could not|couldn't|unable to|denied|refused|not found"
    r"|no such|invalid|unknown|undefined|is not an?|not recogni[sz]ed|not supported|not allowed|too (?:large|long|many)"
    r"|expired|rejected|exceeded|mismatch|aborted|segmentation fault|core dumped|out of memory|unreachable"
    r"|reset by peer|corrupt(?:ed)?|malformed|missing|unexpected|killed|panic|exception|traceback|unauthorized"
    r"|forbidden|timed? ?out|no space left|not permitted|unsupported|does not exist|no match|conflict|E:)(?![\w-])"
    r"|(?<![\w-])(?:ERR!|Err:\d)|(?:Error|Exception)\b",
    re.IGNORECASE,
)
_WORDS = (
    b"error", b"fatal", b"failed", b"failure", b"cannot", b"can't", b"could not", b"couldn't", b"unable to", b"denied",
    b"refused", b"not found", b"no such", b"invalid", b"unknown", b"undefined", b"missing", b"unexpected", b"killed",
    b"panic", b"exception", b"traceback", b"unauthorized", b"forbidden", b"timeout", b"time out", b"timed out",
    b"timedout", b"no space left", b"not permitted", b"unsupported", b"does not exist", b"no match", b"conflict", b"e:",
    b"err!", b"err:",
    b"is not a", b"not recogni", b"not supported", b"not allowed", b"too large", b"too long", b"too many", b"expired",
    b"rejected", b"exceeded", b"mismatch", b"aborted", b"segmentation fault", b"core dumped", b"out of memory",
    b"unreachable", b"reset by peer", b"corrupt", b"malformed",
)  # fmt: skip
"""One of them is in all that _ERROR matches, in small letters."""
_TEXTS = tuple(word.decode() for word in _WORDS)
_SURVIVED = re.compile(
    r"\bwarn(?:ing)?\b|\bdeprecat|\b0 (?:errors?|failures?|failed)\b|no errors?\b|\|\| true|ignor(?:ed|ing)|retry"
    r"|optional|skipp(?:ed|ing)|--no-error|error(?:s|-)?(?:prone|handl|code)"
    r"|resolver does not currently take into account",
    re.IGNORECASE,
)
_WRAPPER = re.compile(
    r"did not complete successfully|returned a non-zero code|executor failed running|^\s*ERROR: Job failed"
    # how make and other CI systems say it
    r"|##\[error\]|^Finished: FAILURE|^Done\. Your build exited with|^make(?:\[\d+\])?: \*\*\* .*\bError \d+"
    r"|exit(?:ed)?(?: with)?(?: code| status)?:? \d+\s*$"
)

_HEADING = re.compile(r"\s*(?:> )?\[[^\]]*\d/\d+\] |\s*> \[|Step \d+/\d+ : |STEP \d+|\$ ", re.ASCII)


def is_error(text: str) -> bool:
    """Say whether a line reads like an error that was not survived and that says more than that something failed."""
    small = text.lower()
    # the words are found in a twentieth of the time
    return (
        any(word in small for word in _TEXTS)
        and _ERROR.search(text) is not None
        and not _SURVIVED.search(text)
        and not _WRAPPER.search(text)
    )


def is_heading(text: str) -> bool:
    """Say whether a line is a command, or a step's instruction, before what it printed."""
    return _HEADING.match(text) is not None


def only_wraps(text: str) -> bool:
    """Say whether a line only says that something failed, not what."""
    return _WRAPPER.search(text) is not None


class Region:
    """Lines of a log, ascending, and a test which of them count."""

    def __init__(self, log: Log, numbers: Sequence[int], counts: Callable[[Line], bool]) -> None:
        self._log = log
        self._numbers = numbers
        self._counts = counts
        self._judged: dict[int, bool] = {}
        self._likely: dict[bool, _Remembered] = {}

    def _belongs(self, number: int) -> bool:
        line = self._log.line(number)
        return any(map(str.isalnum, line.body)) and self._counts(line)

    def lines(self, *, backwards: bool = False) -> Iterator[int]:
        """Yield the region's lines with words; a ruler is none."""
        return (n for n in (reversed(self._numbers) if backwards else self._numbers) if self._belongs(n))

    def errors(self, *, backwards: bool = False) -> Iterator[int]:
        """Yield the region's lines that read like an error."""
        likely = self._likely.get(backwards)
        if likely is None:
            likely = _Remembered(holding(self._log, self._numbers, _WORDS, backwards=backwards))
            self._likely[backwards] = likely
        return (n for n in likely if self._belongs(n) and self._is_error(n))

    def _is_error(self, number: int) -> bool:
        judged = self._judged.get(number)
        if judged is None:
            body = self._log.line(number).body
            judged = self._judged[number] = is_error(body) and not is_heading(body)
        return judged

    def before(self, number: int, count: int) -> list[int]:
        """Return the region's last lines before one of it."""
        earlier = (n for n in reversed(self._numbers) if n < number and self._belongs(n))
        return list(islice(earlier, count))[::-1]


class _Remembered:
    """Numbers that are looked for once, as far as somebody asks, however often they are asked for."""

    def __init__(self, source: Iterator[int]) -> None:
        self._source = source
        self._found: list[int] = []

    def __iter__(self) -> Iterator[int]:
        at = 0
        while True:
            if at == len(self._found):
                number = next(self._source, None)
                if number is None:
                    return
                self._found.append(number)
            yield self._found[at]
            at += 1


class Regions:
    """Where the failure of one job was printed; lines that the baseline has do not count."""

    def __init__(self, log: Log, layout: Layout, blame: Blame, baseline: Baseline | None = None) -> None:
        self._log = log
        self._layout = layout
        self._blame = blame
        self._baseline = baseline

    @cached_property
    def step(self) -> Region:
        """The step that ended the build; no line where no builder named one."""
        step = self._blame.failing_step
        numbers = step_lines(self._log, self._layout, step) if step else []
        return self._region(numbers, lambda line: step is not None and self._layout.step_at(line) is step)

    @cached_property
    def command(self) -> Region:
        """What the failed command printed, without the steps that ended well."""
        return self._region(_command_lines(self._log, self._layout, self._blame), self._is_open)

    @cached_property
    def section(self) -> Region:
        """The failed section, the commands before the last one too, without the steps that ended well."""
        section = self._blame.section
        start, stop = (section.start, section.stop) if section else (1, self._layout.end)
        return self._region(self._log.ends(start, stop, _SEARCHED), self._is_open)

    @cached_property
    def services(self) -> Region:
        """What the services printed, where the runner shows it because one did not start."""
        spans = self._layout.services
        numbers = [n for span in spans for n in self._log.ends(span.start, span.stop, _SEARCHED)]
        return self._region(numbers, lambda _: True)

    def _region(self, numbers: Sequence[int], counts: Callable[[Line], bool]) -> Region:
        known = self._baseline
        if known is None:
            return Region(self._log, numbers, counts)
        return Region(self._log, numbers, lambda line: counts(line) and not known.has(line.body))

    def _is_open(self, line: Line) -> bool:
        step = self._layout.step_at(line)
        return not self._layout.in_excerpt(line.number) and (step is None or not step.finished)


def step_lines(log: Log, layout: Layout, step: Step) -> list[int]:
    """Return the lines that a step printed and in which a builder prints them again, of very many the ends."""
    numbers = set(log.ends(step.first, step.last + 1, _SEARCHED))
    for block in layout.dumps_of(step):
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
