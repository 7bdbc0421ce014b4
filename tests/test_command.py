"""Edits of a command's options: what stays keeps its spelling and its place, and doing it twice changes nothing."""

from typing import Any

import pytest

from bkdoctor.catalog.pattern import Command
from bkdoctor.fixes.command import change, edited, split

BUILDCTL = "buildctl build --frontend dockerfile.v0 --local context=. --local dockerfile=a/Dockerfile --opt target=x"


def changed(
    text: str, *, run: str = "docker build", set_: str = "", add: str = "", drop: str = "", fold: bool = False
) -> str:
    made = change(text, run, [set_] if set_ else [], [add] if add else [], [drop] if drop else [])
    assert made is not None
    return made if fold else made.replace(" \\\n  ", " ")


def test_a_repeated_option_is_known_by_the_key_of_its_value() -> None:
    made = changed(BUILDCTL, run="buildctl build", set_="--local dockerfile=a", add="--opt filename=Dockerfile")
    assert made == (
        "buildctl build --frontend dockerfile.v0 --local context=. --local dockerfile=a --opt target=x"
        " --opt filename=Dockerfile"
    )


def test_every_option_of_the_key_is_replaced_once() -> None:
    text = "buildctl build --opt a=1 --opt b=2 --opt=a=3"
    assert changed(text, run="buildctl build", set_="--opt a=4") == "buildctl build --opt a=4 --opt b=2"


def test_an_option_with_a_sign_is_the_one_with_a_blank() -> None:
    assert changed("docker build --platform=linux/arm64 .", set_="--platform linux/amd64") == (
        "docker build --platform linux/amd64 ."
    )


@pytest.mark.parametrize("context", [".", "-", "app", "$CI_PROJECT_DIR", '"$DIR"', "https://example.com/a.git#main"])
def test_the_context_stays_last(context: str) -> None:
    assert changed(f"docker build -t a {context}", add="--push") == f"docker build -t a --push {context}"
    assert changed(f"docker build --push {context}", add="-t a") == f"docker build --push -t a {context}"
    assert changed(f"docker build --load {context}", drop="--load") == f"docker build {context}"


@pytest.mark.parametrize("context", [".", "-", "./app", '"$DIR"'])
def test_the_context_stays_last_without_any_option(context: str) -> None:
    assert changed(f"docker build {context}", add="--push") == f"docker build --push {context}"


def test_a_command_of_options_alone_gets_one_at_its_end() -> None:
    assert changed("buildctl build --local context=.", run="buildctl build", add="--opt x=y") == (
        "buildctl build --local context=. --opt x=y"
    )
    assert changed("buildctl build", run="buildctl build", add="--opt x=y") == "buildctl build --opt x=y"


def test_quotes_keep_their_blanks_and_their_spelling() -> None:
    text = """docker build --build-arg A="two words" --label 'x y' -t "$CI_REGISTRY_IMAGE:a b" ."""
    assert changed(text, add="--push") == text.removesuffix(".") + "--push ."
    assert changed(text, set_="--build-arg A=1") == text.replace('A="two words"', "A=1")


def test_quotes_do_not_hide_that_an_option_is_there() -> None:
    text = 'docker build --tag "$IMAGE:1" .'
    assert changed(text, add="--tag $IMAGE:1") == text
    assert changed(text, add="-t $IMAGE:1") == text


def test_the_same_option_twice_is_kept() -> None:
    assert changed("docker build -t a -t b .", add="-t c") == "docker build -t a -t b -t c ."
    assert changed("docker build -t a -t b .", add="--tag b") == "docker build -t a -t b ."


def test_continued_lines_are_one_command() -> None:
    text = "docker build \\\n  --tag a \\\n  --push \\\n  ."
    assert changed(text, drop="--push") == "docker build --tag a ."


def test_an_option_is_dropped_whatever_its_value() -> None:
    text = "docker build --attest type=sbom --sbom=true --sbom -t a ."
    assert changed(changed(text, drop="--attest"), drop="--sbom") == "docker build -t a ."


