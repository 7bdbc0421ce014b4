"""Suggestions: on lines of the diff, one for each fix, marked, and resolved when their cause is gone."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bkdoctor.bot.splicing import Replacement, lines_of, replacement_in
from bkdoctor.fixes.result import Change

from . import traces
from .bot_cases import APP, PACKAGE, one_failed, passing, run
from .gitlab_double import Fault
from .gitlab_routes_bot import BOT, BotGitLab

DOCKERFILE = 'FROM alpine:3.22\nRUN apt-get update\nRUN apt-get install -y curl\nCMD ["true"]\n'
DIFF = '@@ -1,2 +1,4 @@\n FROM alpine:3.22\n+RUN apt-get update\n+RUN apt-get install -y curl\n CMD ["true"]\n'


@pytest.fixture
def gitlab() -> Iterator[BotGitLab]:
    with BotGitLab() as double:
        yield double


def suggestions(gitlab: BotGitLab) -> list[dict[str, object]]:
    first = [d["notes"][0] for d in gitlab.discussions[71, 3]]
    return [n for n in first if n["author"]["id"] == BOT and "bkdoctor:suggestion" in n["body"]]


FRONTEND = traces.job(
    "$ docker build .\n"
    "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.1s\n"
    "#2 resolve image config for docker-image://docker.io/docker/dockerfile:1.99\n"
    "#2 ERROR: docker.io/docker/dockerfile:1.99: not found\n"
    "------\n > resolve image config for docker-image://docker.io/docker/dockerfile:1.99:\n------\n"
    "ERROR: failed to solve: failed to resolve source metadata for docker.io/docker/dockerfile:1.99: "
    "docker.io/docker/dockerfile:1.99: not found"
).encode()
BROKEN = "# syntax=docker/dockerfile:1.99\nFROM alpine:3.22\n"
BROKEN_DIFF = "@@ -1 +1,2 @@\n+# syntax=docker/dockerfile:1.99\n FROM alpine:3.22\n"


def broken(gitlab: BotGitLab, diff: str = BROKEN_DIFF) -> None:
    one_failed(gitlab, FRONTEND)
    gitlab.files["Dockerfile"] = BROKEN.encode()
    gitlab.diffs = [{"old_path": "Dockerfile", "new_path": "Dockerfile", "diff": diff}]


def test_a_fix_of_a_line_in_the_diff_is_suggested_there(gitlab: BotGitLab) -> None:
    broken(gitlab)
    run(gitlab, suggestions=True)
    (note,) = suggestions(gitlab)
    assert "```suggestion:-0+0\n# built with the frontend of BuildKit itself\n```" in str(note["body"])
    position = note["position"]
    assert isinstance(position, dict)
    assert (position["new_line"], position["new_path"], position.get("old_line")) == (1, "Dockerfile", None)
    assert len(gitlab.notes(APP, 3)) == 1
    writes = len(gitlab.writes)
    run(gitlab, suggestions=True)
    assert len(gitlab.writes) == writes


def test_a_fix_of_the_configuration_is_suggested_too(gitlab: BotGitLab) -> None:
    script = '$ docker build -t app:1 services/api\nunable to prepare context: path "services/api" not found'
    one_failed(gitlab, traces.job(script).encode())
    line = "    - docker build -t app:1 services/api\n"
    gitlab.files[".gitlab-ci.yml"] = f"build-image:\n  image: docker:27\n  script:\n{line}".encode()
    diff = f"@@ -1,3 +1,4 @@\n build-image:\n   image: docker:27\n   script:\n+{line}"
    gitlab.diffs = [{"old_path": ".gitlab-ci.yml", "new_path": ".gitlab-ci.yml", "diff": diff}]
    run(gitlab, suggestions=True)
    (note,) = suggestions(gitlab)
    assert '```suggestion:-0+0\n    - docker build -t app:1 "$CI_PROJECT_DIR"\n```' in str(note["body"])


def test_suggestions_are_off_by_default(gitlab: BotGitLab) -> None:
    broken(gitlab)
    run(gitlab)
    assert not suggestions(gitlab)
    assert not [s for s in gitlab.seen if s.route in ("diffs", "versions", "file")]


@pytest.mark.parametrize("diff", ["", "@@ -9,0 +10,1 @@\n+# far away\n"])
def test_a_line_outside_the_diff_gets_none(gitlab: BotGitLab, diff: str) -> None:
    broken(gitlab, diff)
    run(gitlab, suggestions=True)
    assert not suggestions(gitlab)
    assert len(gitlab.notes(APP, 3)) == 1


def test_a_suggestion_is_resolved_when_the_build_passes_or_fails_for_another_cause(gitlab: BotGitLab) -> None:
    broken(gitlab)
    run(gitlab, suggestions=True)
    gitlab.diffs = []
    one_failed(gitlab, PACKAGE, pipeline=101, job=21)
    run(gitlab, 101, suggestions=True)
    (note,) = suggestions(gitlab)
    assert note["resolved"]
    passing(gitlab, pipeline=102, job=22)
    run(gitlab, 102, suggestions=True)
    assert len(suggestions(gitlab)) == 1


def test_a_line_that_gitlab_does_not_take_is_left(gitlab: BotGitLab) -> None:
    broken(gitlab)
    run(gitlab)
    gitlab.fail(Fault(status=400, body=b'{"message":"400"}'), times=1, route="new discussion")
    assert run(gitlab, suggestions=True).outcome == "unchanged"
    assert not suggestions(gitlab)


def change(before: str, after: str) -> Change:
    return Change(path="Dockerfile", before=before, after=after)


def test_an_insertion_hangs_on_the_line_above_it() -> None:
    found = replacement_in(change(DOCKERFILE, DOCKERFILE.replace("CMD", "USER 1\nCMD")), DIFF)
    assert found == Replacement(new_line=3, old_line=None, above=0, text="RUN apt-get install -y curl\nUSER 1")


def test_a_line_that_is_not_new_has_its_old_number() -> None:
    found = replacement_in(change(DOCKERFILE, DOCKERFILE.replace("CMD", "# x\nENTRYPOINT").replace("# x\n", "")), DIFF)
    assert found == Replacement(new_line=4, old_line=2, above=0, text='ENTRYPOINT ["true"]')


def test_several_lines_are_counted_up_from_the_last() -> None:
    after = DOCKERFILE.replace("RUN apt-get update\nRUN apt-get install", "RUN apt-get update && apt-get install")
    found = replacement_in(change(DOCKERFILE, after), DIFF)
    assert found == Replacement(
        new_line=3, old_line=None, above=1, text="RUN apt-get update && apt-get install -y curl"
    )


@pytest.mark.parametrize(
    "after",
    [
        DOCKERFILE,
        DOCKERFILE.replace("alpine", "debian").replace("true", "false"),
        f"# first\n{DOCKERFILE}",
        DOCKERFILE.replace("\n", "\r\n"),
    ],
)
def test_what_is_not_one_stretch_of_shown_lines_is_no_suggestion(after: str) -> None:
    assert replacement_in(change(DOCKERFILE, after), DIFF) is None


def test_a_new_file_has_no_lines_to_replace() -> None:
    assert replacement_in(Change(path="x", before=None, after="a"), DIFF) is None


def test_the_lines_of_a_diff_are_numbered() -> None:
    assert lines_of(DIFF) == {1: 1, 2: None, 3: None, 4: 2}
    assert lines_of("@@ -3 +3 @@ def f():\n-a\n+b\n\\ No newline at end of file\n") == {3: None}
    assert lines_of("") == {}


LINES = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), max_size=8)


@given(LINES, LINES)
def test_a_suggestion_that_is_applied_gives_the_changed_file(before: list[str], after: list[str]) -> None:
    whole = "@@ -0,0 +1,9 @@\n" + "\n".join(f"+{line}" for line in before)
    found = replacement_in(change("\n".join(before), "\n".join(after)), whole)
    if found is None:
        return
    lines = "\n".join(before).split("\n")
    lines[found.new_line - found.above - 1 : found.new_line] = found.text.split("\n")
    assert "\n".join(lines) == "\n".join(after)
