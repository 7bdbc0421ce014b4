"""Filling placeholders: filters, words where a value is missing, and values that cannot leave the place they stand in."""

import pytest
from ruamel.yaml import YAML

from bkdoctor.fixes.fill import FILTERS, fill, fill_markdown


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("dirname", "a/b/Dockerfile", "a/b"),
        ("dirname", "Dockerfile", "."),
        ("dirname", "/Dockerfile", "/"),
        ("dirname", "a/b/", "a"),
        ("basename", "a/b/Dockerfile", "Dockerfile"),
        ("basename", "a/b/", "b"),
        ("host", "registry.example.com:5000/team/app:1", "registry.example.com:5000"),
        ("host", "https://user@registry.example.com:443/v2/", "registry.example.com:443"),
        ("host", "localhost/app", "localhost"),
        ("host", "alpine:3.20", "docker.io"),
        ("host", "team/app", "docker.io"),
        ("host", "localhost", "localhost"),
        ("host", "mirror:5000", "mirror:5000"),
        ("host", "registry.example.com", "registry.example.com"),
        ("host", "registry.example.com:5000", "registry.example.com:5000"),
        ("repository", "registry.example.com:5000/app", "registry.example.com:5000/app"),
        ("repository", "registry.example.com:5000/app:1@sha256:abc", "registry.example.com:5000/app"),
        ("tag", "registry.example.com:5000/app", "latest"),
        ("tag", "app:1.2@sha256:abc", "1.2"),
    ],
)
def test_filters(name: str, value: str, expected: str) -> None:
    assert FILTERS[name](value) == expected
    assert fill(f"<x:{name}>", {"x": value}) == expected


def test_words_stand_where_a_value_is_missing() -> None:
    assert fill("a <x|the file> b", {}) == "a the file b"
    assert fill("a <x:basename|Dockerfile> b", {"x": "q/r"}) == "a r b"
    assert fill("a <x:basename|Dockerfile> b", {"x": ""}) == "a Dockerfile b"
    assert fill("a<x|>b", {}) == "ab"
    assert fill_markdown("in <x|the file>", {}) == "in the file"
    assert fill_markdown("in `<x|the file>`", {}) == "in `the file`"


def test_facts_of_a_snippet_have_a_word_of_their_own() -> None:
    assert fill("<job>: <image> <ref>", {}) == "build-image: your-image main"


@pytest.mark.parametrize("text", ["cat <<EOF >a", "<EOF>", "a < b > c", "1<2", "<a b>", "<Name>", "<-x>"])
def test_other_angle_brackets_are_themselves(text: str) -> None:
    assert fill(text, {"eof": "x", "a": "y", "b": "z"}) == text
    assert fill_markdown(text, {"eof": "x", "a": "y", "b": "z"}) == text


def test_an_unknown_name_is_left_as_it_is() -> None:
    assert fill("<nobody>", {}) == "<nobody>"
    assert fill_markdown("<nobody> `<nobody>`", {}) == "<nobody> `<nobody>`"


def test_a_value_is_not_filled_again() -> None:
    assert fill_markdown("`<x>`", {"x": "<y>", "y": "secret"}) == "`<y>`"


def test_names_with_a_dot() -> None:
    assert fill("<step.platform> <step.line|?>", {"step.platform": "linux/arm64"}) == "linux/arm64 ?"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a`b", "in ``a`b``."),
        ("`a", "in `` `a ``."),
        ("a\nb", "in `a b`."),
        ("a\n\n# b", "in `a  # b`."),
        ("\x1b[31ma\x1b[0m\u202eb", "in `ab`."),
        ("``` a", "in ```` ``` a ````."),
    ],
)
@pytest.mark.parametrize("text", ["in `<x>`.", "in <x>."])
def test_a_value_cannot_leave_its_code_span(text: str, value: str, expected: str) -> None:
    assert fill_markdown(text, {"x": value}) == expected


def test_a_value_outside_code_is_put_into_a_span() -> None:
    assert fill_markdown("use <x> now", {"x": "</details> @all /close"}) == "use `</details> @all /close` now"


def test_code_around_a_value_stays_one_span() -> None:
    assert fill_markdown("`COPY <x> /` and `b`", {"x": "a`b"}) == "``COPY a`b /`` and `b`"


@pytest.mark.parametrize(
    "value", ["a; rm -rf ~", "$(id)", "`id`", "a && b", "a\nb: c", 'a" b', "a' b", "a|b", "a>b", "a\\", "\x1b[2J"]
)
def test_a_snippet_takes_no_value_that_is_more_than_a_word(value: str) -> None:
    assert fill("ls <x>", {"x": value}) == "ls <x>"
    assert fill("ls <x:basename|file>", {"x": value}) == "ls file"


@pytest.mark.parametrize(
    "value", ["a/b.c", "$CI_REGISTRY_IMAGE:${TAG}", "[MASKED]", "***", "libc6:arm64", "a=1,b=2", "@scope/pkg", "ñ/ü"]
)
def test_a_snippet_takes_words(value: str) -> None:
    assert fill("ls <x>", {"x": value}) == f"ls {value}"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("build", "build"),
        ("build image", "build image"),
        ("build:image", "build:image"),
        ("build: [linux/amd64, 3.12]", "build"),
        ("build 2/5", "build"),
        ("a: b", "a: b"),
        ("a #1", "a #1"),
        ("true", "true"),
        ("- a", "- a"),
        ("1", "1"),
        ('"x": {', '"x": {'),
        ("x:", "x:"),
        ("\x1b[1mbau\u202e", "bau"),
        ("строить", "строить"),
    ],
)
def test_the_jobs_name_is_a_key_of_the_ci_file(name: str, key: str) -> None:
    loaded = YAML(typ="safe", pure=True).load(fill("<job>:\n  variables:\n    A: b\n", {"job": name}))
    assert loaded == {key: {"variables": {"A": "b"}}}
