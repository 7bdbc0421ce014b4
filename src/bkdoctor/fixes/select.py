"""From a pattern's fixes and the facts to the fixes that fit this job, filled in, the fitting ones first."""

import re
from collections.abc import Mapping, Sequence

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.pattern import FILE_OWNERS, LANGUAGES, FixSpec, Recipe
from bkdoctor.fixes.command import edited
from bkdoctor.fixes.fill import fill, fill_markdown
from bkdoctor.model import Facts, Fix, Owner

_COMPARISON = re.compile(r"(?P<op><=|>=|==|<|>)\s*(?P<version>\d+(?:\.\d+)*)")
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
        fits = _fits(spec.when, facts, captures, place, foreign)
        if fits is None:
            continue
        variants = _variants(spec, facts, catalog)
        made.extend(_make(variant, spec, facts, values, commands, fits) for variant in variants)
    return tuple(sorted(made, key=lambda f: f.fits != "yes"))


def _fits(
    when: Mapping[str, str | list[str]],
    facts: Facts,
    captures: Mapping[str, str],
    place: str | None,
    foreign: bool | None,
) -> list[str] | None:
    """Return the names of the facts that are needed and not known; None when a known fact excludes the fix."""
    unknown: list[str] = []
    for name, wanted in when.items():
        if name == "has":
            if any(not captures.get(c) for c in _list(wanted)):
                return None
        elif name == "place":
            if place not in _list(wanted):
                return None
        elif name == "platform":
            if foreign is not None and ("foreign" if foreign else "native") not in _list(wanted):
                return None
        else:
            value = getattr(facts, name, None)
            if value is None:
                unknown.append(name)
            elif not _holds(str(value), wanted):
                return None
    return unknown


def _list(wanted: str | list[str]) -> list[str]:
    return [wanted] if isinstance(wanted, str) else wanted


def _holds(value: str, wanted: str | list[str]) -> bool:
    if isinstance(wanted, list):
        return value in wanted
    comparisons = list(_COMPARISON.finditer(wanted))
    if not comparisons:
        return value == wanted
    return all(_compare(_version(value), c["op"], _version(c["version"])) for c in comparisons)


def _version(text: str) -> tuple[int, ...]:
    numbers = tuple(int(n) for n in re.findall(r"\d+", text)[:3])
    return numbers + (0,) * (3 - len(numbers))


def _compare(left: tuple[int, ...], op: str, right: tuple[int, ...]) -> bool:
    match op:
        case ">=":
            return left >= right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case "<":
            return left < right
        case _:
            return left == right


def condition_of(when: Mapping[str, str | list[str]]) -> str | None:
    """Return what `when` asks of the job, in words: `runner >= 18.11 and Kubernetes >= 1.30`."""
    words: list[str] = []
    for name, wanted in when.items():
        if name in ("has", "place", "platform"):
            continue
        if isinstance(wanted, str) and _COMPARISON.search(wanted):
            spaced = " and ".join(f"{c['op']} {c['version']}" for c in _COMPARISON.finditer(wanted))
            words.append(f"{_NAMES.get(name, name)} {spaced}")
        else:
            shown = [_METHOD_NAMES.get(v, v) if name == "method" else v for v in _list(wanted)]
            words.append(f"{name} is {' or '.join(shown)}")
    return " and ".join(words) or None


def _variants(spec: FixSpec, facts: Facts, catalog: Catalog) -> list[tuple[str, Recipe | None]]:
    """Return the recipes that a fix stands for: that of the job's method, or of each where it is not known."""
    if spec.recipe is None:
        return [("", None)]
    method = facts.method
    wanted = (_OF_METHOD.get(method, method),) if method else _RECIPE_METHODS
    found = [(m, catalog.recipes.get((m, spec.recipe))) for m in wanted]
    return [(m, recipe) for m, recipe in found if recipe is not None]


def _make(
    variant: tuple[str, Recipe | None],
    spec: FixSpec,
    facts: Facts,
    values: Mapping[str, str],
    commands: Sequence[str],
    unknown: Sequence[str],
) -> Fix:
    method, recipe = variant
    when = {**(recipe.when if recipe else {}), **spec.when}
    if recipe and facts.method is None:
        when = {**when, "method": [method]}
        unknown = [*unknown, "method"]
    file = recipe.file if recipe and spec.file == ".gitlab-ci.yml" else spec.file
    note = " ".join(n for n in (spec.note, recipe.note if recipe else None) if n)
    return Fix(
        title=fill_markdown(spec.title, values),
        file=file,
        language=LANGUAGES.get(file, "text"),
        risk=spec.risk,
        owner=_owner(spec, file),
        condition=condition_of(when),
        fits="unknown" if unknown else "yes",
        snippet=_snippet(spec, recipe, values, commands),
        note=fill_markdown(note, values) if note else None,
        references=tuple(recipe.references) if recipe else (),
    )


def _owner(spec: FixSpec, file: str) -> Owner:
    return spec.owner or FILE_OWNERS.get(file, "author")


def _snippet(spec: FixSpec, recipe: Recipe | None, values: Mapping[str, str], commands: Sequence[str]) -> str:
    if recipe is not None:
        return fill(recipe.snippet, values).strip("\n")
    if spec.snippet is not None:
        return fill(spec.snippet, values).strip("\n")
    if spec.command is not None:
        return edited(spec.command, commands, lambda text: fill(text, values))
    return "\n".join(fill(edit.with_, values) for edit in spec.replace).strip("\n") or "(remove this line)"
