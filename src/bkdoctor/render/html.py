"""From a Report to a web page that needs nothing else, or, with `body`, to the part that other pages have inside.

The log is hostile: all that comes from the report is text by the time it is markup (`_markup`), and the page's own
policy forbids scripts, images and the network. Several reports are one page with a list of them at its head.
"""

from collections.abc import Iterator, Sequence

from bkdoctor import __version__
from bkdoctor.model import Evidence, Facts, Finding, Fix, Owner, Report
from bkdoctor.render import Options
from bkdoctor.render import _markup as markup
from bkdoctor.render import _words as words
from bkdoctor.render._markup import element, line, prose, text
from bkdoctor.render._page import page, style
from bkdoctor.render._prose import plain

__all__ = ["body", "page", "render", "render_all", "style", "title"]

_VERDICTS = {"diagnosed": "Failed", "unknown": "Failed, cause not known", "passed": "Passed", "empty": "Empty log"}
_FACTS = {
    "project": "Project", "ref": "Branch or tag", "job": "Job", "stage": "Stage", "exit_code": "Exit code",
    "failure_reason": "GitLab's reason", "method": "Build method", "executor": "Executor", "runner": "gitlab-runner",
    "runner_name": "Runner", "image": "Job image", "buildkit": "BuildKit", "buildx": "Buildx", "docker": "Docker",
    "kaniko": "kaniko", "kubernetes": "Kubernetes", "platforms": "Platforms", "registries": "Registries",
}  # fmt: skip
_HEADINGS = 6


def render(report: Report, options: Options = Options()) -> str:  # noqa: B008  (frozen)
    """Return the page of one report; a job that passed has one too, since a file was asked for."""
    return render_all([report], options)


def render_all(reports: Sequence[Report], options: Options = Options()) -> str:  # noqa: ARG001, B008  (frozen; no options)
    """Return the page of these reports."""
    if len(reports) == 1:
        return page(title(reports[0]), body(reports[0]))
    parts = [body(report, level=2, anchor=f"log-{n}") for n, report in enumerate(reports, 1)]
    entries = (element("a", text(_entry(report)), href=f"#log-{n}") for n, report in enumerate(reports, 1))
    head = element("h1", f"{len(reports)} logs")
    index = element("ol", "".join(element("li", entry) for entry in entries))
    return page(f"{len(reports)} logs", "\n".join([head, element("nav", index, aria_label="Logs"), *parts]))


def title(report: Report) -> str:
    """Return what a page about the report is called, as text."""
    report = words.clean(report)
    main, _, _ = words.split_findings(report)
    if report.verdict == "diagnosed" and main is not None:
        return plain(main.title) or "Failure"
    if report.verdict == "passed":
        return "The job passed"
    return "The log is empty" if report.verdict == "empty" else words.unknown_title(report)


def body(report: Report, *, level: int = 1, anchor: str | None = None) -> str:
    """Return the report as markup for a page's body: one `article`, styled by `style`.

    `level` is that of its first heading, from 1 to 4; `anchor` an id for links to it, of letters, digits and hyphens.
    """
    heading = title(report)
    report = words.clean(report)
    source = words.job_url(report) or report.source.name or ""
    about = element("p", f"Log: {markup.link(words.job_url(report), text(source))}", class_="about") if source else ""
    head = [
        element("p", _VERDICTS[report.verdict], class_="verdict"),
        element(f"h{level}", text(heading)),
        about,
        *_Article(report, level).parts(),
        element("footer", _footer(report)),
    ]
    return element("article", "\n".join(part for part in head if part), class_=f"report {report.verdict}", id=anchor)


def _entry(report: Report) -> str:
    name = words.clean(report).source.name
    return f"{name}: {title(report)}" if name else title(report)


def _footer(report: Report) -> str:
    signature = f" Signature {text(report.signature)}: the same for the same failure." if report.signature else ""
    return f"bkdoctor {text(__version__)}.{signature}"


