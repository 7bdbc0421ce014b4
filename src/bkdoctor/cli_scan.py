"""The command `scan`: the failed builds of a group or a project in a window of time."""

import os
from pathlib import Path
from typing import Annotated

import typer

from bkdoctor.errors import InputError
from bkdoctor.session import Session

Place = Annotated[
    str, typer.Argument(help="A group or a project: its path or address, a project's number.", metavar="GROUP|PROJECT")
]
Since = Annotated[str, typer.Option("--since", help="How far back: 36h, 7d, 2w, or a date.", metavar="TIME")]
Compare = Annotated[
    bool, typer.Option("--compare/--no-compare", help="Look at the window before too: it tells what is new.")
]
Html = Annotated[Path | None, typer.Option("--html", help="Write a page with plots to a file too.", metavar="FILE")]
GitLab = Annotated[str | None, typer.Option("--gitlab", help="The GitLab to ask.", metavar="URL")]
Jobs = Annotated[
    str | None,
    typer.Option("--jobs", help="What the names of build jobs hold, a regular expression.", metavar="REGEX"),
]
Format = Annotated[
    str, typer.Option("--format", "-f", help="terminal, json, csv or html.", metavar="FORMAT", show_default=False)
]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours, whatever the terminal can show.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show every row of every table.")]
Patterns = Annotated[
    list[Path] | None,
    typer.Option("--patterns", help="A folder of patterns of your own; may be given several times.", metavar="DIR"),
]


def scan_command(
    place: Place,
    since: Since = "7d",
    compare: Compare = True,
    html: Html = None,
    gitlab: GitLab = None,
    jobs: Jobs = None,
    format_: Format = "terminal",
    no_color: NoColor = False,
    verbose: Verbose = False,
    patterns: Patterns = None,
) -> None:
    """Diagnose every failed build job of a group or a project in a window of time, and count the causes."""
    # only this command pays for what asks GitLab
    from bkdoctor.gitlab.remote import git_remote_url
    from bkdoctor.gitlab.target import resolve_place
    from bkdoctor.render import check_scan
    from bkdoctor.scan.telling import exit_status, tell, wish_of
    from bkdoctor.session import write_page

    check_scan(format_)
    if html is not None and (html.is_dir() or not html.parent.is_dir()):
        raise InputError(f"--html {html}: no file can be written there. Name a file in a folder that exists.")
    session = Session.of("terminal", None, no_color, verbose, patterns)
    spot = resolve_place(place, gitlab=gitlab, env=os.environ, remote=git_remote_url)
    scan = tell(wish_of(session, spot, since, jobs, compare=compare))
    if html is not None:
        write_page(html, scan)
    session.write_scan(scan, format_)
    raise typer.Exit(exit_status(scan))
