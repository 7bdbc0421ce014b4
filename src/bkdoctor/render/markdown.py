"""From a Report to Markdown: the note for a merge request, short first, its evidence folded.

The log is hostile: its text stands in fenced blocks and code spans only, and everything else that comes from the report
is escaped, so that GitLab finds no quick action, mention, reference, link or HTML in it. The only HTML is ours:
`details` and `summary`.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from bkdoctor.model import Evidence, Finding, Fix, Report
from bkdoctor.render import Options
from bkdoctor.render import _words as words
from bkdoctor.render._prose import line_to_markdown, starts_with_prose, to_markdown
from bkdoctor.text import code_span, fence, shorten

LIMIT = 60_000
"""Characters of a note; GitLab takes more, a reader does not."""
LEFT_OUT = "The rest of this note is left out: it is too long. `bkdoctor job` shows the whole of it in a terminal."
EMPTY = (
    "**The log is empty: there is nothing to diagnose**\n\n"
    "Open the job's page: the trace was erased, has expired, or was never written."
)

_GAP = "\n\n"
_TITLE, _SUMMARY, _EXPLANATION, _CODE, _VALUE = 300, 1_500, 8_000, 8_000, 300
"""Characters of the report's texts that a note shows."""


def render(report: Report, options: Options = Options()) -> str:  # noqa: B008  (frozen)
    """Return the note; nothing for a job that passed, unless `options.verbose`."""
    if report.verdict == "passed":
        return f"{words.PASSED}\n" if options.verbose else ""
    return fit(section.text for section in sections(words.clean(report)))


def fit(parts: Iterable[str]) -> str:
    """Join whole parts as long as they fit; the later a part, the less it is needed."""
    note = ""
    room = LIMIT - len(LEFT_OUT) - 4
    left_out = False
    for part in parts:
        if len(note) + len(part) + 2 > room:
            left_out = True
        else:
            note += f"\n\n{part}" if note else part
    return f"{note}\n\n{LEFT_OUT}\n" if left_out else f"{note}\n"


class Section(NamedTuple):
    """A part of a note that may be left out, or stand elsewhere; the first is always the head."""

    kind: Literal["head", "why", "which", "fix", "hand on", "evidence", "see", "about", "others", "hints"]
    text: str


def sections(report: Report) -> Iterator[Section]:
    """Yield the parts of a report's note in the order of `render`. The report must be clean: `_words.clean`."""
    main, others, hints = words.split_findings(report)
    if report.verdict == "empty":
        yield Section("head", EMPTY)
    elif report.verdict == "unknown" or main is None:
        yield from _unknown(report, main)
    else:
        yield from _finding(report, main)
    yield from (Section("about", f"**About this answer.** {_line(note, _SUMMARY)}") for note in report.notes[:10])
    if others:
        shown = "\n\n".join(_short(report, finding) for finding in others)
        yield Section("others", folded("Also seen in this job", shown))
    if hints:
        shown = "\n\n".join(_short(report, finding) for finding in hints)
        yield Section("hints", folded("Advice beside this failure", shown))


def _finding(report: Report, finding: Finding) -> Iterator[Section]:
    yield Section("head", _head(report, finding))
    if explanation := _text(finding.explanation, _EXPLANATION):
        # a list or a block must begin its own line
        gap = " " if starts_with_prose(finding.explanation) else _GAP
        yield Section("why", f"**Why.**{gap}{explanation}")
    if choice := words.choice(report, finding):
        yield Section("which", f"**Which fix.** {to_markdown(choice)}")
    several = len(finding.fixes) > 1
    for number, fix in enumerate(finding.fixes, 1):
        yield Section("fix", _fix(finding, fix, f"Fix {number}" if several else "Fix"))
    for owner in dict.fromkeys((finding.owner, *(fix.owner for fix in finding.fixes))):
        if owner in words.HAND_ON:
            text = fence(_cut(words.hand_on(report, finding, owner), _CODE))
            yield Section("hand on", folded(f"Text to hand on to {words.OWNERS[owner]}", text))
    if finding.evidence:
        lines = log_lines(report, finding.evidence, finding.evidence[0])
        yield Section("evidence", folded(f"Evidence: {_count(len(finding.evidence))} of the log", lines))
    if finding.references:
        yield Section("see", "**See**\n\n" + "\n".join(_reference(url) for url in finding.references[:10]))


def _head(report: Report, finding: Finding) -> str:
    """Return what an e-mail's preview shows: what failed, where, who acts, what to do."""
    rows = [f"**Where:** {_where(report, finding)}", f"**Who has to act:** {words.OWNERS[finding.owner]}"]
    if fix := words.first_fix(finding):
        number = f" (fix {finding.fixes.index(fix) + 1} of {len(finding.fixes)})" if len(finding.fixes) > 1 else ""
        rows.append(f"**What to do:** {fix_line(finding, fix)}{number}")
    if certainty := words.certainty(finding):
        rows.append(f"**Certainty:** {certainty}")
    if finding.transient:
        rows.append("**Retry:** may pass when the job is run again")
    return "\n\n".join([title(finding.title), _text(finding.summary, _SUMMARY), "\n".join(map(_item, rows))])


def _where(report: Report, finding: Finding) -> str:
    parts = []
    if place := words.place(finding):
        parts.append(_value(place))
    if step := words.step(finding):
        parts.append(f"step {_value(step)}")
    if report.facts.job:
        parts.append(f"job {_value(report.facts.job)}")
    if finding.location.section:
        parts.append(f"section {_value(finding.location.section)}")
    if finding.evidence:
        parts.append(f"{line_link(report, finding.evidence[0].line)} of the log")
    return ", ".join(parts) or "not known"


