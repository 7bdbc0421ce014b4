"""Fixes for a Dockerfile: above, in and at the base of the instruction that failed, and the words that name it."""

import pytest

from bkdoctor.fixes.base_image import wanted_version
from bkdoctor.fixes.dockerfile import failed_instruction, instructions
from bkdoctor.fixes.dockerfile_edit import edit_dockerfile
from bkdoctor.fixes.fill import fill
from bkdoctor.fixes.instruction_edit import edited
from bkdoctor.fixes.line_edit import replace_text
from bkdoctor.fixes.result import CannotEdit
from bkdoctor.model import BaseEdit, CommandEdit, Edit, Location

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


def put(text: str, snippet: str, location: Location, *files: str, at: str = "above") -> str:
    """Return the text with a snippet put in; `files` are those of the project."""
    edit = Edit(snippet=snippet, at=at)  # type: ignore[arg-type]
    return edit_dockerfile("Dockerfile", text, edit, location, lambda name: "" if name in files else None)


def test_a_snippet_goes_above_goes_above_the_failed_line() -> None:
    after = put(DOCKERFILE, "ENV NODE_OPTIONS=--max-old-space-size=2048", at(12))
    assert after == DOCKERFILE.replace("RUN npm", "ENV NODE_OPTIONS=--max-old-space-size=2048\nRUN npm")
    assert put(after, "ENV NODE_OPTIONS=--max-old-space-size=2048", at(13)) == after
    crlf = put(DOCKERFILE.replace("\n", "\r\n"), "ARG TARGETARCH", at(12))
    assert crlf == DOCKERFILE.replace("RUN npm", "ARG TARGETARCH\nRUN npm").replace("\n", "\r\n")


def test_packages_are_installed_the_way_of_the_base_image() -> None:
    apt = "RUN apt-get update \\\n && apt-get install -y git"
    assert f"{apt}\nRUN npm ci" in put(DOCKERFILE, apt, at(12))
    assert "RUN apk add git\nRUN wget" in put(DOCKERFILE, "RUN apk add git", at(15))
    for snippet, line in ((apt, 15), ("RUN apk add git", 12)):
        with pytest.raises(CannotEdit, match="base image"):
            put(DOCKERFILE, snippet, at(line))
    with pytest.raises(CannotEdit, match="installs packages itself"):
        put(DOCKERFILE, apt, at(4))


def test_a_form_is_not_written_into_the_file() -> None:
    with pytest.raises(CannotEdit, match="line 12 of the Dockerfile"):
        edit_dockerfile("Dockerfile", DOCKERFILE, Edit(snippet="ENV A=b"), at(12), lambda _: None)
    with pytest.raises(CannotEdit, match="the file has changed"):
        put(DOCKERFILE, "ARG A", at(12, "COPY"))
    with pytest.raises(CannotEdit, match="does not say which line"):
        put(DOCKERFILE, "ARG A", Location())


def test_the_step_tells_the_line_too() -> None:
    assert "ARG A\nRUN npm" in put(DOCKERFILE, "ARG A", Location(step="[build 3/3] RUN npm ci"))


def test_the_syntax_line_is_the_first() -> None:
    assert put(DOCKERFILE, "# syntax=docker/dockerfile:1\nFROM x", Location(), at="first") == DOCKERFILE.replace(
        ":1.4", ":1"
    )
    assert put("FROM x\n", "# syntax=docker/dockerfile:1", Location(), at="first").startswith(
        "# syntax=docker/dockerfile:1\n"
    )


def test_the_words_of_a_step_go_before_its_line() -> None:
    said = Location(step="[build 3/3] RUN npm ci", dockerfile_line=12, instruction="RUN")
    after = put(DOCKERFILE, "RUN apt-get update && apt-get install -y git", said)
    assert "apt-get install -y git\nRUN npm ci" in after
    assert put(after, "RUN apt-get update && apt-get install -y git", said) == after


def test_a_step_of_the_classic_builder_and_one_of_two_stages() -> None:
    text = "FROM a AS one\nRUN make\nFROM b AS two\nRUN make \\\n  -j\nRUN make\n"
    assert failed_instruction(text, Location(step="RUN make -j")) == instructions(text)[3]
    assert failed_instruction(text, Location(step="[two 3/3] RUN make", stage="two")) == instructions(text)[4]
    assert failed_instruction(text, Location(step="[stage-1 3/3] RUN make", stage="stage-1")) == instructions(text)[4]
    assert failed_instruction(text, Location(step="RUN make")) is None
    long = "RUN echo " + "x" * 600
    assert failed_instruction(f"FROM a\n{long} # end\n", Location(step=long[:400])) is not None


