"""From a Report to the words, lines and addresses that outputs for people have in common."""

import re
from typing import Any, TypeVar

import msgspec

from bkdoctor.model import Evidence, Finding, Fix, Owner, Report, Risk
from bkdoctor.text import one_line, shorten, strip_controls

OWNERS: dict[Owner, str] = {
    "author": "the author of the change",
    "runner-admin": "the runner's administrator",
    "registry-admin": "the registry's administrator",
    "gitlab-admin": "GitLab's administrator",
    "upstream": "the maintainers upstream",
}
RISKS: dict[Risk, str] = {"safe": "safe to apply", "review": "review before use"}
PLACES = {
    "shell": "as a command",
    "source": "in the project's files",
    "gitlab": "in GitLab's settings",
    "registry": "in the registry's settings",
    "node": "on the runner's machine",
}
"""Where a fix is applied when that is no file of a known name."""
GUIDE = "https://docs.gitlab.com/ci/docker/using_buildkit/"
HAND_ON = frozenset({"runner-admin", "registry-admin", "gitlab-admin"})
"""Owners who have not seen the job and need a text that stands alone."""
PASSED = "The job passed: nothing to diagnose."
EMPTY = (
    "The log is empty: there is nothing to diagnose. A trace is empty until the job's runner has written to it, and "
    "when it was erased or has expired: open the job's page, or give the file of a saved log."
)

_URL = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?(?:/[A-Za-z0-9._~:/?=%&+,;-]*)?")
_ANCHOR = re.compile(r"#[A-Za-z0-9._~:/?=%&+,;-]*")
_JOB = re.compile(r"https?://[^?#]+/-/jobs/\d+|https?://[^?#]+/jobs/\d+|https?://[^?#]+/builds/\d+")
_OBJECT = re.compile(r"/(?:-/)?(?:issues|merge_requests|work_items|epics|commit|milestones|snippets)/")
_T = TypeVar("_T", bound=msgspec.Struct)


def clean(report: _T) -> _T:
    """Return the report with every string in it free of control and invisible characters; newlines and tabs stay."""
    return msgspec.convert(_clean(msgspec.to_builtins(report)), type(report))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return strip_controls(value)
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def safe_url(url: str | None) -> str | None:
    """Return a web address of plain characters as it is, else None."""
    if not url or len(url) > 1000:
        return None
    address, sharp, anchor = url.partition("#")
    good = _URL.fullmatch(address) and (not sharp or _ANCHOR.fullmatch(sharp + anchor))
    return url if good else None


def leaves_trace(url: str) -> bool:
    """Tell whether GitLab would note a mention at the target of this address, once for every note that we post."""
    return _OBJECT.search(url) is not None


def job_url(report: Report) -> str | None:
    """Return the address of the job's page, where it is known: `#L123` behind it leads to a line."""
    for url in (report.facts.web_url, report.source.url):
        address = safe_url((url or "").partition("#")[0])
        if address and _JOB.fullmatch(address):
            return address
    return None


def split_findings(report: Report) -> tuple[Finding | None, list[Finding], list[Finding]]:
    """Return the finding that answers, the others, and the hints."""
    answers = [finding for finding in report.findings if finding.role != "hint"]
    hints = [finding for finding in report.findings if finding.role == "hint"]
    return (answers[0] if answers else None), answers[1:], hints


def place(finding: Finding) -> str | None:
    """Return file and line in the build's sources, where known: `Dockerfile:12`."""
    where = finding.location
    if not where.dockerfile and not where.dockerfile_line:
        return None
    name = one_line(where.dockerfile or "Dockerfile")
    return f"{name}:{where.dockerfile_line}" if where.dockerfile_line else name


def step(finding: Finding) -> str | None:
    """Return the build step's name, else its stage and instruction, with the platform where the name lacks it."""
    where = finding.location
    name = where.step or where.instruction or (f"stage {where.stage}" if where.stage else None)
    if name and where.platform and where.platform not in name:
        name = f"{name} ({where.platform})"
    return shorten(one_line(name), 200) if name else None


def file_of(fix: Fix) -> str | None:
    """Return the name of the file that a fix changes; None where it changes no file of a known name."""
    return one_line(fix.file) if fix.file.strip() and fix.file not in PLACES else None


