"""Ranking: a cause beats its wrapper and its symptoms, a failed step beats a recovered one, hints are never alone."""

from tests.catalogs import found, pattern, report
from tests.test_segment import BUILD
from tests.traces import job

LOG = job("$ docker build .\nwrapper: it failed\ncause: the reason")
WRAPPER = "lines = ['wrapper: it failed']"
CAUSE = "lines = ['cause: the reason']"


def test_the_earlier_line_decides_where_nothing_else_does() -> None:
    assert found(LOG, a=pattern(CAUSE), b=pattern(WRAPPER)) == ["b", "a"]


def test_masks_and_yields_to() -> None:
    assert found(LOG, a=pattern(CAUSE, masks=["b"]), b=pattern(WRAPPER)) == ["a"]
    assert found(LOG, a=pattern(CAUSE), b=pattern(WRAPPER, yields_to=["a"])) == ["a"]
    assert found(LOG, deep__a=pattern(CAUSE), b=pattern(WRAPPER, yields_to=["deep/*"])) == ["a"]
    assert found(LOG, a=pattern(CAUSE, aliases=["old"]), b=pattern(WRAPPER, yields_to=["old"])) == ["a"]


def test_masking_stays_within_a_step() -> None:
    build = BUILD.replace("#4 DONE 0.5s", "#4 ERROR: process failed").replace(
        "#4 0.400 ok", "#4 0.400 wrapper: it failed"
    )
    strong = pattern("lines = ['main.c:1: error']", masks=["weak"])
    assert set(found(job(build), strong=strong, weak=pattern(WRAPPER))) == {"strong", "weak"}


def test_roles() -> None:
    assert found(LOG, a=pattern(CAUSE), b=pattern(WRAPPER, role="symptom")) == ["a"]
    assert found(LOG, b=pattern(WRAPPER, role="symptom")) == ["b"]
    assert found(LOG, a=pattern(CAUSE), b=pattern(WRAPPER, role="hint")) == ["a", "b"]
    assert found(LOG, b=pattern(WRAPPER, role="hint")) == []


def test_generic_alone_is_unknown() -> None:
    alone = report(LOG, b=pattern(WRAPPER, generic=True))
    assert (alone.verdict, [f.id for f in alone.findings]) == ("unknown", ["b"])
    assert alone.excerpt
    assert alone.signature
    both = report(LOG, a=pattern(CAUSE), b=pattern(WRAPPER, generic=True))
    assert (both.verdict, [f.id for f in both.findings]) == ("diagnosed", ["a"])


def test_confidence() -> None:
    assert found(LOG, a=pattern(CAUSE), b=pattern(WRAPPER, confidence="low")) == ["a", "b"]


def test_the_failed_step_beats_lines_outside() -> None:
    outside = BUILD.rstrip() + "\nwrapper: it failed\n"
    assert found(job(outside), a=pattern("lines = ['main.c:1: error']"), b=pattern(WRAPPER)) == ["a", "b"]


def test_at_most_five_findings_and_twelve_lines() -> None:
    log = job("$ make\n" + "cause: the reason\n" * 40)
    many = {f"p{n}": pattern(CAUSE) for n in range(8)}
    result = report(log, None, **many)
    assert len(result.findings) == 5
    assert len(result.findings[0].evidence) == 12


def test_a_survived_cache_import_is_no_cause() -> None:
    build = BUILD.replace(
        "#2 [linux/amd64 base 1/2]",
        "#9 importing cache manifest from registry.example.com/app:cache\n#9 ERROR: cause: the reason\n\n#2 [linux/amd64 base 1/2]",
    )
    assert found(job(build), x=pattern(CAUSE)) == []


def test_a_generic_pattern_never_masks_one_that_says_why() -> None:
    assert found(LOG, a=pattern(CAUSE, yields_to=["run/*"]), b=pattern(WRAPPER, generic=True)) == ["a"]


def test_in_a_run_step_the_later_of_two_equal_causes_counts() -> None:
    build = BUILD.replace(
        "#3 0.300 main.c:1: error: boom", "#3 0.200 survived: no such host\n#3 0.300 main.c:1: error: boom"
    )
    early, late = pattern("lines = ['survived: no such host']"), pattern("lines = ['main.c:1: error']")
    assert found(job(build), a=early, b=late) == ["b", "a"]
    assert found(job("$ make\nsurvived: no such host\nmain.c:1: error: x"), a=early, b=late) == ["a", "b"]


def run_step(*lines: str) -> str:
    output = "".join(f"#7 {n}.1 {line}\n" for n, line in enumerate(lines))
    error = 'ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 1'
    return f"#7 [2/2] RUN make\n{output}#7 {error}\n"


EARLY = "lines = ['early: the first']"
LATE = "lines = ['late: error two']"


def test_a_run_step_that_went_on_for_long_is_explained_by_what_came_last() -> None:
    strong, weak = pattern(EARLY), pattern(LATE, confidence="low")
    assert found(run_step("early: the first", "late: error two"), a=strong, b=weak) == ["a", "b"]
    far = run_step("early: the first", *["some words"] * 9, "late: error two")
    assert found(far, a=strong, b=weak) == ["b", "a"]
    again = run_step("early: the first", *["some words"] * 9, "early: the first", "late: error two")
    assert found(again, a=strong, b=weak) == ["a", "b"]


def test_what_a_program_that_ended_well_is_behind_is_no_answer() -> None:
    log = run_step("early: the first", "Successfully installed flask-3.0.0", "late: error two")
    assert found(log, a=pattern(EARLY, masks=["b"]), b=pattern(LATE)) == ["b"]
    assert found(log, a=pattern(EARLY)) == []
    assert found(log, apt_a=pattern(EARLY, masks=["apt-b"]), apt_b=pattern(LATE)) == ["apt-a"]
    alone = run_step("early: the first", "Successfully installed flask-3.0.0", "no word of that kind")
    assert found(alone, a=pattern(EARLY)) == ["a"]


def test_dpkg_goes_on_to_triggers_before_it_tells_its_errors() -> None:
    log = run_step(
        "early: the first", "Processing triggers for libc-bin (2.36) ...",
        "Errors were encountered while processing:", " app", "E: Sub-process returned an error code (1)",
    )  # fmt: skip
    assert found(log, a=pattern(EARLY)) == ["a"]
