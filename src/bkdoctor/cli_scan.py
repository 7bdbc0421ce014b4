"""The command `scan`: the failed builds of a group or a project in a window of time."""

import os
from pathlib import Path
from typing import Annotated

import typer

from bkdoctor.session import Session


def scan_command(
    place: Annotated[
        str,
        typer.Argument(help="A group or a project: its path or address, a project's number.", metavar="GROUP|PROJECT"),
    ],
    since: Annotated[str, typer.Option("--since", help="How far back: 36h, 7d, 2w, or a date.", metavar="TIME")] = "7d",
    compare: Annotated[
        bool, typer.Option("--compare/--no-compare", help="Look at the window before too: it tells what is new.")
    ] = True,
    gitlab: Annotated[str | None, typer.Option("--gitlab", help="The GitLab to ask.", metavar="URL")] = None,
    jobs: Annotated[
        str | None,
        typer.Option("--jobs", help="What the names of build jobs hold, a regular expression.", metavar="REGEX"),
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", "-f", help="terminal, json or csv.", metavar="FORMAT", show_default=False)
    ] = "terminal",
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours, whatever the terminal can show.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every row of every table.")] = False,
    patterns: Annotated[
        list[Path] | None,
        typer.Option("--patterns", help="A folder of patterns of your own; may be given several times.", metavar="DIR"),
    ] = None,
) -> None:
    """Diagnose every failed build job of a group or a project in a window of time, and count the causes."""
    # only this command pays for what asks GitLab
    from bkdoctor.gitlab.remote import git_remote_url
    from bkdoctor.gitlab.target import resolve_place
    from bkdoctor.render import check_scan
    from bkdoctor.scan.telling import Wish, exit_status, tell
    from bkdoctor.session import cache_folder, with_builtin

    check_scan(format_)
    session = Session.of("terminal", None, no_color, verbose, patterns)
    wish = Wish(
        spot=resolve_place(place, gitlab=gitlab, env=os.environ, remote=git_remote_url),
        since=since,
        words=jobs,
        compare=compare,
        catalog=session.catalog,
        folders=session.folders,
        builtin=with_builtin(),
        keep=cache_folder(),
    )
    scan = tell(wish)
    session.write_scan(scan, format_)
    raise typer.Exit(exit_status(scan))
