"""Fixes for daemon.json, the Dockerfile and .dockerignore, and words that are replaced."""

import json

import pytest

from bkdoctor.fixes.json_edit import edit_json
from bkdoctor.fixes.line_edit import edit_dockerfile, edit_ignore, instructions, replace_text
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


DOCKERFILE = """\
# syntax=docker/dockerfile:1.4
FROM debian:bookworm-slim AS base
# build tools
RUN apt-get update && \\
    # a comment inside
    apt-get install -y make

FROM base AS build
COPY <<EOF /etc/app.conf
RUN no instruction
EOF
RUN npm ci

FROM alpine:3.22
RUN wget -q https://example.com
"""


def test_instructions_have_their_lines() -> None:
    found = [(i.keyword, i.line) for i in instructions(DOCKERFILE)]
    assert found == [("FROM", 2), ("RUN", 4), ("FROM", 8), ("COPY", 9), ("RUN", 12), ("FROM", 14), ("RUN", 15)]


def at(line: int, instruction: str = "RUN") -> Location:
    return Location(dockerfile_line=line, instruction=instruction)


def test_what_can_stand_alone_goes_above_the_failed_line() -> None:
    after = edit_dockerfile(DOCKERFILE, "ENV NODE_OPTIONS=--max-old-space-size=2048", at(12))
    assert after == DOCKERFILE.replace("RUN npm", "ENV NODE_OPTIONS=--max-old-space-size=2048\nRUN npm")
    assert edit_dockerfile(after, "ENV NODE_OPTIONS=--max-old-space-size=2048", at(13)) == after
    crlf = edit_dockerfile(DOCKERFILE.replace("\n", "\r\n"), "ARG TARGETARCH", at(12))
    assert crlf == DOCKERFILE.replace("RUN npm", "ARG TARGETARCH\nRUN npm").replace("\n", "\r\n")


def test_packages_are_installed_the_way_of_the_base_image() -> None:
    apt = "RUN apt-get update \\\n && apt-get install -y git"
    assert f"{apt}\nRUN npm ci" in edit_dockerfile(DOCKERFILE, apt, at(12))
    assert "RUN apk add git\nRUN wget" in edit_dockerfile(DOCKERFILE, "RUN apk add git", at(15))
    for snippet, line in ((apt, 15), ("RUN apk add git", 12)):
        with pytest.raises(CannotEdit, match="base image"):
            edit_dockerfile(DOCKERFILE, snippet, at(line))
    with pytest.raises(CannotEdit, match="installs packages itself"):
        edit_dockerfile(DOCKERFILE, apt, at(4))


def test_a_form_is_not_written_into_the_file() -> None:
    with pytest.raises(CannotEdit, match="line 12 of the Dockerfile"):
        edit_dockerfile(DOCKERFILE, "COPY package.json ./\nRUN npm ci", at(12))
    with pytest.raises(CannotEdit, match="the file has changed"):
        edit_dockerfile(DOCKERFILE, "ARG A", at(12, "COPY"))
    with pytest.raises(CannotEdit, match="does not say which line"):
        edit_dockerfile(DOCKERFILE, "ARG A", Location())


def test_the_step_tells_the_line_too() -> None:
    assert "ARG A\nRUN npm" in edit_dockerfile(DOCKERFILE, "ARG A", Location(step="[build 3/3] RUN npm ci"))


def test_the_syntax_line_is_the_first() -> None:
    assert edit_dockerfile(DOCKERFILE, "# syntax=docker/dockerfile:1\nFROM x", Location()) == DOCKERFILE.replace(
        ":1.4", ":1"
    )
    assert edit_dockerfile("FROM x\n", "# syntax=docker/dockerfile:1", Location()).startswith(
        "# syntax=docker/dockerfile:1\n"
    )


def test_words_are_replaced_in_the_failed_instruction() -> None:
    text = "FROM debian:bookworm\nRUN apt-get install -y curl\nRUN apt-get install -y make\n"
    pair = ("apt-get install", "apt-get update && apt-get install")
    after = replace_text(text, [pair], at(3), dockerfile=True)
    assert after == text.replace("RUN apt-get install -y make", "RUN apt-get update && apt-get install -y make")
    assert replace_text(after, [pair], at(3), dockerfile=True) == after
    with pytest.raises(CannotEdit, match="2 times"):
        replace_text(text, [pair], Location(), dockerfile=False)
    with pytest.raises(CannotEdit, match="not at all"):
        replace_text(text, [("yum", "dnf")], Location(), dockerfile=False)


def test_dockerignore_gains_lines_at_its_end() -> None:
    assert edit_ignore("a\n# c\nb", ".git\na") == "a\n# c\nb\n.git"
    assert edit_ignore("a\r\nb\r\n", "!dist") == "a\r\nb\r\n!dist\r\n"
    assert edit_ignore(None, "# c\n.git") == ".git\n"
    assert edit_ignore(".git\n", ".git") == ".git\n"
