"""The commands of the webhook bot: `bot`, `bot receive`, `bot work`, `bot check`, `bot install` and `bot replay`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bkdoctor.errors import InputError, UsageError

if TYPE_CHECKING:
    from bkdoctor.bot.config import Config

bot_app = typer.Typer(help="Receive GitLab's webhooks and keep one note on each merge request whose build failed.")

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration; else ./bkdoctor.toml or /etc/bkdoctor.toml.", metavar="FILE"),
]
Host = Annotated[str | None, typer.Option("--host", help="Address to listen on [127.0.0.1].", metavar="ADDRESS")]
Port = Annotated[int | None, typer.Option("--port", help="Port to listen on [8080].", min=1, max=65535)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the notes instead of writing them.")]
Workers = Annotated[int | None, typer.Option("--workers", help="Processes that diagnose [1].", min=1, max=64)]


@bot_app.callback(invoke_without_command=True)
def bot_command(
    context: typer.Context,
    config: ConfigFile = None,
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    dry_run: DryRun = False,
) -> None:
    """Receive GitLab's webhooks and keep one note on each merge request whose build failed."""
    if context.invoked_subcommand is not None:
        # options before the command hold for it
        given = {name: value for name, value in context.params.items() if value not in (None, False)}
        context.default_map = dict.fromkeys(("receive", "work", "check", "install", "replay"), given)
        return
    settings = _config(config, host=host, port=port, workers=workers, dry_run=dry_run or None)
    from bkdoctor.bot.processes import keep_running

    words = [*_words({"--config": config}), *(["--dry-run"] if dry_run else [])]
    raise typer.Exit(keep_running(settings, words, _words({"--host": host, "--port": port})))


@bot_app.command("receive")
def receive_command(config: ConfigFile = None, host: Host = None, port: Port = None, dry_run: DryRun = False) -> None:
    """Only receive: other processes or machines do the work."""
    settings = _config(config, host=host, port=port, dry_run=dry_run or None)
    from bkdoctor.bot.processes import receive

    receive(settings)


@bot_app.command("work")
def work_command(config: ConfigFile = None, dry_run: DryRun = False) -> None:
    """Only work: diagnose what receivers have stored, one log at a time."""
    settings = _config(config, dry_run=dry_run or None)
    from bkdoctor.bot.processes import work

    work(settings)


@bot_app.command("check")
def check_command(config: ConfigFile = None) -> None:
    """Try the configuration: address, token, database; say what is missing."""
    settings = _config(config)
    from bkdoctor.bot.trial import try_all

    right = True
    for check in try_all(settings):
        typer.echo(f"{'ok     ' if check.ok else 'MISSING'} {check.name}: {check.text}")
        right = right and check.ok
    raise typer.Exit(0 if right else 1)


@bot_app.command("install")
def install_command(
    where: Annotated[str, typer.Argument(help="The group or project, by path or id.", metavar="GROUP|PROJECT")],
    url: Annotated[str, typer.Option("--url", help="Where GitLab reaches the bot.", metavar="https://...")],
    config: ConfigFile = None,
) -> None:
    """Create the webhook in GitLab, with the right events and the configured secret."""
    settings = _config(config)
    settings.require_secret()
    from bkdoctor.bot.install import install
    from bkdoctor.bot.processes import connect

    with connect(settings) as api:
        typer.echo(install(api, settings, where, url))


@bot_app.command("replay")
def replay_command(
    payload: Annotated[Path, typer.Argument(help="The body of a webhook, as JSON.", metavar="FILE")],
    config: ConfigFile = None,
    dry_run: DryRun = False,
) -> None:
    """Handle a webhook's body from a file, now and in this process."""
    settings = _config(config, dry_run=dry_run or None)
    try:
        body = payload.read_bytes()
    except OSError as error:
        raise InputError(f"{payload}: {error.strerror}. Name the file of a webhook's body.") from None
    from bkdoctor.bot.trial import replayed

    typer.echo(replayed(body, settings))


def _words(options: dict[str, Any]) -> list[str]:
    return [word for name, value in options.items() if value is not None for word in (name, str(value))]


def _config(path: Path | None, **options: Any) -> "Config":
    try:
        import fastapi  # noqa: F401
        import sqlalchemy  # noqa: F401
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is missing: install the bot with pip install 'bkdoctor[bot]'") from None
    import msgspec

    from bkdoctor.bot.config import load

    given = {name: value for name, value in options.items() if value is not None}
    return msgspec.structs.replace(load(path, os.environ), **given)
