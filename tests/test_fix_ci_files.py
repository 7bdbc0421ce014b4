"""Every fix of the catalogue on every .gitlab-ci.yml of tests/ci_files: valid, stable, and nothing lost."""

import importlib.resources
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bkdoctor.catalog.catalog import builtin_folder, load
from bkdoctor.fixes.apply import Where, apply
from bkdoctor.fixes.result import Change, Refusal, Unchanged
from bkdoctor.fixes.select import select
from bkdoctor.fixes.yaml_tree import Node, documents
from bkdoctor.model import Facts, Fix

FOLDER = Path(__file__).parent / "ci_files"
FILES = sorted(path.name for path in FOLDER.glob("*.yml"))
METHODS = ("rootless", "native", "buildx", "docker", "kaniko", "buildah")


def text_of(name: str) -> str:
    return (FOLDER / name).read_bytes().decode()


def read(name: str) -> str | None:
    path = FOLDER / name
    return path.read_bytes().decode() if path.is_file() else None


@cache
def schema() -> Any:
    root = importlib.resources.files("check_jsonschema")
    text = root.joinpath("builtin_schemas/vendor/gitlab-ci.json").read_text()
    return jsonschema.Draft7Validator(json.loads(text))


def data(node: Node, root: Node) -> Any:
    """Return plain data as GitLab makes it: merge keys merged, references put in."""
    node = node.real
    if node.tag == "!reference":
        found: Node | None = root
        for item in node.items:
            found = found.real.get(item.value) if found is not None else None
        return data(found, root) if found is not None else "unknown"
    if node.kind == "seq":
        return [data(item, root) for item in node.items]
    if node.kind == "map":
        out: dict[str, Any] = {}
        for key, value in node.pairs:
            if key.value != "<<":
                out[key.value] = data(value, root)
        for key, value in node.pairs:
            if key.value == "<<":
                out = data(value, root) | out
        return out
    if node.style or node.tag:
        return node.value
    if node.value in ("true", "false"):
        return node.value == "true"
    if re.fullmatch(r"\d+", node.value):
        return int(node.value)
    return None if node.null else node.value


def strings(value: Any) -> Counter[str]:
    if isinstance(value, dict):
        return sum((strings(v) + Counter([f"key {k}"]) for k, v in value.items()), Counter())
    if isinstance(value, list):
        return sum(map(strings, value), Counter())
    return Counter([str(value).rstrip("\n")])


def faults(text: str) -> list[str]:
    root = documents(text)[-1]
    return [f"{list(e.absolute_path)}: {e.message[:200]}" for e in schema().iter_errors(data(root, root))]


@cache
def fixes() -> tuple[tuple[str, Facts, Fix], ...]:
    """Return every fix for .gitlab-ci.yml, filled in with example values, for each method that it may be for."""
    catalog, out = load([builtin_folder()]), []
    for entry in catalog.entries.values():
        for number, spec in enumerate(entry.pattern.fix):
            if spec.file != ".gitlab-ci.yml":
                continue
            for method in METHODS:
                facts = Facts(method=method, job="build-image", image="moby/buildkit:rootless")  # type: ignore[arg-type]
                values = {"dockerfile": "path/to/image/Dockerfile"}
                made = select([spec], facts, values, values, commands=(), place="step", foreign=True, catalog=catalog)
                out += [(f"{entry.id}.{number}.{method}", facts, fix) for fix in made]
    return tuple(out)


def ci_fixes_of(method: str) -> Iterator[tuple[str, Facts, Fix]]:
    seen = set()
    for name, facts, fix in fixes():
        key = repr(fix.edit)
        if facts.method == method and key not in seen:
            seen.add(key)
            yield name, facts, fix


def check(change: Change, name: str) -> None:
    before, after = change.before or "", change.after
    assert faults(after) == faults(before), name
    comments = Counter(line.strip() for line in before.split("\n") if line.strip().startswith("#"))
    assert not comments - Counter(line.strip() for line in after.split("\n")), name
    if "\r\n" in before:
        assert "\n" not in after.replace("\r\n", ""), name
    assert after.startswith("\ufeff") == before.startswith("\ufeff"), name
    for root_before, root_after in zip(documents(before), documents(after), strict=True):
        keys = [k.value for k, _ in root_before.pairs]
        assert [k.value for k, _ in root_after.pairs if k.value in keys] == keys, name


METHOD_OF = {
    "shared-before-script.yml": "buildx", "buildx-dind.yml": "buildx", "matrix.yml": "buildx",
    "native-service.yml": "native", "kaniko.yml": "kaniko", "docker-build-push.yml": "docker", "buildah.yml": "buildah",
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_each_fix_merges_into_each_file(name: str) -> None:
    text = text_of(name)
    made = 0
    for fix_name, facts, fix in ci_fixes_of(METHOD_OF.get(name, "rootless")):
        result = apply(fix, name, text, Where(facts=facts, read=read))
        if isinstance(result, Refusal):
            assert "same a second time" not in result.reason, (fix_name, result)
            assert "valid YAML" not in result.reason, (fix_name, result)
        if isinstance(result, Refusal | Unchanged):
            continue
        made += 1
        for change in result:
            check(change, f"{fix_name}: {change.after}")
    assert made > 20, made
