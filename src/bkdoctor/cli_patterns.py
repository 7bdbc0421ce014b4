"""The commands around the catalogue: `patterns list|show|check|new`, `explain` and `snippet`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.errors import UsageError
from bkdoctor.session import catalog_of, user_folders

patterns_app = typer.Typer(help="The catalogue of known failures.", no_args_is_help=True)
Folders = Annotated[
    list[Path] | None, typer.Option("--patterns", help="A folder of patterns of your own.", metavar="DIR")
]


def _catalog(folders: list[Path] | None) -> Catalog:
    return catalog_of(user_folders(folders))


@patterns_app.command("list")
def list_command(
    family: Annotated[str | None, typer.Argument(help="Only this family.")] = None, patterns: Folders = None
) -> None:
    """List the patterns: id, who acts, title."""
    entries = sorted(_catalog(patterns).entries.values(), key=lambda e: (e.family, e.id))
    chosen = [e for e in entries if family in (None, e.family)]
    if not chosen:
        raise UsageError(f"there is no family {family!r}. Families: {', '.join(sorted({e.family for e in entries}))}.")
    width = max(len(e.id) for e in chosen)
    for entry in chosen:
        typer.echo(f"{entry.id:{width}}  {entry.pattern.owner:14}  {entry.pattern.title}")


@patterns_app.command("show")
def show_command(pattern_id: Annotated[str, typer.Argument(metavar="ID")], patterns: Folders = None) -> None:
    """Print a pattern's file."""
    from bkdoctor.explain import entry_of

    typer.echo(entry_of(_catalog(patterns), pattern_id).source(), nl=False)


@patterns_app.command("check")
def check_command(
    files: Annotated[list[str] | None, typer.Argument(help="Patterns to check; all, if none is named.")] = None,
    patterns: Folders = None,
) -> None:
    """Check that every pattern proves what it says."""
    from bkdoctor.checking import check_catalog

    faults, count = check_catalog(files or [], user_folders(patterns))
    for fault in faults:
        typer.echo(fault, err=True)
    typer.echo(f"{count} patterns, {len(faults)} faults")
    if faults:
        raise typer.Exit(1)


@patterns_app.command("new")
def new_command(
    name: Annotated[str, typer.Argument(metavar="FAMILY/ID")],
    source: Annotated[str, typer.Option("--from", help="A log of the failure; - is standard input.", metavar="LOG")],
    folder: Annotated[Path, typer.Option("--to", help="The folder of patterns to write into.", metavar="DIR")] = Path(
        "patterns"
    ),
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", help="A log of the same job when it passed, to leave alone.", metavar="LOG"),
    ] = None,
    patterns: Folders = None,
) -> None:
    """Begin a pattern from a log of the failure."""
    from bkdoctor.checking import check_catalog
    from bkdoctor.scaffold import scaffold

    path = scaffold(name, source, folder, _catalog(patterns), baseline)
    typer.echo(f"Wrote {path}. What its check still wants:")
    for fault in check_catalog([str(path)], user_folders(patterns))[0]:
        typer.echo(f"  - {fault.partition(': ')[2]}")
    typer.echo(f"Then run: bkdoctor patterns check {path}")


def explain_command(
    pattern_id: Annotated[str, typer.Argument(metavar="ID")],
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours.")] = False,
    patterns: Folders = None,
) -> None:
    """Explain a failure: what you see, why, what to change."""
    from bkdoctor.explain import entry_of, render_entry

    colour = sys.stdout.isatty() and not no_color and "NO_COLOR" not in os.environ
    sys.stdout.write(render_entry(entry_of(_catalog(patterns), pattern_id), colour=colour))


def snippet_command(
    method: Annotated[str, typer.Argument(metavar="METHOD")],
    section: Annotated[str, typer.Argument(metavar="SECTION")],
    patterns: Folders = None,
) -> None:
    """Print a configuration that works: METHOD rootless, buildx or native; SECTION build, auth, cache, ..."""
    from bkdoctor.fixes.fill import fill

    recipes = _catalog(patterns).recipes
    recipe = recipes.get((method, section))
    if recipe is None:
        methods, sections = sorted({m for m, _ in recipes}), sorted({s for _, s in recipes})
        raise UsageError(
            f"there is no recipe {method} {section}. METHOD: {', '.join(methods)}. SECTION: {', '.join(sections)}."
        )
    head = [recipe.title, *((recipe.note,) if recipe.note else ()), *recipe.references]
    typer.echo("\n".join(f"# {line}" for text in head for line in text.splitlines()), err=True)
    typer.echo(fill(recipe.snippet, {}).rstrip("\n"))
