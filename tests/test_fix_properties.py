"""Merging keeps every comment and key, is the same a second time, and never yields invalid YAML, TOML or JSON."""

import json
import subprocess
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st

from bkdoctor.fixes.ci_edit import edit_ci
from bkdoctor.fixes.diff import unified
from bkdoctor.fixes.json_edit import edit_json
from bkdoctor.fixes.result import CannotEdit, Change
from bkdoctor.fixes.runner_edit import edit_runner
from bkdoctor.fixes.yaml_tree import documents
from bkdoctor.model import CommandEdit, Edit, Facts

from .properties import examples
from .test_fix_ci_files import FOLDER, data, read, strings

SLOW = examples(60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
WORDS = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True)
COMMENTS = st.sampled_from(["", "# a comment", "#", "# with: colon", "#\ttab"])
TEXTS = st.text(alphabet=st.sampled_from("ab $:#'\"\\-{}[],&*!|>%@`~=\té"), max_size=12)
LINES = st.one_of(
    WORDS,
    st.sampled_from(["docker login -u a -p b $CI_REGISTRY", "docker buildx create --use", "docker build .", "true"]),
)


@st.composite
def scalars(draw: st.DrawFn, indent: str) -> str:
    """Draw a string in one of YAML's spellings."""
    value = draw(st.one_of(LINES, TEXTS))
    form = draw(st.sampled_from(["plain", "single", "double", "|", ">-", "|+"]))
    if form == "single":
        return "'" + value.replace("'", "''").replace("\t", " ") + "'"
    if form == "double":
        return json.dumps(value, ensure_ascii=False)
    if form == "plain":
        return value if value.isalnum() else "echo plain"
    more = draw(st.lists(LINES, min_size=1, max_size=3))
    return f"{form}\n" + "\n".join(f"{indent}  {line}" for line in more)


@st.composite
def lists(draw: st.DrawFn, key: str, indent: str) -> str:
    form = draw(st.sampled_from(["block", "flush", "flow", "string", "empty"]))
    if form == "empty":
        return f"{indent}{key}: []"
    if form == "string":
        return f"{indent}{key}: {draw(scalars(indent))}"
    if form == "flow":
        items = draw(st.lists(LINES, min_size=1, max_size=3))
        return f"{indent}{key}: [{', '.join(json.dumps(i) for i in items)}]  {draw(COMMENTS)}".rstrip()
    inner = indent + ("" if form == "flush" else "  ")
    out = [f"{indent}{key}:  {draw(COMMENTS)}".rstrip()]
    for _ in range(draw(st.integers(1, 3))):
        out += [f"{inner}{c}" for c in [draw(COMMENTS)] if c]
        out.append(f"{inner}- {draw(scalars(inner + '  '))}")
    return "\n".join(out)


@st.composite
def ci_files(draw: st.DrawFn) -> str:
    indent = draw(st.sampled_from(["  ", "    ", " "]))
    parts = [draw(COMMENTS)]
    if draw(st.booleans()):
        parts.append("default:\n" + draw(lists("before_script", indent)))
    if draw(st.booleans()):
        parts.append(".base:\n" + draw(lists("before_script", indent)) + f"\n{indent}variables: {{A: '1'}}")
    keys = draw(st.permutations(["image", "services", "variables", "before_script", "script", "tags"]))
    job = [f"build:  {draw(COMMENTS)}".rstrip()]
    if len(parts) > 1 and ".base" in parts[-1] and draw(st.booleans()):
        job.append(f"{indent}extends: .base")
    for key in keys:
        if draw(st.booleans()) and key != "script":
            continue
        job += [f"{indent}{c}" for c in [draw(COMMENTS)] if c]
        if key == "image":
            job.append(
                draw(
                    st.sampled_from([f"{indent}image: docker:29-cli", f"{indent}image:\n{indent * 2}name: docker:cli"])
                )
            )
        elif key == "services":
            job.append(f"{indent}services:\n{indent}- docker:29-dind  {draw(COMMENTS)}".rstrip())
        elif key == "variables":
            name = draw(WORDS)
            job.append(
                f"{indent}variables:\n{indent * 2}{name}: {draw(scalars(indent * 2))}\n{indent * 2}DOCKER_HOST: tcp://docker:2375"
            )
        else:
            job.append(draw(lists(key, indent)))
    parts += draw(st.permutations(["\n".join(job), "other:\n  script: [true]"]))
    text = "\n".join(p for p in parts if p) + draw(st.sampled_from(["", "\n", "\n\n"]))
    text = text.replace("\n", "\r\n") if draw(st.booleans()) else text
    return "\ufeff" + text if draw(st.booleans()) else text


