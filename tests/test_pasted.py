"""Logs copied from elsewhere: what stands before each line hides nothing, and the numbers stay those of the log."""

import html

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
    "[2026-03-16T08:00:{:02d}.123Z] ",
    "[2026-03-16 08:00:{:02d},123] ",
    "2026-03-16 08:00:{:02d}.123 ",
    "08:00:{:02d}  ",
    "08:00:{:02d} ",
    "[08:00:{:02d}] ",
    "    ",
]


def report(lines: list[str]) -> Report:
    return diagnose("\n".join(lines).encode(), ours())


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("time", TIMES)
def test_a_time_before_every_line_changes_nothing(time: str, mark: str) -> None:
    timed = [time.format(second) + line for second, line in enumerate(LINES)]
    assert report([mark + timed[0], *timed[1:]]) == report(LINES)


def test_a_quote_hides_nothing_and_is_shown() -> None:
    plain, quoted = report(LINES), report(["> " + line if line else ">" for line in LINES])
    assert [f.id for f in quoted.findings] == [f.id for f in plain.findings] != []
    assert quoted.signature == plain.signature
    assert [(e.line, e.text) for e in quoted.findings[0].evidence] == [
        (e.line, f"> {e.text}") for e in plain.findings[0].evidence
    ]
    assert [e.text for e in quoted.excerpt] == [f"> {e.text}" for e in plain.excerpt]


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


def test_a_line_alone_that_begins_with_a_clock_keeps_it() -> None:
    assert Log(b"08:00:01 mount: permission denied").line(1).text == "08:00:01 mount: permission denied"


def test_the_title_of_a_dump_is_no_quote() -> None:
    assert Log(b" > [2/3] RUN make:\n0.211 cc").line(1).text == " > [2/3] RUN make:"


def test_a_mark_before_gitlabs_headers_changes_nothing() -> None:
    trace = timestamped("\n".join(LINES))
    assert diagnose(("\ufeff" + trace).encode(), ours()) == diagnose(trace.encode(), ours())


def test_entities_of_a_page_are_the_characters_they_stand_for() -> None:
    assert report([html.escape(line) for line in LINES]) == report(LINES)


def test_entities_beside_the_characters_themselves_are_the_programs_own() -> None:
    assert Log(b'say "&quot;"').line(1).text == 'say "&quot;"'


@pytest.mark.parametrize("escape", ["^[", "\\u001b", "\\x1b", "\\033", "\\e"])
def test_escapes_that_were_written_out_are_no_text(escape: str) -> None:
    log = Log(f"{escape}[0KRunning{escape}[0;m\n{escape}[31;1mERROR: Job failed: exit code 1{escape}[0;m".encode())
    assert [log.line(1).text, log.line(2).text] == ["Running", "ERROR: Job failed: exit code 1"]
