"""Unknown failures: the lines worth reading, and a signature that is the same for the same failure in another job."""

import random
import re
from typing import Any

import pytest

from bkdoctor.diagnosis.baseline import Baseline
from bkdoctor.diagnosis.normal import signature
from bkdoctor.diagnosis.region import is_error
from bkdoctor.diagnosis.unknown import MOST_LINES
from bkdoctor.doctor import diagnose
from bkdoctor.model import Report
from bkdoctor.trace.log import Log
from tests.catalogs import catalog, pattern, report
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


# --- what is read of a job that goes on after a failure -------------------------------------------------------------


def test_a_build_that_was_survived_does_not_hide_what_ended_the_job() -> None:
    survived = build("frobnicate: error: survived").replace(
        "$ docker buildx build .", "$ docker buildx build . || true"
    )
    shown = texts(report(job(f"{survived}\nall goes on\nunauthorized: no access to the gizmo")))
    assert "unauthorized: no access to the gizmo" in shown


def test_the_same_error_again_and_again_takes_few_lines() -> None:
    output = [f"widget {n} of 300: error: it is bent" for n in range(300)]
    output.insert(150, "frobnicate: cannot find gizmo")
    shown = texts(report(job(build(*output, "done"))))
    assert sum("it is bent" in text for text in shown) <= 7
    assert "#2 0.000 widget 0 of 300: error: it is bent" in shown
    assert any("cannot find gizmo" in text for text in shown)


def test_how_much_is_compared_does_not_grow_with_a_log_that_repeats_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def counted(text: str) -> str:
        sizes.append(len(text))
        return text[:9]

    monkeypatch.setattr("bkdoctor.diagnosis.unknown.normalised", counted)
    sums = []
    for lines in (400, 4_000):
        sizes.clear()
        diagnose(job(build(*["error: " + "a" * 9_000] * lines)).encode(), catalog())
        sums.append(sum(sizes))
    assert sums[0] == sums[1]


def test_the_services_log_is_read_where_the_runner_shows_it() -> None:
    warning = (
        "*** WARNING: Service docker-dind-0 probably didn't start properly.\n\nHealth check error:\nservice timeout\n\n"
        "Service container logs:\n2026-03-12T10:10:00Z mount: permission denied (are you root?)\n\n*********"
    )
    trace = job("$ make\nerror: cannot connect to docker").replace(
        "\x1b[32;1mChecking out", f"{warning}\n\x1b[32;1mChecking out"
    )
    assert any("are you root?" in text for text in texts(report(trace)))


def test_a_long_line_is_shown_with_its_end() -> None:
    (line,) = [t for t in texts(report(job(f"$ make\nerror: {'a: ' * 400}no such gizmo"))) if t.startswith("error: ")]
    assert len(line) == 400
    assert line.endswith("a: no such gizmo")


@pytest.mark.parametrize(
    ("output", "decisive"),
    [
        (
            ["a.c:3: error: no gizmo", "a.c:9: error: no widget", "make: *** [all] Error 2"],
            "#2 0.000 a.c:3: error: no gizmo",
        ),
        (["warning: error in the cache ignored", "fine", "gizmo: not found"], "#2 0.200 gizmo: not found"),
    ],
)
def test_the_first_real_error_is_decisive(output: list[str], decisive: str) -> None:
    result = report(job(build(*output)))
    assert [e.text for e in result.excerpt if e.line == result.decisive] == [decisive]


def test_the_last_errors_of_a_script_are_decisive() -> None:
    result = report(
        job("$ make\nerror: survived\n" + "fine\n" * 30 + "a.c:3: error: no gizmo\nmake: *** [all] Error 2")
    )
    assert [e.text for e in result.excerpt if e.line == result.decisive] == ["a.c:3: error: no gizmo"]
    passed = report(job("$ make\nfine", result="Job succeeded"))
    assert passed.decisive is None


# --- a baseline -----------------------------------------------------------------------------------------------------

PASSED = job(
    "#2 [2/2] RUN make\n#2 0.1 ld: error: no cache, going on\n#2 0.2 compiled 17 files in 3.2s\n#2 0.3 linked\n#2 DONE 0.3s",
    result="Job succeeded",
)


def compared(log: str, **patterns: Any) -> Report:
    return diagnose(log.encode(), catalog(**patterns), baseline=Baseline("job 7", Log(PASSED.encode())))


def test_only_lines_that_are_new_are_shown() -> None:
    failed = job(
        build("ld: error: no cache, going on", "compiled 9 files in 12.9s", "frobnicate: no gizmo here", "linked")
    )
    result = compared(failed)
    shown = texts(result)
    assert not [t for t in shown if "no cache" in t or "compiled" in t or "linked" in t]
    assert any("frobnicate: no gizmo here" in t for t in shown)
    assert [e.text for e in result.excerpt if e.line == result.decisive] == ["#2 0.200 frobnicate: no gizmo here"]
    assert result.notes == ("Compared with job 7: lines that it has too are left out.",)
    assert result.signature == report(failed).signature


def test_what_the_job_printed_when_it_passed_is_not_the_first_answer() -> None:
    failed = job(build("ld: error: no cache, going on", "frobnicate: no gizmo here"))
    patterns = {"cache": pattern("lines = ['no cache, going on']"), "gizmo": pattern("lines = ['no gizmo here']")}
    assert [f.id for f in compared(failed, **patterns).findings] == ["gizmo", "cache"]


