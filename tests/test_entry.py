"""The short way in says what the command line says, and leaves to it what it does not understand."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from bkdoctor import digests
from bkdoctor.entry import ordinary
from tests.traces import job


@pytest.mark.parametrize(
    "arguments",
    [
        ["log"], ["log", "--help"], ["log", "a", "--patterns", "x"], ["log", "a", "--format"], ["log", "--", "a"],
        ["log", "a", "-fjson"], ["log", "a", "--format=json"], ["log", ""], ["-v", "log", "a"], ["explain", "x"], ["-"], ["x.log"],
        ["--version"], ["-h"],
        ["log", "a", "--format", "-v"],
    ],
)  # fmt: skip
def test_what_is_not_ordinary_is_left_to_the_command_line(arguments: list[str]) -> None:
    assert ordinary(arguments) is None


def test_what_is_ordinary() -> None:
    assert ordinary([]) == (["-"], {})
    assert ordinary(["-f", "json", "-v"]) == (["-"], {"format_": "json", "verbose": True})
    assert ordinary(["log", "a", "-"]) == (["a", "-"], {})
    assert ordinary(["log", "-f", "json", "a", "-v", "--no-color", "--kubernetes", "1.30"]) == (
        ["a"],
        {"format_": "json", "verbose": True, "no_color": True, "kubernetes": "1.30"},
    )


@pytest.mark.parametrize(
    "arguments",
    [["x.log"], ["x.log", "-f", "json"], ["x.log", "none.log"], ["none.log"], ["x.log", "-f", "none"], ["x.log", "-v"],
     ["x.log", "--kubernetes", "one"], ["-", "--no-color"]],
)  # fmt: skip
def test_both_ways_say_the_same(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "x.log").write_text(job("$ make\nerror: the gizmo is gone"))
    said = []
    for module in ("entry", "cli"):
        code = f"import sys; sys.argv[0] = 'bkdoctor'; from bkdoctor.{module} import main; main()"
        command = [sys.executable, "-c", code, "log", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, input=b"$ x\nerror: y\n", check=False)
        said.append((done.returncode, done.stdout, done.stderr))
    assert said[0] == said[1]


@pytest.mark.parametrize("words", [["log", "x.log"], []])
def test_the_short_way_imports_neither_typer_nor_processes(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "x.log").write_text(job("$ make\nok", result="Job succeeded"))
    code = (
        f"import os, sys; os._exit = sys.exit; sys.argv[1:] = {words!r}; from bkdoctor.entry import main\n"
        "try: main()\nexcept SystemExit: print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    given = (tmp_path / "x.log").read_text()
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, input=given, capture_output=True, text=True, check=True)
    heavy = set("typer multiprocessing ahocorasick_rs gitlab inspect pathlib tempfile _hashlib json".split())
    assert not heavy & set(done.stdout.split())


def test_digests_are_those_of_hashlib() -> None:
    assert digests.sha256(b"x").hexdigest() == hashlib.sha256(b"x").hexdigest()
    assert digests.blake2b(b"x", digest_size=12).hexdigest() == hashlib.blake2b(b"x", digest_size=12).hexdigest()


def test_the_answer_is_written_whole_before_the_end(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text(job("$ make\nerror: the gizmo is gone"))
    command = [sys.executable, "-m", "bkdoctor", "log", "x.log", "-f", "json"]
    with (tmp_path / "out").open("wb") as out:
        done = subprocess.run(command, cwd=tmp_path, stdout=out, check=False)
    assert done.returncode == 3
    assert (tmp_path / "out").read_text().endswith("}\n")
