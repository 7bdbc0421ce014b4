"""Sections, commands, builds, steps, dumps, chains, service and daemon logs are found in every form a builder prints."""

import pytest

from bkdoctor.trace.layout import Layout, Step
from bkdoctor.trace.log import Log
from bkdoctor.trace.segment import segment
from tests.traces import job, timestamped

BUILD = """\
$ docker buildx build .
#0 building with "lab" instance using docker-container driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 90B done
#1 DONE 0.0s

#2 [linux/amd64 base 1/2] FROM docker.io/library/alpine:3.20
#2 CACHED

#3 [linux/arm64 base 2/2] RUN make
#3 0.101 cc -c main.c

#4 [linux/amd64 base 2/2] RUN make
#4 0.100 cc -c main.c
#3 0.300 main.c:1: error: boom
#4 0.400 ok
#4 DONE 0.5s
#3 ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 2
------
 > [linux/arm64 base 2/2] RUN make:
0.300 main.c:1: error: boom
------
Dockerfile:2
--------------------
   1 |     FROM alpine:3.20
   2 | >>> RUN make
   3 |
--------------------
ERROR: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2
"""


def layout_of(text: str) -> tuple[Log, Layout]:
    log = Log(text.encode())
    return log, segment(log)


def step(layout: Layout, step_id: str, build: int = 0) -> Step:
    return next(s for s in layout.steps if s.id == step_id and s.build == build)


def line_with(log: Log, text: str, nth: int = 0) -> int:
    return [n for n in log.numbers() if text in log.line(n).text][nth]


@pytest.mark.parametrize("style", [str, timestamped])
def test_sections_of_a_whole_job(style) -> None:  # type: ignore[no-untyped-def]
    log, layout = layout_of(style(job(BUILD)))
    assert [s.name for s in layout.sections] == [
        "prepare_executor",
        "get_sources",
        "step_script",
        "cleanup_file_variables",
    ]
    assert layout.failed_section().name == "step_script"  # type: ignore[union-attr]
    assert [c.text for c in layout.commands] == ["docker buildx build ."]
    assert layout.succeeded is False
    boom = log.line(line_with(log, "main.c:1: error: boom"))
    assert layout.section_at(boom.number).name == "step_script"  # type: ignore[union-attr]


def test_buildkit_steps_interleave() -> None:
    log, layout = layout_of(job(BUILD))
    arm, amd = step(layout, "#3"), step(layout, "#4")
    assert (arm.status, arm.title.platform, arm.title.stage, arm.title.instruction) == (
        "error",
        "linux/arm64",
        "base",
        "RUN",
    )
    assert (amd.status, amd.title.platform) == ("done", "linux/amd64")
    assert step(layout, "#2").status == "cached"
    assert layout.step_at(log.line(line_with(log, "#3 0.300"))) is arm
    assert layout.step_at(log.line(line_with(log, "#4 0.400"))) is amd


def test_dump_excerpt_and_chain() -> None:
    log, layout = layout_of(job(BUILD))
    dumped = log.line(line_with(log, "main.c:1: error: boom", 1))
    assert layout.place_at(dumped) == "dump"
    assert layout.step_at(dumped) is step(layout, "#3")
    assert (layout.dockerfile, layout.dockerfile_line, layout.pointed) == ("Dockerfile", 2, "RUN make")
    assert layout.in_excerpt(line_with(log, ">>> RUN make"))
    assert layout.place_at(log.line(line_with(log, "ERROR: failed to solve"))) == "chain"


def test_second_build_starts_its_numbers_again() -> None:
    log, layout = layout_of(
        BUILD.split("$ ")[1] + "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n"
    )
    assert len(layout.builds) == 2
    assert step(layout, "#1", 1).finished
    assert layout.step_at(log.line(len(log))) is step(layout, "#1", 1)


def test_nested_unclosed_and_stray_sections() -> None:
    text = (
        "section_start:1700000000:step_script\r\x1b[0Kscript\n"
        "section_start:1700000001:my_part[collapsed=true]\r\x1b[0Kpart\ninner\n"
        "section_end:1700000002:my_part\r\x1b[0K\n"
        "section_end:1700000002:never_opened\r\x1b[0Kouter\n"
        "section_start:1700000003:unclosed\r\x1b[0Klast\n"
    )
    log, layout = layout_of(text)
    assert layout.section_at(line_with(log, "inner")).name == "my_part"  # type: ignore[union-attr]
    assert layout.section_at(line_with(log, "outer")).name == "step_script"  # type: ignore[union-attr]
    assert layout.section_at(line_with(log, "last")).name == "unclosed"  # type: ignore[union-attr]
    assert layout.failed_section().name == "step_script"  # type: ignore[union-attr]


