"""Unknown failures: the lines worth reading, and a signature that is the same for the same failure in another job."""

import pytest

from bkdoctor.diagnosis.unknown import MOST_LINES, is_error, signature
from bkdoctor.model import Report
from tests.catalogs import report
from tests.traces import job, timestamped


def build(*output: str, end: str = 'process "/bin/sh -c make" did not complete successfully: exit code: 2') -> str:
    """Return a failed build whose RUN step printed these lines; its dump shows the last five."""
    return "\n".join(
        [
            "$ docker buildx build .",
            '#0 building with "x" instance using docker-container driver',
            "#1 [1/2] FROM docker.io/library/alpine:3.20",
            "#1 DONE 0.1s",
            "",
            "#2 [2/2] RUN make",
            *(f"#2 {n / 10:.3f} {line}" for n, line in enumerate(output)),
            f"#2 ERROR: {end}",
            "------",
            " > [2/2] RUN make:",
            *(f"{n / 10:.3f} {line}" for n, line in list(enumerate(output))[-5:]),
            "------",
            "Dockerfile:2",
            "--------------------",
            "   1 |     FROM alpine:3.20",
            "   2 | >>> RUN make",
            "--------------------",
            f"ERROR: failed to solve: {end}",
        ]
    )


def texts(result: Report) -> list[str]:
    assert len(result.excerpt) <= MOST_LINES
    assert [e.line for e in result.excerpt] == sorted({e.line for e in result.excerpt})
    return [e.text for e in result.excerpt]


@pytest.mark.parametrize("style", [str, timestamped])
@pytest.mark.parametrize("between", [100, 8_000])
def test_the_first_error_far_above_the_dump_is_shown(style, between: int) -> None:  # type: ignore[no-untyped-def]
    output = ["start", "frobnicate: error: no gizmo", *(f"line {n}" for n in range(between)), "make: *** [all] Error 2"]
    trace = style(job(build(*output)))
    result = report(trace)
    shown = texts(result)
    assert "#2 0.100 frobnicate: error: no gizmo" in shown
    assert any(t.startswith("ERROR: failed to solve") for t in shown)
    assert any(t.startswith("ERROR: Job failed") for t in shown)
    lines = trace.split("\n")
    assert all(e.text.split()[-1] in lines[e.line - 1] for e in result.excerpt)


def test_many_errors_do_not_push_out_the_first_nor_the_end() -> None:
    output = ["first: error: it begins", *(f"error: number {n}" for n in range(500)), "last: fatal error: it ends"]
    shown = texts(report(job(build(*output))))
    assert "#2 0.000 first: error: it begins" in shown
    assert any("last: fatal error: it ends" in t for t in shown)
    assert any(t.startswith("ERROR: Job failed") for t in shown)


@pytest.mark.parametrize(
    "survived",
    [
        "warning: unable to open display",
        "0 errors, 3 warnings",
        "DeprecationWarning: use of missing thing",
        "skipping optional dependency: not found",
        "error ignored",
        "rm: cannot remove 'x' || true",
    ],
)
def test_what_was_survived_is_no_error(survived: str) -> None:
    assert not is_error(survived)
    output = [survived, *(f"line {n}" for n in range(60)), "frobnicate: error: no gizmo"]
    shown = texts(report(job(build(*output))))
    assert f"#2 0.000 {survived}" not in shown
    assert any("no gizmo" in t for t in shown)


@pytest.mark.parametrize(
    "line", ["E: Unable to locate it", "TypeError: x", "java.lang.IllegalStateException: x", "fatal: not a repository"]
)
def test_what_reads_like_an_error(line: str) -> None:
    assert is_error(line)


@pytest.mark.parametrize(
    "line",
    [
        "ERROR: Job failed: exit code 1",
        'ERROR: failed to solve: process "/bin/sh -c a" did not complete successfully: exit code: 1',
        "compiling error_handler.c",
        "all is well",
        "",
    ],
)
def test_what_does_not(line: str) -> None:
    assert not is_error(line)


def test_a_failed_command_without_a_build() -> None:
    shown = texts(
        report(job("$ make setup\nfine\n$ make all\nstarting\nfrobnicate: cannot find gizmo\nmake: *** Error 2"))
    )
    assert "frobnicate: cannot find gizmo" in shown
    assert shown[-1] == "ERROR: Job failed: exit code 1"


def test_an_earlier_command_is_no_excerpt_of_its_own() -> None:
    shown = texts(report(job("$ make setup\nsetup: error: survived\n$ make all\n" + "x\n" * 30 + "all: error: real")))
    assert "all: error: real" in shown
    assert "setup: error: survived" not in shown


def test_a_failure_that_says_nothing_shows_its_end() -> None:
    shown = texts(report(job("$ make\n" + "\n".join(f"line {n}" for n in range(50)))))
    assert "line 49" in shown
    assert shown[-1] == "ERROR: Job failed: exit code 1"


def test_a_passed_job_has_no_excerpt_and_no_signature() -> None:
    result = report(job("$ make\nerror: survived", result="Job succeeded"))
    assert (result.verdict, result.excerpt, result.signature) == ("passed", (), None)


SAME = [
    ("pull 3f2a1b9c0d1e failed", "pull 0123456789ab failed"),
    ("exit 12 after 3.5s", "exit 7 after 12s"),
    ("/builds/team/app/x.c: no", "/builds/other/deep/dir/y.c: no"),
    ("2026-03-12T10:10:00Z down", "2025-12-01T09:00:59Z down"),
    ("at 10:10:12.345 down", "at 9:01:00.1 down"),
    ("sha256:aa11 gone", "sha256:bb22cc gone"),
    ("id 0d7a9c52-8c1e-4b3d-9f00-a1b2c3d4e5f6 lost", "id aaaabbbb-cccc-dddd-eeee-ffff00001111 lost"),
    ("at 0x7ffe12ab fault", "at 0x1 fault"),
    ("it  takes\ttime", "it takes time"),
    ("pod runner-abc1xyz2-project-12-concurrent-0-x7f9q2 gone", "pod runner-zz9-project-7-concurrent-3-aaaaaa gone"),
    ("took 1m2.5s", "took 59.1s"),
    ("v1.2.3 is bad", "v10.20.30 is bad"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_a_signature_does_not_change_with_what_changes(one: str, other: str) -> None:
    assert signature("unknown", one) == signature("unknown", other)


@pytest.mark.parametrize(
    ("one", "other"), [("no gizmo", "no widget"), ("facade is bad", "defaced is bad"), ("a: b", "b: a"), ("x", "")]
)
def test_different_failures_differ(one: str, other: str) -> None:
    assert signature("unknown", one) != signature("unknown", other)
    assert signature("one-pattern", one) != signature("other-pattern", one)


def test_the_same_failure_in_another_job_has_the_same_signature() -> None:
    one = report(job(build("a", "frobnicate: error: no gizmo in /builds/a/b/c.txt (took 3 s)")))
    other = report(timestamped(job(build(*"abcdef", "frobnicate: error: no gizmo in /builds/d/e/f/g.txt (took 17 s)"))))
    third = report(job(build("a", "frobnicate: error: no widget in /builds/a/b/c.txt (took 3 s)")))
    assert one.verdict == "unknown"
    assert one.signature
    assert one.signature == other.signature
    assert one.signature != third.signature


def test_failures_without_an_error_line_differ_by_their_last_line() -> None:
    one = report(job("$ make\nhalf way there"))
    other = report(job("$ make\nnearly done"))
    assert one.signature != other.signature