def test_dropping_what_is_not_there_changes_nothing() -> None:
    assert changed("docker build -t a .", drop="--load") == "docker build -t a ."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cd app && docker build -t a . && echo done", "cd app && docker build -t a --push . && echo done"),
        ("docker build -t a . | tee log", "docker build -t a --push . | tee log"),
        ("docker build -t a . > log 2>&1", "docker build -t a --push . > log 2>&1"),
        ("docker build -t a . 2>err", "docker build -t a --push . 2>err"),
        ("docker build -t a - < Dockerfile", "docker build -t a --push - < Dockerfile"),
        ("A=1 docker build -t a .; true", "A=1 docker build -t a --push . ; true"),
        ("A=1 docker build .", "A=1 docker build --push ."),
        ("docker build -t $(git rev-parse HEAD) .", "docker build -t $(git rev-parse HEAD) --push ."),
        ('docker build -t "${A:-b c}" .', 'docker build -t "${A:-b c}" --push .'),
    ],
)
def test_only_the_command_itself_is_edited(text: str, expected: str) -> None:
    assert changed(text, add="--push") == expected


@pytest.mark.parametrize("text", ["docker build 'not closed", "docker build \\", 'docker build " .', "docker build"])
def test_what_cannot_be_read_keeps_its_words(text: str) -> None:
    made = changed(text, add="--push")
    assert all(word in made for word in text.split())
    assert "--push" in made


@pytest.mark.parametrize(
    "text", [BUILDCTL, "docker build -t a -t b .", "docker build .", "cd x && docker build a/b > c"]
)
def test_twice_is_once(text: str) -> None:
    run = "buildctl build" if "buildctl" in text else "docker build"
    once = change(text, run, ["--opt a=1"], ["--push"], ["-t"])
    assert once is not None
    assert change(once, run, ["--opt a=1"], ["--push"], ["-t"]) == once


def test_a_long_command_has_one_option_a_line() -> None:
    made = changed(BUILDCTL, run="buildctl build", add="--opt filename=Dockerfile", fold=True)
    assert made.splitlines()[:2] == ["buildctl build \\", "  --frontend dockerfile.v0 \\"]
    assert made.splitlines()[-1] == "  --opt filename=Dockerfile"


def test_other_commands_are_left_alone() -> None:
    for text in ("docker buildx build .", "podman-docker build .", "docker builder prune", 'sh -c "make"'):
        assert change(text, "docker build", [], ["--push"], []) is None


def edit(**options: Any) -> Command:
    return Command(run=["buildctl-daemonless.sh build", "buildctl build"], **options)


def test_the_last_such_command_of_the_log_is_edited() -> None:
    commands = ["buildctl build --opt a=1", "buildctl build --opt b=1", "echo buildctl"]
    assert edited(edit(add=["--opt c=1"]), commands, str) == "buildctl build --opt b=1 --opt c=1"


@pytest.mark.parametrize(
    "command", ["", "make", "buildctl build a # collapsed multi-line command", "buildctl build <<E"]
)
def test_a_command_that_the_log_does_not_show_gives_the_options_alone(command: str) -> None:
    made = edited(edit(set=["--opt a=1"], add=["--opt b=1"], drop=["--opt c", "--push"]), [command], str)
    assert made == "buildctl-daemonless.sh build --opt a=1 --opt b=1\n# without: --opt c --push"


def test_values_are_filled_into_the_options() -> None:
    made = edited(edit(set=["--opt a=<x>"]), ["buildctl build"], lambda text: text.replace("<x>", "1"))
    assert made == "buildctl build --opt a=1"


def test_split_keeps_the_spelling() -> None:
    assert split("""a 'b c' "d \\" e" f\\ g && h""") == [["a", "'b c'", '"d \\" e"', "f\\ g"], ["&&"], ["h"]]
