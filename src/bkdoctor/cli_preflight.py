"""The command `preflight`: prints the script that checks a job's container, or explains what the script printed."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from bkdoctor.errors import UsageError
from bkdoctor.session import Session

_JOB = re.compile(r"https?://\S+/-/jobs/\d+\S*")

Read = Annotated[
    str | None,
    typer.Option("--read", help="Explain what the script printed: a log, -, or a job's address.", metavar="LOG|URL"),
]
Registries = Annotated[
    list[str] | None,
    typer.Option("--registry", help="A registry that is to be reached; may be repeated.", metavar="HOST"),
]
Variables = Annotated[
    list[str] | None,
    typer.Option("--variable", help="A CI/CD variable that must have a value; may be repeated.", metavar="NAME"),
]
Method = Annotated[
    str | None,
    typer.Option("--method", help="rootless, native or buildx; the image tells, if left out.", metavar="METHOD"),
]
Strict = Annotated[bool, typer.Option("--strict", help="Let the script fail the job when a check fails.")]
Format = Annotated[
    str | None, typer.Option("--format", "-f", help="With --read: terminal, markdown or json.", metavar="FORMAT")
]
Kubernetes = Annotated[
    str | None, typer.Option("--kubernetes", help="With --read: version of the cluster.", metavar="X.Y")
]
NoColor = Annotated[bool, typer.Option("--no-color", help="With --read: no colours.")]
Patterns = Annotated[
    list[Path] | None, typer.Option("--patterns", help="With --read: a folder of patterns.", metavar="DIR")
]


def preflight_command(
    log: Read = None,
    registries: Registries = None,
    variables: Variables = None,
    method: Method = None,
    strict: Strict = False,
    format_: Format = None,
    kubernetes: Kubernetes = None,
    no_color: NoColor = False,
    patterns: Patterns = None,
) -> None:
    """Print a shell script that checks, inside a job, what a rootless build needs; --read explains its output."""
    if log is None:
        if format_ or kubernetes or no_color or patterns:
            raise UsageError("--format, --kubernetes, --no-color and --patterns go with --read. Add --read LOG.")
        from bkdoctor.preflight.script import script

        sys.stdout.write(
            script(registries=registries or (), variables=variables or (), method=method, strict=strict)
        )  # fmt: skip
        return
    if registries or variables or method or strict:
        raise UsageError("--registry, --variable, --method and --strict are for the script. Leave them or --read out.")
    session = Session.of(format_ or "terminal", kubernetes, no_color, True, patterns)
    if _JOB.fullmatch(log):
        raise typer.Exit(session.preflight_of_job(session.target(log, project=None, gitlab=None)))
    raise typer.Exit(session.preflight(log))
