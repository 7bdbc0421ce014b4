"""From an edit of a command's options to the job's scripts, or the variables that hold the options, edited in place."""

import re
from collections.abc import Callable, Iterator, Sequence

from bkdoctor.fixes.ci_config import SCRIPTS, File
from bkdoctor.fixes.command import _name, _normal, _same
from bkdoctor.fixes.command_edit import ValueEdit, groups_of, run_edits, scalar_splices, with_fields
from bkdoctor.fixes.result import CannotEdit, Splice
from bkdoctor.fixes.script_lines import FAMILIES, family_of
from bkdoctor.fixes.shell_words import Run, runs
from bkdoctor.fixes.workspace import Workspace
from bkdoctor.fixes.yaml_tree import Node
from bkdoctor.model import CommandEdit

_OF_THE_BUILD = frozenset(
    "--frontend --local --output --tag --push --load --name --use --driver --destination --context --dockerfile".split()
)
"""What a recipe's command must have to be whole, and a job's own has in its own way."""
_ASKS = frozenset({"--help", "--print", "--check", "--version"})
"""With these a command tells something and builds nothing."""
_PLAIN_BUILD = frozenset({"--frontend=dockerfile.v0", "--local=context=.", "--local=dockerfile=."})
"""What an example's command says because each does."""
_NAMES = frozenset({"name", "ref", "dest", "src", "url", "bucket"})
_ALIKE = (("docker", "buildx"), ("rootless", "native"))
"""Methods whose commands take the same options."""
_OF_BUILDX = frozenset({"--push", "--load"})
"""What `docker build` knows only where buildx stands behind it; the job pushes in its own way."""
_REPEATED = frozenset({"--tag", "--label", "--destination", "--cache-from", "--import-cache"})


def edit_commands(space: Workspace, edit: CommandEdit) -> None:
    """Make the edit wherever a script of the job runs its command. Raises CannotEdit."""
    _edit(space, edit.run, lambda _: edit)


def add_options(space: Workspace, line: str, *, recipe: bool) -> None:
    """Give the job's own build command the options of a fix's: those of a recipe that it lacks, else all as written."""
    family = family_of(line) or "docker"
    options = [g.text for run in runs(line, FAMILIES[family]) for g in groups_of(run) if g.text.startswith("-")]
    alike = () if recipe else next((f for f in _ALIKE if family in f), ())
    names = (*FAMILIES[family], *(name for f in alike if f != family for name in FAMILIES[f]))
    merge_options(space, names, options, recipe=recipe)


def merge_options(
    space: Workspace, names: Sequence[str], options: Sequence[str], *, recipe: bool, argument: str | None = None
) -> None:
    """Give a command of the job the options that a fix's has, and the argument if it has none."""

    def edit_of(run: Run) -> CommandEdit:
        groups = [g.text for g in groups_of(run)]
        there = {_name(g) for g in groups}
        if recipe:
            new = [o for o in options if _name(o) not in _OF_THE_BUILD and not any(_same(g, o) for g in groups)]
        else:
            fitting = [o for o in options if not (_name(o) in _OF_BUILDX and _is_plain_docker(run))]
            new = [_fitted(o, groups) for o in fitting if not (_name(o) in _REPEATED and _name(o) in there)]
            new = [o for o in new if not (_normal(o) in _PLAIN_BUILD and any(_same(g, o) for g in groups))]
        bare = argument is not None and all(g.startswith("-") for g in groups)
        return CommandEdit(tuple(names), set=tuple(new), add=(argument or "",) if bare else ())

    _edit(space, names, edit_of)


def _is_plain_docker(run: Run) -> bool:
    words = [w.text for w in run.words[run.begin : run.first]]
    return words[:1] == ["docker"] and "buildx" not in words


def _fitted(option: str, groups: Sequence[str]) -> str:
    """Return an option of the form `type=...,name=...` with what the job's own says of names, and the rest as it is."""
    own = next((g for g in groups if _same(g, option)), None)
    return (with_fields(own, option, mine=_NAMES) if own else None) or option


