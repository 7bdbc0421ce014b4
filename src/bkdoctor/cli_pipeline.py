"""The commands `pipeline` and `mr`: the failed jobs of a pipeline, grouped by what they failed for."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from bkdoctor.cli import Kubernetes, NoColor, Patterns
from bkdoctor.session import Session

if TYPE_CHECKING:
    from bkdoctor.gitlab.address import Kind

Project = Annotated[
    str | None, typer.Option("--repo", "-R", help="The project: GROUP/PROJECT.", metavar="GROUP/PROJECT")
]
GitLab = Annotated[str | None, typer.Option("--gitlab", help="The GitLab to ask.", metavar="URL")]
Format = Annotated[
    str,
    typer.Option(
        "--format", "-f", help="terminal, markdown or json, or one of log's.", metavar="FORMAT", show_default=False
    ),
]
Note = Annotated[
    bool, typer.Option("--note", help="Keep the note on the merge request, as the bot does; takes the scope api.")
]
Jobs = Annotated[
    str | None,
    typer.Option("--jobs", help="What the names of build jobs hold, a regular expression.", metavar="REGEX"),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Name every job and show every reason in full.")]


def pipeline_command(
    pipeline: Annotated[str, typer.Argument(help="A pipeline's id, or the address of its page.", metavar="ID|URL")],
    project: Project = None,
    gitlab: GitLab = None,
    note: Note = False,
    jobs: Jobs = None,
    format_: Format = "terminal",
    kubernetes: Kubernetes = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    patterns: Patterns = None,
) -> None:
    """Diagnose all failed jobs of a pipeline, and group them by cause."""
    from bkdoctor.gitlab.address import PIPELINE

    session = Session.of(format_, kubernetes, no_color, verbose, patterns)
    _tell(session, PIPELINE, pipeline, project, gitlab, jobs, note)


def mr_command(
    request: Annotated[
        str, typer.Argument(help="A merge request's number, or the address of its page.", metavar="IID|URL")
    ],
    project: Project = None,
    gitlab: GitLab = None,
    note: Note = False,
    jobs: Jobs = None,
    format_: Format = "terminal",
    kubernetes: Kubernetes = None,
    no_color: NoColor = False,
    verbose: Verbose = False,
    patterns: Patterns = None,
) -> None:
    """Diagnose the pipeline that counts for a merge request."""
    from bkdoctor.gitlab.address import MERGE_REQUEST

    session = Session.of(format_, kubernetes, no_color, verbose, patterns)
    _tell(session, MERGE_REQUEST, request, project, gitlab, jobs, note)


def _tell(
    session: Session, kind: "Kind", argument: str, project: str | None, gitlab: str | None, jobs: str | None, note: bool
) -> None:
    # only these commands pay for what asks GitLab
    from bkdoctor.bot.once import keep_note, own_job
    from bkdoctor.gitlab.address import PIPELINE
    from bkdoctor.gitlab.remote import git_remote_url
    from bkdoctor.gitlab.target import resolve
    from bkdoctor.jobs.telling import exit_status, tell_merge_request, tell_pipeline, teller_of

    spot, number = resolve(kind, argument, project=project, gitlab=gitlab, env=os.environ, remote=git_remote_url)
    teller = teller_of(spot, session.catalog, session.facts, jobs, own_job(os.environ))
    story = tell_pipeline(teller, spot, number) if kind is PIPELINE else tell_merge_request(teller, spot, number)
    session.write_story(story)
    if note:
        typer.echo(f"bkdoctor: {keep_note(story, teller, spot, os.environ)}", err=True)
    raise typer.Exit(exit_status(story))
