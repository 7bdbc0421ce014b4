"""`patterns new`: the draft of a pattern is a pattern, holds the log's lines, and its check says what is TODO."""

from pathlib import Path

import pytest

from bkdoctor.catalog.catalog import Catalog, load
from bkdoctor.catalog.check import check_one
from bkdoctor.catalog.entry import Entry
from bkdoctor.checking import check_catalog, run
from bkdoctor.errors import InputError, UsageError
from bkdoctor.scaffold import scaffold
from tests.catalogs import ours
from tests.traces import job

NONE = Catalog({}, {}, {})


def drafted(folder: Path, log: str | bytes, name: str = "run/mine-gone", baseline: str | None = None) -> Entry:
    source = folder / "job.log"
    source.write_bytes(log if isinstance(log, bytes) else log.encode())
    path = scaffold(name, str(source), folder / "patterns", NONE, baseline)
    assert path == folder / "patterns" / f"{name}.toml"
    return load([folder / "patterns"], builtin=False).entries[path.stem]


def test_the_draft_is_a_pattern_with_the_logs_lines(tmp_path: Path) -> None:
    entry = drafted(tmp_path, job("$ make\nall is well\nfrobnicate: error: no gizmo in /builds/team/app.c at 12\nbye"))
    assert entry.pattern.match.lines == ["frobnicate: error: no gizmo in <path:path> at <number:int>"]
    example = entry.pattern.example[0].log
    assert "frobnicate: error: no gizmo in /builds/team/app.c at 12" in example
    assert "ERROR: Job failed" in example


def test_the_drafts_line_matches_its_example(tmp_path: Path) -> None:
    entry = drafted(
        tmp_path, job("$ make\nfetch https://user:hunter2@example.com/a?b: error 404 of 3f2a1b9c0d1e2f3a <x>")
    )
    template = entry.lines[0][0]
    assert any(template.match(line) for line in entry.pattern.example[0].log.splitlines())
    assert "hunter2" not in entry.source()


def test_the_check_says_what_is_to_do(tmp_path: Path) -> None:
    entry = drafted(tmp_path, job("$ make\nfrobnicate: error: no gizmo at 12"))
    told = check_one(entry, load([tmp_path / "patterns"], builtin=False), run)
    for key in (
        "title",
        "explain.summary",
        "explain.cause",
        "fix 1.title",
        "fix 1.snippet",
        "example 2.why",
        "example 2.log",
    ):
        assert f"{key} is still to be written (TODO)" in [fault.message for fault in told]
    assert not any("captures" in fault.message for fault in told)
    faults, count = check_catalog([str(tmp_path / "patterns/run/mine-gone.toml")], [])
    assert count == 1
    assert faults
    assert all(fault.startswith("mine-gone: ") for fault in faults)


@pytest.mark.parametrize(
    "line",
    [
        "error: it's '''quoted''' here",
        "error: '''",
        "'''",
        "error: ends with '",
        'error: """ and \\ and {braces} and {0}',
        "error: <what:gizmo> <...> <start>",
        "error: \x00\x01\x08\x7f\x1b[31mred\x1b[0m \u202e\ufeff",
        "error: \ttab",
        "error: " + "x" * 50_000,
        "error: " + "1 " * 3_000,
        "error: [REDACTED] *** [MASKED]",
        "# error: a comment",
        "error = [[table]]",
        "error: \u2028\u0085 lines",
    ],
)
def test_a_hostile_line_makes_a_whole_draft(tmp_path: Path, line: str) -> None:
    entry = drafted(tmp_path, job(f"$ make\n{line}"))
    assert list(entry.templates())
    assert len(entry.source()) < 200_000


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    entry = drafted(tmp_path, b"error: \xff\xfe\x80 gizmo is gone\n")
    assert "gizmo is gone" in entry.pattern.example[0].log


def test_secrets_are_redacted(tmp_path: Path) -> None:
    token = "glpat-" + "x1y2z3w4v5u6t7s8r9q0"
    entry = drafted(tmp_path, job(f"$ docker login -p hunter2hunter2 x\nerror: token {token} is not valid here"))
    assert token not in entry.source()
    assert "hunter2hunter2" not in entry.source()
    assert entry.pattern.match.lines == ["error: token glpat-<...> is not valid here"]


