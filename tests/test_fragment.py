"""Pieces of a log that say neither how the job ended nor which step failed."""

import pytest

from tests.catalogs import pattern, report

ANY = pattern("lines = ['error: <what>', 'WARN[0002] no layer <what>']")


def found(log: str) -> list[str]:
    return [f.id for f in report(log, x=ANY).findings]


@pytest.mark.parametrize(
    "log",
    [
        "error: gone\n",
        "Setting up curl (8.5.0) ...\nerror: gone\n",
        "error: gone\nsee the manual for what that means\n",
        "#7 [2/3] RUN make\n#7 0.4 error: gone\n",
        # steps of another stage run side by side
        "#7 [build 2/3] RUN make\n#7 0.4 error: gone\n#8 [web 2/5] COPY . .\n",
        # not coloured: somebody's own shell, where a command that fails ends nothing
        "$ make\nerror: gone\n$ which make\n(empty)\n",
    ],
)
def test_a_piece_that_ends_with_its_error_is_explained(log: str) -> None:
    assert found(log) == ["x"]


@pytest.mark.parametrize(
    "behind",
    [
        "Setting up curl (8.5.0) ...\n",
        "Installing collected packages: flask\n",
        "f0aaadacf8ad: Pull complete\n",
        "test_disk_full: simulated ... ok\n",
        "one more line\n" * 30,
        "\x1b[32;1m$ make install\x1b[0;m\n",
        "section_start:1700000000:step_script\r\x1b[0K\nhello\n",
    ],
)
def test_what_the_job_went_on_behind_is_no_answer(behind: str) -> None:
    result = report("error: gone\n" + behind, x=ANY)
    assert (result.verdict, result.findings) == ("unknown", ())


@pytest.mark.parametrize(
    "behind",
    ["#8 [build 3/3] COPY . .\n", "#8 exporting to image\n", "#0 building with x\n#1 [internal] load .dockerignore\n"],
)
def test_a_step_that_needs_the_one_before_tells_that_it_went_well(behind: str) -> None:
    assert found("#7 [build 2/3] RUN make\n#7 0.4 error: gone\n" + behind) == []


def test_a_command_that_may_fail_is_no_answer() -> None:
    assert found("\x1b[32;1m$ docker pull app || true\x1b[0;m\nerror: gone\n") == []
    assert found("#7 [2/3] RUN make test || true\n#7 0.4 error: gone\n") == []


def test_what_a_builder_only_warns_of_is_no_end() -> None:
    assert found("INFO[0001] No cached layer\nWARN[0002] no layer a\n") == []


def test_after_script_never_fails_a_job() -> None:
    assert found("section_start:1700000000:after_script\r\x1b[0K\n\x1b[32;1m$ x\x1b[0;m\nerror: gone\n") == []


def test_the_words_of_a_failed_job_before_other_lines_are_not_its_end() -> None:
    log = "=== RUN   TestTrace\n    trace_test.go:4: ERROR: Job failed: error: gone\n--- PASS: TestTrace (0.01s)\n"
    assert report(log, x=ANY).verdict == "unknown"


def test_a_builders_error_before_another_build_is_not_its_end() -> None:
    log = (
        "#7 [2/2] RUN make\n#7 0.4 error: gone\n"
        '#7 ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 2\n'
        "#0 building with x\n#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n#2 [1/2] FROM a\n"
    )
    assert found(log) == []