SNIPPETS = st.sampled_from(
    [
        '"<job>":\n  before_script:\n    - mkdir -p "$HOME/.docker"\n    - |\n      printf x > "$HOME/.docker/config.json"\n',
        '"<job>":\n  before_script:\n    - echo "$P" | docker login --username "$U" --password-stdin "$CI_REGISTRY"\n',
        '"<job>":\n  variables:\n    DOCKER_HOST: tcp://docker:2376\n    DOCKER_TLS_CERTDIR: "/certs"\n',
        '"<job>":\n  services:\n    - name: docker:29-dind\n      alias: docker\n      command: ["--mtu=1450"]\n',
        '"<job>":\n  image:\n    name: docker:cli\n    entrypoint: [""]\n  tags:\n    - large\n',
        '"<job>":\n  retry:\n    max: 2\n    when:\n      - script_failure\ncompile:\n  script: [make]\n',
        '"<job>":\n  before_script:\n    - docker context create ci\n    - docker buildx create --use --driver docker-container ci\n',
    ]
)


def parsed(text: str) -> Any:
    roots = documents(text)
    assume(len(roots) == 1 and roots[0].kind == "map")
    return data(roots[0], roots[0])


@SLOW
@given(text=ci_files(), snippet=SNIPPETS)
def test_ci_files(text: str, snippet: str) -> None:
    try:
        before = parsed(text)
    except CannotEdit:
        assume(False)
    assume(isinstance(before.get("build"), dict))
    edit = Edit(snippet=snippet)
    try:
        changes = edit_ci("ci.yml", text, edit, Facts(), read=lambda _: None, job="build")
    except CannotEdit as error:
        assert "valid YAML" not in str(error), text
        return
    for change in changes:
        keeps(text, change.after, before)
        again = edit_ci("ci.yml", change.after, edit, Facts(), read=lambda _: None, job="build")
        assert not again, f"{text}\n=====\n{change.after}\n=====\n{again[0].after}"


def keeps(text: str, after: str, before: Any) -> None:
    new = parsed(after)
    assert new["other"] == before["other"]
    assert [k for k in new if k in before] == list(before)
    assert set(before["build"]) <= set(new["build"])
    for key in ("variables",):
        assert set(before["build"].get(key) or {}) <= set(new["build"].get(key) or {})
    # a login or a writer of config.json may be replaced, nothing else is lost
    lost = strings(before) - strings(new)
    assert all(any(w in word for w in ("login", "tcp:", "create", "docker:")) for word in lost), (lost, text, after)
    comments = Counter(line.strip() for line in text.splitlines() if line.strip().startswith("#"))
    assert not comments - Counter(line.strip() for line in after.splitlines()), (text, after)
    if "\r\n" in text:
        assert "\n" not in after.replace("\r\n", "")


@SLOW
@given(text=ci_files(), option=st.sampled_from(["--pull", "--tag 'a: b'", '--label "x # y"', "--build-arg A=é"]))
def test_commands(text: str, option: str) -> None:
    try:
        before = parsed(text)
    except CannotEdit:
        assume(False)
    assume(isinstance(before.get("build"), dict))
    edit = Edit(command=CommandEdit(("docker build", "docker buildx create"), add=(option,)))
    try:
        changes = edit_ci("ci.yml", text, edit, Facts(), read=lambda _: None, job="build")
    except CannotEdit:
        return
    for change in changes:
        new = parsed(change.after)
        assert new["other"] == before["other"]
        shown = json.dumps(new, ensure_ascii=False)
        assert json.dumps(option, ensure_ascii=False)[1:-1] in shown
        assert not edit_ci("ci.yml", change.after, edit, Facts(), read=lambda _: None, job="build")


VALUES = st.one_of(
    st.booleans().map(lambda b: str(b).lower()),
    st.integers(0, 9999).map(str),
    st.sampled_from(
        ['"a"', "'b c'", '["x", "y"]', '[\n      "x",  # first\n      "K=1",\n    ]', '"""a\nb"""', "{ a = 1 }", "[]"]
    ),
)


