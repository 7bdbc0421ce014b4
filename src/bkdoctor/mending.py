"""From a report and the files of a project to the change that a fix makes of them: which fix, of which file."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from bkdoctor.fixes.apply import EDITABLE, Where, apply, examples_in, with_diff
from bkdoctor.fixes.ci_config import load
from bkdoctor.fixes.ci_jobs import method_of_job
from bkdoctor.fixes.result import Change, Refusal, Unchanged
from bkdoctor.model import Edit, Finding, Fix, Method, Report

_HIDDEN = "hint"


class Judgement(msgspec.Struct, frozen=True):
    """What GitLab says of changed files."""

    fault: str = ""
    """What is wrong with them; empty: nothing, or it was not asked."""
    note: str = ""
    """Why it did not judge them, a sentence; empty: it did, or none was to be expected."""


class Files(Protocol):
    """Where the files of a project come from."""

    def name_for(self, fix: Fix, finding: Finding) -> str | Refusal:
        """Return the path of the file that a fix is for, or why there is none."""

    def read(self, path: str) -> str | None:
        """Return a file's text, None if there is none."""

    def whole(self) -> str | None:
        """Return the CI configuration as GitLab merged it, if that is known."""

    def judge(self, changes: tuple[Change, ...]) -> Judgement:
        """Say what GitLab finds wrong with changed files."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asks for."""

    number: int | None = None
    """Of the fix, as the report counts them; None: the first that fits."""
    job: str | None = None
    runner: str | None = None


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A fix, with its diff, and what it changes."""

    fix: Fix
    changes: tuple[Change, ...]
    words: tuple[str, ...]
    """What the user should know of it, a sentence each."""
    examples: tuple[str, ...] = ()
    """What is in it to be replaced by hand: as it is, it cures nothing."""


class NoProposal(msgspec.Struct, frozen=True):
    """Why there is no change, a sentence each."""

    words: tuple[str, ...]
    there: bool = False
    """The file says already what the fix would write."""


def propose(report: Report, files: Files, wish: Wish) -> Proposal | NoProposal:
    """Return the change of the fix asked for, else of the first safe one that fits, else of the first that fits."""
    fixes = [(finding, fix) for finding in report.findings if finding.role != _HIDDEN for fix in finding.fixes]
    if not fixes:
        return NoProposal((_nothing(report),))
    if wish.number is not None:
        return _chosen(report, fixes, files, wish, wish.number)
    words: list[str] = []
    waiting: Proposal | None = None
    for finding, fix in _in_order(report, fixes):
        tried = _try(report, finding, fix, files, wish)
        if isinstance(tried, NoProposal):
            words += [f"{_title(fix)}: {reason}" for reason in tried.words]
            if tried.there:
                return NoProposal((*words, *_others(fixes, fix)), there=True)
        elif tried.examples:
            waiting = waiting or tried
        else:
            return msgspec.structs.replace(tried, words=(*words, *tried.words))
    if waiting is not None:
        return msgspec.structs.replace(waiting, words=(*words, *waiting.words))
    words += [f"To find out more, --fix {n}: {_title(fix)}." for n, (_, fix) in enumerate(fixes, 1) if _is_probe(fix)]
    words += [f"{_title(fix)}: needs {fix.condition}" for _, fix in fixes if fix.fits != "yes" and fix.condition]
    return NoProposal(tuple(dict.fromkeys(words)) or (_for_hands(fixes),))


def method_in(report: Report, files: Files, wish: Wish) -> Method | None:
    """Return the method with which the file's job builds, where the log does not tell it; None: that is not clear."""
    pairs = ((f, fix) for f in report.findings for fix in f.fixes if fix.file == _CI and isinstance(fix.edit, Edit))
    found = next(pairs, None) if report.facts.method is None else None
    name = files.name_for(found[1], found[0]) if found else None
    text = files.read(name) if isinstance(name, str) else None
    if found is None or not isinstance(name, str) or text is None or not isinstance(found[1].edit, Edit):
        return None
    return method_of_job(load(name, text, files.read, files.whole()), report.facts, found[1].edit, wish.job)


