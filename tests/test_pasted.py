"""Logs copied from elsewhere: what stands before each line hides nothing, and the numbers stay those of the log."""

import html
import json
import textwrap

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
    "2026/03/16 08:00:{:02d} ",
    "\x1b_bk;t=17000000000{:02d}\x07",
    "[08:00:{:02d}]W:\t [Step 2/4] ",
    "[08:00:{:02d}] :\t [Step 2/4] ",
    "build\t16-Mar-2026 08:00:{:02d}\t",
    "Mar 16 08:00:{:02d} runner-01 docker[4711]: ",
    "Mar  6 08:00:{:02d} runner-01 gitlab-runner: ",
    "2026-03-16T08:00:{:02d}.123456+01:00 runner-01 gitlab-runner[812]: ",
    "2026-03-16T08:00:{:02d}.123456789Z stdout F ",
    "[pod/build-7f9-x2/build] ",
    "[pod/build-7f9-x2/build] 2026-03-16T08:00:{:02d}.123456789Z ",
    "[image : build-and-push] ",
    "[image:3] ",
    "build-image-7f9c-x2 build ",
    "build-image-x2x4p: ",
    'Step #1 - "build": ',
    "Step #1: ",
    "builder-1  | ",
    "\x1b[36mbuilder_1  |\x1b[0m ",
    "builder-1  | 2026-03-16T08:00:{:02d}.123456789Z ",
    "remote: ",
    "2026-Mar-16 08:00:{:02d}.123456 ",
    "2026-03-16 08:00:{:02d}.123Z: ",
    "Mar 16 08:00:{:02d} [web] \u2502 ",
    "\u2502 \u2502 app/dockerfile  ",
    "[Images/Build and push]   | ",
    "job.log:{:d}:",
]


def report(lines: list[str]) -> Report:
    return diagnose("\n".join(lines).encode(), ours())


def found(lines: list[str]) -> list[str]:
    return [finding.id for finding in report(lines).findings]


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


@pytest.mark.parametrize("quote", ["> > ", ">> ", ">"])
def test_a_quote_of_a_quote_hides_nothing(quote: str) -> None:
    assert found([quote + line for line in LINES]) == found(LINES) != []


@pytest.mark.parametrize("number", ["{:>4} ", "{:>6}\t", "{:>3}: ", "{:d}: ", "{:>4} | "])
def test_the_numbers_of_an_editor_are_no_part_of_the_lines(number: str) -> None:
    assert report([number.format(n) + line for n, line in enumerate(LINES, 1)]) == report(LINES)


def test_a_dockerfile_keeps_its_numbers() -> None:
    lines = ["Dockerfile:2", "-----", *[f"  {n} | RUN make {n}" for n in range(1, 30)]]
    assert Log("\n".join(lines).encode()).line(4).text == "  2 | RUN make 2"


def test_what_stands_before_the_first_line_of_a_quote_is_left_as_it_is() -> None:
    quoted = ["On Monday somebody wrote:", *["> " + line for line in LINES]]
    assert found(quoted) == found(LINES)


def test_lines_that_a_tool_begins_alike_keep_that() -> None:
    for start in ("npm error ", "[ERROR] ", "#5 0.2 ", "INFO[0001] ", "E: "):
        assert Log((start + "first\n").encode() * 9).line(2).text == start + "first"


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


def test_a_page_of_html_has_no_tags() -> None:
    spans = [f"<span class='line'>{html.escape(line)}</span><br/>" for line in LINES]
    assert report(spans) == report(LINES)
    assert found(["<pre><code>" + html.escape(LINES[0]), *map(html.escape, LINES[1:]), "</code></pre>"]) == found(LINES)


def test_tags_of_an_answer_stay() -> None:
    assert Log(b'<html><b>413 "&lt;"</b></html>').line(1).text == '<html><b>413 "&lt;"</b></html>'


def test_line_ends_that_were_written_out_are_line_ends() -> None:
    text = "\n".join(LINES)
    for written in (
        json.dumps({"log": text}),
        json.dumps(text),
        text.replace("\n", "\\n"),
        text.replace("\n", "\\r\\n"),
    ):
        assert found([written]) == found(LINES) != []


