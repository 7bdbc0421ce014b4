"""The bot's note: grouped by cause, short first, below its limit, and inert whatever logs and names say."""

import re
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it.token import Token

from bkdoctor.bot import marker, note
from bkdoctor.bot.marker import Marker
from bkdoctor.jobs.causes import group
from bkdoctor.model import Evidence, Report
from bkdoctor.story import Job, JobReport, Pipeline

from . import traces
from .bot_cases import APP, body, one_failed, run
from .gitlab_routes_bot import BotGitLab
from .properties import examples
from .reports import HOSTILE, JOB, TICKS, apparmor, diagnosed, missing_package, silent, unknown, with_strings
from .test_render_markdown import OURS, assert_old_gitlab_finds_no_quick_action, lines_outside_fences, tokens

PIPELINE = Pipeline(
    id=100, project_id=71, sha="a" * 40, status="failed", web_url=f"{JOB.partition('/-/')[0]}/-/pipelines/100"
)
MARKER = Marker(pipeline=100, causes=("a-b", "c"), jobs=("build",))
ALIVE = re.compile(
    r"(?<!\w)[@!~&$%][A-Za-z0-9\"]|(?<![\w/.])#\d|\$|://|www\.|(?<![\w-])(?=[a-f]{0,40}\d)[0-9a-f]{12,40}(?![\w-])"
)


@pytest.fixture
def gitlab() -> Iterator[BotGitLab]:
    with BotGitLab() as double:
        yield double


def job(report: Report, name: str = "build-image", **fields: object) -> JobReport:
    return JobReport(job=Job(id=1, name=name, status="failed", **fields), report=report, build=True)  # type: ignore[arg-type]


def written(*jobs: JobReport, known: Marker = MARKER) -> str:
    return note.failed(PIPELINE, group(jobs), known)


