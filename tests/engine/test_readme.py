"""The table in README.md is that of the cases, and the harness says why it cannot run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.cure import Case, Filled, Typed, Written
from tests.engine.test_cures import CASES

README = Path(__file__).with_name("README.md")
ROOT = README.parent.parent.parent
PATTERNS = {str(p.relative_to(ROOT / "patterns").with_suffix("")) for p in (ROOT / "patterns").glob("*/*.toml")}


def change(case: Case) -> str:
    """Return how a fix gets into the project, in words."""
    words = []
    for how in case.how:
        if isinstance(how, Written):
            words.append(f"`bkdoctor fix` edits {how.file}")
        elif isinstance(how, Typed):
            words.append("its commands are typed")
        elif isinstance(how, Filled):
            words.append("the author fills the certificate in")
        else:
            words.append(f"its lines are put into {how.file}")
    return ", ".join(words)


def table() -> str:
    """Return the table of all cases."""
    rows = [f"| `{c.name}` | [{c.pattern}](../../patterns/{c.pattern}.toml) | {change(c)} |" for c in CASES]
    return "\n".join(["| test | what must be found first | how the fix is applied |", "| --- | --- | --- |", *rows])


def test_table_is_that_of_the_cases() -> None:
    assert table() in README.read_text(encoding="utf-8"), f"the table in README.md must read\n{table()}"


def test_cases_have_names_of_their_own() -> None:
    assert len({c.name for c in CASES}) == len(CASES)


def section(title: str) -> str:
    return README.read_text(encoding="utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_what_was_tried_by_hand_names_patterns() -> None:
    named = re.findall(r"(?m)^\| `([^`]+)` \|", section("Tried by hand"))
    assert named == sorted(set(named))
    assert set(named) <= PATTERNS


def test_what_cannot_be_shown_names_patterns() -> None:
    text = section("What no engine here can show")
    ids = {pattern.partition("/")[2] for pattern in PATTERNS}
    named = set(re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)+(?:-\*)?|\w+-\*)`", text))
    assert named
    for name in named:
        assert any(i == name or (name.endswith("*") and i.startswith(name[:-1])) for i in ids), name


_LACKING = """
import sys, pytest
import tests.engine.sandbox as sandbox
sandbox.PROGRAMS["no-such-program"] = "no-such-package"
sys.exit(pytest.main(["-rs", "tests/engine/test_cures.py", "-k", "dockerfile-not-found"]))
"""


@pytest.mark.parametrize(("everything", "status"), [("", 0), ("1", 1)])
def test_what_lacks_is_said_and_fails_where_all_must_run(everything: str, status: int) -> None:
    env = {**os.environ, "BKDOCTOR_ALL": everything}
    done = subprocess.run(
        [sys.executable, "-c", _LACKING], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "the engine needs " in done.stdout