def test_a_job_that_prints_nothing_new_still_shows_its_end() -> None:
    shown = texts(compared(job(build("ld: error: no cache, going on"))))
    assert any(t.startswith("ERROR: Job failed") for t in shown)


# --- signatures of the same failure elsewhere -----------------------------------------------------------------------


def elsewhere(trace: str, draw: random.Random) -> str:
    """Return the trace of the same failure in another job: other times, numbers, digests, folders, runner, step ids."""
    trace = re.sub(r"(?m)^#2 ", f"#{draw.randint(3, 60)} ", trace)
    trace = re.sub(r"(?m)^(#\d+ )?\d+\.\d{3} ", lambda m: f"{m[1] or ''}{draw.uniform(0, 900):.3f} ", trace)
    trace = re.sub(r"[0-9a-f]{64}", lambda _: f"{draw.getrandbits(256):064x}", trace)
    trace = trace.replace("/builds/team/app", f"/builds/{draw.choice('abc')}{draw.randint(1, 99)}/x/y")
    trace = re.sub(r"/tmp/tmp\.\w+", lambda _: f"/tmp/tmp.{draw.choice('abc')}{draw.getrandbits(40):x}Q", trace)
    trace = trace.replace("runner-21 aBcD1xYz2", f"runner-{draw.randint(1, 99)} zZ{draw.getrandbits(20):x}")
    trace = re.sub(r"17\d{8}", lambda _: str(draw.randint(1_700_000_000, 1_799_999_999)), trace)
    trace = trace.replace("18.9.0 (6b5d8c1e)", f"17.{draw.randint(0, 11)}.1 ({draw.getrandbits(32):08x})")
    return timestamped(trace) if draw.random() < 0.5 else trace


DIGEST = "0123456789abcdef" * 4
FAILURES = [
    ["frobnicate: error: no gizmo in /builds/team/app/src/a.c:14 (took 3.2 s)"],
    ["frobnicate: error: no widget in /builds/team/app/src/a.c:14 (took 3.2 s)"],
    [f"layer sha256:{DIGEST} is corrupt"],
    ["cannot read /tmp/tmp.Xa8k2LmQ/list: no such file"],
    ["cannot write /tmp/tmp.Xa8k2LmQ/list: no such file"],
    ["fine", "error: gave up after 12 tries of 30s"],
    ["fine"],
    ["half way there"],
]


@pytest.mark.parametrize("output", FAILURES, ids=lambda output: output[-1][:30])
def test_the_same_failure_elsewhere_has_the_same_signature(output: list[str]) -> None:
    trace = job(build("compiling 3 files", *output))
    draw = random.Random(4)
    signatures = {report(elsewhere(trace, draw)).signature for _ in range(20)}
    assert signatures == {report(trace).signature}


def test_no_two_failures_have_the_same_signature() -> None:
    signatures = [report(job(build("compiling 3 files", *output))).signature for output in FAILURES]
    assert len(set(signatures)) == len(FAILURES)


# --- what is no whole log -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("log", "decisive"),
    [
        ("fatal: gizmo is not a widget", "fatal: gizmo is not a widget"),
        ("all is well\nfrobnicate: error: no gizmo\nmake: *** [all] Error 2\n", "frobnicate: error: no gizmo"),
        (
            job(build("frobnicate: error: no gizmo", *"abcdef")).partition("f\n#2 ERROR")[0],
            "#2 0.000 frobnicate: error: no gizmo",
        ),
    ],
)
def test_a_piece_without_an_end_shows_its_errors(log: str, decisive: str) -> None:
    result = report(log)
    assert (result.verdict, result.findings, result.signature) == ("unknown", (), None)
    assert [e.text for e in result.excerpt if e.line == result.decisive] == [decisive]


@pytest.mark.parametrize(
    "log", ["please help\nthanks", "$ ", "user@host:~$ docker build .", "<html>not here</html>", "a\0\1\2"]
)
def test_a_piece_without_errors_shows_nothing(log: str) -> None:
    result = report(log)
    assert (result.verdict, result.findings, result.excerpt, result.decisive) == ("unknown", (), (), None)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "Started by user admin\n[Pipeline] sh\n",
            "[Pipeline] }\nERROR: script returned exit code 3\nFinished: FAILURE\n",
        ),
        ("", "##[error]buildx failed with: exit code 3\nPost job cleanup.\n"),
        ("#!/bin/bash -eo pipefail\n", "\nExited with code exit status 1\n"),
    ],
)
def test_the_log_of_another_ci_system(before: str, after: str) -> None:
    result = report(before + build("fine", "frobnicate: error: no gizmo") + f"\n{after}")
    assert [e.text for e in result.excerpt if e.line == result.decisive] == ["#2 0.100 frobnicate: error: no gizmo"]


def test_rulers_are_not_worth_reading() -> None:
    assert not [t for t in texts(report(job(build(*"abc", "====", "-----")))) if set(t) <= set("-= ")]


def test_the_words_of_an_instruction_are_no_error() -> None:
    script = build("all is well", "make: *** [Makefile:7: all] Error 2").replace(
        "RUN make", "RUN echo 'error: no gizmo' && make"
    )
    result = report(job(script))
    assert [e.text for e in result.excerpt if e.line == result.decisive] == ["#2 0.000 all is well"]
