"""From a Scan to one web page that needs nothing else: plots, and tables that a script sorts; they are whole without.

What comes from logs is text by the time it is markup, and the page's own policy forbids all but its one script. Long
lists are cut, and say of how many.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.resources import files

from bkdoctor import __version__
from bkdoctor.fleet import Case, CauseCount, Count, Scan
from bkdoctor.render import Options
from bkdoctor.render import _markup as markup
from bkdoctor.render import _plots as plots
from bkdoctor.render import _scan_words as scans
from bkdoctor.render import _words as words
from bkdoctor.render._markup import element, text
from bkdoctor.render._page import page
from bkdoctor.story import UNKNOWN

_MANY, _FEW, _OPEN, _JOBS = 40, 15, 5, 500
"""How many are shown: causes and names, unknown failures, those of them with their lines, jobs."""
Cell = tuple[str, str | None]
"""Markup, and what it is sorted by where that is not its text."""


@cache
def _file(name: str) -> str:
    return files("bkdoctor.render").joinpath(name).read_text(encoding="utf-8")


def render(scan: Scan, options: Options = Options()) -> str:  # noqa: ARG001, B008  (frozen; a page has no options)
    """Return the page."""
    scan = words.clean(scan)
    parts = "\n".join(part for part in _Page(scan).parts() if part)
    return page(scans.headline(scan), parts, style_too=_file("scan.css"), script=_file("scan.js"))


class _Page:
    """The parts of the page, from top to bottom."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        ranked = Counter(case.cause for case in scan.jobs)
        self._colours = plots.colours([cause for cause, _ in ranked.most_common()])
        self._titles = {cause.cause: scans.title(cause) for cause in scan.causes} | {UNKNOWN: "Not known"}

        self._shown = [c for c in scan.causes if c.cause == UNKNOWN and c.lines and c.signature]

    def parts(self) -> Iterator[str]:
        scan = self._scan
        yield element("h1", text(scans.headline(scan)))
        yield markup.rows((name, text(value)) for name, value in scans.facts(scan))
        if scan.missing:
            yield element("p", f"Partial: {element('a', 'what could not be read', href='#missing')}.", class_="partial")
        if scan.jobs:
            yield from self._over_time()
            yield from self._causes()
        yield from self._counts("runner", "By runner", scan.runners, lambda case: case.runner)
        yield from self._counts("project", "By project", scan.projects, lambda case: case.project)
        yield from self._unknown()
        yield from self._gone()
        yield from self._counts("image", "By image of the job", scan.images, lambda case: case.image)
        yield from self._jobs()
        yield from _notes("notes", "About this answer", scan.notes)
        yield from _notes("missing", "What could not be read", scan.missing)
        yield element("footer", f"bkdoctor {text(__version__)}, {text(scan.gitlab)}. All times are UTC.")

    def _over_time(self) -> Iterator[str]:
        yield element("h2", "Causes over time")
        entries = [(number, self._titles[cause]) for cause, number in self._colours.items()]
        if len(set(self._titles)) > len(entries):
            entries.append((plots.OTHER, "all others"))
        legend = (element("li", f"{plots.swatch(number)}{text(name)}") for number, name in entries)
        yield element("ul", "".join(legend), class_="legend")
        label = "Failed builds over time by cause; the numbers stand in the table below"
        yield _scroll(plots.columns(self._scan.periods, self._colours, label), label)
        rows = [
            [_time(period.start), _number(period.jobs), _plain(self._most(period.causes))]
            for period in self._scan.periods
        ]
        table = _table("numbers", "Failed builds by time", ["from", "#failed", "most of them"], rows)
        yield element("details", element("summary", "The numbers") + table)

    def _most(self, causes: dict[str, int]) -> str:
        return "; ".join(f"{self._titles[cause]}: {jobs}" for cause, jobs in list(causes.items())[:3])

    def _causes(self) -> Iterator[str]:
        scan = self._scan
        compared = scan.before is not None
        heads = ["cause", "#jobs", *(["#before"] if compared else []), "#projects", "#minutes", "#flaky", "clusters on"]
        rows = []
        for cause in scan.causes[:_MANY]:
            before = [_number(cause.jobs_before or 0)] if compared else []
            numbers = [cause.projects, round(cause.minutes), cause.flaky]
            row = [(self._cause(cause), scans.title(cause)), _number(cause.jobs), *before, *map(_number, numbers)]
            rows.append([*row, _plain("; ".join(f"{c.kind} {c.name}: {c.share:.0%}" for c in cause.clusters))])
        yield element("h2", "Causes")
        rest = sum(cause.jobs for cause in scan.causes[_MANY:])
        yield _table("causes", "Causes", heads, rows)
        yield _cut(len(scan.causes), _MANY, f", with {words.counted(rest, 'job')}")

    def _cause(self, cause: CauseCount) -> str:
        colour = self._colours.get(cause.cause, plots.OTHER)
        marks = ["new"] if cause.new else []
        marks += ["may pass when run again"] if cause.transient else []
        tags = "".join(element("span", text(mark), class_="mark") for mark in marks)
        name = text(scans.title(cause))
        if cause in self._shown[:_FEW]:
            name = element("a", name, href=f"#unknown-{cause.signature}")
        return f"{plots.swatch(colour)}{name}{tags}"

    def _unknown(self) -> Iterator[str]:
        found = self._shown
        if found:
            yield element("h2", "Failures that are not known")
        for number, cause in enumerate(found[:_FEW]):
            jobs = f"{words.counted(cause.jobs, 'job')} in {words.counted(cause.projects, 'project')}"
            links = ", ".join(markup.link(url, text(f"#{url.rpartition('/')[2]}")) for url in cause.examples)
            inside = markup.code("\n".join(cause.lines), "Lines worth reading")
            inside += element("p", f"Seen in {links}") if links else ""
            summary = element("summary", f"Signature {element('code', text(str(cause.signature)))}: {text(jobs)}")
            yield element(
                "details", summary + inside, id=f"unknown-{cause.signature}", open="" if number < _OPEN else None
            )
        yield _cut(len(found), _FEW)

    def _gone(self) -> Iterator[str]:
        gone = self._scan.gone
        if gone:
            yield element("h2", "Seen in the window before, and no more")
            rows = [[_plain(scans.title(one)), _number(one.jobs_before)] for one in gone[:_FEW]]
            yield _table("gone", "Causes that are gone", ["cause", "#jobs"], rows)
            yield _cut(len(gone), _FEW)

    def _counts(
        self, name: str, heading: str, counts: Sequence[Count], get: Callable[[Case], str | None]
    ) -> Iterator[str]:
        if not counts:
            return
        causes: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
        for case in self._scan.jobs:
            causes[get(case)][case.cause] += 1
        rows = []
        for count in counts[:_MANY]:
            top = self._titles.get(count.top or "", count.top or "")
            bar = plots.bar(causes[count.name], counts[0].jobs, self._colours)
            numbers = [_number(count.jobs), _number(round(count.minutes))]
            rows.append([_plain(count.name), *numbers, (bar, str(count.jobs)), _plain(top)])
        yield element("h2", heading)
        yield _table(f"{name}s", heading, [name, "#jobs", "#minutes", "-by cause", "most of them"], rows)
        yield _cut(len(counts), _MANY)

    def _jobs(self) -> Iterator[str]:
        if not self._scan.jobs:
            return
        rows = []
        for case in self._scan.jobs[:_JOBS]:
            link = markup.link(case.web_url, text(f"{case.name} #{case.id}"))
            tags = element("span", "flaky", class_="mark") if case.passed_as is not None else ""
            cause = self._titles[case.cause] if case.cause != UNKNOWN else f"Not known {case.signature or ''}".strip()
            row = [_time(case.ended), _plain(case.project), (link + tags, case.name), _plain(case.ref or "")]
            rows.append([*row, _plain(cause), _plain(case.runner or ""), _number(round(case.minutes, 1))])
        yield element("h2", "The failed builds")
        heads = ["ended", "project", "job", "ref", "cause", "runner", "#minutes"]
        yield _table("jobs", "Failed builds, the newest first", heads, rows)
        yield _cut(len(self._scan.jobs), _JOBS)


