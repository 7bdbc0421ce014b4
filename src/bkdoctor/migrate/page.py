"""From the tables of options to the page that explains `migrate`, as Markdown."""

from collections.abc import Iterator

from bkdoctor.migrate.flags import Flag, Tool, table

_HEAD = """\
# Moving to BuildKit

<!-- Written by `make bless` from src/bkdoctor/config/data/*-flags.toml. -->

    bkdoctor migrate .gitlab-ci.yml                  # to rootless BuildKit: prints a diff for git apply
    bkdoctor migrate .gitlab-ci.yml --to buildx      # to docker buildx on docker:dind
    bkdoctor migrate .gitlab-ci.yml --job build --write

The diff is all that stdout holds. What has no counterpart, what to look at and which jobs stay as they are goes to
stderr. Exit status: 0 with a diff, 3 when nothing can be migrated, 4 when the file cannot be read. `--write` changes
the file and keeps the old one as `NAME.orig`.

What changes is the job's image, its variables, the lines that log in and the lines that build; all else survives byte
for byte. A template that jobs take their script from is changed where it stands. What a job then looks like is what
`bkdoctor snippet rootless build` (or `buildx build`) prints.

- `config.json` is kept: `/kaniko/.docker` becomes `$HOME/.docker`. A job that writes none, pushes, and has no
  `DOCKER_CONFIG` gets the login of the recipe.
- Variables stay as they are. Where a path is a variable and nothing else, the shell takes it apart when the job runs.
- kaniko's `KANIKO_REGISTRY_MIRROR`, `KANIKO_REGISTRY_MAP` and `KANIKO_NO_PUSH` count as options.
- kaniko looks for a Dockerfile in the job's directory, then in the context; BuildKit is told one place. Where only you
  know which it is, stderr says so.
- kaniko builds every stage of a Dockerfile, BuildKit only those that the last one (or `--target`) needs.
- Credential helpers come with kaniko's image (ECR, GCR, ACR) and not with BuildKit's: log in with a token instead.
- `docker build`, `docker tag` and `docker push` become one command with all names that were pushed. A job that runs
  what it built needs an engine: `--to buildx`.
- Settings of registries go into a `buildkitd.toml` that the job writes, as in `bkdoctor snippet rootless mirror`.
"""
_TITLES: dict[Tool, str] = {"kaniko": "kaniko's options", "docker": "Options of docker build"}


def migration_page() -> str:
    """Return the page."""
    return _HEAD + "".join("".join(_section(tool)) for tool in _TITLES)


def _section(tool: Tool) -> Iterator[str]:
    yield f"\n## {_TITLES[tool]}\n\n| option | rootless BuildKit | docker buildx | |\n| --- | --- | --- | --- |\n"
    known = table(tool)
    for spelled in sorted((name for name in known if name.startswith("--")), key=str.lower):
        row = known[spelled]
        shown = f"`{spelled}`" + (f", `-{row.short}`" if row.short and spelled == f"--{row.name}" else "")
        cells = ["as `--" + row.name + "`", "", ""] if spelled != f"--{row.name}" else _cells(row)
        yield f"| {shown} | {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _cells(row: Flag) -> list[str]:
    if row.role:
        return [row.becomes, row.becomes_buildx or "the same", row.note]
    if row.needless:
        return ["not needed", "not needed", row.needless]
    rootless, buildx = _options(row, row.rootless), _options(row, row.buildx)
    if row.none:
        missing = "no counterpart"
        return [rootless or missing, buildx or missing, row.none.replace("<value>", "PATH")]
    return [rootless, buildx, row.note]


def _options(row: Flag, options: list[str]) -> str:
    shown = [f"`{option.replace('<value>', 'VALUE')}`" for option in options]
    if row.attribute and (options or not row.only):
        shown.append(f"`{','.join(row.attribute).replace('<value>', 'VALUE')}` in `--output`")
    return " and ".join(shown)
