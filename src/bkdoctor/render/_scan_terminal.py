"""From a Scan to text for a terminal: causes first, then what they cluster on, then runners, images and projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bkdoctor.fleet import Count, Scan
from bkdoctor.render import Options
from bkdoctor.render import _scan_words as scans
from bkdoctor.render import _words as words
from bkdoctor.story import UNKNOWN

if TYPE_CHECKING:
    from bkdoctor.render._screen import Screen

_ROWS, _LINES = 10, 3


def render(scan: Scan, options: Options = Options()) -> str:  # noqa: B008  (frozen)
    """Return the scan as a page of text; with `options.verbose`, every row of every table."""
    from bkdoctor.render._screen import Screen

    scan = words.clean(scan)
    screen = Screen(options)
    most = None if options.verbose else _ROWS
    screen.title(scans.headline(scan))
    screen.rows(scans.facts(scan))
    if scan.missing:
        screen.blank()
        screen.prose_text("Partial: what could not be read is named at the end.", indent=2, style="caution")
    if scan.causes:
        _causes(screen, scan, most)
        _clusters(screen, scan, most)
        _unknown(screen, scan, most)
    _gone(screen, scan, most)
    _counts(screen, "Runners", scan.runners, most)
    _counts(screen, "Images", scan.images, most)
    _counts(screen, "Projects", scan.projects, most)
    screen.notes("About this answer", scan.notes)
    screen.notes("Missing", scan.missing)
    return screen.text()


def _causes(screen: Screen, scan: Scan, most: int | None) -> None:
    screen.heading("Causes")
    compared = scan.before is not None
    headings = ["jobs", *(["before"] if compared else []), "projects", "lost", "flaky", "cause"]
    rows = []
    for cause in scan.causes[:most]:
        marks = scans.marks(cause)
        before = ["new" if cause.new else str(cause.jobs_before)] if compared else []
        note = f" ({marks.removeprefix('new').removeprefix(', ')})" if marks not in ("", "new") else ""
        rows.append(
            [str(cause.jobs), *before, str(cause.projects), scans.lost(cause.minutes), str(cause.flaky or "-"),
             f"{scans.title(cause)}{note}"]
        )  # fmt: skip
    screen.table(headings, rows, len(headings) - 1)
    _more(screen, len(scan.causes), most)


def _clusters(screen: Screen, scan: Scan, most: int | None) -> None:
    found = [f"{scans.title(c)}: {scans.cluster(one, c.jobs)}" for c in scan.causes for one in c.clusters]
    if found:
        screen.heading("Where causes cluster")
        screen.blank()
        for text in found[:most]:
            screen.prose_text(f"- {text}", indent=2)
        _more(screen, len(found), most)


def _unknown(screen: Screen, scan: Scan, most: int | None) -> None:
    found = [cause for cause in scan.causes if cause.cause == UNKNOWN and cause.signature]
    if found:
        screen.heading("Failures that are not known")
    for cause in found[:most]:
        screen.blank()
        jobs = words.counted(cause.jobs, "job")
        screen.prose_text(f"{cause.signature}: {jobs} in {words.counted(cause.projects, 'project')}", indent=2)
        for line in cause.lines if most is None else cause.lines[:_LINES]:
            screen.prose_text(line, indent=4, style="faint")
        for url in filter(None, map(words.safe_url, cause.examples[:1])):
            screen.address(url)
    _more(screen, len(found), most)


def _gone(screen: Screen, scan: Scan, most: int | None) -> None:
    if scan.gone:
        screen.heading("Seen in the window before, and no more")
        rows = [[str(one.jobs_before), scans.title(one)] for one in scan.gone[:most]]
        screen.table(["jobs", "cause"], rows, 1)
        _more(screen, len(scan.gone), most)


def _counts(screen: Screen, heading: str, counts: tuple[Count, ...], most: int | None) -> None:
    if counts:
        screen.heading(heading)
        rows = [[str(c.jobs), scans.lost(c.minutes), c.name, c.top or ""] for c in counts[:most]]
        screen.table(["jobs", "lost", "name", "most of them"], rows, 2)
        _more(screen, len(counts), most)


def _more(screen: Screen, count: int, most: int | None) -> None:
    if most is not None and count > most:
        screen.prose_text(f"{count - most} more; option -v shows them.", indent=2, style="faint")
