"""A try that a tool repeats, a cache that it does without, a command before a build that went well: none ended the job."""

import pytest

from tests.catalogs import found, pattern
from tests.traces import job

REFUSED = "DENIED: requested access to the resource is denied"
X = pattern(f"lines = ['{REFUSED}']")


@pytest.mark.parametrize(
    "line",
    [
        "WARN[0020] error uploading layer to cache: failed to push to destination r.example/c:1: {}",
        "WARN[2026-02-18T03:28:31Z] Error uploading layer to cache: failed to push to destination r.example/c:1: {}",
        "ERRO[0000] Error while retrieving image from cache: alpine:3 {}",
        "WARN[0001] Failed to retrieve image alpine:3 from remapped registry r.example: {}. Will try with the next",
        "WARN[0021] Retrying operation after 1s due to PUT https://r.example/v2/x/manifests/1: {}",
        "WARN[0030] Failed, retrying in 1s ... (1/3). Error: writing blob: {}",
        'time="2026-02-18T03:28:31Z" level=warning msg="Failed, retrying in 1s ... (1/3). Error: writing blob: {}"',
        'time="2026-02-18T03:28:31Z" level=info msg="trying next host" error="{}" host=mirror.example',
        "\x1b[33mWARN\x1b[0m[0020] error uploading layer to cache: failed to push to destination r.example/c:1: {}",
    ],
)
def test_what_a_tool_went_on_after_is_never_blamed(line: str) -> None:
    said = line.format(REFUSED)
    assert found(job(f"$ build\n{said}\nINFO[0040] Taking snapshot of files...\nother"), x=X) == []
    assert found(job(f"$ build\n{said}\nerror pushing image: {REFUSED}"), x=X) == ["x"]


def test_a_piece_of_a_log_is_read_alike() -> None:
    said = f"WARN[0020] error uploading layer to cache: failed to push to destination r.example/c:1: {REFUSED}"
    end = "error building image: error building stage: failed to execute command: waiting for process to exit: exit status 7"
    assert found(f"INFO[0006] RUN ./generate\n{said}\nno title\n{end}\n", x=X) == []


GOOD = "#1 [1/2] FROM alpine\n#1 DONE 0.1s\n\n#2 [2/2] RUN make\n#2 0.1 cc\n#2 DONE 0.3s\n"
BAD = GOOD.replace("#2 DONE 0.3s", '#2 ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 2')
EARLY = pattern("lines = ['error: early']")


def test_what_came_before_a_build_that_went_well_is_no_cause() -> None:
    block = "$ ./build.sh # collapsed multi-line command\n"
    assert found(job(f"{block}error: early\n{GOOD}late"), x=EARLY) == []
    assert found(job(f"{block}{GOOD}error: early"), x=EARLY) == ["x"]
    assert found(job(f"{block}error: early\nlate"), x=EARLY) == ["x"]
    other = BAD.replace("RUN make", "COPY a b").replace('process "/bin/sh -c make" did not complete', "no")
    assert found(job(f"{block}error: early\n{other}"), x=EARLY) == ["x"]


def test_a_clients_warning_before_a_build_may_count_after_it() -> None:
    warned = f"$ ./build.sh\nWARNING: error: early\n{GOOD}late"
    assert found(job(warned), x=EARLY) == ["x"]