def fix_line(finding: Finding, fix: Fix) -> str:
    """Return what a fix does and where, in words that end no sentence."""
    condition = words.condition(fix)
    by = f", by {words.OWNERS[fix.owner]}" if fix.owner != finding.owner else ""
    return f"{_line(fix.title, _TITLE)}, {_in_file(fix)}{by}{f', {_line(condition, _VALUE)}' if condition else ''}"


def _fix(finding: Finding, fix: Fix, name: str) -> str:
    lines = [f"**{name}: {_line(fix.title, _TITLE)}**", ""]
    about = [_in_file(fix), words.RISKS[fix.risk]]
    if fix.owner != finding.owner:
        about.insert(1, f"by {words.OWNERS[fix.owner]}")
    if condition := words.condition(fix):
        about.append(f"fits {_line(condition, _VALUE)}")
    lines.append(f"{_capital('; '.join(about))}.{f' {_line(fix.note, _SUMMARY)}' if fix.note else ''}")
    code = fix.diff or fix.snippet
    lines += ["", fence(_cut(code, _CODE), "diff" if fix.diff else fix.language)]
    if len(code) > _CODE:
        lines += ["", "The snippet is cut here: it is too long for a note."]
    return "\n".join(lines)


def _unknown(report: Report, finding: Finding | None) -> Iterator[Section]:
    title = f"**{words.unknown_title(report)}**"
    if finding:
        first = words.decisive(report)
        said = (
            [f"**Reads like the first error:** {_value(first.text.strip())}, {line_link(report, first.line)}"]
            if first
            else []
        )
        rows = [
            f"**Where:** {_where(report, finding)}",
            *said,
            "**What to do:** read the lines below; they are the first error and the job's end",
        ]
        yield Section("head", "\n\n".join([title, _text(finding.summary, _SUMMARY), "\n".join(map(_item, rows))]))
        yield Section("why", _text(finding.explanation, _EXPLANATION))
        for fix in finding.fixes:
            yield Section("fix", _fix(finding, fix, "To try"))
    else:
        code = report.facts.exit_code
        end = f"The job ended with exit code {code}. " if code is not None else ""
        yield Section("head", f"{title}\n\n{end}None of the known failures is in its log.")
    if report.excerpt:
        lines = log_lines(report, report.excerpt, words.decisive(report))
        yield Section("evidence", folded(f"{_count(len(report.excerpt))} worth reading", lines))
    yield Section("see", f"**See**\n\n{_reference(words.GUIDE)}")


def _short(report: Report, finding: Finding) -> str:
    line = f" ({line_link(report, finding.evidence[0].line)})" if finding.evidence else ""
    fix = words.first_fix(finding)
    parts = [
        f"{title(finding.title)}{line}",
        _text(finding.summary, _SUMMARY),
        f"What to do: {fix_line(finding, fix)}." if fix else "",
    ]
    return _GAP.join(part for part in parts if part)


def log_lines(report: Report, lines: tuple[Evidence, ...], decisive: Evidence | None = None) -> str:
    """Return log lines in a fence, each behind its number, below links to them in the job's page."""
    ordered = words.in_order(lines)
    width = len(str(ordered[-1].line))
    marks = (
        [">" if line == decisive else " " for line in ordered] if decisive and len(ordered) > 1 else [""] * len(ordered)
    )
    texts = [shorten(line.text.replace("\n", " "), 400) for line in ordered]
    block = fence(
        "\n".join(f"{m}{line.line:>{width}} {text}" for m, line, text in zip(marks, ordered, texts, strict=True))
    )
    if not words.job_url(report):
        return block
    return f"In the job's log: {', '.join(line_link(report, line.line) for line in ordered)}\n\n{block}"


def line_link(report: Report, line: int) -> str:
    """Return a link to a line of the job's log, or only its number where the job's page is not known."""
    url = words.job_url(report)
    return f"[line {line}]({url}#L{line})" if url else f"line {line}"


def _reference(url: str) -> str:
    """Return an item with a link, or with plain code where a link would leave a trace at its target."""
    if words.safe_url(url) and not words.leaves_trace(url):
        label = url.partition("://")[2].replace("_", r"\_").replace("~", r"\~")
        return _item(f"[{label}]({url})")
    return _item(_value(url))


def folded(summary: str, content: str) -> str:
    """Return content behind a summary in our own words."""
    return f"<details>\n<summary>{summary}</summary>\n\n{content}\n\n</details>"


def _count(lines: int) -> str:
    return "1 line" if lines == 1 else f"{lines} lines"


def title(text: str) -> str:
    """Return a title as it heads a note."""
    line = _line(text, _TITLE) or "Failure"
    return f"**{line}**"


def _item(text: str) -> str:
    return f"- {text}"


def _in_file(fix: Fix) -> str:
    name = words.file_of(fix)
    return f"in {_value(name)}" if name else words.place_of(fix)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _value(text: str) -> str:
    return code_span(shorten(text, _VALUE))


def _line(text: str, limit: int) -> str:
    return line_to_markdown(shorten(text, limit))


def _text(text: str, limit: int) -> str:
    return to_markdown(shorten(text, limit))


def _cut(code: str, limit: int) -> str:
    """Cut code at the end of a line, where it has lines."""
    if len(code) <= limit:
        return code
    return code[:limit].rpartition("\n")[0] or code[:limit]
