"""The catalogue's snippets: .gitlab-ci.yml by GitLab's own schema, TOML by the key tables, Dockerfile line by line."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML
from ruamel.yaml.nodes import Node

from bkdoctor.catalog.snippet_keys import check_keys, lower_bound
from bkdoctor.catalog.snippets import PLACEHOLDER, parse
from tests.catalogs import ours

Snippet = tuple[str, str, str, Mapping[str, str | list[str]]]
"""Where it stands, the file that it is for, its text with sample values, and when it is offered."""
_HERE_DOCUMENT = re.compile(
    r"cat > \S*buildkitd\.toml <<-?'?(?P<end>\w+)'?\n(?P<text>.*?)\n\s*(?P=end)$", re.DOTALL | re.MULTILINE
)


def snippets() -> Iterator[Snippet]:
    catalog = ours()
    for (method, section), recipe in sorted(catalog.recipes.items()):
        yield f"recipes/{method}/{section}", recipe.file, sampled(recipe.snippet), recipe.when
    for entry in catalog.entries.values():
        for number, fix in enumerate(entry.pattern.fix, 1):
            if fix.snippet:
                yield f"{entry.id}-{number}", fix.file, sampled(fix.snippet), fix.when


def sampled(text: str) -> str:
    samples = {"job": "build-image", "line": "4", "code": "1", "status": "500", "image": "docker:cli"}

    def sample(match: re.Match[str]) -> str:
        return match["words"][1:] if match["words"] else samples.get(match["name"].rpartition(".")[2], "sample")

    return PLACEHOLDER.sub(sample, text)


def of(file: str) -> list[Any]:
    return [pytest.param(*rest, id=name) for name, of_file, *rest in snippets() if of_file == file]


@cache
def schema() -> jsonschema.Draft7Validator:
    """Return GitLab's schema as check-jsonschema carries it; looser only where its own `$schema` keyword is."""
    text = resources.files("check_jsonschema.builtin_schemas") / "vendor" / "gitlab-ci.json"
    return jsonschema.Draft7Validator(json.loads(text.read_text(encoding="utf-8")))


def yaml_of(text: str) -> Any:
    yaml = YAML(typ="safe", pure=True)

    def reference(constructor: Any, node: Node) -> Any:
        return constructor.construct_sequence(node)

    yaml.constructor.add_constructor("!reference", reference)
    return yaml.load(text)


def whole(document: dict[str, Any]) -> dict[str, Any]:
    """Return a partial document as one that may stand alone: a job that only adds to another has a script."""
    known = {
        "variables",
        "default",
        "include",
        "stages",
        "workflow",
        "image",
        "services",
        "before_script",
        "cache",
        "spec",
    }
    jobs = {name for name in document if name not in known and not name.startswith(".")}
    needs = ("script", "run", "trigger", "extends")
    return {
        name: {**value, "script": ["true"]}
        if name in jobs and isinstance(value, dict) and not value.keys() & set(needs)
        else value
        for name, value in document.items()
    }


@pytest.mark.parametrize(("text", "when"), of(".gitlab-ci.yml"))
def test_gitlab_takes_it(text: str, when: dict[str, str]) -> None:
    found = sorted(schema().iter_errors(whole(yaml_of(text))), key=lambda e: list(map(str, e.absolute_path)))
    assert not found, "\n".join(f"{list(e.absolute_path)}: {e.message[:300]}" for e in found)


@pytest.mark.parametrize(("text", "when"), of(".gitlab-ci.yml"))
def test_a_buildkitd_toml_that_a_script_writes_has_known_keys(text: str, when: dict[str, str]) -> None:
    for match in _HERE_DOCUMENT.finditer(text):
        assert list(check_keys(match["text"], "buildkitd.toml", when)) == []


@pytest.mark.parametrize(("text", "when"), of("config.toml"))
def test_the_runner_has_its_keys(text: str, when: dict[str, str]) -> None:
    assert list(check_keys(text, "config.toml", when)) == []