def test_several_directives_and_those_that_are_there() -> None:
    two = "# syntax=docker/dockerfile:1\n# check=skip=JSONArgsRecommended\nFROM x"
    assert put("FROM x\n", two, Location(), at="first") == two + "\n"
    there = "# check=error=true\nFROM x\n"
    assert put(there, two, Location(), at="first") == two + "\n"


def test_a_copy_needs_its_source() -> None:
    assert "COPY a.txt a.txt\nRUN npm ci" in put(DOCKERFILE, "COPY a.txt a.txt", at(12), "a.txt")
    assert "COPY ./a.txt /b/\nRUN npm ci" in put(DOCKERFILE, "COPY ./a.txt /b/", at(12), "a.txt")
    assert "COPY --from=x /a /a\nRUN npm ci" in put(DOCKERFILE, "COPY --from=x /a /a", at(12))
    with pytest.raises(CannotEdit, match=r"holds no file a\.txt"):
        put(DOCKERFILE, "COPY a.txt a.txt", at(12))


def test_what_is_installed_is_installed_by_root() -> None:
    text = "FROM debian:12\nUSER app\nWORKDIR /app\nRUN make\n"
    after = put(text, "RUN apt-get install -y make", at(4))
    assert after == text.replace("USER", "RUN apt-get install -y make\nUSER")
    assert put(text, "ENV A=b", at(4)) == text.replace("RUN", "ENV A=b\nRUN")


def test_one_instruction_by_another_user() -> None:
    text = "FROM debian:12\nUSER app:app\nRUN apt-get update\nRUN make\n"
    shown = "USER root\nRUN apt-get update\nUSER 1000"
    after = put(text, shown, at(3))
    assert after == "FROM debian:12\nUSER app:app\nUSER root\nRUN apt-get update\nUSER app:app\nRUN make\n"
    assert put(after, shown, Location(step="RUN apt-get update")) == after
    with pytest.raises(CannotEdit, match="that of the base image"):
        put("FROM debian:12\nRUN apt-get update\n", shown, at(2))


@pytest.mark.parametrize(
    ("text", "edit", "after"),
    [
        ("RUN npm ci", CommandEdit(("npm ci",), add=("--legacy-peer-deps",)), "RUN npm ci --legacy-peer-deps"),
        (
            "RUN apt-get update && apt-get install -y a b",
            CommandEdit(("apt-get update", "apt-get install"), add=("-o Acquire::Retries=5",)),
            "RUN apt-get update -o Acquire::Retries=5 && apt-get install -o Acquire::Retries=5 -y a b",
        ),
        (
            "RUN --mount=type=cache,target=/c make \\\r\n  && DEBIAN_FRONTEND=x apt-get install \\\r\n    a",
            CommandEdit(("apt-get install",), before="apt-get update &&"),
            "RUN --mount=type=cache,target=/c make \\\r\n  && apt-get update && DEBIAN_FRONTEND=x apt-get install \\\r\n    a",
        ),
        (
            "RUN python3 -m pip install -r a.txt",
            CommandEdit(("pip install",), add=("--no-cache-dir",)),
            "RUN python3 -m pip install --no-cache-dir -r a.txt",
        ),
        (
            "RUN curl -fsSL --retry 2 https://a.example/x | tar xz",
            CommandEdit(("curl",), add=("--location", "--retry 5")),
            "RUN curl --location -fsSL --retry 2 https://a.example/x | tar xz",
        ),
        (
            "RUN --mount=type=cache,target=/c npm ci",
            CommandEdit(("RUN",), add=("--mount=type=secret,id=npmrc",)),
            "RUN --mount=type=secret,id=npmrc --mount=type=cache,target=/c npm ci",
        ),
        (
            "RUN <<EOF\nset -e\nnpm ci\nEOF",
            CommandEdit(("npm ci",), before="A=b"),
            "RUN <<EOF\nset -e\nA=b npm ci\nEOF",
        ),
        ("RUN make", CommandEdit(("npm ci",), add=("-x",)), None),
        ("RUN echo npm ci", CommandEdit(("npm ci",), add=("-x",)), None),
    ],
)
def test_options_of_a_command_in_an_instruction(text: str, edit: CommandEdit, after: str | None) -> None:
    assert edited(text, edit) == after
    if after is not None:
        assert edited(after, edit) == after