def test_records_are_what_was_printed() -> None:
    records = [json.dumps({"log": line + "\n", "stream": "stdout", "time": "2026-03-16T08:00:00Z"}) for line in LINES]
    assert report(records) == report(LINES)


def test_a_record_without_text_and_a_command_with_line_ends_stay() -> None:
    for line in ('{"a": 1}', '{"log": 1', "printf 'a\\nb'"):
        assert Log(line.encode()).line(1).text == line


def test_a_trace_with_headers_may_be_written_out_too() -> None:
    log = Log(json.dumps(timestamped("\n".join(LINES))).strip('"').encode())
    assert log.timestamped
    assert log.line(2).text == LINES[1]


def test_signs_that_stand_for_escapes_are_escapes() -> None:
    for sign in ("^[", "\\u001b", "\\x1b", "\ufffd", "\u241b"):
        log = Log(f"{sign}[0KRunning{sign}[0;m\n{sign}[90mnone{sign}[0m".encode())
        assert [log.line(1).text, log.line(2).text] == ["Running", "none"]


def test_fences_and_what_is_said_around_the_only_block_are_no_lines() -> None:
    lines = ["It fails:", "```shell", *LINES, "```", "", "Why?"]
    assert found(lines) == found(LINES)
    log = Log("\n".join(lines).encode())
    assert [log.line(n).text for n in (1, 2, 3, len(lines))] == ["", "", LINES[0], ""]


def test_what_is_said_beside_short_blocks_stays() -> None:
    lines = ["ERROR: failed to solve: no such host", "```", "a", "```", "b"]
    assert Log("\n".join(lines).encode()).line(1).text == lines[0]


def test_blanks_and_quotes_of_a_page_are_plain_ones() -> None:
    assert report([line.replace(" ", "\xa0") for line in LINES]) == report(LINES)
    curly = [line.replace(' "', " \u201c").replace('"', "\u201d") for line in LINES]
    assert report(curly) == report(LINES)
    assert Log("said \u2018a\u2019".encode()).line(1).text == "said \u2018a\u2019"


def test_blanks_at_the_end_of_a_line_are_none_of_it() -> None:
    assert report([line.ljust(120) for line in LINES]) == report(LINES)


def test_what_azure_marks_as_an_error_is_the_line() -> None:
    assert Log(b"##[error]npm error code E404").line(1).body == "npm error code E404"


LONG = [
    "#7 [2/3] RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl git make openssh",
    "#7 0.211 E: The repository 'http://deb.example.com/debian stretch Release' does not have a Release file, says apt",
    '#7 ERROR: process "/bin/sh -c apt-get update && apt-get install -y --no-install-recommends ca-certificates curl '
    'git make openssh" did not complete successfully: exit code: 100',
]


@pytest.mark.parametrize("width", [62, 72, 80, 100])
def test_lines_that_were_broken_come_together(width: int) -> None:
    hard = [line[at : at + width] for line in LONG for at in range(0, len(line), width)]
    soft = [
        part for line in LONG for part in textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)
    ]
    for broken in (hard, soft):
        log = Log("".join(part + "\n" for part in broken).encode())
        assert [log.line(n).text for n in log.numbers() if log.line(n).text] == LONG
        assert len(log) == len(broken)


def test_lines_of_the_same_length_stay_apart() -> None:
    for line in ("a" * 80, "sha256:" + "0" * 64, "#7 0.211 " + "word " * 14, "  - " + "word " * 14):
        log = Log((line + "\n").encode() * 9)
        assert log.line(3).text == line.rstrip()


def test_line_ends_within_what_a_program_quotes_are_its_own() -> None:
    answer = r'error parsing HTTP 413 response body: invalid character: "<html>\r\n<head>\r\n</head>\r\n<body>\r\n<hr>\r\n</body>"'
    assert [Log(answer.encode()).line(n).text for n in Log(answer.encode()).numbers()] == [answer]
    lists = [
        f"  '(client) ./pages/{n}.js\\nModule not found: Error: Can\\'t resolve \\'x\\' in \\'/app\\'\\n',"
        for n in range(9)
    ]
    assert len(Log("\n".join(lists).encode())) == len(lists)