def test_sections_of_a_log_copied_from_the_page() -> None:
    text = (
        'Running with gitlab-runner 16.1.0 (abc)\n  on r aBcD1xYz2\nPreparing the "docker" executor\n00:05\n'
        "Using Docker executor with image docker:24 ...\nGetting source from Git repository\n00:01\n"
        'Executing "step_script" stage of the job script\n00:02\n$ docker build .\nerror\n'
        "Cleaning up project directory and file based variables\n00:00\nERROR: Job failed: exit code 1\n"
    )
    log, layout = layout_of(text)
    assert layout.section_at(line_with(log, "Using Docker")).name == "prepare_executor"  # type: ignore[union-attr]
    assert layout.failed_section().name == "step_script"  # type: ignore[union-attr]
    assert layout.place_at(log.line(line_with(log, "Job failed"))) == "runner"


def test_the_last_word_is_the_runners_where_the_scripts_section_never_ends() -> None:
    log, layout = layout_of(
        "section_start:1700000000:step_script\r\x1b[0KExecuting\n$ docker build .\nlast\nERROR: Job failed: execution took longer\n"
    )
    assert layout.place_at(log.line(line_with(log, "last"))) == "script"
    assert layout.place_at(log.line(line_with(log, "Job failed"))) == "runner"


def test_old_runner_without_section_titles() -> None:
    log, layout = layout_of(
        "Running with gitlab-runner 11.2.0\nCloning repository...\n$ make\nboom\nERROR: Job failed: exit status 1\n"
    )
    assert layout.section_at(line_with(log, "boom")).name == "step_script"  # type: ignore[union-attr]


def test_only_the_runners_green_lines_are_commands() -> None:
    _, layout = layout_of(
        job("$ make test").replace("section_end:1764164240", "$ not a command\nsection_end:1764164240")
    )
    assert [c.text for c in layout.commands] == ["make test"]


def test_collapsed_command_is_kept_as_echoed() -> None:
    _, layout = layout_of(job("$ for x in a b; do # collapsed multi-line command\nout"))
    assert layout.commands[0].text.endswith("# collapsed multi-line command")


def test_tty_progress_as_people_paste_it() -> None:
    text = (
        "[+] Building 3.2s (6/8) FINISHED\n => [internal] load build definition from Dockerfile          0.0s\n"
        " => CACHED [1/3] FROM docker.io/library/alpine                     0.0s\n"
        " => ERROR [2/3] RUN apk add nothing                                1.2s\n"
        " => => # fetch index\n------\n > [2/3] RUN apk add nothing:\n#5 0.9 ERROR: unable to select packages:\n------\n"
        "failed to solve: process did not complete\n"
    )
    log, layout = layout_of(text)
    failed = [s for s in layout.steps if s.failed]
    assert [(s.title.instruction, s.title.text) for s in failed] == [("RUN", "RUN apk add nothing")]
    assert layout.step_at(log.line(line_with(log, "unable to select"))) is failed[0]


def test_dump_alone_is_all_there_is_of_the_step() -> None:
    log, layout = layout_of(
        "------\n > [build 4/9] RUN npm ci:\n1.2 npm ERR! boom\n------\nerror: failed to solve: x\n"
    )
    found = layout.step_at(log.line(line_with(log, "npm ERR!")))
    assert found is not None
    assert (found.failed, found.title.stage, found.title.instruction) == (True, "build", "RUN")


@pytest.mark.parametrize(
    ("text", "instructions"),
    [
        ("Step 1/2 : FROM alpine\n ---> 1\nStep 2/2 : RUN false\n ---> Running in 2\nboom\n", ["FROM", "RUN"]),
        (
            'STEP 1/2: FROM alpine\nSTEP 2/2: RUN false\nboom\nError: building at STEP "RUN false": exit status 1\n',
            ["FROM", "RUN"],
        ),
        (
            "INFO[0001] FROM alpine\nINFO[0002] RUN false\nboom\nerror building image: error building stage: x\n",
            ["FROM", "RUN"],
        ),
        (
            "INFO[2022-02-18T03:28:31Z] FROM alpine\nINFO[2022-02-18T03:28:32+01:00] RUN false\nboom\nerror building image: error building stage: x\n",
            ["FROM", "RUN"],
        ),
    ],
)
def test_other_builders(text: str, instructions: list[str]) -> None:
    log, layout = layout_of(text)
    assert [s.title.instruction for s in layout.steps] == instructions
    assert layout.steps[0].finished
    assert not layout.steps[1].finished
    assert layout.step_at(log.line(line_with(log, "boom"))) is layout.steps[1]


def test_a_package_manager_in_a_step_prints_commands_that_are_not_the_jobs() -> None:
    text = "Step 2/2 : RUN yarn run build\n ---> Running in 2\nyarn run v1.22.22\n$ tsc -p .\nsh: 1: tsc: not found\n"
    log, layout = layout_of("$ docker build .\n" + text)
    assert [c.text for c in layout.commands] == ["docker build ."]
    found = layout.step_at(log.line(line_with(log, "not found")))
    assert found is not None
    assert found.title.instruction == "RUN"


