"""Logs copied from elsewhere: a time before each line hides nothing, and the numbers stay those of the log."""

import pytest

from bkdoctor.doctor import diagnose
from bkdoctor.model import Report
from bkdoctor.trace.log import Log
from tests.catalogs import ours
from tests.traces import timestamped

LINES = """\
#5 [2/3] RUN make
#5 0.211 cc -c main.c
#5 0.300 main.c:3:10: fatal error: zlib.h: No such file or directory

#5 ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 2
------
 > [2/3] RUN make:
0.211 cc -c main.c
0.300 main.c:3:10: fatal error: zlib.h: No such file or directory
------
Dockerfile:2
--------------------
   1 |     FROM alpine:3.20
   2 | >>> RUN make
--------------------
ERROR: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2""".split("\n")
TIMES = [
    "2026-03-16T08:00:{:02d}Z ",
    "2026-03-16T08:00:{:02d}.1234567Z ",
    "2026-03-16T08:00:{:02d}.123+01:00 ",
    "image\tBuild and push\t2026-03-16T08:00:{:02d}.1234567Z ",
    "image\tBuild and push\t\ufeff2026-03-16T08:00:{:02d}.1234567Z ",
]


def report(lines: list[str]) -> Report:
    return diagnose("\n".join(lines).encode(), ours())


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("time", TIMES)
def test_a_time_before_every_line_changes_nothing(time: str, mark: str) -> None:
    timed = [time.format(second) + line for second, line in enumerate(LINES)]
    assert report([mark + timed[0], *timed[1:]]) == report(LINES)


def test_a_few_lines_without_a_time_are_taken_as_they_are() -> None:
    timed = [TIMES[0].format(second) + line for second, line in enumerate(LINES)]
    timed[1] = LINES[1]
    assert report(timed) == report(LINES)


def test_a_log_in_which_some_lines_begin_with_a_time_keeps_them() -> None:
    lines = [TIMES[0].format(1) + "mount: permission denied", *LINES]
    assert Log("\n".join(lines).encode()).line(1).text == lines[0]


def test_headers_of_gitlab_are_left_to_the_cleaning() -> None:
    log = Log(timestamped("\n".join(LINES)).encode())
    assert log.timestamped
    assert log.line(1).text == LINES[0]