@pytest.mark.parametrize(
    "lines",
    [
        [f"src/unicode_data.erl:13: Warning: key '{n}' will be overridden in expression" for n in range(1000, 1008)],
        ["Digest: sha256:" + 64 * "0", "Status: Downloaded newer image for app:dev", "2f9a: Pull complete"] * 4,
        [
            line
            for n in range(5)
            for line in (f"1.{n}00 W: Failed to fetch http://deb.example/{n:050}  404  Not Found", f"1.{n}01")
        ],
    ],
)
def test_lines_that_a_program_prints_one_like_the_other_stay_apart(lines: list[str]) -> None:
    log = Log("\n".join(lines).encode())
    assert [log.line(n).text for n in log.numbers()] == lines


def test_a_trace_with_headers_of_which_the_first_line_has_none_shows_none() -> None:
    raw = "Running with gitlab-runner 18.4.0 (x)\n" + timestamped("\n".join(LINES))
    assert diagnose(raw.encode(), ours()).findings[0].evidence[0].text in LINES


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_powershell_wrote_to_a_file_is_read(encoding: str, end: str) -> None:
    assert diagnose(end.join(LINES).encode(encoding), ours()) == report(LINES)


def test_nulls_that_a_program_printed_do_not_make_a_log_one_of_wide_characters() -> None:
    assert Log(b"\0\0\0\0 mount: permission denied \0\0\0").line(1).text == " mount: permission denied"


def test_a_name_before_lines_needs_not_be_before_all_of_them() -> None:
    lines = ["Attaching to builder-1", *[f"builder-1  | {line}" for line in LINES], "", "builder-1 exited with code 1"]
    assert found(lines) == found(LINES)
    lines = ["[CI/image] \U0001f680  Start image=node:20", *[f"[CI/image]   | {line}" for line in LINES]]
    assert found(lines) == found(LINES)


def test_lines_come_apart_where_their_ends_were_lost() -> None:
    lines = [
        "Step 1/3 : FROM alpine:3.20",
        "---> 1a2b3c4d5e6f",
        "Step 2/3 : RUN apk add --no-cache curl",
        "---> Running in 2b3c4d5e6f70 OK: 12 MiB in 24 packages",
        "Removing intermediate container 2b3c4d5e6f70",
        "---> 3c4d5e6f7081",
        "Step 3/3 : RUN protoc --version",
        "---> Running in 4d5e6f708192 /bin/sh: protoc: not found",
        "The command '/bin/sh -c protoc --version' returned a non-zero code: 127",
    ]
    log = Log(" ".join(lines).encode())
    assert [log.line(n).text for n in log.numbers()] == lines


def test_what_powershell_broke_at_its_window_comes_together() -> None:
    lines = [
        'docker : #0 building with "default" ',
        "instance using docker driver",
        "At line:1 char:1",
        "    + CategoryInfo          : NotSpecified: (",
        "   String)",
        " ",
        "#8 [4/5] RUN pip install --prefix=/install ",
        "cairo",
        "#8 18.58     ../meson.build:1:0: ERROR: ",
        "Unknown compiler(s): [['cc'], ['gcc']]",
        "#8 18.59   in /tmp/pip-install-x/pycairo_248e",
        "840cc2964ed9b5c",
    ]
    log = Log("\r\n".join(lines).encode())
    texts = [log.line(n).text for n in log.numbers()]
    assert texts[6] == "#8 [4/5] RUN pip install --prefix=/install cairo"
    assert texts[8] == "#8 18.58     ../meson.build:1:0: ERROR: Unknown compiler(s): [['cc'], ['gcc']]"
    assert texts[10] == "#8 18.59   in /tmp/pip-install-x/pycairo_248e840cc2964ed9b5c"


@pytest.mark.parametrize("name", ["apps/web build: ", ". build: ", "@shop/web:build: ", "web:build:prod: ", "[web]: "])
def test_the_name_of_a_package_is_no_part_of_what_its_script_prints(name: str) -> None:
    for before in ("", "#21 131.4 ", "131.4 "):
        assert Log(f"{before}{name}Type error: x".encode()).line(1).body == "Type error: x"


def test_words_before_a_colon_are_no_name_of_a_package() -> None:
    for text in ("ERROR: failed to build: failed to solve: x", "go build: x", "docker build: x", "failed to test: x"):
        assert Log(text.encode()).line(1).body == text
