"""Matching: scopes, places, steps, sequences, requires and excludes; echoes of commands are not their outcome."""

import pytest

from bkdoctor.model import Facts
from tests.catalogs import found, pattern, report
from tests.test_segment import BUILD
from tests.traces import job, timestamped

BOOM = "lines = ['error: <what>']"


def test_captures_and_evidence_in_a_failed_step() -> None:
    result = report(job(BUILD), boom=pattern("lines = ['<file:path>:<line:int>: error: <what>']"))
    finding = result.findings[0]
    assert finding.captures == {"file": "main.c", "line": "1", "what": "boom"}
    assert finding.location.step == "[linux/arm64 base 2/2] RUN make"
    assert (finding.location.dockerfile, finding.location.dockerfile_line) == ("Dockerfile", 2)
    assert [e.text for e in finding.evidence] == ["#3 0.300 main.c:1: error: boom", "0.300 main.c:1: error: boom"]


def test_three_printings_are_one_finding() -> None:
    chain = pattern("lines = ['did not complete successfully: exit code: <code:int>']")
    result = report(job(BUILD), chain=chain)
    assert [f.id for f in result.findings] == ["chain"]
    assert len(result.findings[0].evidence) == 2


def test_a_finished_step_is_never_blamed() -> None:
    assert (
        found(job(BUILD.replace("#4 0.400 ok", "#4 0.400 error: survived")), x=pattern("lines = ['error: survived']"))
        == []
    )


def test_an_earlier_command_is_never_blamed() -> None:
    assert found(job("$ make\nerror: early\n$ docker build .\nother"), x=pattern("lines = ['error: early']")) == []
    assert found(job("$ make\nok\n$ docker build .\nerror: late"), x=pattern("lines = ['error: late']")) == ["x"]


def test_clean_up_and_finished_sections_are_never_blamed() -> None:
    trace = (
        job("$ docker build .\nx")
        .replace("Checking out", "error: source\nChecking out")
        .replace("Cleaning up", "error: cleanup")
    )
    assert found(trace, x=pattern(BOOM)) == []


def test_a_fragment_without_runner_lines_matches() -> None:
    assert found("$ docker build .\nerror: something\n$ echo\n", x=pattern(BOOM)) == ["x"]


@pytest.mark.parametrize("split", ["er\x1b[31mror: bo\x1b[0mom", "noise\rerror: boom", "\x1b[1merror: boom\x1b[0m"])
def test_codes_do_not_hide_a_literal(split: str) -> None:
    assert found(job(f"$ make\n{split}"), x=pattern("lines = ['error: boom']")) == ["x"]


def test_a_continued_line_does_not_hide_a_literal() -> None:
    trace = timestamped(job("$ make\nerr\x00or: boom")).replace("err\x00", "err\n2026-03-12T10:10:00.107313Z 00O+")
    result = report(trace, x=pattern("lines = ['error: boom']"))
    assert [f.id for f in result.findings] == ["x"]
    assert trace.split("\n")[result.findings[0].evidence[0].line - 1].endswith("err")


def test_commands_and_dockerfile_lines_are_not_output() -> None:
    build = BUILD.replace("RUN make", "RUN make || echo error: boom").replace("make: ", "make || echo error: boom: ")
    build = build.replace("main.c:1: error: boom", "main.c:1: other").replace(
        '-c make"', '-c make || echo error: boom"'
    )
    assert found(job(build), x=pattern("lines = ['error: boom']")) == []
    assert found(job("$ make || echo error: boom\n+ echo error: boom\nx"), x=pattern("lines = ['error: boom']")) == []


def test_sequence_follows_the_step_not_the_log() -> None:
    sequence = pattern("lines = [['cc -c <file>', '<...>error: boom']]")
    assert found(job(BUILD), x=sequence) == ["x"]
    assert found(job(BUILD), x=pattern("lines = [['error: boom', 'cc -c']]")) == []