@pytest.mark.parametrize(("text", "when"), of("buildkitd.toml"))
def test_buildkitd_has_its_keys(text: str, when: dict[str, str]) -> None:
    assert list(check_keys(text, "buildkitd.toml", when)) == []


@pytest.mark.parametrize(("text", "when"), of("Dockerfile"))
def test_each_line_of_a_dockerfile_parses(text: str, when: dict[str, str]) -> None:
    assert list(parse(text, "dockerfile")) == []
    for line in instructions(text):
        word, _, rest = line.partition(" ")
        assert (fault := wrong(word.upper(), rest.strip())) is None, f"{line}: {fault}"


def instructions(text: str) -> Iterator[str]:
    """Yield each instruction in one line, comments, here-documents and continuations gone."""
    waiting, held = "", ""
    for line in text.splitlines():
        if waiting:
            waiting = "" if line.strip() == waiting else waiting
            continue
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        held += line.strip().removesuffix("\\").strip() + " "
        if not line.rstrip().endswith("\\"):
            yield held.strip()
            opened = re.search(r"<<-?[\"']?(\w+)", held)
            waiting, held = opened[1] if opened else "", ""
    assert not waiting, f"a here-document does not end: {waiting}"
    assert not held, f"the last line goes on: {held}"


_FLAGS = {
    "FROM": "platform", "COPY": "from|chown|chmod|link|parents|exclude", "RUN": "mount|network|security|device",
    "ADD": "keep-git-dir|checksum|chown|chmod|link|exclude|unpack",
    "HEALTHCHECK": "interval|timeout|start-period|start-interval|retries",
}  # fmt: skip


def wrong(word: str, rest: str) -> str | None:
    """Return what BuildKit's parser would refuse of an instruction."""
    flags = re.match(r"(?:--\S+\s+)*", rest)
    assert flags
    for flag in flags[0].split():
        if not re.fullmatch(rf"--(?:{_FLAGS.get(word, 'none')})(?:=.*)?", flag):
            return f"{word} has no flag {flag}"
    rest = rest[flags.end() :]
    words = rest.split()
    if word == "FROM" and not (len(words) == 1 or (len(words) == 3 and words[1].upper() == "AS")):
        return "FROM takes an image, and AS with a name"
    if word in ("COPY", "ADD") and len(words) < 2 and not rest.startswith("["):
        return f"{word} takes sources and a destination"
    if word in ("ENV", "LABEL") and not re.match(r"[\w.\"-]+=", rest):
        return f"{word} takes KEY=VALUE"
    if word in ("WORKDIR", "USER", "STOPSIGNAL") and not words:
        return f"{word} takes a value"
    if rest.startswith("[") and word in ("CMD", "ENTRYPOINT", "SHELL", "VOLUME", "RUN", "COPY", "ADD"):
        try:
            json.loads(rest)
        except ValueError:
            return "it is no JSON list"
    return None


def test_lower_bounds() -> None:
    assert lower_bound(">=18.11,<19") == (18, 11)
    assert lower_bound(">= 18") == (18, 0)
    assert lower_bound("<18") is None
    assert lower_bound(["docker"]) is None


def test_a_fault_of_a_snippet_is_found() -> None:
    text = "[runners.docker]\n  privilegd = true\n  cpus = 2\n  group_add = ['1']\n"
    assert [fault.partition(":")[0] for fault in check_keys(text, "config.toml", {})] == [
        "in config.toml", "in config.toml", "runners.docker.group_add came with runner 16.6",
    ]  # fmt: skip
    assert len(list(check_keys(text, "config.toml", {"runner": ">=16.6"}))) == 2
    assert wrong("FROM", "alpine as") is not None
    assert wrong("COPY", "--form=build /a /b") == "COPY has no flag --form=build"
    assert wrong("CMD", "['a']") == "it is no JSON list"
    assert list(schema().iter_errors(whole({"build": {"imag": "x"}})))
