"""Whatever a Dockerfile looks like: an edit keeps every other line, comment and line end, and made twice it is made once."""

from hypothesis import given
from hypothesis import strategies as st

from bkdoctor.fixes.dockerfile import Instruction, instructions
from bkdoctor.fixes.dockerfile_edit import edit_dockerfile
from bkdoctor.fixes.result import CannotEdit
from bkdoctor.model import BaseEdit, CommandEdit, Edit, Location
from tests.properties import examples

EDITS = [
    Edit(snippet="ENV A=b\nARG C", at="above"),
    Edit(snippet="RUN apt-get update \\\n && apt-get install -y x", at="above"),
    Edit(snippet="# syntax=docker/dockerfile:1\n# check=skip=all\nFROM x", at="first"),
    Edit(snippet="USER root\nRUN x\nUSER 1", at="above"),
    Edit(snippet="RUN x", at="joined"),
    Edit(command=CommandEdit(("npm ci", "npm install"), set=("--loglevel=warn",), add=("--no-audit",), before="A=b")),
    Edit(command=CommandEdit(("RUN",), add=("--mount=type=secret,id=a",))),
    Edit(base=BaseEdit(("golang", "node"), "1.24")),
]
LINES = st.sampled_from(
    [
        "FROM golang:1.22 AS build", "FROM node:18-alpine3.19", "FROM build", "ARG V=1", "FROM debian:12", "USER app",
        "RUN npm ci", "RUN npm ci && npm run build", "RUN npm install --loglevel=error \\\n  # why\n  --x && make",
        "RUN --mount=type=cache,target=/c npm ci", "RUN <<EOF\nnpm ci\nEOF", "COPY . .", "run make", "RUN echo npm ci",
        "RUN apt-get install -y \\\n\n    curl", 'CMD ["a"]', "RUN npm \\\n ci", "&& make", "install \\\n  x",
    ]
)  # fmt: skip
COMMENTS = st.sampled_from(["# a comment", "", "   # indented", "# escape=no directive here"])
HEADS = st.sampled_from(["", "# syntax=docker/dockerfile:1.4\n", "# check=error=true\n# c\n", "\ufeff", "\n\n"])


@st.composite
def dockerfiles(draw: st.DrawFn) -> str:
    parts = draw(st.lists(st.one_of(LINES, COMMENTS), min_size=1, max_size=12))
    text = draw(HEADS) + "\n".join(parts) + draw(st.sampled_from(["", "\n", "\n\n"]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@examples(60)
@given(dockerfiles(), st.sampled_from(EDITS), st.data())
def test_an_edit_keeps_the_rest(text: str, edit: Edit, data: st.DataObject) -> None:
    known = instructions(text)
    if not known:
        return
    failed = data.draw(st.sampled_from(known))
    alone = sum(words(i) == words(failed) for i in known) == 1
    location = Location(
        dockerfile_line=failed.line,
        instruction=failed.keyword if edit.at != "joined" else None,
        step=f"[a 1/2] {' '.join(words(failed))}" if alone and failed.keyword == "RUN" else None,
    )
    try:
        after = edit_dockerfile("Dockerfile", text, edit, location, lambda _: None)
    except CannotEdit:
        return
    assert text.count("\r\n") == 0 or after.replace("\r\n", "").count("\n") == 0, "line ends are as they were"
    kept = after.splitlines()
    changed = [line for line in text.splitlines() if line not in kept]
    # at most the failed instruction, the FROM or ARG below it, and directives
    assert len(changed) <= 1 + failed.text.count("\n") or edit.at == "first", changed
    assert all(line in kept for line in text.splitlines() if line.strip().startswith("# a comment"))
    if location.step is not None or edit.at in (None, "first", "joined"):
        again = edit_dockerfile("Dockerfile", after, edit, location, lambda _: None)
        assert again == after


def words(instruction: Instruction) -> list[str]:
    return instruction.text.replace("\\\r\n", " ").replace("\\\n", " ").split()
