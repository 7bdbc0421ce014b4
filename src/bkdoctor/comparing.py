"""From what `--baseline` names to the log of a job that passed, for a failed one to be compared with.

A file that the user named must be there. A job that cannot be read is no reason to give no report: that is told.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bkdoctor.diagnosis.baseline import Baseline
from bkdoctor.diagnosis.verdict import outcome
from bkdoctor.errors import BkdoctorError, InputError
from bkdoctor.model import Facts
from bkdoctor.reading import open_log, shown
from bkdoctor.trace.log import Log
from bkdoctor.trace.segment import segment

if TYPE_CHECKING:
    from bkdoctor.gitlab.target import Target

AUTO = "auto"


class Compared(NamedTuple):
    """A baseline, or a note why there is none."""

    baseline: Baseline | None = None
    notes: tuple[str, ...] = ()


def baseline_of_file(name: str) -> Baseline:
    """Return the baseline in a file, or on standard input. Raises InputError: unreadable, or no job that passed."""
    with open_log(name) as opened:
        return _baseline(Log(opened.source), shown(name), Facts())


def baseline_of_job(wanted: str, target: "Target", failed: Facts, resolve: Callable[[str], "Target"]) -> Compared:
    """Return the baseline for a job that failed: a file, a job, or the last of its name and ref that passed (`auto`).

    Raises InputError for a file, UsageError for what is neither a file nor a job; what GitLab refuses is a note.
    """
    if wanted != AUTO and not _is_job(wanted):
        return Compared(baseline_of_file(wanted))
    from bkdoctor.gitlab.baseline import fetch_passed

    other = None if wanted == AUTO else resolve(wanted)
    try:
        fetched = fetch_passed(target, failed, other)
        name = fetched.source.url or fetched.source.name or "a job"
        return Compared(_baseline(Log(fetched.trace), name, fetched.facts))
    except BkdoctorError as error:
        return Compared(notes=(f"There is nothing to compare with: {error}.",))


def _is_job(wanted: str) -> bool:
    return (wanted.isdecimal() and not Path(wanted).exists()) or "://" in wanted


def _baseline(log: Log, name: str, known: Facts) -> Baseline:
    if outcome(log, segment(log), known) == "failed":
        raise InputError(f"{name}: this job did not pass. Give the log of one that did as the baseline")
    if log.is_blank():
        raise InputError(f"{name}: this log is empty. Give the log of a job that passed as the baseline")
    return Baseline(name, log)
