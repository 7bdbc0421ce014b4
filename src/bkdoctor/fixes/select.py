"""From a pattern's fixes and the facts to the fixes that fit this job, filled in, the fitting ones first."""

import operator
import re
from collections.abc import Mapping, Sequence

import msgspec

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.pattern import FILE_OWNERS, LANGUAGES, Command, FixSpec, Recipe
from bkdoctor.fixes.command import edited
from bkdoctor.fixes.fill import fill, fill_markdown, fill_raw, part_of
from bkdoctor.fixes.wanting import examples, is_whole
from bkdoctor.model import BaseEdit, CommandEdit, Edit, Facts, Fix

When = Mapping[str, str | list[str]]

_COMPARISON = re.compile(r"(?P<op><=|>=|==|<|>)\s*(?P<version>\d+(?:\.\d+)*)")
_OPERATORS = {"<=": operator.le, ">=": operator.ge, "==": operator.eq, "<": operator.lt, ">": operator.gt}
_PLATFORM_NAMES = {"foreign": "another platform than the builder's", "native": "the builder's own platform"}
_NAMES = {
    "runner": "runner", "kubernetes": "Kubernetes", "buildkit": "BuildKit", "buildx": "buildx", "docker": "Docker",
    "kaniko": "kaniko",
}  # fmt: skip
_METHOD_NAMES = {
    "rootless": "rootless BuildKit", "native": "native BuildKit", "buildx": "docker buildx", "docker": "docker build",
    "bake": "docker buildx bake", "compose": "docker compose", "kaniko": "kaniko", "buildah": "buildah",
}  # fmt: skip
_RECIPE_METHODS = ("rootless", "buildx", "native")
_OF_METHOD = {
    "docker": "buildx",
    "bake": "buildx",
    "compose": "buildx",
    "kaniko": "rootless",
    "buildah": "rootless",
}
"""The recipes that help a job which uses another method."""


def select(
    specs: Sequence[FixSpec],
    facts: Facts,
    captures: Mapping[str, str],
    values: Mapping[str, str],
    *,
    commands: Sequence[str],
    place: str | None,
    foreign: bool | None,
    catalog: Catalog,
) -> tuple[Fix, ...]:
    """Return the fixes whose `when` does not exclude these facts; those that surely fit come first.

    `values` fills placeholders; `commands` are the lines of the job's script that the log shows; `foreign` says whether
    the step runs on another platform than the builder's, None where there is no step with a platform.
    """
    made: list[Fix] = []
    for spec in specs:
        fitting: list[tuple[list[str], Fix]] = []
        for methods, recipe in _variants(spec, facts, catalog):
            when = {**(recipe.when if recipe else {}), **spec.when}
            if methods and facts.method is None:
                when["method"] = methods
            unknown = _unknown(when, facts, captures, place, foreign)
            if unknown is not None:
                fitting.append((methods, _make(spec, recipe, when, values, commands, fits=not unknown)))
        made += [_naming_others(fitting, spec.recipe)] if fitting else []
    if place == "service":
        from bkdoctor.fixes.service import for_service

        made = [for_service(fix, facts, values.get("service.alias")) for fix in made]
    return tuple(sorted(made, key=lambda f: f.fits != "yes"))


def _naming_others(fitting: Sequence[tuple[list[str], Fix]], section: str | None) -> Fix:
    """Return the first of a fix's variants, the others named: where the method is unknown, one recipe is enough."""
    fix = fitting[0][1]
    others = []
    for methods, _ in fitting[1:]:
        named = " or ".join(_METHOD_NAMES.get(m, m) for m in methods)
        others.append(f"for {named}, `bkdoctor snippet {_OF_METHOD.get(methods[0], methods[0])} {section}`")
    if not others:
        return fix
    return msgspec.structs.replace(fix, note=" ".join(n for n in (fix.note, f"Else: {'; '.join(others)}.") if n))


def _unknown(
    when: When, facts: Facts, captures: Mapping[str, str], place: str | None, foreign: bool | None
) -> list[str] | None:
    """Return the names of the facts that are needed and not known; None when a known fact excludes the fix."""
    unknown: list[str] = []
    for name, wanted in when.items():
        holds = _holds_here(name, _list(wanted), captures, place, foreign)
        if name not in ("has", "place", "platform"):
            value = getattr(facts, name, None)
            holds = None if value in (None, ()) else _holds(value, wanted)
        if holds is None:
            unknown.append(name)
        elif not holds:
            return None
    return unknown


def _holds_here(
    name: str, wanted: list[str], captures: Mapping[str, str], place: str | None, foreign: bool | None
) -> bool | None:
    """Say whether a condition on the finding itself holds; None: it cannot be known."""
    if name == "has":
        return all(part_of(captures, c) for c in wanted)
    if name == "place":
        return place in wanted
    return None if foreign is None else ("foreign" if foreign else "native") in wanted


def _list(wanted: str | list[str]) -> list[str]:
    return [wanted] if isinstance(wanted, str) else wanted


def _holds(value: object, wanted: str | list[str]) -> bool:
    if isinstance(value, tuple):
        return any(_holds(getattr(item, "name", item), wanted) for item in value)
    comparisons = list(_COMPARISON.finditer(wanted)) if isinstance(wanted, str) else []
    if not comparisons:
        return str(value) in _list(wanted)
    return all(_compare(_version(str(value)), c["op"], _version(c["version"])) for c in comparisons)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", text)[:3])


def _compare(known: tuple[int, ...], op: str, wanted: tuple[int, ...]) -> bool:
    """Compare as far as `wanted` is written: 18.11.3 is `<=18.11`."""
    left = (*known, 0, 0, 0)[: len(wanted)]
    return bool(_OPERATORS[op](left, wanted))


