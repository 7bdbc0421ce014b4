"""The commands for configuration files: `lint` and `migrate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bkdoctor.errors import InputError, UsageError
from bkdoctor.text import strip_controls

if TYPE_CHECKING:
    from bkdoctor.mending_files import LocalFiles
    from bkdoctor.migrate.flags import Target
    from bkdoctor.migrate.jobs import Migration

_NOTHING = 3


def lint_command(
    files: Annotated[list[Path], typer.Argument(help="config.toml or buildkitd.toml files.", metavar="FILE...")],
    kind: Annotated[
        str | None,
        typer.Option("--kind", help="config.toml or buildkitd.toml, if the name does not tell.", metavar="KIND"),
    ] = None,
    runner: Annotated[
        str | None, typer.Option("--runner-version", help="The runner that reads the file.", metavar="X.Y")
    ] = None,
    buildkit: Annotated[
        str | None, typer.Option("--buildkit-version", help="The BuildKit that reads the file.", metavar="X.Y")
    ] = None,
    notes: Annotated[bool, typer.Option("--notes", help="Also say what is no fault but easily misread.")] = False,
) -> None:
    """Find what a runner's config.toml or a buildkitd.toml says in vain: unknown, too new, wrong, ignored."""
    from bkdoctor.config.keys import version
    from bkdoctor.config.lint import kind_of, lint

    if kind not in (None, "config.toml", "buildkitd.toml"):
        raise UsageError(f"--kind {kind}: write config.toml or buildkitd.toml.")
    versions = {"config.toml": runner, "buildkitd.toml": buildkit}
    for given in (runner, buildkit):
        if given and version(given) is None:
            raise UsageError(f"{given!r} is no version: write it as 18.11.")
    found = False
    for file in files:
        which = kind_of(kind or file.name)
        for fault in lint(_text(file), str(file), which, version(versions[which] or "")):
            if notes or not fault.note:
                typer.echo(f"{file}:{fault.line}: {'note: ' if fault.note else ''}{fault.text}")
            found = found or not fault.note
    if found:
        raise typer.Exit(1)


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(f"{file}: {why}. Name a file that can be read.") from error


def migrate_command(
    file: Annotated[Path, typer.Argument(help="A .gitlab-ci.yml.", metavar="FILE")],
    job: Annotated[
        str | None, typer.Option("--job", help="The job, or the template; all that build, if none is named.")
    ] = None,
    to: Annotated[str, typer.Option("--to", help="rootless or buildx.", metavar="METHOD")] = "rootless",
    write: Annotated[bool, typer.Option("--write", help="Change the file; the old one is kept as NAME.orig.")] = False,
) -> None:
    """Move kaniko and docker builds to BuildKit: prints the diff for `git apply`; 3 where nothing is to be moved."""
    if to not in ("rootless", "buildx"):
        raise UsageError(f"--to {to}: write rootless or buildx.")
    from bkdoctor.fixes.diff import unified
    from bkdoctor.mending_files import LocalFiles

    files = LocalFiles(str(file))
    made, note = _moved(file, files, job, "rootless" if to == "rootless" else "buildx")
    for line in [*made.notes, *(f"left as it is: {reason}" for reason in made.refused), *note]:
        typer.echo(f"bkdoctor: {strip_controls(line)}", err=True)
    if not made.changes:
        what = "no job could be migrated" if made.refused else "nothing to migrate"
        typer.echo(f"bkdoctor: {file}: {what}.", err=True)
        raise typer.Exit(_NOTHING)
    for change in made.changes:
        typer.echo(unified(change), nl=False)
        if write:
            typer.echo(f"bkdoctor: wrote {change.path}; the old one is {files.write(change)}", err=True)


def _moved(file: Path, files: "LocalFiles", job: str | None, to: "Target") -> "tuple[Migration, list[str]]":
    from bkdoctor.fixes.result import CannotEdit
    from bkdoctor.migrate.jobs import migrate
    from bkdoctor.session import catalog_of

    recipes = catalog_of(()).recipes
    name = file.resolve().relative_to(files.root).as_posix()
    text = files.read(name) or ""

    def exists(path: str) -> bool:
        return (files.root / path).is_file()

    try:
        made = migrate(name, text, read=files.read, exists=exists, recipes=recipes, job=job, target=to)
    except CannotEdit as error:
        raise InputError(f"{file}: {error}. Mend that, or name another file or job.") from error
    note = recipes[to, "build"].note
    return made, [note] if note and made.changes else []
