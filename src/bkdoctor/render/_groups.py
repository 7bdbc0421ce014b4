"""Groups of failed jobs -> parts of a Markdown page: what failed where, a line each, then each reason once, and inert.

What comes from a log or a report is written by `bkdoctor.render.markdown`; names that come from the API stand in code
spans here.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from bkdoctor.model import Evidence, Finding, Report
from bkdoctor.redact import redact
from bkdoctor.render import _words as words
from bkdoctor.render import markdown
from bkdoctor.story import Group, JobReport
from bkdoctor.text import code_span, shorten

_MAX_JOBS, MAX_GROUPS, _MAX_EVIDENCE = 20, 20, 10
_NAME = 100
_NUMBER = re.compile(r"\d+")
_GAP = "\n\n"


def parts_of(groups: Sequence[Group]) -> Iterator[str]:
    """Yield the parts of a page: an overview where there are several reasons, then each of them."""
    if len(groups) > 1:
        yield _overview(groups)
    for group in groups[:MAX_GROUPS]:
        if len(groups) > 1:
            yield "---"
        yield from _group(group)


def _overview(groups: Sequence[Group]) -> str:
    """Return what failed, where and what to do, a line for each reason: what an e-mail's preview shows."""
    jobs = sum(len(group.jobs) for group in groups)
    items = [f"{number}. {_item(group)}" for number, group in enumerate(groups[:MAX_GROUPS], 1)]
    more = len(groups) - len(items)
    rest = f"\n\nAnd {more} more." if more else ""
    what = "image build jobs" if all(job.build for group in groups for job in group.jobs) else "jobs"
    return f"**{jobs} {what} failed, for {len(groups)} reasons**\n\n" + "\n".join(items) + rest


def _item(group: Group) -> str:
    finding = group.finding
    where = places(group.jobs[:3]) + (f" and {len(group.jobs) - 3} more" if len(group.jobs) > 3 else "")
    if finding is None:
        return f"**The cause is not known**: {where}. What to do: read the lines below."
    fix = words.first_fix(finding)
    todo = f" What to do: {markdown.fix_line(finding, fix)}." if fix else ""
    return f"{markdown.title(finding.title)}: {where}. {_who(finding)}{todo}"


def _who(finding: Finding) -> str:
    return f"Who has to act: {words.OWNERS[finding.owner]}."


_ORDER = ("which", "fix", "hand on", "evidence", "why", "about", "others", "hints")
"""What to do comes before why: who wants to read on unfolds it."""
_ORDER_UNKNOWN = ("evidence", "fix", "why", "about", "others", "hints")


def _group(group: Group) -> Iterator[str]:
    first = _safe(group.jobs[0].report)
    head, *rest = markdown.sections(first)
    yield head.text + _rows(group, first)
    texts: dict[str, list[str]] = {}
    for kind, text in rest:
        texts.setdefault("why" if kind == "see" else kind, []).append(text)
    if why := texts.get("why"):
        texts["why"] = [markdown.folded("Why and further reading", _GAP.join(why))]
    for part in _ORDER_UNKNOWN if group.finding is None else _ORDER:
        yield from texts.get(part, ())
        if part == "evidence":
            yield from islice(_other_evidence(group), _MAX_EVIDENCE)


def _safe(report: Report) -> Report:
    """Return the report without what no note may hold: a diagnosis redacts lines, and this the facts beside them."""
    facts = report.facts
    texts = {name: getattr(facts, name) for name in facts.__struct_fields__}
    changed = {name: redact(text) for name, text in texts.items() if type(text) is str and name != "web_url"}
    return words.clean(msgspec.structs.replace(report, facts=msgspec.structs.replace(facts, **changed)))


def _rows(group: Group, first: Report) -> str:
    """Return what the head's list says of the group, with the list where the head has none."""
    rows = []
    listed = first.verdict != "empty" and words.split_findings(first)[0] is not None
    if not listed:
        rows.append(f"**Where:** {places(group.jobs[:1])}")
    if group.finding is not None and group.finding.owner in words.HAND_ON:
        rows.append("**If that is not you:** hand on the text below")
    if others := group.jobs[1:]:
        more = f" and {len(others) - _MAX_JOBS} more" if len(others) > _MAX_JOBS else ""
        rows.append(f"**Also in:** {places(others[:_MAX_JOBS])}{more}")
    if allowed := [job for job in group.jobs if job.job.allow_failure]:
        rows.append(f"**Allowed to fail:** {names(allowed)}")
    if retried := [job for job in group.jobs if job.retried]:
        rows.append(f"**Run again since:** {names(retried)}")
    if flaky := [job for job in group.jobs if job.passed_as is not None]:
        rows.append(f"**Comes and goes:** {', '.join(_passed(job) for job in flaky[:_MAX_JOBS])}")
    gap = "\n" if listed else _GAP
    return "".join(f"{gap if not number else chr(10)}- {row}" for number, row in enumerate(rows))


def _other_evidence(group: Group) -> Iterator[str]:
    """Yield the lines of the other jobs where they say something else than those before, numbers apart."""
    told: set[tuple[str, ...]] = set()
    for number, job in enumerate(group.jobs):
        report = _safe(job.report)
        lines = _lines(report)
        said = tuple(_NUMBER.sub("0", line.text) for line in lines)
        if number and lines and said not in told:
            count = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
            text = f"Job {_name(job)}\n\n{markdown.log_lines(report, lines, lines[0])}"
            yield markdown.folded(f"Evidence in another job: {count} of the log", text)
        told.add(said)


def _lines(report: Report) -> tuple[Evidence, ...]:
    """Return the lines that prove the answer, or those worth reading."""
    finding = next((f for f in report.findings if f.role != "hint"), None)
    return finding.evidence if finding and finding.evidence else report.excerpt


def _passed(job: JobReport) -> str:
    return f"{_name(job)} passed on the same commit as job {job.passed_as}"


def names(jobs: Sequence[JobReport]) -> str:
    """Return the names of jobs, the first of many."""
    more = f" and {len(jobs) - _MAX_JOBS} more" if len(jobs) > _MAX_JOBS else ""
    return ", ".join(_name(job) for job in jobs[:_MAX_JOBS]) + more


def places(jobs: Iterable[JobReport]) -> str:
    """Return the names of jobs with a link to the line of each that says why it failed."""
    return ", ".join(_place(job) for job in jobs)


def _place(job: JobReport) -> str:
    lines = _lines(job.report)
    url = words.job_url(job.report)
    if lines and url:
        return f"job {_name(job)} ({markdown.line_link(job.report, lines[0].line)})"
    return f"job {_name(job)} ([log]({url}))" if url else f"job {_name(job)}"


def _name(job: JobReport) -> str:
    return code_span(shorten(redact(job.job.name), _NAME))


def title_of(group: Group) -> str:
    """Return what a group failed for, in a few words."""
    return markdown.title(group.finding.title) if group.finding else "**The cause is not known**"