def place_of(fix: Fix) -> str:
    """Return words for where a fix is applied when that is no file of a known name."""
    return PLACES.get(fix.file, "in a file of the project")


def condition(fix: Fix) -> str | None:
    """Return what a fix depends on, where the log does not tell it: `if runner >= 18.11`."""
    return f"if {one_line(fix.condition)}" if fix.condition and fix.fits == "unknown" else None


def choice(report: Report, finding: Finding) -> str | None:
    """Return how to choose among fixes where the log does not tell which one fits; None where it does."""
    conditions = {fix.condition for fix in finding.fixes if condition(fix)}
    if not conditions:
        return None
    option = (
        "; told by `--kubernetes X.Y` on the command line, bkdoctor chooses"
        if _asks_kubernetes(report, conditions)
        else ""
    )
    which = "Fix 1 fits; whether the others do depends" if finding.fixes[0].fits == "yes" else "That depends"
    return f"{which} on what the log does not tell{option}."


def _asks_kubernetes(report: Report, conditions: set[str | None]) -> bool:
    return report.facts.kubernetes is None and any("kubernetes" in (text or "").lower() for text in conditions)


def counted(number: int, word: str) -> str:
    """Return `1 job` or `3 jobs`."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def what_is_missing(missing: tuple[str, ...]) -> str:
    """Return how much of a story could not be read."""
    return f"{counted(len(missing), 'thing')} could not be read"


def unknown_title(report: Report) -> str:
    """Return what to say first of a log without a known cause; the signature is there for every failed job."""
    return "The build failed, and the cause is not known" if report.signature else "No known failure found in this log"


def unknown_end(report: Report) -> str:
    """Return what to say of a log without any finding."""
    code = report.facts.exit_code
    end = f"It ended with exit code {code}; none" if code is not None else "None"
    return f"{end} of the known failures is in the log."


def decisive(report: Report) -> Evidence | None:
    """Return the line of the excerpt that reads like the first real error."""
    return next((line for line in report.excerpt if line.line == report.decisive), None)


def first_fix(finding: Finding) -> Fix | None:
    """Return the fix to name where only one is named."""
    return next((fix for fix in finding.fixes if fix.fits == "yes"), finding.fixes[0] if finding.fixes else None)


def in_order(evidence: tuple[Evidence, ...]) -> list[Evidence]:
    """Return evidence as it stands in the log."""
    return sorted(evidence, key=lambda line: line.line)


def certainty(finding: Finding) -> str | None:
    """Return what the reader must know of how sure the answer is; None when it is sure."""
    if finding.role == "symptom" and not finding.generic:
        return "a symptom: the log does not show what caused it"
    if finding.confidence == "high":
        return None
    return f"{finding.confidence} confidence: compare the evidence with the explanation"


def runner(report: Report) -> str | None:
    """Return how the runner's administrator finds the runner: its name, version and executor."""
    facts = report.facts
    parts = [
        facts.runner_name,
        f"token {facts.runner_token}" if facts.runner_token else None,
        f"gitlab-runner {facts.runner}" if facts.runner else None,
        f"{facts.executor} executor" if facts.executor else None,
    ]
    return ", ".join(one_line(part) for part in parts if part) or None


def hand_on(report: Report, finding: Finding, owner: Owner) -> str:
    """Return plain text for an owner who has not seen the job: what failed, where, and what they can change."""
    lines = [f"{one_line(finding.title)}."]
    lines += [f"Job: {one_line(url)}" if (url := job_url(report)) else ""]
    lines += [f"Runner: {name}" if (name := runner(report)) else ""]
    lines += [f"Line {line.line}: {one_line(line.text)}" for line in finding.evidence[:1]]
    mine = [fix for fix in finding.fixes if fix.owner == owner]
    for fix in mine:
        words = f" ({condition(fix)})" if condition(fix) else ""
        name = file_of(fix)
        lines += ["", f"{fix.title}{f', in {name}' if name else ''}{words}:", "", fix.diff or fix.snippet]
    lines += ["", *(f"See {url}" for url in finding.references[:3])] if finding.references else []
    return "\n".join(line for n, line in enumerate(lines) if line or n > 3)
