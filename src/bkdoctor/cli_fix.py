"""The command `fix`: a log or a job in, the diff of a fix out."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bkdoctor.errors import UsageError
from bkdoctor.session import Session
from bkdoctor.text import strip_controls

if TYPE_CHECKING:
    from bkdoctor.mending import NoProposal, Proposal, Wish
    from bkdoctor.mending_files import LocalFiles
    from bkdoctor.model import Facts, Report

_NO_FIX = 3
_JOB = re.compile(r"\d+|https?://\S+/-/jobs/\d+\S*")


def fix_command(
    source: Annotated[
        str, typer.Argument(help="A log, - for standard input, or a job's id or address.", metavar="LOG|JOB")
    ],
    file: Annotated[str | None, typer.Option("--file", help="The file to fix.", metavar="FILE")] = None,
    number: Annotated[
        int | None, typer.Option("--fix", help="The fix to take, as the report counts them.", metavar="N")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Change the file; the old one is kept as NAME.orig.")] = False,
    job: Annotated[str | None, typer.Option("--job", help="The job's key in the file.", metavar="NAME")] = None,
    runner: Annotated[
        str | None, typer.Option("--runner", help="The entry of config.toml to change, by its name.", metavar="NAME")
    ] = None,
    project: Annotated[
        str | None, typer.Option("--repo", "-R", help="The project: GROUP/PROJECT.", metavar="GROUP/PROJECT")
    ] = None,
    gitlab: Annotated[str | None, typer.Option("--gitlab", help="The GitLab to ask.", metavar="URL")] = None,
    kubernetes: Annotated[
        str | None,
        typer.Option("--kubernetes", help="Version of the cluster, X.Y: a log never holds it.", metavar="X.Y"),
    ] = None,
    patterns: Annotated[
        list[Path] | None, typer.Option("--patterns", help="A folder of patterns of your own.", metavar="DIR")
    ] = None,
) -> None:
    """Print the diff of the fix that fits, for `git apply`; exit status 3 where there is none."""
    # only this command pays for reading what edits files
    from bkdoctor.mending import Wish, propose
    from bkdoctor.mending_files import LocalFiles

    session = Session.of("terminal", kubernetes, True, False, patterns)
    wish = Wish(number=number, job=job, runner=runner)
    if _is_job(source):
        made, files = _for_job(session, source, file, wish, project, gitlab)
    else:
        if project or gitlab:
            raise UsageError("-R and --gitlab are for a job's id or address. Leave them out, or name a job.")
        files = LocalFiles(file)
        made = propose(session.report_of(source, lambda report: _learnt(session, report, files, wish)), files, wish)
    raise typer.Exit(_told(made, files if write else None))


def _learnt(session: Session, report: "Report", files: "LocalFiles", wish: "Wish") -> "Facts | None":
    """Return what the file tells of the job and a piece of its log does not."""
    from msgspec.structs import replace

    from bkdoctor.errors import InputError
    from bkdoctor.fixes.result import CannotEdit
    from bkdoctor.mending import method_in

    try:
        method = method_in(report, files, wish)
    except (CannotEdit, InputError):
        return None
    return replace(session.facts, method=method) if method else None


def _is_job(source: str) -> bool:
    return bool(_JOB.fullmatch(source)) and not Path(source).is_file()


def _for_job(
    session: Session, source: str, file: str | None, wish: "Wish", project: str | None, gitlab: str | None
) -> "tuple[Proposal | NoProposal, LocalFiles]":
    from bkdoctor.mending import propose
    from bkdoctor.mending_files import LocalFiles, RemoteFiles

    target = session.target(source, project=project, gitlab=gitlab)
    report = session.report_of_job(target)
    local = LocalFiles(file)
    if file is not None:
        return propose(report, local, wish), local
    from bkdoctor.gitlab.files import JobFiles

    with JobFiles(target) as remote:
        return propose(report, RemoteFiles(remote), wish), local


def _told(made: "Proposal | NoProposal", files: "LocalFiles | None") -> int:
    from bkdoctor.mending import NoProposal

    for line in made.words:
        typer.echo(f"bkdoctor: {strip_controls(line)}", err=True)
    if isinstance(made, NoProposal):
        return _NO_FIX
    sys.stdout.flush()
    sys.stdout.buffer.write((made.fix.diff or "").encode())
    sys.stdout.buffer.flush()
    for change in made.changes if files else ():
        kept = files.write(change) if files else None
        typer.echo(f"bkdoctor: Wrote {change.path}{f', the old file is {kept}' if kept else ''}.", err=True)
    return 0