def test_daemon_log_reaches_to_the_end_of_the_script() -> None:
    log, layout = layout_of(
        job("$ buildctl-daemonless.sh build\ncould not connect\n========== log ==========\n[rootlesskit] error\n")
    )
    assert layout.place_at(log.line(line_with(log, "[rootlesskit]"))) == "daemon-log"
    assert layout.place_at(log.line(line_with(log, "could not connect"))) == "script"
    assert layout.place_at(log.line(line_with(log, "Cleaning up"))) == "runner"


def test_a_command_ends_a_daemons_log_and_what_the_build_before_it_said() -> None:
    log, layout = layout_of(
        "$ buildctl-daemonless.sh build || true\n========== log ==========\n[rootlesskit] error\n"
        f"{BUILD}$ docker push app\nERROR: no such host\n"
    )
    assert layout.place_at(log.line(line_with(log, "[rootlesskit]"))) == "daemon-log"
    assert layout.place_at(log.line(line_with(log, "#3 0.101"))) == "step"
    assert layout.chains == [line_with(log, "ERROR: failed to solve")]


def test_service_block() -> None:
    text = (
        "*** WARNING: Service runner-x-docker-0 probably didn't start properly.\nService container logs:\n"
        "mount: permission denied (are you root?)\n*********\nPulling docker image\n"
    )
    log, layout = layout_of(text)
    assert layout.place_at(log.line(3)) == "service"
    assert layout.place_at(log.line(5)) is None


def test_log_limit_is_told() -> None:
    _, layout = layout_of(
        "x\n\x1b[33;1mJob's log exceeded limit of 4194304 bytes.\nJob execution will continue\x1b[0;m\n"
    )
    assert layout.cut_by_limit == 2


def test_a_booting_builder_prints_lines_that_are_no_headings() -> None:
    text = (
        "#1 [internal] booting buildkit\n#1 pulling image moby/buildkit:buildx-stable-1\n"
        "#1 pulling image moby/buildkit:buildx-stable-1 1.0s done\n#1 creating container buildx_buildkit_lab0\n"
        "#1 ERROR: Error response from daemon: x\n------\n > [internal] booting buildkit:\n------\nERROR: x\n"
    )
    _, layout = layout_of(text)
    assert [(s.title.name, s.status) for s in layout.steps] == [("[internal] booting buildkit", "error")]
    assert len(layout.builds) == 1


def test_of_very_many_marked_lines_the_first_and_the_last_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bkdoctor.trace.surveyor.MOST_MARKED", 3)
    monkeypatch.setattr("bkdoctor.trace.segment.MOST_MARKED", 3)
    headings = "".join(f"#{n} [1/2] RUN make\n" for n in range(9))
    in_dump = "------\n > [a] RUN x:\n" + headings[18:]
    for text, unread in ((headings, (4, 8)), (in_dump, (5, 9))):
        layout = segment(Log(text.encode() + b"#8 ERROR: it is gone\n"))
        assert layout.unread == unread
        assert layout.steps[-1].id == "#8"
        assert layout.steps[-1].failed
        assert [block.span.stop for block in layout.dumps] == [5] * text.startswith("---")


@pytest.mark.parametrize("newer", ["INFO[0005] Initializing snapshotter ...\n", ""])
def test_kanikos_first_snapshot_does_not_end_the_step_before_it(newer: str) -> None:
    text = (
        f"INFO[0005] RUN make\n{newer}INFO[0005] Taking snapshot of full filesystem...\n"
        "INFO[0006] Cmd: /bin/sh\nINFO[0006] Args: [-c make]\nINFO[0006] Running: [/bin/sh -c make]\nboom\n"
        "error building image: error building stage: failed to execute command: waiting for process to exit: x\n"
    )
    log, layout = layout_of(text)
    assert [(s.title.text, s.status) for s in layout.steps] == [("RUN make", "error")]
    assert layout.step_at(log.line(line_with(log, "boom"))) is layout.steps[0]


def test_what_a_program_says_in_a_classic_step_is_not_the_builders() -> None:
    log, layout = layout_of("Step 2/2 : RUN cargo build\n ---> Running in 1f31\nerror: failed to load manifest\nboom\n")
    assert (layout.chains, layout.place_at(log.line(3))) == ([], "step")


def test_compose_names_the_target_that_it_could_not_solve() -> None:
    log, layout = layout_of(BUILD.replace("ERROR: failed to solve", "target web: failed to solve"))
    assert layout.chains == [line_with(log, "target web")]


def test_what_is_printed_behind_a_classic_build_that_went_well_is_the_scripts() -> None:
    text = (
        "Step 1/1 : RUN pip install x\n ---> Running in 0123456789ab\nSuccessfully built x\nboom\n"
        " ---> 2a2b3c4d5e6f\nSuccessfully built 2a2b3c4d5e6f\nSuccessfully tagged app:latest\nsh: trivy: not found\n"
    )
    log, layout = layout_of(text)
    assert [layout.step_at(log.line(n)) is not None for n in range(1, 9)] == [True] * 6 + [False] * 2
    assert layout.steps[0].status == "done"