def test_place_and_section() -> None:
    trace = job("$ docker build .\nerror: x")
    assert found(trace, x=pattern(BOOM + "\nplace = ['runner']")) == []
    assert found(trace, x=pattern(BOOM + "\nplace = ['script']")) == ["x"]
    assert found(trace, x=pattern(BOOM + "\nsections = ['get_sources']")) == []
    assert found("error: x\n", x=pattern(BOOM + "\nplace = ['runner']\nsections = ['get_sources']")) == ["x"]


def test_step_conditions() -> None:
    for condition, expected in [
        ("instruction = ['RUN']", True),
        ("instruction = ['COPY']", False),
        ("text = 'RUN <what:word>'", True),
        ("text = 'RUN test'", False),
        ("platform = 'foreign'", True),
        ("siblings = 'passed'", True),
        ("siblings = 'failed'", False),
    ]:
        matched = found(job(BUILD), x=pattern(f"lines = ['error: boom']\nstep = {{ {condition} }}"))
        assert bool(matched) is expected, condition


@pytest.mark.parametrize(("scope", "matches"), [("line", False), ("step", False), ("section", True), ("job", True)])
def test_reach_of_requires(scope: str, matches: bool) -> None:
    needs = pattern(f"lines = ['error: boom']\nscope = '{scope}'\nrequires = ['ok']")
    assert (found(job(BUILD), x=needs) == ["x"]) is matches


def test_requires_gives_captures_and_evidence() -> None:
    needs = pattern("lines = ['error: boom']\nrequires = ['cc -c <source:path>']")
    finding = report(job(BUILD), x=needs).findings[0]
    assert finding.captures == {"source": "main.c"}
    assert finding.evidence[0].text.endswith("error: boom")
    assert any(e.text == "#3 0.101 cc -c main.c" for e in finding.evidence)


def test_excludes_and_their_own_reach() -> None:
    assert found(job(BUILD), x=pattern("lines = ['error: boom']\nexcludes = ['cc -c']")) == []
    far = pattern("lines = ['error: boom']\nexcludes = [{ line = 'Checking out', scope = 'job', place = ['runner'] }]")
    assert found(job(BUILD), x=far) == []
    near = pattern("lines = ['error: boom']\nexcludes = [{ line = 'Checking out', scope = 'job', place = ['script'] }]")
    assert found(job(BUILD), x=near) == ["x"]


def test_condition_on_the_step_of_another_line() -> None:
    of = "requires = [{ line = 'transferring dockerfile', scope = 'job', step = '%s' }]"
    assert found(job(BUILD), x=pattern("lines = ['error: boom']\n" + of % "load build definition")) == ["x"]
    assert found(job(BUILD), x=pattern("lines = ['error: boom']\n" + of % "load .dockerignore")) == []


def test_failure_reason_alone_or_a_line() -> None:
    stuck = pattern("facts = { failure_reason = ['stuck'] }\nlines = ['never picked']")
    assert found("", Facts(failure_reason="stuck"), x=stuck) == ["x"]
    assert found("never picked\n", x=stuck) == ["x"]
    assert found("", Facts(failure_reason="other"), x=stuck) == []


def test_other_facts_restrict() -> None:
    only = pattern("facts = { executor = ['kubernetes'] }\n" + BOOM)
    assert found(job("$ x\nerror: y", executor="kubernetes"), x=only) == ["x"]
    assert found(job("$ x\nerror: y"), x=only) == []


def test_a_regex_without_time_is_not_judged_and_said_so() -> None:
    slow = pattern("lines = [{ regex = '''x(\\w*\\w*\\w*)*-$''', literal = 'xa' }]")
    result = report(job("$ make\nx" + "a" * 30_000 + "!"), slow=slow, other=pattern("lines = ['Job failed']"))
    assert any("slow ran out of time" in note for note in result.notes)
    assert [f.id for f in result.findings] == ["other"]


def test_sequence_passes_over_blank_lines() -> None:
    assert found(
        "unknown flag: --x\n\nUsage:  docker\n", x=pattern("lines = [['unknown flag', 'Usage:  docker']]")
    ) == ["x"]