def test_the_failed_instruction_alone_is_edited() -> None:
    text = "FROM a\nRUN npm ci\nRUN npm ci --x\n"
    edit = Edit(command=CommandEdit(("npm ci",), add=("--y",)))
    after = edit_dockerfile("Dockerfile", text, edit, at(3), lambda _: None)
    assert after == text.replace("ci --x", "ci --y --x")
    with pytest.raises(CannotEdit, match="line 3 of the Dockerfile runs no `yarn`"):
        edit_dockerfile("Dockerfile", text, Edit(command=CommandEdit(("yarn",))), at(3), lambda _: None)


@pytest.mark.parametrize(
    ("said", "parts", "version"),
    [
        ("1.24.0", 2, "1.24"), ("1.20", 2, "1.20"), ("1.85-x86_64-unknown-linux-gnu", 2, "1.85"),
        ("^18.0.0 || >=20.0.0", 1, "20"), (">=v18.17.0", 1, "18"), ("20.19+", 1, "20"), ("v18.13.", 1, "18"),
        (">=3.11", 2, "3.11"), ("^3.11", 2, "3.11"), (">= 3.10", 2, "3.10"), ("Python 3.13", 2, "3.13"),
        ("<3.13,>=3.10", 2, "3.10"), (">= 3.1, < 3.5.dev", 3, "3.1"), ("3.2.2", 3, "3.2.2"), (".NET 9.0", 2, "9.0"),
        (".NET Core 3.1", 2, "3.1"), ("6.0.100", 2, "6.0"), ("[17,).", 1, "17"), ("21", 1, "21"), ("~> 3.2", 3, "3.2"),
        ("20.x", 1, "20"), ("<3.12", 2, None), ("android", 2, None), ("yarn@4.1.0", 1, None), ("pnpm", 1, None),
        ("Microsoft.NET.Sdk.Web", 2, None), ("", 2, None), ("latest", 1, None),
    ],
)  # fmt: skip
def test_the_version_that_a_tool_asks_for(said: str, parts: int, version: str | None) -> None:
    assert wanted_version(said, parts) == version


GO = BaseEdit(("golang",), "1.24.0")
JAVA = BaseEdit(("eclipse-temurin", "maven:*-eclipse-temurin-{}", "gradle:*jdk{}"), "21", parts=1)


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        ("FROM golang:1.22 AS build", GO, "FROM golang:1.24 AS build"),
        ("FROM --platform=$BUILDPLATFORM golang:1.22.3-alpine3.19 AS b", GO, "FROM --platform=$BUILDPLATFORM golang:1.24-alpine AS b"),
        ("FROM mirror.example/library/golang:1.22-bookworm", GO, "FROM mirror.example/library/golang:1.24-bookworm"),
        ("FROM golang:1.22@sha256:ab", GO, "FROM golang:1.24"),
        ("ARG GO=1.22\nFROM golang:${GO}-alpine", GO, "ARG GO=1.24\nFROM golang:${GO}-alpine"),
        ("ARG GO_IMAGE=golang:1.22\nFROM $GO_IMAGE", GO, "ARG GO_IMAGE=golang:1.24\nFROM $GO_IMAGE"),
        ("FROM golang:1.22 AS base\nFROM base AS build", GO, "FROM golang:1.24 AS base\nFROM base AS build"),
        ("FROM golang:1.24", GO, "FROM golang:1.24"),
        ("FROM maven:3.9-eclipse-temurin-17-alpine", JAVA, "FROM maven:3.9-eclipse-temurin-21-alpine"),
        ("FROM gradle:8.5-jdk11", JAVA, "FROM gradle:8.5-jdk21"),
        ("FROM eclipse-temurin:17-jdk", JAVA, "FROM eclipse-temurin:21-jdk"),
        ("FROM ruby:3.2.4-slim", BaseEdit(("ruby",), "3.2.2", 3, exact=True), "FROM ruby:3.2.2-slim"),
    ],
)  # fmt: skip
def test_the_base_image_gets_the_version(before: str, edit: BaseEdit, after: str) -> None:
    run = Location(step="RUN x")
    for text, wanted in (
        (f"{before}\nRUN x\n", f"{after}\nRUN x\n"),
        (f"# c\r\n{before}\r\nRUN x", f"# c\r\n{after}\r\nRUN x"),
    ):
        made = edit_dockerfile("Dockerfile", text, Edit(base=edit), run, lambda _: None)
        assert made == wanted
        assert edit_dockerfile("Dockerfile", made, Edit(base=edit), run, lambda _: None) == made


