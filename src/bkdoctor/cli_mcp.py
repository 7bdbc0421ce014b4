"""The command `mcp`: serves bkdoctor's tools to assistants."""

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from bkdoctor.errors import UsageError


def mcp_command(
    allow: Annotated[
        list[Path] | None,
        typer.Option("--allow", help="A folder whose logs may be read; may be repeated.", metavar="DIR"),
    ] = None,
    gitlab: Annotated[str | None, typer.Option("--gitlab", help="The GitLab to ask.", metavar="URL")] = None,
    kubernetes: Annotated[
        str | None, typer.Option("--kubernetes", help="Version of the cluster, X.Y.", metavar="X.Y")
    ] = None,
    patterns: Annotated[
        list[Path] | None, typer.Option("--patterns", help="A folder of patterns of your own.", metavar="DIR")
    ] = None,
) -> None:
    """Serve bkdoctor's tools to assistants (Model Context Protocol, standard input and output)."""
    _need_the_extra()
    from bkdoctor.assistant.server import serve
    from bkdoctor.assistant.work import Setup
    from bkdoctor.session import Session

    # what is wrong with an option is told now and not by the first call
    Session.of("json", kubernetes, True, False, patterns)
    for folder in allow or ():
        if not folder.is_dir():
            raise UsageError(f"--allow {folder}: there is no such folder. Name one that holds logs.")
    if gitlab is not None:
        from bkdoctor.gitlab.address import parse_base

        parse_base(gitlab, "--gitlab")
    if sys.stdin.isatty():
        typer.echo("Waiting for a client on standard input; docs/mcp.md says how to configure one.", err=True)
    roots = tuple(folder.resolve() for folder in allow or ())
    serve(Setup(kubernetes=kubernetes, patterns=tuple(patterns or ()), gitlab=gitlab, roots=roots))


def _need_the_extra() -> None:
    try:
        found = version("mcp")
    except PackageNotFoundError:
        found = ""
    if found.partition(".")[0] != "2":
        has = f"mcp {found} is installed, and it needs mcp 2" if found else "the package mcp is not installed"
        raise UsageError(f"{has}. Install it: python3 -m pip install 'bkdoctor[mcp]'")