def _table(name: str, label: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return a table; a head of numbers starts with `#`, one that is not sorted by with `-`."""
    numbers = [head.startswith("#") for head in heads]
    top = "".join(
        element(
            "th",
            text(head.lstrip("#-")),
            scope="col",
            class_="number" if head.startswith("#") else None,
            data_sort=None if head.startswith("-") else "number" if head.startswith("#") else "text",
        )
        for head in heads
    )
    body = "".join(
        element(
            "tr",
            "".join(
                element("td", cell, class_="number" if number else None, data_v=value)
                for (cell, value), number in zip(row, numbers, strict=True)
            ),
        )
        for row in rows
    )
    inside = element("thead", element("tr", top)) + element("tbody", body)
    return _scroll(element("table", inside, class_="sortable", id=name, aria_label=label), label)


def _scroll(content: str, label: str) -> str:
    return element("div", content, class_="scroll", tabindex="0", role="region", aria_label=label)


def _plain(value: str) -> Cell:
    return text(value), None


def _number(value: float) -> Cell:
    return f"{value:,}", str(value) if value >= 1000 else None


def _time(time: str) -> Cell:
    return text(scans.moment(time)), None


def _cut(count: int, shown: int, more: str = "") -> str:
    if count <= shown:
        return ""
    rest = f"{count - shown:,} more are not shown{more}: --format csv and --format json hold all jobs."
    return element("p", text(rest), class_="about")


def _notes(name: str, heading: str, texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield element("h2", heading, id=name)
        yield element("ul", "".join(element("li", text(one)) for one in texts[:_MANY]))
        yield _cut(len(texts), _MANY)