class _Article:
    """The parts of one report, below its heading."""

    def __init__(self, report: Report, level: int) -> None:
        self._report = report
        self._level = level
        self._url = words.job_url(report)

    def parts(self) -> Iterator[str]:
        main, others, hints = words.split_findings(self._report)
        if self._report.verdict == "passed":
            yield element("p", text(words.PASSED))
        elif self._report.verdict == "empty":
            yield element("p", text(words.EMPTY))
        elif self._report.verdict == "unknown" or main is None:
            yield from self._unknown(main)
        else:
            yield from self._finding(main, self._level + 1)
        yield from self._further("Also seen in this job", others)
        yield from self._further("Advice beside this failure", hints)
        if self._report.notes:
            yield self._heading("About this answer", self._level + 1)
            yield element("ul", "".join(element("li", line(note)) for note in self._report.notes[:10]))
        yield self._facts(self._report.facts)

    def _heading(self, content: str, level: int) -> str:
        return element(f"h{min(level, _HEADINGS)}", line(content))

    def _finding(self, finding: Finding, level: int) -> Iterator[str]:
        yield element("p", line(finding.summary), class_="summary")
        yield self._where(finding)
        yield self._heading("Why", level)
        yield prose(finding.explanation)
        if finding.fixes:
            yield self._heading("What to change", level)
            if choice := words.choice(self._report, finding):
                yield prose(choice)
        for number, fix in enumerate(finding.fixes, 1):
            yield from self._fix(finding, fix, f"Fix {number}" if len(finding.fixes) > 1 else "Fix", level + 1)
        yield from self._lines("Evidence", finding.evidence, next(iter(finding.evidence), None), level)
        for owner in dict.fromkeys((finding.owner, *(fix.owner for fix in finding.fixes))):
            if owner in words.HAND_ON:
                yield self._hand_on(finding, owner)
        if finding.references:
            yield self._heading("See", level)
            links = (element("li", markup.link(url, text(url))) for url in finding.references[:10])
            yield element("ul", "".join(links))

    def _hand_on(self, finding: Finding, owner: Owner) -> str:
        label = f"Text to hand on to {words.OWNERS[owner]}"
        content = markup.code(words.hand_on(self._report, finding, owner), label)
        return element("details", f"{element('summary', text(label))}{content}")

    def _where(self, finding: Finding) -> str:
        rows = []
        if step := words.step(finding):
            rows.append(("Step", element("code", text(step))))
        if place := words.place(finding):
            rows.append(("File", element("code", text(place))))
        if self._report.facts.job:
            rows.append(("Job", text(self._report.facts.job)))
        if finding.location.section:
            rows.append(("Section", text(finding.location.section)))
        if finding.evidence:
            rows.append(("Log", self._line_link(finding.evidence[0].line)))
        rows.append(("Who has to act", text(words.OWNERS[finding.owner])))
        if certainty := words.certainty(finding):
            rows.append(("Certainty", text(certainty)))
        if finding.transient:
            rows.append(("Retry", "may pass when the job is run again"))
        return markup.rows(rows)

    def _line_link(self, number: int) -> str:
        return markup.link(f"{self._url}#L{number}" if self._url else None, f"line {number}")

    def _fix(self, finding: Finding, fix: Fix, name: str, level: int) -> Iterator[str]:
        yield self._heading(f"{name}: {fix.title}", level)
        file = words.file_of(fix)
        where = f"in {element('code', text(file))}" if file else text(words.place_of(fix))
        by = f", by {text(words.OWNERS[fix.owner])}" if fix.owner != finding.owner else ""
        yield element("p", f"{where}{by}; {text(words.RISKS[fix.risk])}", class_="about")
        if condition := words.condition(fix):
            yield element("p", f"Fits {text(condition)}", class_="condition")
        if fix.note:
            yield prose(fix.note)
        yield markup.diff(fix.diff, f"{name}, a diff") if fix.diff else markup.code(fix.snippet, name)

    def _unknown(self, finding: Finding | None) -> Iterator[str]:
        level = self._level + 1
        if finding is not None:
            yield element("p", line(finding.summary), class_="summary")
            yield self._where(finding)
        else:
            yield prose(words.unknown_end(self._report))
        yield from self._lines("Lines worth reading", self._report.excerpt, words.decisive(self._report), level)
        if finding is not None:
            yield self._heading("What is known", level)
            yield prose(finding.explanation)
            for fix in finding.fixes:
                yield from self._fix(finding, fix, "To try", level)
        yield self._heading("See", level)
        yield element("ul", element("li", markup.link(words.GUIDE, text(words.GUIDE))))

    def _lines(self, heading: str, lines: tuple[Evidence, ...], decisive: Evidence | None, level: int) -> Iterator[str]:
        if not lines:
            return
        marked = decisive if len(lines) > 1 else None
        shown = [(e.line, e.text.replace("\n", " "), e == marked) for e in words.in_order(lines)]
        yield self._heading(heading, level)
        caption = "Lines of the log with their numbers" + (", the decisive one marked" if marked else "")
        yield markup.log_lines(shown, self._url, caption)

    def _further(self, heading: str, findings: list[Finding]) -> Iterator[str]:
        if not findings:
            return
        yield self._heading(heading, self._level + 1)
        for finding in findings:
            inside = "\n".join(self._finding(finding, self._level + 2))
            yield element("details", f"{element('summary', line(finding.title))}{inside}")

    def _facts(self, facts: Facts) -> str:
        rows = [
            (label, _fact(getattr(facts, name)))
            for name, label in _FACTS.items()
            if getattr(facts, name) not in (None, ())
        ]
        inside = f"{element('summary', 'The job, as far as it is known')}{markup.rows(rows)}"
        return element("details", inside) if rows else ""


def _fact(value: object) -> str:
    return text(", ".join(value) if isinstance(value, tuple) else str(value))