def _edit(space: Workspace, names: Sequence[str], edit_of: Callable[[Run], CommandEdit]) -> None:
    found = False
    splices: dict[str, tuple[File, list[Splice]]] = {}
    for _, _, file, node in _once(space):
        here = [run for run in runs(node.value, names) if not _ASKS & {w.text for w in run.words}]
        found = found or bool(here)
        edits: list[ValueEdit] = []
        for run in here:
            in_variables, rest = _variable_edits(space, run, edit_of(run))
            for other, made in in_variables:
                splices.setdefault(other.path, (other, []))[1].extend(made)
            edits += run_edits(run, rest)
        if edits:
            made = scalar_splices(file.text, node, edits, brackets=in_brackets(file.root, node))
            splices.setdefault(file.path, (file, []))[1].extend(made)
            _note_others(space, node)
    if not found:
        raise CannotEdit(not_found(space, names))
    for file, made in splices.values():
        space.write(file, set(made))


def _once(space: Workspace) -> Iterator[tuple[str, object, File, Node]]:
    seen: set[int] = set()
    for key, found, file, node in space.scripts(*SCRIPTS):
        if id(node) not in seen:
            seen.add(id(node))
            yield key, found, file, node


def not_found(space: Workspace, names: Sequence[str]) -> str:
    """Say that no script of the job runs a command, what it runs instead, and where was looked."""
    families = {f for _, _, _, node in space.scripts("before_script", "script") if (f := family_of(node.value))}
    looked = ", ".join(file.path for file in space.config.files)
    instead = " and ".join(f"`{FAMILIES[f][0]}`" for f in sorted(families))
    reason = f"no script of the job {space.job} runs `{names[0]}` (looked in {looked})"
    return f"{reason}: it builds with {instead}" if instead else f"{reason}: it may stand in a script of its own"


def in_brackets(root: Node, wanted: Node) -> bool:
    """Say whether a node stands in a list or a mapping in brackets."""
    return any(
        node.flow and any(n is wanted for n in node.walk()) for node in root.walk() if node.kind in ("map", "seq")
    )


def _note_others(space: Workspace, node: Node) -> None:
    others = [job for job in space.config.users(node) if job != space.job]
    if others:
        note = f"the same script is that of {', '.join(others[:5])}{' and more' if len(others) > 5 else ''}"
        space.notes += [note] if note not in space.notes else []


def _variable_edits(
    space: Workspace, run: Run, edit: CommandEdit
) -> tuple[list[tuple[File, list[Splice]]], CommandEdit]:
    """Edit the variables that hold options of the command; return what is left to do in the command itself."""
    out: list[tuple[File, list[Splice]]] = []
    groups = [g.text for g in groups_of(run)]
    names = [n for w in run.words for n in re.findall(r"\$\{?([A-Za-z_]\w*)", w.text)]
    for file, node in (v for name in dict.fromkeys(names) for v in _variables(space, name)):
        held = Run(runs(f"x {node.value}", ("x",))[0].words, 1) if node.value.strip() else None
        inside = [g.text for g in groups_of(held)] if held else []
        mine = [o for o in edit.set if any(_same(g, o) for g in inside) and not any(_same(g, o) for g in groups)]
        gone = [o for o in edit.drop if any(_same(g, o) or _name(g) == _name(o) for g in inside)]
        left = tuple(o for o in edit.set if o not in mine)
        edit = CommandEdit(edit.run, left, tuple(o for o in edit.add if o not in inside), edit.drop)
        if held and (mine or gone):
            edits = [
                ValueEdit(e.start - 2, e.end - 2, e.text, e.blank and (e.blank[0] - 2, e.blank[1] - 2))
                for e in run_edits(held, CommandEdit(edit.run, tuple(mine), (), tuple(gone)))
            ]
            out.append((file, scalar_splices(file.text, node, edits, brackets=in_brackets(file.root, node))))
    return out, edit


def _variables(space: Workspace, name: str) -> Iterator[tuple[File, Node]]:
    config, job = space.config, space.job
    layers = [config.own(job, "variables"), config.inherited(job, "variables")]
    places = [(found.file, found.node) for found in layers if found]
    places += [(f, v) for f in space.config.files if (v := f.root.get("variables")) is not None]
    for file, node in places:
        value = node.real.get(name)
        if value is not None and value.real.kind == "map":
            value = value.real.get("value")
        if value is not None and value.real.kind == "scalar":
            yield file, value.real
            return