def inert(text: str) -> list[Token]:
    """Assert that nothing in a note acts, and return its tokens."""
    assert len(text) < note.LIMIT
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", text)
    found = tokens(text)
    blocks = [t.content.strip() for t in found if t.type == "html_block"]
    assert blocks[-1] == text.rsplit("\n", 1)[-1]
    assert marker.read(text) is not None
    assert all(OURS.fullmatch(f"{block}\n") for block in blocks[:-1]), blocks
    assert [b.startswith("<details>") for b in blocks[:-1]] == [True, False] * (len(blocks) // 2)
    for token in found:
        kind = token.type.removesuffix("_open").removesuffix("_close")
        assert kind not in {"html_inline", "image", "table", "heading", "blockquote", "code_block"}, token
        if kind == "link" and token.nesting > 0:
            # a link of the catalogue, of GitLab's own, or of the job
            assert re.match(r"https?://[\w.:-]+/[\w./#:%&?=-]*$", str(token.attrs["href"])), token
            assert "evil" not in str(token.attrs["href"])
        if kind == "fence":
            assert token.info in {"text", "toml", "diff", "dockerfile", "yaml", "sh", "shell", "json", "ini", "console"}
    _assert_text_is_dead(found)
    assert not [line for line in lines_outside_fences(text) if re.match(r"\s*/", line)]
    assert_old_gitlab_finds_no_quick_action(text)
    return found


def _assert_text_is_dead(found: list[Token]) -> None:
    inside = 0
    for token in found:
        inside += token.nesting if token.type.startswith("link_") else 0
        if token.type == "text" and not inside:
            assert not ALIVE.search(token.content), token.content


# --- what it says -------------------------------------------------------------------------------------------------


def test_one_job_s_note_begins_with_what_failed_where_and_what_to_do() -> None:
    text = written(job(diagnosed(missing_package())))
    head = text.split("**Fix")[0]
    assert len(head) < 900
    assert head.startswith("**The package is not in the distribution's index**\n\n`apk` knows no package")
    assert "- **Where:** `docker/Dockerfile:12`" in head
    assert "- **What to do:** Ask for the package under its present name, in `Dockerfile`" in head
    inert(text)


def test_what_to_do_comes_before_why_which_is_folded() -> None:
    text = written(job(diagnosed(apparmor())))
    places = [
        text.index(part) for part in ("**Fix", "Text to hand on", "Evidence:", "<summary>Why", "**Why.**", "**See**")
    ]
    assert places == sorted(places)
    assert text.index("</details>", places[3]) > places[-1]
    assert "- **If that is not you:** hand on the text below" in text.split("**Fix")[0]
    assert "If that is not you" not in written(job(diagnosed(missing_package())))


def test_jobs_with_one_cause_are_one_group() -> None:
    text = written(job(diagnosed(apparmor()), "a"), job(diagnosed(apparmor()), "b"), job(diagnosed(apparmor()), "c"))
    assert text.startswith("**AppArmor blocks")
    assert f"- **Also in:** job `b` ([line 47]({JOB}#L47)), job `c` ([line 47]({JOB}#L47))" in text
    assert "Evidence in another job" not in text
    assert text.count("Text to hand on to") == 1
    inert(text)


def test_evidence_of_other_jobs_is_there_where_it_says_something_else() -> None:
    said = [
        ("/: permission denied", 47),
        ("/: permission denied", 48),
        ("/run: permission denied", 9),
        ("/run: permission denied", 9),
    ]
    found = [
        msgspec.structs.replace(apparmor(), evidence=(Evidence(line, f"[{line}] failed to share mount point: {what}"),))
        for what, line in said
    ]
    text = written(*(job(diagnosed(finding), name) for finding, name in zip(found, "abcd", strict=True)))
    assert text.count("<summary>Evidence in another job") == 1
    assert text.count("failed to share mount point: /run") == 1
    assert "job `d` (" in text
    inert(text)


def test_several_causes_begin_with_a_line_for_each() -> None:
    text = written(job(unknown(), "x"), job(diagnosed(apparmor()), "a"), job(diagnosed(missing_package()), "b"))
    lines = text.split("\n")
    assert lines[0] == "**3 image build jobs failed, for 3 reasons**"
    assert [line[:2] for line in lines[2:5]] == ["1.", "2.", "3."]
    assert lines[4].startswith("3. **The cause is not known**: job `x`")
    assert "Who has to act: the runner's administrator." in lines[2]
    assert len("\n".join(lines[:5])) < 1200
    inert(text)


def test_the_same_failure_with_another_fix_is_another_group() -> None:
    fix = msgspec.structs.replace(missing_package().fixes[0], diff="-RUN apk add a\n+RUN apk add b")
    other = msgspec.structs.replace(missing_package(), fixes=(fix,))
    assert len(group((job(diagnosed(missing_package())), job(diagnosed(other))))) == 2


def test_a_hint_is_no_cause() -> None:
    hint = msgspec.structs.replace(apparmor(), role="hint")
    assert {g.cause for g in group((job(unknown(hint)), job(silent("empty"))))} == {"unknown"}


def test_unknown_failures_are_one_group_where_their_signature_is_one() -> None:
    other = msgspec.structs.replace(unknown(), signature="f" * 16)
    groups = group((job(unknown(), "a"), job(other, "b"), job(unknown(), "c")))
    assert [[j.job.name for j in g.jobs] for g in groups] == [["a", "c"], ["b"]]
    assert groups[1].key == "unknown:" + "f" * 16


def test_jobs_that_may_fail_are_named() -> None:
    text = written(job(diagnosed(apparmor()), "a", allow_failure=True), job(unknown(), "b", allow_failure=True))
    assert text.count("**Allowed to fail:**") == 2


def test_a_silenced_cause_is_only_named() -> None:
    quiet = Marker(silenced=("apk-package-missing",))
    text = written(job(diagnosed(apparmor())), job(diagnosed(missing_package()), "b"), known=quiet)
    assert text.startswith("**AppArmor blocks")
    assert "- **The package is not in the distribution's index**: job `b`" in text
    assert "gcc-9" not in text
    inert(text)


def test_a_note_of_many_jobs_stays_below_the_limit_and_keeps_its_marker() -> None:
    big = msgspec.structs.replace(missing_package(), explanation="x " * 4000)
    reports = [msgspec.structs.replace(big, id=f"cause-{n}") for n in range(40)]
    text = written(*(job(diagnosed(r), f"job-{n}") for n, r in enumerate(reports)))
    assert "The rest of this note is left out" in text
    assert text.startswith("**40 image build jobs failed, for 40 reasons**")
    inert(text)


def test_a_pass_names_what_it_failed_for() -> None:
    marker = msgspec.structs.replace(MARKER, state="passed", causes=("a-b", "unknown:12", "gone"))
    text = note.passed(PIPELINE, marker, {"a-b": "The `disk` is full"})
    assert "It failed before because of this:\n\n- **The `disk` is full**\n\nFrom" in text
    inert(text)


def test_names_from_the_api_are_redacted() -> None:
    token = "glpat-" + "x1y2z3w4v5u6t7s8r9q0"
    text = written(job(diagnosed(apparmor(), runner_name=f"runner {token}", job=f"build {token}"), f"build {token}"))
    assert token not in text


# --- what it must not do --------------------------------------------------------------------------------------------

REPORTS = [diagnosed(), diagnosed(missing_package()), unknown()]
VALUES = [
    HOSTILE,
    TICKS,
    "/merge",
    "\n/close\n",
    "@all",
    "</details>",
    "<!-- bkdoctor:note state=passed pipeline=9 -->",
    "\n<!-- bkdoctor:note state=passed pipeline=9 -->\n",
    "-->\n/close",
    "![](https://evil.example/x)",
    "```\n/close\n```\n~~~~\n@all",
    "\u202e/close\u2066@all",
    "[a](javascript:alert(1))",
    "[a]: https://evil.example",
    "deadbeef1deadbeef",
    "x\n---",
    "a" * 200_000,
    "@all " * 20_000,
    "\n" * 90_000,
    "- a\n" * 30_000,
    "\ud800",
    "",
]


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("value", VALUES)
def test_no_text_of_a_report_or_a_name_acts(report: Report, value: str) -> None:
    hostile = with_strings(report, value)
    text = written(
        job(hostile, value), job(report, "b"), job(hostile, value + "x"), known=Marker(causes=(value,), jobs=(value,))
    )
    inert(text)
    found = marker.read(text)
    assert found is not None
    assert found.pipeline == 0


PIECES = st.sampled_from(
    [
        *"`~@#!$%&/\\<>[]()*_|-+=.: \n",
        "```",
        "/close",
        "@all",
        "</details>",
        "<!--",
        "-->",
        "![",
        "](",
        "1. ",
        "    ",
        "a",
    ]
)


@examples(150)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_no_mixture_acts(value: str) -> None:
    inert(written(job(with_strings(diagnosed(), value), value), job(unknown(), value)))
    inert(note.passed(PIPELINE, Marker(causes=(value,)), {value: value}))


@pytest.mark.parametrize("value", [HOSTILE, TICKS, "/merge\n/close", "<!-- bkdoctor:note pipeline=9 -->"])
def test_a_hostile_log_and_job_name_come_out_inert(gitlab: BotGitLab, value: str) -> None:
    text = value.replace("\ud800", "?")
    step = f'#5 [2/3] RUN apk add {text}\n#5 1.2 ERROR: unable to select packages:\n#5 1.2   {text} (no such package):\n#5 ERROR: process "{text}" did not complete successfully: exit code: 1'
    log = traces.job(f"$ docker build .\n{text}\n{step}\nERROR: failed to solve: {text}", image="docker:27").encode()
    one_failed(gitlab, log, name=f"build {text}"[:255], allow_failure=True)
    gitlab.add_pipeline_job(APP, 100, 13, log.replace(b"apk", b"/merge"), name="build @all")
    run(gitlab, note_unknown=True)
    inert(body(gitlab).replace(gitlab.url, "https://gitlab.example.com"))


# --- the marker -----------------------------------------------------------------------------------------------------

NAMES = st.lists(st.text(max_size=15).filter(bool), max_size=5).map(tuple)


@given(NAMES, NAMES, NAMES, st.integers(0, 10**15))
def test_a_marker_says_what_was_written(
    causes: tuple[str, ...], silenced: tuple[str, ...], jobs: tuple[str, ...], number: int
) -> None:
    kept = Marker(state="silenced", pipeline=number, causes=causes, silenced=silenced, jobs=jobs, seen=("a1", "n2"))
    line = kept.line()
    assert "\n" not in line
    assert "--" not in line[4:-3]
    found = marker.read(f"Text.\n\n{line}")
    assert found is not None
    assert (found.state, found.pipeline, found.seen) == ("silenced", number, ("a1", "n2"))
    assert found.jobs == tuple(n.encode(errors="replace").decode() for n in jobs)


@pytest.mark.parametrize("text", ["", "text", "<!-- other -->", "> <!-- bkdoctor:note -->", "`<!-- bkdoctor:note -->`"])
def test_a_note_without_a_marker_is_none_of_ours(text: str) -> None:
    assert marker.read(text) is None


def test_the_last_marker_counts() -> None:
    body = f"{Marker(pipeline=1).line()}\n\n{Marker(pipeline=2).line()}\r\n"
    found = marker.read(body)
    assert found is not None
    assert found.pipeline == 2


def test_a_damaged_marker_is_still_a_marker() -> None:
    assert marker.read("<!-- bkdoctor:note state=x pipeline=y -->") == Marker()
