"""Verdicts: empty, passed, diagnosed, unknown."""

import pytest

from bkdoctor.model import Facts
from tests.catalogs import pattern, report
from tests.traces import job, timestamped

ANY = pattern("lines = ['error: <what>', 'ERROR: Job failed']")


def verdict(log: str, known: Facts | None = None) -> str:
    return report(log, known, x=ANY).verdict


@pytest.mark.parametrize("log", ["", "\n\n", "\x1b[0K\r\n", "section_start:1700000000:step_script\r\x1b[0K\n", "   \n"])
def test_empty(log: str) -> None:
    assert verdict(log) == "empty"


@pytest.mark.parametrize("style", [str, timestamped])
def test_passed_by_the_runners_last_line(style) -> None:  # type: ignore[no-untyped-def]
    assert (
        verdict(style(job("$ make\nerror: survived\nERROR: Job failed: exit code 1", result="Job succeeded")))
        == "passed"
    )


def test_a_test_that_prints_the_runners_words_does_not_count() -> None:
    assert verdict(job("$ make\nJob succeeded\nerror: x")) == "diagnosed"
    cut = job("$ make\nJob succeeded").split("section_end:1764164240")[0]
    assert verdict(cut) != "passed"


def test_the_api_goes_before_the_log() -> None:
    assert verdict("error: x\n", Facts(status="success")) == "passed"


def test_builder_alone() -> None:
    done = "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n#5 exporting to image\n#5 DONE 0.1s\n"
    assert verdict(done) == "passed"
    assert verdict("Step 1/1 : FROM alpine\n ---> 1\nSuccessfully built 1\nSuccessfully tagged a:1\n") == "passed"
    assert verdict(done + "error: failed to push\n") == "diagnosed"


def test_a_builder_that_did_nothing_yet_and_one_before_an_error_have_not_passed() -> None:
    bake = "[+] Building 0.0s (1/1) FINISHED\n => [internal] load local bake definitions     0.0s\n"
    assert verdict(f"{bake}required variable VERSION is missing a value\n") == "unknown"
    built = "#1 [1/2] FROM alpine:3.20\n#1 DONE 0.0s\n#2 [2/2] RUN make\n#2 DONE 0.1s\n"
    assert verdict(built) == "passed"
    assert verdict(f"{built}the image is there\n") == "passed"
    assert verdict(f"{built}deploy: permission denied\n") == "unknown"


def test_a_cut_log_is_not_passed() -> None:
    assert (
        verdict("#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n#2 [1/2] RUN make\n#2 0.1 x\n")
        == "unknown"
    )


def test_a_fragment_without_end_is_unknown_and_has_no_finding() -> None:
    result = report("hello\nworld\n", x=ANY)
    assert (result.verdict, result.findings) == ("unknown", ())


def test_unknown_failure_has_an_excerpt() -> None:
    result = report(job("$ make\nsomething odd happened\nfatal: the printer is on fire"))
    assert result.verdict == "unknown"
    assert any("printer" in e.text for e in result.excerpt)
    assert result.excerpt[-1].text == "ERROR: Job failed: exit code 1"


@pytest.mark.parametrize(
    "last",
    [
        "executor failed running [/bin/sh -c make]: exit code: 2",
        '"make" did not complete successfully: exit code: 2',
        "The command '/bin/sh -c make' returned a non-zero code: 2",
    ],
)
def test_a_builders_word_on_a_program_is_a_failure_whatever_stands_before(last: str) -> None:
    said = report(f"boom\n{last}\n", x=pattern("lines = ['<start>boom<end>']", generic=True))
    assert (said.verdict, [f.id for f in said.findings]) == ("unknown", ["x"])