STEP = """\
$ docker buildx build .
#1 [internal] load build definition from Dockerfile
#1 DONE 0.0s

#2 [2/2] RUN ./install.sh
#2 0.100 first: no such file
#2 0.200 two
#2 0.300 three
#2 0.400 all packages installed
#2 0.500 last: no such file
#2 0.600 bye
#2 ERROR: process "/bin/sh -c ./install.sh" did not complete successfully: exit code: 1
------
 > [2/2] RUN ./install.sh:
0.500 last: no such file
0.600 bye
------
ERROR: failed to solve: process "/bin/sh -c ./install.sh" did not complete successfully: exit code: 1
"""


def test_near_end_leaves_out_what_the_step_went_on_after() -> None:
    near = pattern("lines = ['first: no such file']\nnear_end = 2")
    assert found(job(STEP), x=near) == []
    assert found(job(STEP), x=pattern("lines = ['first: no such file']\nnear_end = 5")) == ["x"]
    assert found(job(STEP), x=pattern("lines = ['last: no such file']\nnear_end = 1")) == ["x"]


def test_survived_by_minds_the_order() -> None:
    first = pattern("lines = ['first: no such file']\nsurvived_by = ['packages installed']")
    last = pattern("lines = ['last: no such file']\nsurvived_by = ['packages installed']")
    assert found(job(STEP), x=first) == []
    assert found(job(STEP), x=last) == ["x"]


def test_what_came_before_a_build_that_ran_a_command_is_no_cause() -> None:
    script = STEP.replace("#1 [internal]", "warning: no such host\n#1 [internal]", 1)
    assert found(job(script), x=pattern("lines = ['no such host']")) == []
    pull = script.replace("ERROR: process", "ERROR: other").replace(
        "[2/2] RUN ./install.sh", "[internal] load metadata"
    )
    assert found(job(pull), x=pattern("lines = ['no such host']")) == ["x"]


def test_a_programs_error_line_in_an_unmarked_step_is_output() -> None:
    classic = (
        "Step 1/2 : FROM alpine\n ---> 1\nStep 2/2 : RUN cargo build\n ---> Running in 2\nerror: no manifest\nmore\n"
    )
    only_step = pattern("lines = ['error: no manifest']\nplace = ['step']")
    assert found(classic + "The command '/bin/sh -c cargo build' returned a non-zero code: 101\n", x=only_step) == ["x"]
    kaniko = "INFO[0001] RUN pip install a || true\nERROR: no match\nINFO[0002] Taking snapshot of full filesystem...\nINFO[0003] RUN make\nboom\nerror building image: error building stage: x\n"
    assert found(kaniko, x=pattern("lines = ['ERROR: no match']"), y=pattern("lines = ['boom']")) == ["y"]


def test_near_end_does_not_count_what_the_callers_of_a_failed_program_add() -> None:
    callers = "".join(
        f"#2 0.61 {line}\n" for line in ("npm ERR! code ELIFECYCLE", "npm ERR!", "make[1]: *** [all] Error 1")
    )
    trace = STEP.replace("#2 0.600 bye\n", callers)
    assert trace != STEP
    assert found(job(trace), x=pattern("lines = ['last: no such file']\nnear_end = 0")) == ["x"]


def test_what_a_step_printed_whose_heading_is_cut_off_was_survived_if_the_builder_went_on() -> None:
    early, late = pattern("lines = ['Error: Unable to find <what>']"), pattern("lines = ['<what>: command not found']")
    said = "Error: Unable to find a match: x\n"
    assert report(said, early=early).findings
    log = (
        f"{said}Removing intermediate container a8bbc3ec772a\n ---> 89b4cefc2f7d\nStep 5/5 : RUN git clone y\n"
        " ---> Running in 55f15d3c581c\n/bin/sh: git: command not found\n"
    )
    assert [f.id for f in report(log, early=early, late=late).findings] == ["late"]


def test_a_line_with_a_builders_time_before_it_is_no_line_of_the_jobs_script() -> None:
    script = pattern("place = ['script']\nlines = ['<what>: command not found']")
    assert report("/bin/sh: line 1: groupadd: command not found\n", x=script).findings
    assert not report("49.71 /bin/sh: line 1: groupadd: command not found\n", x=script).findings
