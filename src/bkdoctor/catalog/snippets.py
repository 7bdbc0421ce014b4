"""Checks of a pattern's texts and fixes: placeholders are known, snippets parse in their own language."""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import get_args

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.entry import Entry
from bkdoctor.catalog.pattern import LANGUAGES, SECTIONS, FixSpec
from bkdoctor.catalog.snippet_keys import check_keys
from bkdoctor.model import Facts, Method, Place

PLACEHOLDER = re.compile(r"<(?P<name>[a-z][a-z0-9_]*(?:\.[a-z_]+)?)(?::(?P<filter>[a-z]+))?(?P<words>\|[^<>]*)?>")
_PROSE_AS_CODE = re.compile(r"`<(?P<name>[a-z][a-z0-9_.]*)(?::[a-z]+)?\|(?P<words>[A-Za-z'()]+(?: [A-Za-z'()]+)+)>`")
FILTERS = frozenset("dirname basename host repository tag lower owner qualified series keyword debian alpine".split())
STEP_VALUES = frozenset({"step.platform", "step.stage", "step.instruction", "step.line", "step.text"})
ALWAYS = frozenset({"job", "image", "ref"})
"""Facts for which a word stands where the log does not tell them."""
_KINDS = ("recipe", "snippet", "replace", "command", "base")
_VERSIONS = frozenset({"runner", "kubernetes", "buildkit", "buildx", "docker", "kaniko"})
_COMPARISONS = re.compile(r"\s*(?:<=|>=|==|<|>)\s*\d+(?:\.\d+){0,2}(?:\s*,\s*(?:<=|>=|==|<|>)\s*\d+(?:\.\d+){0,2})*\s*")
_WHEN: dict[str, frozenset[str]] = {
    "has": frozenset(),
    "place": frozenset(get_args(Place)),
    "platform": frozenset({"foreign", "native"}),
    "method": frozenset(get_args(Method)),
}
_INSTRUCTION = re.compile(
    r"(?i)^(?:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL|STOPSIGNAL"
    r"|USER|VOLUME|WORKDIR)\s"
)


def check_snippets(entry: Entry, catalog: Catalog) -> Iterator[str]:
    """Yield what is wrong with the texts and fixes of a pattern."""
    pattern = entry.pattern
    every, some = _captures(entry)
    for key, text in (("summary", pattern.explain.summary), ("cause", pattern.explain.cause)):
        yield from _check_placeholders(f"explain.{key}", text, every, some)
        for match in _PROSE_AS_CODE.finditer(text):
            yield f"explain.{key}: {match[0]} shows words as code: leave the backticks out, a value gets its own"
    for number, fix in enumerate(pattern.fix, 1):
        yield from _check_fix(f"fix {number}", fix, catalog, every, some)


def _captures(entry: Entry) -> tuple[set[str], set[str]]:
    """Return the captures that every alternative fills, and those that some alternative fills."""
    required = {name for wanted in entry.requires for name in wanted.template.names}
    alternatives = [{name for t in sequence for name in t.names} for sequence in entry.lines]
    if entry.pattern.match.facts.get("failure_reason"):
        alternatives.append(set())
        required_always: set[str] = set()
    else:
        required_always = required
    every = set.intersection(*alternatives) if alternatives else set()
    return every | required_always, set().union(*alternatives) | required


def _check_placeholders(key: str, text: str, every: set[str], some: set[str]) -> Iterator[str]:
    for match in PLACEHOLDER.finditer(text):
        name = match["name"]
        if match["filter"] and match["filter"] not in FILTERS:
            yield f"{key}: {match[0]}: there is no filter {match['filter']!r}; there are {', '.join(sorted(FILTERS))}"
        if name in every or name in ALWAYS:
            continue
        known = name in some or name in STEP_VALUES or name in Facts.__struct_fields__
        if not known:
            yield f"{key}: {match[0]} is neither captured nor a fact"
        elif match["words"] is None:
            yield f"{key}: {match[0]} is not always filled: say what stands for it, <{name}|words>"


