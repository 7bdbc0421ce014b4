"""The commands: parse the command line, call, print. What is decided is decided elsewhere."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bkdoctor import __version__
from bkdoctor.cli_patterns import explain_command, patterns_app, snippet_command
from bkdoctor.errors import BkdoctorError
from bkdoctor.session import Session

app = typer.Typer(
    name="bkdoctor",
    help="Says why a container image build failed in GitLab CI, and what to change.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(patterns_app, name="patterns")
app.command("explain")(explain_command)
app.command("snippet")(snippet_command)

Format = Annotated[
    str,
    typer.Option("--format", "-f", help="terminal, markdown or json.", metavar="FORMAT", show_default=False),
]
Kubernetes = Annotated[
    str | None,
    typer.Option("--kubernetes", help="Version of the cluster, X.Y: a log never holds it.", metavar="X.Y"),
]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours, whatever the terminal can show.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show every finding in full.")]
Patterns = Annotated[
    list[Path] | None,
    typer.Option("--patterns", help="A folder of patterns of your own; may be given several times.", metavar="DIR"),
]


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"bkdoctor {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    format_: Format = "terminal",
    kubernetes: Kubernetes = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    patterns: Patterns = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Diagnose a log from standard input when no command is given: `pbpaste | bkdoctor`."""
    if context.invoked_subcommand is None:
        _logs(["-"], Session.of(format_, kubernetes, no_color, verbose, patterns))


@app.command("log")
def log_command(
    files: Annotated[list[str], typer.Argument(help="Logs to read; - is standard input.", metavar="FILE...")],
    format_: Format = "terminal",
    kubernetes: Kubernetes = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    patterns: Patterns = None,
) -> None:
    """Diagnose logs from files."""
    _logs(files, Session.of(format_, kubernetes, no_color, verbose, patterns))


@app.command("job")
def job_command(
    job: Annotated[str, typer.Argument(help="A job's id, or the address of its page.", metavar="ID|URL")],
    project: Annotated[
        str | None, typer.Option("--repo", "-R", help="The project: GROUP/PROJECT.", metavar="GROUP/PROJECT")
    ] = None,
    gitlab: Annotated[str | None, typer.Option("--gitlab", help="The GitLab to ask.", metavar="URL")] = None,
    format_: Format = "terminal",
    kubernetes: Kubernetes = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    patterns: Patterns = None,
) -> None:
    """Diagnose a job: its log is read through the GitLab API."""
    session = Session.of(format_, kubernetes, no_color, verbose, patterns)
    raise typer.Exit(session.job(job, project=project, gitlab=gitlab))


def _logs(files: list[str], session: Session) -> None:
    raise typer.Exit(session.logs(files))


def main() -> None:
    """Run the command line; an error that is the user's to mend is one line and its exit status."""
    try:
        app()
    except BkdoctorError as error:
        print(f"bkdoctor: {error}", file=sys.stderr)  # noqa: T201  # the one place where errors are told
        sys.exit(error.exit_status)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
