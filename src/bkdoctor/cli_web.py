"""The command `web`: a page to paste a log into, on this machine."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from bkdoctor.errors import UsageError

if TYPE_CHECKING:
    from bkdoctor.gitlab.target import Target

_EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  (compared with, not bound to)


def web_command(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.", metavar="ADDRESS")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on.", min=1, max=65535)] = 8000,
    gitlab: Annotated[
        str | None,
        typer.Option("--gitlab", help="The GitLab whose jobs may be read, with GITLAB_TOKEN.", metavar="URL"),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--name", help="A host name by which browsers reach the page; repeatable.", metavar="HOST"),
    ] = None,
    at_once: Annotated[int, typer.Option("--at-once", help="Logs diagnosed at the same time.", min=1, max=64)] = 2,
) -> None:
    """Serve a page to paste a log into, drop a file on, or name a job; it answers with the report."""
    try:
        import uvicorn

        from bkdoctor.web.routes import create_app
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is missing: install the page with pip install 'bkdoctor[web]'") from None
    from bkdoctor.web.listen import listen
    from bkdoctor.web.settings import LOOPBACK, Settings

    own = () if host in _EVERYWHERE else (f"[{host}]" if ":" in host else host.lower(),)
    hosts = (*LOOPBACK, *own, *(name.lower() for name in names or ()))
    settings = Settings(hosts=hosts, gitlab=_gitlab(gitlab), at_once=at_once)
    listening = listen(host, port)
    typer.echo(f"bkdoctor web: http://{own[0] if own else 'localhost'}:{port}/ (Ctrl-C ends it)", err=True)
    config = uvicorn.Config(
        create_app(settings), log_level="warning", access_log=False, server_header=False,
        limit_concurrency=100, timeout_graceful_shutdown=5,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listening])


def _gitlab(url: str | None) -> "Target | None":
    """Return the GitLab that is configured, with its token; None: nothing names one."""
    named = url or os.environ.get("GITLAB_HOST", "").strip() or os.environ.get("CI_SERVER_URL", "").strip()
    if not named:
        return None
    from bkdoctor.gitlab.target import resolve_job

    # a job that is none, for the credentials that go to that host
    return resolve_job("1", project="none/none", gitlab=named, env=os.environ, remote=lambda: None)