def condition_of(when: When) -> str | None:
    """Return what `when` asks of the job, in words: `runner >= 18.11 and Kubernetes >= 1.30`."""
    words: list[str] = []
    for name, wanted in when.items():
        if name in ("has", "place"):
            continue
        if name == "platform":
            words.append(f"the step runs on {' or '.join(_PLATFORM_NAMES.get(v, v) for v in _list(wanted))}")
        elif isinstance(wanted, str) and _COMPARISON.search(wanted):
            spaced = " and ".join(f"{c['op']} {c['version']}" for c in _COMPARISON.finditer(wanted))
            words.append(f"{_NAMES.get(name, name)} {spaced}")
        else:
            shown = [_METHOD_NAMES.get(v, v) if name == "method" else v for v in _list(wanted)]
            words.append(f"{name} is {' or '.join(shown)}")
    return " and ".join(words) or None


def _variants(spec: FixSpec, facts: Facts, catalog: Catalog) -> list[tuple[list[str], Recipe | None]]:
    """Return the recipes that a fix stands for, each with the methods that it helps.

    It is that of the job's method, or where that is not known that of each method for which the fix is.
    """
    if spec.recipe is None:
        return [([], None)]
    method, slash, section = spec.recipe.partition("/")
    if slash:
        named = catalog.recipes.get((method, section))
        return [([], named)] if named else []
    if facts.method:
        methods = {_OF_METHOD.get(facts.method, facts.method): [str(facts.method)]}
    else:
        allowed = _list(spec.when.get("method", list(_RECIPE_METHODS)))
        methods = {m: [a for a in allowed if _OF_METHOD.get(a, a) == m] for m in _RECIPE_METHODS}
    found = [(names, catalog.recipes.get((m, spec.recipe))) for m, names in methods.items() if names]
    return [(names, recipe) for names, recipe in found if recipe is not None]


def _make(
    spec: FixSpec, recipe: Recipe | None, when: When, values: Mapping[str, str], commands: Sequence[str], *, fits: bool
) -> Fix:
    file = recipe.file if recipe and spec.file == ".gitlab-ci.yml" else spec.file
    note = " ".join(n for n in (spec.note, recipe.note if recipe else None) if n)
    edit = _edit(spec, recipe, values, commands)
    step = values.get("step.text") if file == "Dockerfile" else None
    # what cannot be made as it stands is not called safe
    whole = is_whole(file, edit) and not (step and _is_elsewhere(step, edit))
    return Fix(
        title=fill_markdown(spec.title, values),
        file=file,
        language="sh" if spec.command and file != "Dockerfile" else LANGUAGES.get(file, "text"),
        risk=spec.risk if whole else "review",
        owner=spec.owner or (recipe.owner if recipe else None) or FILE_OWNERS.get(file, "author"),
        condition=condition_of(when),
        fits="yes" if fits else "unknown",
        snippet=_snippet(spec, recipe, values, commands),
        note=fill_markdown(note, values) if note else None,
        references=tuple(recipe.references) if recipe else (),
        edit=edit,
    )


def _is_elsewhere(step: str, edit: Edit) -> bool:
    """Say whether the step that failed does not hold what the edit changes."""
    if edit.command is not None:
        from bkdoctor.fixes.instruction_edit import edited as edited_instruction

        return edited_instruction(step, edit.command) is None
    return bool(edit.replace) and not any(find in step for find, _ in edit.replace)


def _edit(spec: FixSpec, recipe: Recipe | None, values: Mapping[str, str], commands: Sequence[str]) -> Edit:
    snippet, command = recipe.snippet if recipe else spec.snippet, None
    if snippet is not None:
        # the job's key is the file's own to say, not the log's
        snippet = fill(snippet, {**values, "job": "<job>"}).strip("\n")
    if spec.command is not None:
        command = _command(spec.command, values)
    replace = tuple((fill(r.find, values), fill(r.with_, values)) for r in spec.replace)
    made = Edit(
        snippet=snippet, replace=replace, command=command, base=_base(spec, values), at=spec.at,
        recipe=recipe is not None, commands=tuple(commands), probe=spec.probe, renews=spec.renews,
    )  # fmt: skip
    return msgspec.structs.replace(made, examples=(*spec.examples, *examples(made, values.values())))


def _command(command: Command, values: Mapping[str, str]) -> CommandEdit:
    def filled(options: Sequence[str]) -> tuple[str, ...]:
        return tuple(fill(o, values) for o in options)

    return CommandEdit(
        tuple(command.run),
        set=filled(command.set),
        add=filled(command.add),
        drop=filled(command.drop),
        before=fill(command.before, values),
    )


def _base(spec: FixSpec, values: Mapping[str, str]) -> BaseEdit | None:
    base = spec.base
    if base is None:
        return None
    return BaseEdit(tuple(base.images), fill_raw(base.version, values), parts=base.parts, exact=base.exact)


def _snippet(spec: FixSpec, recipe: Recipe | None, values: Mapping[str, str], commands: Sequence[str]) -> str:
    if recipe is not None:
        return fill(recipe.snippet, values).strip("\n")
    if spec.snippet is not None:
        return fill(spec.snippet, values).strip("\n")
    if spec.command is not None and spec.file == "Dockerfile":
        from bkdoctor.fixes.instruction_edit import shown

        return shown(values.get("step.text"), _command(spec.command, values))
    if spec.command is not None:
        return edited(spec.command, commands, lambda text: fill(text, values))
    if spec.base is not None:
        from bkdoctor.fixes.base_image import shown as shown_base

        return shown_base(spec.base.images[0], fill_raw(spec.base.version, values), spec.base.parts)
    return "\n".join(fill(edit.with_, values) for edit in spec.replace).strip("\n") or "(remove this line)"