@pytest.mark.parametrize(
    ("before", "edit", "why"),
    [
        ("FROM golang:latest", GO, "names no version"),
        ("FROM debian:12", GO, "names no version of golang"),
        ("FROM golang:1.25", GO, "newer than 1.24"),
        ("FROM golang:${GO}", GO, "not told by an ARG"),
        ("FROM golang:1.22", BaseEdit(("golang",), "tip"), "cannot be told from 'tip'"),
    ],
)
def test_a_base_image_that_is_left_as_it_is(before: str, edit: BaseEdit, why: str) -> None:
    with pytest.raises(CannotEdit, match=why):
        edit_dockerfile("Dockerfile", f"{before}\nRUN x\n", Edit(base=edit), Location(step="RUN x"), lambda _: None)


@pytest.mark.parametrize(
    ("text", "value", "filled"),
    [
        ("<a:series>", "7.88.1-10+deb12u4", "7.88.*"),
        ("<a:series>", "1:2.3-4", "1:2.3.*"),
        ("<a:series>", "bookworm-backports", "<a:series>"),
        ("<a:keyword>", "RNU", "RUN"),
        ("<a:keyword>", "copyy", "COPY"),
        ("<a:keyword>", "curl", "<a:keyword>"),
        ("<a:debian> <a:alpine>", "pip", "python3-pip py3-pip"),
        ("<a:debian> <a:alpine>", "jq", "jq jq"),
        ("<a:qualified>", "alpine:3.20", "docker.io/library/alpine:3.20"),
        ("<a:qualified>", "team/base", "docker.io/team/base"),
        ("<a:qualified>", "quay.io/team/base", "quay.io/team/base"),
        ("<a:owner>", "app:web", "app"),
        ("<a:lower>", "Team/App:RC1", "team/app:RC1"),
        ("<a:lower>", "https://R.example.com:5000/A", "r.example.com:5000/a"),
    ],
)
def test_parts_and_spellings_of_values(text: str, value: str, filled: str) -> None:
    assert fill(text, {"a": value}) == filled


def test_a_line_goes_on_that_lacks_its_backslash() -> None:
    text = "FROM a\r\nRUN apt-get update\r\n    && apt-get install x\r\n"
    failed = Location(dockerfile_line=3)
    after = put(text, "RUN x", failed, at="joined")
    assert after == text.replace("update\r\n", "update \\\r\n")
    assert put(after, "RUN x", failed, at="joined") == after
    with pytest.raises(CannotEdit, match="none that goes on"):
        put("FROM a\n&& x\n", "RUN x", Location(dockerfile_line=2), at="joined")


def test_a_comment_that_failed_is_replaced() -> None:
    text = "# syntax=docker/dockerfile:1\nFROM a\n"
    pair = ("# syntax=docker/dockerfile:1", "# none")
    assert replace_text(text, [pair], Location(dockerfile_line=1), dockerfile=True) == "# none\nFROM a\n"
    part = ("https://r/a:1", "r/a:1")
    assert replace_text("FROM https://r/a:1\n", [part], Location(dockerfile_line=1), dockerfile=True) == "FROM r/a:1\n"


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("RNU", "RUN"), ("RUM", "RUN"), ("FORM", "FROM"), ("coppy", "COPY"), ("ENTRPOINT", "ENTRYPOINT"),
        ("HELATHCHECK", "HEALTHCHECK"), ("cd", None), ("ECHO", None), ("export", None), ("sed", None), ("apt", None),
        ("useradd", None), ("&&", None), ("npm", None), ("set", None), ("cmake", None), ("make", None), ("curl", None),
    ],
)  # fmt: skip
def test_what_a_misspelt_instruction_is_meant_to_be(word: str, meant: str | None) -> None:
    assert fill("<a:keyword|none>", {"a": word}) == (meant or "none")
