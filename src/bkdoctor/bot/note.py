"""Groups of failed jobs, or a pipeline that passed -> the text of the note: short first, whole below, and inert.

What comes from a log or a report is written by `bkdoctor.render.markdown`; names that come from the API stand in code
spans here. The last line is the marker.
"""

from collections.abc import Iterable, Iterator

import msgspec

from bkdoctor.bot.marker import Marker
from bkdoctor.gitlab.pipelines import Pipeline
from bkdoctor.jobs.causes import UNKNOWN, Group
from bkdoctor.jobs.reading import JobReport
from bkdoctor.model import Finding, Report
from bkdoctor.redact import redact
from bkdoctor.render import _words as words
from bkdoctor.render import markdown
from bkdoctor.text import code_span, shorten

LIMIT = 60_000
_LEFT_OUT = "The rest of this note is left out: it is too long. The jobs' logs have the whole of it."
_MAX_JOBS, _MAX_GROUPS, _MAX_EVIDENCE = 20, 20, 10
_NAME = 100
_SILENCE = "To hear no more of this here, give this note a 👎 or reply `bkdoctor: ignore`."
_SILENCED = "Nothing more is said of it in this merge request, as asked here."


def failed(pipeline: Pipeline, groups: tuple[Group, ...], marker: Marker) -> str:
    """Return the note for jobs that failed; groups whose cause is silenced are only named."""
    shown = [g for g in groups if g.cause not in marker.silenced]
    hidden = [g for g in groups if g.cause in marker.silenced]
    return _fit([*_shown(shown), *_hidden(hidden), _about(pipeline, _SILENCE if shown else "")], marker)


def passed(pipeline: Pipeline, marker: Marker) -> str:
    """Return the note for a pipeline whose build jobs passed."""
    before = [code_span(cause) for cause in marker.causes[:_MAX_GROUPS] if cause != UNKNOWN]
    text = f" It failed before for: {', '.join(before)}." if before else ""
    return _fit([f"**The image build passes**\n\nNothing is left to do here.{text}", _about(pipeline, "")], marker)


def _fit(parts: Iterable[str], marker: Marker) -> str:
    """Join whole parts as long as they fit; the first always does, and so does the marker."""
    end = marker.line()
    room = LIMIT - len(end) - len(_LEFT_OUT) - 10
    note, left_out = "", False
    for part in parts:
        if len(note) + len(part) + 2 > room:
            left_out = True
        else:
            note += f"{part}\n\n"
    return f"{note}{_LEFT_OUT + _GAP if left_out else ''}{end}"


_GAP = "\n\n"


def _shown(groups: list[Group]) -> Iterator[str]:
    if len(groups) > 1:
        yield _overview(groups)
    for group in groups[:_MAX_GROUPS]:
        if len(groups) > 1:
            yield "---"
        yield from _group(group)


def _overview(groups: list[Group]) -> str:
    """Return what failed, where and what to do, a line for each reason: what an e-mail's preview shows."""
    jobs = sum(len(group.jobs) for group in groups)
    items = [f"{number}. {_item(group)}" for number, group in enumerate(groups[:_MAX_GROUPS], 1)]
    more = len(groups) - len(items)
    rest = f"\n\nAnd {more} more." if more else ""
    return f"**{jobs} image build jobs failed, for {len(groups)} reasons**\n\n" + "\n".join(items) + rest


def _item(group: Group) -> str:
    finding = group.finding
    where = _places(group.jobs[:3]) + (f" and {len(group.jobs) - 3} more" if len(group.jobs) > 3 else "")
    if finding is None:
        return f"**Not known**: {where}. What to do: read the lines below."
    fix = words.first_fix(finding)
    todo = f" What to do: {markdown._fix_line(finding, fix)}." if fix else ""
    return f"{markdown._title(finding.title)}: {where}. {_who(finding)}{todo}"


def _who(finding: Finding) -> str:
    return f"Who has to act: {words.OWNERS[finding.owner]}."


def _group(group: Group) -> Iterator[str]:
    first = _safe(group.jobs[0].report)
    parts = markdown._parts(first)
    yield next(parts) + _rows(group)
    yield from parts
    for other in group.jobs[1 : _MAX_EVIDENCE + 1]:
        if evidence := _evidence(other):
            yield evidence


def _safe(report: Report) -> Report:
    """Return the report without what no note may hold: a diagnosis redacts lines, and this the facts beside them."""
    facts = report.facts
    texts = {name: getattr(facts, name) for name in facts.__struct_fields__}
    changed = {name: redact(text) for name, text in texts.items() if type(text) is str and name != "web_url"}
    return words.clean(msgspec.structs.replace(report, facts=msgspec.structs.replace(facts, **changed)))


def _rows(group: Group) -> str:
    rows = []
    if group.finding is None:
        rows.append(f"**Where:** {_places(group.jobs[:1])}")
    if others := group.jobs[1:]:
        more = f" and {len(others) - _MAX_JOBS} more" if len(others) > _MAX_JOBS else ""
        rows.append(f"**Also in:** {_places(others[:_MAX_JOBS])}{more}")
    if allowed := [job for job in group.jobs if job.job.allow_failure]:
        rows.append(f"**Allowed to fail:** {', '.join(_name(job) for job in allowed[:_MAX_JOBS])}")
    # the list above goes on where the cause is known
    gap = "\n" if group.finding is not None else _GAP
    return "".join(f"{gap if not number else chr(10)}- {row}" for number, row in enumerate(rows))


def _evidence(job: JobReport) -> str:
    report = _safe(job.report)
    finding = next((f for f in report.findings if f.role != "hint"), None)
    lines = finding.evidence if finding and finding.evidence else report.excerpt
    if not lines:
        return ""
    count = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
    text = f"Job {_name(job)}\n\n{markdown._lines(report, lines, lines[0])}"
    return markdown._folded(f"Evidence in another job: {count} of the log", text)


def _places(jobs: Iterable[JobReport]) -> str:
    return ", ".join(_place(job) for job in jobs)


def _place(job: JobReport) -> str:
    finding = next((f for f in job.report.findings if f.role != "hint"), None)
    lines = finding.evidence if finding and finding.evidence else job.report.excerpt
    url = words.job_url(job.report)
    if lines and url:
        return f"job {_name(job)} ({markdown._line_link(job.report, lines[0].line)})"
    return f"job {_name(job)} ([log]({url}))" if url else f"job {_name(job)}"


def _name(job: JobReport) -> str:
    return code_span(shorten(redact(job.job.name), _NAME))


def _hidden(groups: list[Group]) -> Iterator[str]:
    if not groups:
        return
    names = [f"- {_title(group)}: {_places(group.jobs[:3])}" for group in groups[:_MAX_GROUPS]]
    yield f"{_SILENCED}\n\n" + "\n".join(names)


def _title(group: Group) -> str:
    return markdown._title(group.finding.title) if group.finding else "**Not known**"


def _about(pipeline: Pipeline, advice: str) -> str:
    url = words.safe_url(pipeline.web_url)
    name = f"[pipeline {pipeline.id}]({url})" if url else f"pipeline {pipeline.id}"
    # in a code span, or GitLab would note a mention at the commit
    text = f"From {name}, commit {code_span(pipeline.sha[:12] or '?')}."
    return f"{text} {advice}".strip()
