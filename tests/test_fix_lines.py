"""Fixes for daemon.json and .dockerignore, and words that are replaced."""

import json

import pytest

from bkdoctor.fixes.json_edit import edit_json
from bkdoctor.fixes.line_edit import edit_ignore, replace_text
from bkdoctor.fixes.result import CannotEdit
from bkdoctor.model import Location

DAEMON = """\
{
\t"debug": true,
\t"registry-mirrors": [
\t\t"https://old.mirror.example"
\t],
\t"features": {},
\t"log-opts": {"max-size": "10m"}
}
"""


def test_json_is_merged_where_it_stands() -> None:
    snippet = """\
{"registry-mirrors": ["https://mirror.example.com"], "features": {"containerd-snapshotter": true},
 "log-opts": {"max-file": "3"}, "debug": false, "ipv6": true}
"""
    after = edit_json(DAEMON, snippet)
    assert after == DAEMON.replace("true", "false").replace(
        '"https://old.mirror.example"', '"https://old.mirror.example",\n\t\t"https://mirror.example.com"'
    ).replace('{}', '{\n\t  "containerd-snapshotter": true\n\t}').replace(
        '"10m"}', '"10m", "max-file": "3"},\n\t"ipv6": true'
    )  # fmt: skip
    assert edit_json(after, snippet) == after


def test_json_in_one_line_with_crlf_or_not_there() -> None:
    assert edit_json('{"debug": true}\r\n', '{"ipv6": true}') == '{"debug": true, "ipv6": true}\r\n'
    assert json.loads(edit_json("{}", '{"a": {"b": [1]}}')) == {"a": {"b": [1]}}
    assert edit_json(None, '{"ipv6": true}') == '{\n  "ipv6": true\n}\n'
    deep = edit_json('{\n    "a": 1\n}', '{"b": {"c": {"d": 1}}}')
    assert deep == '{\n    "a": 1,\n    "b": {\n        "c": {\n            "d": 1\n        }\n    }\n}'


def test_broken_json_is_refused() -> None:
    with pytest.raises(CannotEdit, match="not valid JSON"):
        edit_json('{"a": 1,}', '{"b": 1}')
    with pytest.raises(CannotEdit, match="no object"):
        edit_json("[]", '{"b": 1}')


def test_words_are_replaced_in_the_failed_instruction() -> None:
    text = "FROM debian:bookworm\nRUN apt-get install -y curl\nRUN apt-get install -y make\n"
    pair = ("apt-get install", "apt-get update && apt-get install")
    after = replace_text(text, [pair], Location(dockerfile_line=3, instruction="RUN"), dockerfile=True)
    assert after == text.replace("RUN apt-get install -y make", "RUN apt-get update && apt-get install -y make")
    assert replace_text(after, [pair], Location(dockerfile_line=3, instruction="RUN"), dockerfile=True) == after
    with pytest.raises(CannotEdit, match="2 times"):
        replace_text(text, [pair], Location(), dockerfile=False)
    with pytest.raises(CannotEdit, match="not at all"):
        replace_text(text, [("yum", "dnf")], Location(), dockerfile=False)


def test_dockerignore_gains_lines_at_its_end() -> None:
    assert edit_ignore("a\n# c\nb", ".git\na") == "a\n# c\nb\n.git"
    assert edit_ignore("a\r\nb\r\n", "!dist") == "a\r\nb\r\n!dist\r\n"
    assert edit_ignore(None, "# c\n.git") == ".git\n"
    assert edit_ignore(".git\n", ".git") == ".git\n"