@st.composite
def runner_files(draw: st.DrawFn) -> str:
    indent = draw(st.sampled_from(["", "  ", "\t"]))
    out = [draw(COMMENTS), f"concurrent = {draw(st.integers(1, 9))}  {draw(COMMENTS)}".rstrip(), ""]
    for number in range(draw(st.integers(1, 3))):
        out += [draw(COMMENTS), "[[runners]]", f'{indent}name = "r{number}"']
        for table, step in (("", 1), ("docker", 2), ("kubernetes", 2)):
            if table:
                out += ["" for _ in range(draw(st.integers(0, 1)))]
                out.append(f"{indent}[runners.{table}]  {draw(COMMENTS)}".rstrip())
            for key in draw(st.lists(WORDS, unique=True, max_size=3)):
                if key not in ("name", "docker", "kubernetes"):
                    out.append(f"{indent * step}{key} = {draw(VALUES)}  {draw(COMMENTS)}".rstrip())
            out += [f"{indent * step}{c}" for c in [draw(COMMENTS)] if c]
    text = "\n".join(out) + draw(st.sampled_from(["", "\n", "\n# end"]))
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


@SLOW
@given(
    text=runner_files(),
    table=st.sampled_from(
        ["[runners.docker]", "[runners.kubernetes]", "[[runners]]", "[runners.kubernetes.pod_annotations]"]
    ),
    entries=st.dictionaries(WORDS, VALUES, min_size=1, max_size=3),
    number=st.integers(0, 2),
)
def test_runner_files(text: str, table: str, entries: dict[str, str], number: int) -> None:
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assume(False)
    assume(number < len(before["runners"]) and "name" not in entries)
    snippet = table + "".join(f"\n  {key} = {value}" for key, value in entries.items())
    try:
        after = edit_runner(text, snippet, Facts(), f"r{number}")
    except CannotEdit as error:
        assert "not valid" not in str(error), (text, snippet)
        return
    new = tomllib.loads(after)
    assert edit_runner(after, snippet, Facts(), f"r{number}") == after, (text, after)
    assert [r for n, r in enumerate(new["runners"]) if n != number] == [
        r for n, r in enumerate(before["runners"]) if n != number
    ]
    assert covers(before["runners"][number], new["runners"][number])
    comments = Counter(line.strip() for line in text.splitlines() if line.strip().startswith("#"))
    assert not comments - Counter(line.strip() for line in after.splitlines()), (text, after)
    if "\r\n" in text:
        assert "\n" not in after.replace("\r\n", "")


def covers(old: Any, new: Any) -> bool:
    """Every key is still there, and every item of a list but those whose value was replaced."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(key in new and covers(value, new[key]) for key, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(new) >= len(old)
    return True


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@SLOW
@given(
    old=st.dictionaries(st.text(max_size=4), JSON, max_size=4),
    new=st.dictionaries(st.text(max_size=4), JSON, min_size=1, max_size=3),
    indent=st.sampled_from([None, 2, 4, "\t"]),
)
def test_json_files(old: dict[str, Any], new: dict[str, Any], indent: Any) -> None:
    text = json.dumps(old, indent=indent, ensure_ascii=False)
    after = edit_json(text, json.dumps(new))
    assert covers(old, json.loads(after)) or set(old) & set(new)
    assert set(old) | set(new) == set(json.loads(after))
    assert edit_json(after, json.dumps(new)) == after


@examples(25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.one_of(st.none(), st.text(alphabet="ab \r\n\x0c\u2028é", max_size=30)),
    after=st.text(alphabet="ab \r\n\x0c\u2028é", min_size=1, max_size=30),
    name=st.sampled_from(["a", "b c", 'q"uote', "é/ü", "tab\there"]),
)
def test_git_applies_every_diff(tmp_path: Path, before: str | None, after: str, name: str) -> None:
    assume(before != after)
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if before is not None:
        path.write_bytes(before.encode())
    diff = unified(Change(path=name, before=before, after=after))
    done = subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff.encode(), capture_output=True, check=False)
    assert done.returncode == 0, (done.stderr, diff)
    assert path.read_bytes().decode() == after


def test_the_files_of_the_tests_are_many_and_read() -> None:
    assert len(list(FOLDER.glob("*.yml"))) >= 20
    assert read("ci/build.yml")