@pytest.mark.parametrize("name", ["mine", "run/", "/mine", "Run/mine", "run/Mine", "run/mine_gone", "a/b/c", "../x/y", "run/mine.toml",
                                  "recipes/mine", "run/mine\n", "run/-x", ""])  # fmt: skip
def test_a_name_that_is_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="FAMILY/ID"):
        scaffold(name, str(tmp_path / "never-read"), tmp_path, NONE)
    assert not list(tmp_path.iterdir())


def test_an_id_that_is_there(tmp_path: Path) -> None:
    known = ours()
    with pytest.raises(UsageError, match="already"):
        scaffold("run/dns-lookup-failed", "never-read", tmp_path, known)
    entry = drafted(tmp_path, job("$ make\nerror: x y"))
    with pytest.raises(UsageError, match="already"):
        drafted(tmp_path, job("$ make\nerror: x y"))
    with pytest.raises(UsageError, match="already"):
        scaffold("other/mine-gone", "never-read", tmp_path, Catalog({entry.id: entry}, {}, {}))


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("", "nothing in it reads like a failure"),
        ("\n \n\t\n", "nothing in it reads like a failure"),
        (job("$ make\nerror: survived", result="Job succeeded"), "this job passed"),
    ],
)
def test_a_log_without_a_failure(tmp_path: Path, log: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        drafted(tmp_path, log)
    assert not (tmp_path / "patterns").exists()


def test_what_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        scaffold("run/mine-gone", str(tmp_path / "nowhere"), tmp_path, NONE)
    with pytest.raises(InputError, match="directory"):
        scaffold("run/mine-gone", str(tmp_path), tmp_path, NONE)
    log = tmp_path / "a.log"
    log.write_text("error: x y\n")
    with pytest.raises(InputError, match="Choose another folder with --to"):
        scaffold("run/mine-gone", str(log), log, NONE)


def test_what_varies_has_a_name_and_its_value(tmp_path: Path) -> None:
    line = (
        "error: pull registry.example.com/a/b:1.2 by 0123456789ab from https://x.example.com/y?z after 3 of 7, is 1.2.3"
    )
    entry = drafted(tmp_path, job(f"$ make\n{line}"))
    assert entry.pattern.match.lines == [
        "error: pull <image:image> by <digest:hex> from <url:url> after <number:int> of <number2:int>, is <version:version>"
    ]
    assert entry.pattern.example[0].captures == {
        "image": "registry.example.com/a/b:1.2",
        "digest": "0123456789ab",
        "url": "https://x.example.com/y?z",
        "number": "3",
        "number2": "7",
        "version": "1.2.3",
    }
    assert not [
        f for f in check_one(entry, load([tmp_path / "patterns"], builtin=False), run) if "captures" in f.message
    ]


PASSED = job(
    "$ make\nwarning: error: no cache\nfrobnicate: gizmo found in /builds/team/app.c at 3\nall is well",
    result="Job succeeded",
)


def test_a_baseline_is_the_example_to_leave_alone(tmp_path: Path) -> None:
    passed = tmp_path / "passed.log"
    passed.write_text(PASSED.replace("all is well", "all is well\ntoken glpat-" + "x1y2z3w4v5u6t7s8r9q0"))
    log = job("$ make\nwarning: error: no cache\nfrobnicate: error: no gizmo in /builds/team/app.c at 12\nbye")
    entry = drafted(tmp_path, log, baseline=str(passed))
    assert entry.pattern.match.lines == ["frobnicate: error: no gizmo in <path:path> at <number:int>"]
    positive, negative = entry.pattern.example
    assert "no cache" not in positive.log
    assert "gizmo found in /builds/team/app.c at 3" in negative.log
    assert "glpat-x1y2" not in entry.source()
    told = [fault.message for fault in check_one(entry, load([tmp_path / "patterns"], builtin=False), run)]
    assert not [message for message in told if message.startswith("example")]


def test_a_baseline_that_failed(tmp_path: Path) -> None:
    failed = tmp_path / "failed.log"
    failed.write_text(job("$ make\nerror: x"))
    with pytest.raises(InputError, match="did not pass"):
        drafted(tmp_path, job("$ make\nerror: y"), baseline=str(failed))
    with pytest.raises(InputError, match="No such file"):
        drafted(tmp_path, job("$ make\nerror: y"), baseline=str(tmp_path / "nowhere"))
