"""Cleaning shows what GitLab's viewer shows, and no line number moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bkdoctor.trace import clean
from bkdoctor.trace.log import Log
from tests.properties import examples
from tests.traces import job, timestamped
from tests.viewer import view


def shown(raw: bytes) -> dict[int, str]:
    log = Log(raw)
    texts = ((n, " ".join(log.line(n).text.split())) for n in log.numbers())
    return {n: text for n, text in texts if text}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain", "plain"),
        (b"\x1b[0KRunning\x1b[0;m", "Running"),
        (b"10%\r50%\rdone", "done"),
        (b"crlf\r", "crlf"),
        (b"many\r\r", "many"),
        (b"section_start:1560896352:step_script\r\x1b[0K\x1b[36;1mExecuting\x1b[0;m", "Executing"),
        (b"section_start:1560896352:my.section-1[hide_duration=true,collapsed=true]\r\x1b[0KTitle", "Title"),
        (b"no newlinesection_end:1560896353:step_script\r\x1b[0KCleaning up", "no newline Cleaning up"),
        (b"\x1b]8;;https://example.com\x07link\x1b]8;;\x07", "link"),
        (b"bad \xff\xfe bytes", "bad \ufffd\ufffd bytes"),
        (b"bell\x07 null\x00", "bell null"),
        ("snow ☃ man".encode(), "snow ☃ man"),
    ],
)
def test_what_a_line_shows(raw: bytes, text: str) -> None:
    assert clean.clean(raw) == text


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("#7 12.34 out", "out"),
        ("#7 ERROR: process", "ERROR: process"),
        ("#7 [2/3] RUN make", "[2/3] RUN make"),
        (" => => # out", "out"),
        ("12.345 in the dump", "in the dump"),
        ("2026-03-12T10:10:00.107313Z 01O text", "text"),
        ("2024-05-01T10:10:10.1234567Z #7 1.2 text", "text"),
        ("# a comment", "# a comment"),
        ("plain", "plain"),
    ],
)
def test_body_is_without_the_tools_prefix(text: str, body: str) -> None:
    assert text[clean.prefix_length(text) :] == body


def test_continuation_has_the_number_of_its_first_line() -> None:
    log = Log(timestamped(job("$ make\nboom")).encode())
    assert log.timestamped
    titles = [n for n in log.numbers() if "Executing" in log.line(n).text]
    assert len(titles) == 1
    assert b"section_end" in log.raw_line(titles[0])


@pytest.mark.parametrize("style", [str, timestamped])
def test_whole_job_is_shown_as_the_viewer_shows_it(style) -> None:  # type: ignore[no-untyped-def]
    raw = style(job("$ docker build .\n10%\r50%\r#1 DONE\nerror: x")).encode()
    assert shown(raw) == view(raw)


def test_line_numbers_copied_from_the_page_are_no_text() -> None:
    page = "Running with gitlab-runner 15.1.0\n2  on runner aBcD1xYz2\n" + "".join(
        f"{n}line {n}\n" for n in range(3, 30)
    )
    log = Log(page.encode())
    assert log.line(2).text == "  on runner aBcD1xYz2"
    assert log.line(14).text == "line 14"
    assert log.line(1).text.startswith("Running")


def test_numbers_at_the_start_of_ordinary_lines_stay() -> None:
    log = Log(b"first\n2 files\nsome text\n40 more\n7 things\nx\n")
    assert [log.line(n).text for n in log.numbers()] == ["first", "2 files", "some text", "40 more", "7 things", "x"]


PIECES = st.sampled_from(
    [
        b"text", b" ", b"\t", b"\r", b"\n", b"\r\n", b"\x1b[31;1m", b"\x1b[0;m", b"\x1b[0K", b"\x1b", b"\xff", b"#7 1.2 ",
        b"section_start:1560896352:step_script\r\x1b[0K", b"section_end:1560896352:step_script\r\x1b[0K",
        b"section_start:1560896352:a[collapsed=true]\r\x1b[0K", b"section_start:bad", "é☃".encode(), b"error: x",
    ]
)  # fmt: skip


@examples(300)
@given(st.lists(PIECES, max_size=30))
def test_cleaning_loses_nothing_and_shifts_no_line(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    assert shown(raw) == view(raw)


HEADERS = st.sampled_from(
    [b"2026-03-12T10:10:00.107313Z 00O ", b"2026-03-12T10:10:01.000001Z 01E ", b"2026-03-12T10:10:01.000001Z 01O+"]
)


@examples(300)
@given(
    st.lists(st.tuples(HEADERS, st.lists(PIECES.filter(lambda p: b"\n" not in p), max_size=5)), min_size=1, max_size=12)
)
def test_cleaning_a_timestamped_trace(lines: list[tuple[bytes, list[bytes]]]) -> None:
    first = b"2026-03-12T10:10:00.000000Z 00O begin"
    raw = b"\n".join([first, *(header + b"".join(body) for header, body in lines)])
    assert shown(raw) == view(raw)


def test_line_numbers_count_only_newlines() -> None:
    log = Log("a\r\nb\x0bc\u2028d\x85e\nf".encode())
    assert len(log) == 3
    assert log.line(3).text == "f"


@pytest.mark.parametrize("raw", [b"", b"\n", b"\n\n", b"x", b"x\n"])
def test_smallest_logs(raw: bytes) -> None:
    log = Log(raw)
    assert [log.line(n).text for n in log.numbers()] == raw.decode().splitlines()
    assert log.is_blank() == (b"x" not in raw)
