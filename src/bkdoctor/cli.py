"""The commands: parse the command line, call, print. What is decided is decided elsewhere."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bkdoctor import __version__
from bkdoctor.errors import UsageError
from bkdoctor.guard import guarded
from bkdoctor.render import formats
from bkdoctor.session import Session

_LATER = {
    "pipeline": "bkdoctor.cli_pipeline:pipeline_command",
    "mr": "bkdoctor.cli_pipeline:mr_command",
    "scan": "bkdoctor.cli_scan:scan_command",
    "patterns": "bkdoctor.cli_patterns:patterns_app",
    "explain": "bkdoctor.cli_patterns:explain_command",
    "snippet": "bkdoctor.cli_patterns:snippet_command",
    "lint": "bkdoctor.cli_config:lint_command",
    "migrate": "bkdoctor.cli_config:migrate_command",
    "fix": "bkdoctor.cli_fix:fix_command",
    "preflight": "bkdoctor.cli_preflight:preflight_command",
    "mcp": "bkdoctor.cli_mcp:mcp_command",
    "bot": "bkdoctor.cli_bot:bot_app",
    "web": "bkdoctor.cli_web:web_command",
}
"""Commands whose modules are imported when they are called: a diagnosis needs none of them."""
_SETTINGS = {"help_option_names": ["-h", "--help"]}


class _Commands(TyperGroup):
    """The commands, with a word for who gives a log where a command is expected."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if self.get_command(ctx, args[0]) is None and Path(args[0]).is_file():
            raise UsageError(f"{args[0]} is no command. To diagnose a log write: bkdoctor log {args[0]}")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in _LATER and cmd_name not in self.commands:
            self.add_command(_imported(cmd_name), cmd_name)
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        return [*(name for name in super().list_commands(ctx) if name not in _LATER), *_LATER]


def _imported(name: str) -> Any:
    module, _, attribute = _LATER[name].partition(":")
    found = getattr(import_module(module), attribute)
    made = typer.Typer(context_settings=_SETTINGS, add_completion=False)
    if isinstance(found, typer.Typer):
        made.add_typer(found, name=name)
        return typer.main.get_group(made).commands[name]
    made.command(name)(found)
    return typer.main.get_command(made)


app = typer.Typer(
    name="bkdoctor",
    cls=_Commands,
    help="Says why a container image build failed in GitLab CI, and what to change.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings=_SETTINGS,
)

Format = Annotated[
    str,
    typer.Option("--format", "-f", help=f"One of {', '.join(formats())}.", metavar="FORMAT", show_default=False),
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

_BASELINE = "Leave out the lines of a job that passed: "


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
    # options before the command hold for it, unless it is given its own
    given = {name: value for name, value in context.params.items() if value not in (None, False, [], ())}
    commands: dict[str, Any] = dict.fromkeys(("log", "job", "pipeline", "mr", "scan", "explain", "snippet"), given)
    context.default_map = commands | {"patterns": dict.fromkeys(("list", "show", "check", "new"), given)}


@app.command("log")
def log_command(
    files: Annotated[list[str], typer.Argument(help="Logs to read; - is standard input.", metavar="FILE...")],
    format_: Format = "terminal",
    kubernetes: Kubernetes = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    patterns: Patterns = None,
    baseline: Annotated[str | None, typer.Option("--baseline", help=f"{_BASELINE}its log.", metavar="FILE")] = None,
) -> None:
    """Diagnose logs from files."""
    _logs(files, Session.of(format_, kubernetes, no_color, verbose, patterns, baseline))


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
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            help=f"{_BASELINE}auto, the last of its name and ref; a job's id or address; or its log.",
            metavar="auto|JOB|FILE",
        ),
    ] = None,
) -> None:
    """Diagnose a job: its log is read through the GitLab API."""
    session = Session.of(format_, kubernetes, no_color, verbose, patterns, baseline)
    raise typer.Exit(session.job(job, project=project, gitlab=gitlab))


def _logs(files: list[str], session: Session) -> None:
    raise typer.Exit(session.logs(files))


def main() -> None:
    """Run the command line."""
    guarded(lambda: app(prog_name="bkdoctor"))
