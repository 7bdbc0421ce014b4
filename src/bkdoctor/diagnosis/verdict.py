"""From Log, Layout and Facts to the outcome of the job: passed, failed, or not told."""

import re
from typing import Literal

from bkdoctor.diagnosis.blame import Blame
from bkdoctor.diagnosis.fragment import goes_on_behind, is_overcome
from bkdoctor.diagnosis.region import is_error
from bkdoctor.model import Facts
from bkdoctor.trace.layout import Layout, is_script
from bkdoctor.trace.log import Log

Outcome = Literal["passed", "failed", "open"]

_TAIL = 40
"""Lines at the end of a log in which a builder says how it went."""
_BUILT = re.compile(
    r"^Successfully (?:built|tagged) |^writing image sha256:|^(?:exporting|pushing) manifest\b.*done"
    r"|^naming to \S+.* done"
    r"|^INFO\[[\dTZ:+-]+\] Pushed |^COMMIT \S+|^Successfully tagged|^INFO\[[\dTZ:+-]+\] Skipping push"
)
_FAILED = re.compile(
    r"^(?:ERROR|error|Error|FATAL|FATA\[[\dTZ:+-]+\])\b[: ]|failed to solve|returned a non-zero code"
    r"|error building image"
    r"|did not complete successfully: exit code|^executor failed running \["
    r"|^failed to (?:build|receive status|get status|list workers|fetch|authorize|push|read|export|load)\b"
    r"|^error during connect"
)


def outcome(log: Log, layout: Layout, facts: Facts) -> Outcome:
    """Say how the job ended: by the API's word, the runner's last line, or what the builder said."""
    if facts.status == "success":
        return "passed"
    if facts.status in ("failed", "canceled"):
        return "failed"
    if layout.final is not None and _is_last_word(log, layout):
        return "passed" if layout.succeeded else "failed"
    if layout.has_runner:
        return "failed" if Blame(layout).failing else "open"
    return _builder_outcome(log, layout)


def _is_last_word(log: Log, layout: Layout) -> bool:
    """The runner's word is the last visible line; what a test printed in the script looks the same and is not."""
    final = layout.final
    assert final is not None
    section = layout.section_at(final)
    if section is not None and is_script(section.name):
        return False
    return log.is_blank(final + 1) if layout.succeeded else not goes_on_behind(log, final)


def _builder_outcome(log: Log, layout: Layout) -> Outcome:
    """A log without runner lines: passed if no builder failed and the last thing it did went well."""
    blame = Blame(layout)
    if blame.failing or layout.chains:
        return "failed"
    last = layout.steps[-1] if layout.steps else None
    if last is not None and last.kind in ("buildkit", "tty") and not last.finished and not last.failed:
        return "open"
    numbers = log.ends(1, None, _TAIL)[-_TAIL:]
    tail = [log.line(n).body.strip() for n in numbers]
    failed = [n for n, text in zip(numbers, tail, strict=True) if _FAILED.search(text)]
    if failed and not is_overcome(log, layout, failed[-1]):
        return "failed"
    if last is not None and last.finished and last.kind in ("buildkit", "tty"):
        behind = any(is_error(text) for n, text in zip(numbers, tail, strict=True) if n > last.last)
        began = any(not step.title.name.startswith("[internal]") for step in layout.steps)
        return "passed" if began and not behind else "open"
    built = [n for n, text in enumerate(tail) if _BUILT.search(text)]
    if not built:
        return "open"
    return "failed" if any(is_error(text) for text in tail[built[-1] + 1 :]) else "passed"