def _check_fix(key: str, fix: FixSpec, catalog: Catalog, every: set[str], some: set[str]) -> Iterator[str]:
    kinds = [k for k in _KINDS if getattr(fix, k)]
    if len(kinds) != 1:
        yield f"{key} needs exactly one of {', '.join(_KINDS)}; it has {kinds or 'none'}"
        return
    yield from _check_dockerfile(key, fix)
    brought = "\n".join([fix.snippet or "", *(fix.command.set + fix.command.add if fix.command else [])])
    yield from (f"{key}: the example {w!r} is not in what the fix brings" for w in fix.examples if w not in brought)
    yield from _check_when(key, fix, some)
    filled = every | {name.partition(":")[0] for name in fix.when.get("has", ())}
    texts = [fix.title, fix.note or "", fix.snippet or "", *(r.with_ for r in fix.replace)]
    if fix.command:
        texts += [*fix.command.set, *fix.command.add, *fix.command.drop, fix.command.before]
    if fix.base:
        texts.append(fix.base.version)
    for text in texts:
        yield from _check_placeholders(key, text, filled, some)
    if fix.recipe and not any(fix.recipe in (section, f"{method}/{section}") for method, section in catalog.recipes):
        hint = f"; there are {', '.join(SECTIONS)}" if fix.recipe not in SECTIONS else ""
        yield f"{key}: no method has a recipe {fix.recipe!r}{hint}"
    if fix.snippet:
        sample = PLACEHOLDER.sub(_sample, fix.snippet)
        yield from (f"{key}: {fault}" for fault in parse(sample, LANGUAGES.get(fix.file, "text")))
        yield from (f"{key}: {fault}" for fault in check_keys(sample, fix.file, fix.when))


def _check_dockerfile(key: str, fix: FixSpec) -> Iterator[str]:
    if fix.file == "Dockerfile":
        return
    named = {"at": fix.at, "base": fix.base, "command.before": fix.command and fix.command.before}
    yield from (
        f"{key}: {name} is for a Dockerfile, and the file is {fix.file}" for name, value in named.items() if value
    )


def _check_when(key: str, fix: FixSpec, some: set[str]) -> Iterator[str]:
    for name, wanted in fix.when.items():
        values = [wanted] if isinstance(wanted, str) else wanted
        if name in _WHEN:
            known = some if name == "has" else _WHEN[name]
            yield from (
                f"{key}: when.{name} names {v!r}; there are {', '.join(sorted(known)) or 'none'}"
                for v in values
                if (v.partition(":")[0] if name == "has" else v) not in known
            )
        elif name not in Facts.__struct_fields__:
            yield f"{key}: when names {name!r}, which is no fact: mend or remove it"
        elif name in _VERSIONS and not (isinstance(wanted, str) and _COMPARISONS.fullmatch(wanted)):
            yield f'{key}: when.{name} is {wanted!r}: write a comparison such as ">=18.11,<19.2"'


def _sample(match: re.Match[str]) -> str:
    if match["words"]:
        return match["words"][1:]
    return "4" if match["name"] in ("step.line", "code", "status") else "sample-value"


def parse(snippet: str, language: str) -> Iterator[str]:
    """Yield why a snippet is not of its language; nothing when it is."""
    try:
        if language == "yaml":
            _parse_yaml(snippet)
        elif language == "toml":
            tomllib.loads(snippet)
        elif language == "json":
            json.loads(snippet)
    except Exception as error:  # each parser has errors of its own, and all mean the same here
        yield f"the snippet is not valid {language}: {' '.join(str(error).split())}"
    if language == "dockerfile":
        yield from _parse_dockerfile(snippet)


def _parse_yaml(snippet: str) -> None:
    from ruamel.yaml import YAML

    loaded = YAML(typ="rt", pure=True).load(snippet)
    if not isinstance(loaded, dict):
        raise ValueError("it must be a mapping")


def _parse_dockerfile(snippet: str) -> Iterator[str]:
    """Yield the first line that neither begins an instruction nor goes on with one."""
    continued, heredoc = False, None
    for line in snippet.splitlines():
        stripped = line.strip()
        if heredoc:
            heredoc = None if stripped == heredoc else heredoc
            continue
        if not continued and stripped and not stripped.startswith("#") and not _INSTRUCTION.match(stripped + " "):
            yield f"{line!r} does not begin with a Dockerfile instruction"
            return
        if opened := re.search(r"<<-?[\"']?(\w+)", stripped):
            heredoc = opened[1]
        continued = stripped.endswith("\\") or (continued and (not stripped or stripped.startswith("#")))
