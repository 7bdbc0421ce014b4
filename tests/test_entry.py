"""The short way in says what the command line says, and leaves to it what it does not understand."""

import subprocess
import sys
from pathlib import Path

import pytest

from bkdoctor.entry import ordinary
from tests.traces import job


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["log"], ["log", "--help"], ["log", "a", "--patterns", "x"], ["log", "a", "--format"], ["log", "--", "a"],
        ["log", "a", "-fjson"], ["log", "a", "--format=json"], ["log", ""], ["-v", "log", "a"], ["explain", "x"],
        ["log", "a", "--format", "-v"],
    ],
)  # fmt: skip
def test_what_is_not_ordinary_is_left_to_the_command_line(arguments: list[str]) -> None:
    assert ordinary(arguments) is None


def test_what_is_ordinary() -> None:
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


def test_the_short_way_imports_neither_typer_nor_processes(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text(job("$ make\nok", result="Job succeeded"))
    code = (
        "import sys; sys.argv[1:] = ['log', 'x.log']; from bkdoctor.entry import main\n"
        "try: main()\nexcept SystemExit: print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert not {"typer", "multiprocessing", "ahocorasick_rs", "gitlab"} & set(done.stdout.split())