def _nothing(report: Report) -> str:
    if report.verdict == "passed":
        return "The job passed: there is nothing to fix."
    if not report.findings:
        return "Why the job failed is not known: there is no fix."
    return "There is no fix for this failure."


def _for_hands(fixes: Sequence[tuple[Finding, Fix]]) -> str:
    listed = "; ".join(dict.fromkeys(_title(fix) for _, fix in fixes))
    return f"What cures this failure is no change of a file: {listed}."


def _chosen(
    report: Report, fixes: Sequence[tuple[Finding, Fix]], files: Files, wish: Wish, number: int
) -> Proposal | NoProposal:
    if not 1 <= number <= len(fixes):
        listed = "; ".join(f"{n} {fix.title}" for n, (_, fix) in enumerate(fixes, 1))
        return NoProposal((f"There is no fix {number}. There are: {listed}.",))
    finding, fix = fixes[number - 1]
    tried = _try(report, finding, fix, files, wish)
    if isinstance(tried, Proposal):
        return tried
    return NoProposal(tuple(f"{_title(fix)}: {reason}" for reason in tried.words))


def _in_order(report: Report, fixes: Sequence[tuple[Finding, Fix]]) -> list[tuple[Finding, Fix]]:
    """Put the safe fixes of each failure before those to review; the most likely failure stays first."""
    fitting = [pair for pair in fixes if pair[1].fits == "yes" and pair[1].file in EDITABLE and not _is_probe(pair[1])]
    return sorted(fitting, key=lambda pair: (report.findings.index(pair[0]), pair[1].risk != "safe"))


def _is_probe(fix: Fix) -> bool:
    return isinstance(fix.edit, Edit) and fix.edit.probe


def _others(fixes: Sequence[tuple[Finding, Fix]], there: Fix) -> list[str]:
    listed = "; ".join(f"--fix {n}: {_title(f)}" for n, (_, f) in enumerate(fixes, 1) if f is not there)
    return [f"If the job still fails, there are others: {listed}."] if listed else []


def _title(fix: Fix) -> str:
    return f"{fix.title} ({fix.file})"


def _try(report: Report, finding: Finding, fix: Fix, files: Files, wish: Wish) -> Proposal | NoProposal:
    name = files.name_for(fix, finding)
    if isinstance(name, Refusal):
        return NoProposal((f"{name.reason}.",))
    where = Where(
        facts=report.facts,
        location=finding.location,
        read=files.read,
        whole=files.whole() if fix.file == _CI else None,
        job=wish.job,
        runner=wish.runner,
    )
    made = apply(fix, name, files.read(name), where)
    if isinstance(made, Refusal):
        return NoProposal((f"{made.reason}.",))
    if isinstance(made, Unchanged):
        return NoProposal((f"{made.path} needs no change for it.",), there=True)
    judgement = files.judge(made)
    if judgement.fault:
        return NoProposal((f"GitLab would refuse the changed {made[0].path}: {judgement.fault}.",))
    examples = examples_in(fix, made)
    words = (*_words(fix, made, examples), *([judgement.note] if judgement.note else []))
    return Proposal(fix=with_diff(fix, made), changes=made, words=words, examples=examples)


_CI = ".gitlab-ci.yml"


def _words(fix: Fix, changes: tuple[Change, ...], examples: Sequence[str]) -> tuple[str, ...]:
    words = [f"{fix.title}."]
    words += [f"The job is {change.job}." for change in changes[:1] if change.job]
    if fix.risk != "safe":
        words.append("This fix is to be reviewed before it is applied.")
    if fix.fits != "yes" and fix.condition:
        words.append(f"It fits only if {fix.condition}.")
    if fix.note:
        words.append(fix.note)
    words += [f"Mind that {note}." for change in changes for note in change.notes]
    if examples:
        words.append(f"Replace what is an example: {', '.join(examples)}.")
    return tuple(words)
