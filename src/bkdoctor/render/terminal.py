"""From a Report to text for a terminal: what failed, where, who can change it, why, how, and the lines that prove it.

Readable without colour. Snippets and addresses are never wrapped or framed, so that they can be copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bkdoctor.model import Evidence, Finding, Fix, Report
from bkdoctor.render import Options
from bkdoctor.render import _words as words
from bkdoctor.text import one_line

if TYPE_CHECKING:
    from bkdoctor.render._screen import Screen


def render(report: Report, options: Options = Options()) -> str:  # noqa: B008  (frozen)
    """Return the report as a page of text; nothing for a job that passed, unless `options.verbose`."""
    if report.verdict == "passed":
        return f"{words.PASSED}\n" if options.verbose else ""
    # rich costs a good part of the start-up time: only where there is something to show
    from bkdoctor.render._screen import Screen

    screen = Screen(options)
    body(screen, words.clean(report), verbose=options.verbose)
    return screen.text()


def body(screen: Screen, report: Report, *, verbose: bool) -> None:
    """Write the report, which must be clean."""
    main, others, hints = words.split_findings(report)
    if report.verdict == "empty":
        screen.prose(words.EMPTY)
    elif report.verdict == "unknown" or main is None:
        _unknown(screen, report, main)
    else:
        _finding(screen, report, main)
    _further(screen, report, others, "Also seen", verbose)
    _further(screen, report, hints, "Advice", verbose)
    if (others or hints) and not verbose:
        screen.prose_text("Option -v shows these in full.", indent=2, style="faint")
    if report.notes:
        screen.heading("About this answer")
        for note in report.notes:
            screen.prose(note, indent=2)


def _finding(screen: Screen, report: Report, finding: Finding) -> None:
    screen.title(finding.title)
    screen.prose(finding.summary, indent=2)
    _where(screen, report, finding)
    screen.heading("Why")
    screen.prose(finding.explanation, indent=2)
    if choice := words.choice(report, finding):
        screen.heading("Which fix")
        screen.prose(choice, indent=2)
    for number, fix in enumerate(finding.fixes, 1):
        _fix(screen, finding, fix, f"Fix {number}" if len(finding.fixes) > 1 else "Fix")
    _lines(screen, report, "Evidence", finding.evidence, decisive=finding.evidence[:1])
    screen.heading("See")
    for url in finding.references:
        screen.address(url)
    screen.line(f"  bkdoctor explain {finding.id}")


def _where(screen: Screen, report: Report, finding: Finding) -> None:
    rows = [("Where", _first_place(report, finding))]
    if step := words.step(finding):
        rows.append(("Step", step))
    if place := words.place(finding):
        rows.append(("File", place))
    rows.append(("Who", _who(finding)))
    if certainty := words.certainty(finding):
        rows.append(("Note", certainty))
    if finding.transient:
        rows.append(("Retry", "may pass when the job is run again"))
    screen.rows(rows)


def _who(finding: Finding) -> str:
    return f"{words.OWNERS[finding.owner]} has to act"


def _first_place(report: Report, finding: Finding) -> str:
    """Return the decisive line as `build.log:47`, which editors and terminals can open, and the section of the job."""
    name = _file(report)
    parts = []
    if finding.evidence:
        line = finding.evidence[0].line
        parts.append(f"{name}:{line}" if name else f"line {line} of the log")
    if finding.location.section:
        parts.append(f"section {one_line(finding.location.section)}")
    if report.facts.job:
        parts.append(f"job {one_line(report.facts.job)}")
    return ", ".join(parts) or "not known"


def _file(report: Report) -> str | None:
    """Return the file that the log was read from; None for standard input and for a job of GitLab."""
    name = report.source.name
    return one_line(name) if name and not name.startswith("<") and report.source.job_id is None else None


def _fix(screen: Screen, finding: Finding, fix: Fix, name: str) -> None:
    screen.heading(f"{name}: {one_line(fix.title)}")
    where = words.file_of(fix) or words.place_of(fix)
    by = f", by {words.OWNERS[fix.owner]}" if fix.owner != finding.owner else ""
    screen.prose_text(f"{where}{by}; {words.RISKS[fix.risk]}", indent=2)
    if condition := words.condition(fix):
        screen.prose_text(f"Fits {condition}", indent=2, style="caution")
    if fix.note:
        screen.prose(fix.note, indent=2)
    screen.snippet(fix.diff or fix.snippet, "diff" if fix.diff else fix.language)


def _unknown(screen: Screen, report: Report, finding: Finding | None) -> None:
    screen.title(words.unknown_title(report))
    if finding:
        screen.prose(finding.summary, indent=2)
        _where(screen, report, finding)
    else:
        screen.prose_text(words.unknown_end(report), indent=2)
    marked = words.decisive(report)
    _lines(screen, report, "Lines worth reading", report.excerpt, decisive=(marked,) if marked else ())
    if finding:
        screen.heading("What is known")
        screen.prose(finding.explanation, indent=2)
        for fix in finding.fixes:
            _fix(screen, finding, fix, "To try")
    screen.heading("What next")
    log = _file(report) or "LOG"
    screen.prose_text("GitLab's guide to builds with BuildKit:", indent=2)
    screen.address(words.GUIDE)
    screen.blank()
    screen.prose_text("To teach bkdoctor this failure, begin a pattern with these lines as its example:", indent=2)
    screen.line(f"  bkdoctor patterns new FAMILY/ID --from {log}")


def _lines(
    screen: Screen, report: Report, heading: str, lines: tuple[Evidence, ...], decisive: tuple[Evidence, ...]
) -> None:
    if lines:
        screen.heading(heading)
        url = words.job_url(report)
        marks = {line.line for line in decisive}
        screen.log([(line.line, line.text, line.line in marks) for line in words.in_order(lines)], url)


def _further(screen: Screen, report: Report, findings: list[Finding], heading: str, verbose: bool) -> None:
    if not findings:
        return
    if verbose:
        for finding in findings:
            screen.rule(heading)
            _finding(screen, report, finding)
        return
    screen.heading(heading)
    for finding in findings:
        line = f" (line {finding.evidence[0].line})" if finding.evidence else ""
        screen.prose(f"- {one_line(finding.title)}{line}: {one_line(finding.summary)}", indent=2)
