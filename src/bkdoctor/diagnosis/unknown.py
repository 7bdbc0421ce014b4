"""From a Log to the lines worth reading when nothing else is known, and to a signature of the failure.

The signature is the same for the same failure in another job.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence

from bkdoctor.diagnosis.blame import Blame
from bkdoctor.trace.layout import Layout, Step
from bkdoctor.trace.log import Log

MOST_LINES = 20
_SEARCHED = 5_000
"""Lines of the failing step, at its beginning and at its end, in which the first error is looked for."""

_ERROR = re.compile(
    r"(?<![\w-])(?:error|fatal|failed|failure|cannot|can't|could not|couldn't|unable to|denied|refused|not found"
    r"|no such|invalid"
    r"|unknown|undefined|missing|unexpected|killed|panic|exception|traceback|unauthorized|forbidden|timed? ?out"
    r"|no space left|not permitted|unsupported|does not exist|no match|conflict|E:)(?![\w-])|(?:Error|Exception)\b",
    re.IGNORECASE,
)
_SURVIVED = re.compile(
    r"\bwarn(?:ing)?\b|\bdeprecat|\b0 (?:errors?|failures?|failed)\b|no errors?\b|\|\| true|ignor(?:ed|ing)|retry"
    r"|optional|skipp(?:ed|ing)|--no-error|error(?:s|-)?(?:prone|handl|code)",
    re.IGNORECASE,
)
_WRAPPER = re.compile(
    r"did not complete successfully|returned a non-zero code|executor failed running|^\s*ERROR: Job failed"
    r"|exit(?:ed)?(?: with)?(?: code| status)?:? \d+\s*$"
)
_CHANGING = (
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b0x[0-9a-fA-F]+\b|sha\d+:\S+"), "H"),
    (re.compile(r"\brunner-[\w-]+?-project-\d+-concurrent-\d+(?:-\w+)*"), "R"),
    # a word such as `defaced` is no hash: that has a digit
    (re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{7,}\b"), "H"),
    (re.compile(r"\b(?:\d+(?:\.\d+)?(?:h|ms|m|s|µs|ns))+\b|\d+(?:[.:]\d+)*"), "N"),
    (re.compile(r"(?:/[\w.+@-]+){2,}/?"), "P"),
    (re.compile(r"\s+"), " "),
)


def excerpt(log: Log, layout: Layout, blame: Blame, evidence: Iterable[int] = ()) -> list[int]:
    """Return at most 20 line numbers, ascending: the proof, the failing step's first error and end, the job's end."""
    wanted: dict[int, None] = dict.fromkeys(list(evidence)[:6])
    region = failing_lines(log, layout, blame)
    errors = [n for n in region if is_error(log.line(n).body)]
    for n in [*errors[:5], *errors[-5:]]:
        wanted[n] = None
    for n in (*layout.chains[-2:], *((layout.final,) if layout.final else ())):
        wanted[n] = None
    for n in [*reversed(region[-10:]), *_before(region, errors[:1], 3)]:
        if len(wanted) >= MOST_LINES:
            break
        wanted[n] = None
    return sorted(list(wanted)[:MOST_LINES])


def _before(region: list[int], errors: list[int], count: int) -> list[int]:
    if not errors:
        return []
    index = region.index(errors[0])
    return region[max(0, index - count) : index]


def failing_lines(log: Log, layout: Layout, blame: Blame) -> list[int]:
    """Return the lines in which the failure was printed: those of the failing step, else of the failed command."""
    step = blame.failing_step
    lines = _step_lines(log, layout, step) if step else []
    if not any(is_error(log.line(n).body) for n in lines):
        lines = sorted({*lines, *_command_lines(log, layout, blame)})
    return [n for n in lines if log.line(n).body.strip()]


def _step_lines(log: Log, layout: Layout, step: Step) -> list[int]:
    spans = [b.span for b in layout.dumps if b.step is step]
    numbers = set(_ends(log.numbers(step.first, step.last + 1)))
    for span in spans:
        numbers.update(log.numbers(span.start + 1, span.stop))
    return sorted(n for n in numbers if layout.step_at(log.line(n)) is step)


def _command_lines(log: Log, layout: Layout, blame: Blame) -> list[int]:
    section = blame.section
    start, stop = (section.start, section.stop) if section else (1, layout.end)
    if blame.command and blame.command.line in range(start, stop):
        start = blame.command.line
    lines = log.numbers(start, stop)
    for span in layout.daemon_logs:
        lines = [n for n in lines if n in span] or lines
    return _ends(lines)


def _ends(numbers: Sequence[int]) -> list[int]:
    return list(numbers) if len(numbers) <= 2 * _SEARCHED else [*numbers[:_SEARCHED], *numbers[-_SEARCHED:]]


def decisive_text(log: Log, layout: Layout, blame: Blame) -> str:
    """Return what the signature of an unknown failure is made of: its first error, else the last line it printed."""
    bodies = [log.line(n).body for n in failing_lines(log, layout, blame)]
    said = [body for body in bodies if not _WRAPPER.search(body)]
    return next((body for body in bodies if is_error(body)), said[-1] if said else "")


def is_error(text: str) -> bool:
    """Say whether a line reads like an error that was not survived and that says more than that something failed."""
    return bool(_ERROR.search(text)) and not _SURVIVED.search(text) and not _WRAPPER.search(text)


def signature(kind: str, text: str) -> str:
    """Return 16 hexadecimal digits that are the same for the same failure in another job, at another time."""
    for pattern, word in _CHANGING:
        text = pattern.sub(word, text)
    return hashlib.sha256(f"{kind}\n{text.strip()}".encode()).hexdigest()[:16]
