"""The note: short first, whole below, and inert whatever the log says."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bkdoctor.model import Evidence, Report
from bkdoctor.render._words import safe_url
from bkdoctor.render.markdown import LIMIT, render

from .properties import examples
from .reports import (
    HOSTILE,
    JOB,
    TICKS,
    apparmor,
    diagnosed,
    kaniko_hint,
    missing_package,
    silent,
    step_failed,
    unknown,
    with_strings,
)

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OURS = re.compile(r"<details>\n<summary>[A-Za-z0-9' :]+</summary>\n|</details>\n?")
LINKS = re.compile(
    r"https://(?:gitlab\.example\.com/team/app/-/jobs/4711#L\d+|docs\.gitlab\.com/\S*|kubernetes\.io/\S*|pkgs\.alpinelinux\.org/\S*)"
)
BLOCKS = {"paragraph", "inline", "bullet_list", "ordered_list", "list_item", "fence", "html_block"}
ALIVE = re.compile(r"(?<![\w&])[@#!~%&$][\w\"']|://|www\.|</?[a-z]|\$", re.IGNORECASE)


def tokens(note: str) -> list[Token]:
    flat = []
    for token in MARKDOWN.parse(note):
        flat += [token, *(token.children or [])]
    return flat


def lines_outside_fences(note: str) -> list[str]:
    """Lines as GitLab's search for quick actions sees them."""
    lines = note.split("\n")
    inside: set[int] = set()
    for token in MARKDOWN.parse(note):
        if token.type == "fence" and token.map:
            inside |= set(range(*token.map))
    return [line for number, line in enumerate(lines) if number not in inside]


def assert_inert(note: str) -> None:
    assert len(note) < LIMIT
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", note)
    for token in tokens(note):
        kind = token.type.removesuffix("_open").removesuffix("_close")
        if kind == "html_block":
            assert OURS.fullmatch(token.content), token.content
        elif kind == "link":
            assert token.nesting < 0 or LINKS.fullmatch(str(token.attrs["href"])), token
        elif kind == "text":
            assert not ALIVE.search(token.content) or "://" not in token.content, token.content
            assert not re.search(r"(?<![\w])[@!~&$][A-Za-z0-9]|(?<![\w/.])#\d|\$", token.content), token.content
        else:
            assert kind in BLOCKS | {"strong", "code_inline", "softbreak"}, token
        if kind == "fence":
            assert token.info in {"text", "toml", "diff", "dockerfile"}
    assert note.count("<details>\n<summary>") >= len([t for t in tokens(note) if t.type == "html_block"]) / 2
    opened = [t.content.startswith("<details>") for t in tokens(note) if t.type == "html_block"]
    assert opened == [True, False] * (len(opened) // 2)
    assert not [line for line in lines_outside_fences(note) if re.match(r"\s*/", line)]


def assert_old_gitlab_finds_no_quick_action(note: str) -> None:
    """GitLab up to 16 looked for code blocks by this regex, which ends at the first line of backticks."""
    rest = re.sub(r"^```.+?\n```$", "", note, flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r"^/(?:close|merge)", rest, re.MULTILINE)


REPORTS = [
    diagnosed(),
    diagnosed(apparmor()),
    diagnosed(missing_package(), missing_package()),
    diagnosed(kaniko_hint()),
    unknown(),
    unknown(step_failed(), kaniko_hint()),
    silent("empty"),
]


@pytest.mark.parametrize("report", REPORTS)
def test_a_plain_note_is_plain(report: Report) -> None:
    assert_inert(render(report))


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize(
    "value",
    [
        HOSTILE,
        TICKS,
        "/close",
        "\n/merge\n",
        "@all",
        "#1",
        "</details>",
        "![](https://evil.example/x)",
        "```\n/close\n```",
        "~~~\n@all\n~~~",
        "`@all`",
        "``",
        "`",
        "<!-- -->",
        "<script>alert(1)</script>",
        "[a](javascript:alert(1))",
        "[a]: https://evil.example",
        "x\n===",
        "| a | b |\n|---|---|\n| @all | b |",
        "    indented\n\n    /close",
        "$`a`$",
        "**",
        "1. a",
        "- /close",
        "\\",
        "\\`@all\\`",
        "\u202e/close",
        "see https://evil.example now",
        "",
        " ",
        "a" * 200_000,
        "@all " * 20_000,
        "*" * 50_000,
        "[" * 50_000,
        "`a " * 30_000,
        "_" * 5000,
        "\n" * 90_000,
        "- a\n" * 30_000,
    ],
)
def test_no_text_of_the_report_acts(report: Report, value: str) -> None:
    note = render(with_strings(report, value))
    assert_inert(note)
    assert_old_gitlab_finds_no_quick_action(note)


PIECES = st.sampled_from(
    [
        *"`~@#!$%&/\\<>[]()*_|-+=.: \n\t",
        "```",
        "/close",
        "@all",
        "</details>",
        "<b>",
        "https://x.example",
        "![",
        "](",
        "1. ",
        "    ",
        "a",
    ]
)


@examples(400)
@given(st.lists(PIECES, max_size=30).map("".join), st.sampled_from([diagnosed(), unknown(step_failed())]))
def test_no_mixture_acts(value: str, report: Report) -> None:
    assume(not safe_url(value))  # as a reference of the catalogue's, that would be a link
    note = render(with_strings(report, value))
    assert_inert(note)
    assert_old_gitlab_finds_no_quick_action(note)


def test_what_matters_comes_first() -> None:
    note = render(diagnosed())
    assert note.startswith(
        "**AppArmor blocks the mount that rootlesskit needs**\n\n"
        "`rootlesskit` may not change how `/` is mounted, so `buildkitd` never started: "
        "AppArmor forbids `mount` in the build container.\n\n"
        f"- **Where:** job `build-image`, section `step_script`, [line 47]({JOB}#L47) of the log\n"
        "- **Who has to act:** the runner's administrator\n"
        "- **What to do:** Let the build container run without an AppArmor profile, in `config.toml`, "
        "if runner >= 18.11 and Kubernetes >= 1.30 (fix 1 of 3)\n"
    )
    assert '```toml\n[runners.kubernetes.pod_annotations]\n  "container.apparmor' in note
    assert "loses AppArmor's confinement" in note
    assert "\n\n- `failed to share mount point: /: permission denied`, on a node" in note


def test_the_fix_that_fits_is_the_one_to_do() -> None:
    fixes = apparmor().fixes
    fitting = msgspec.structs.replace(fixes[2], fits="yes")
    note = render(diagnosed(msgspec.structs.replace(apparmor(), fixes=(*fixes[:2], fitting))))
    assert "**What to do:** Annotate the build pod, in `config.toml` (fix 3 of 3)" in note


def test_evidence_is_folded_and_linked() -> None:
    note = render(diagnosed())
    assert f"<summary>Evidence: 4 lines of the log</summary>\n\nIn the job's log: [line 44]({JOB}#L44)" in note
    assert "\n>47 [rootlesskit:child ] error" in note
    unlinked = render(diagnosed(web_url="javascript:alert(1)//-/jobs/1"))
    assert "#L47" not in unlinked
    assert "line 47 of the log" in unlinked


def test_who_cannot_act_gets_a_text_to_hand_on() -> None:
    note = render(diagnosed(apparmor()))
    text = next(t.content for t in tokens(note) if t.type == "fence" and t.content.startswith("AppArmor"))
    assert f"Job: {JOB}\nRunner: k8s-builds, token t3_aBcDe, gitlab-runner 17.9.1, kubernetes executor\n" in text
    assert 'type = "Unconfined"' in text
    assert "hand on" not in render(diagnosed(missing_package()))


def test_an_unknown_failure_folds_the_lines_worth_reading() -> None:
    note = render(unknown())
    assert note.startswith("**The build failed, and the cause is not known**\n")
    assert f"<summary>3 lines worth reading</summary>\n\nIn the job's log: [line 88]({JOB}#L88)" in note
    assert "lines 1000 to 90000 were not read" in note
    assert "ended with exit code `2`" in render(unknown(step_failed()))


def test_addresses_that_would_leave_a_trace_are_no_links() -> None:
    url = "https://gitlab.com/gitlab-org/gitlab-runner/-/issues/2597"
    note = render(diagnosed(msgspec.structs.replace(apparmor(), references=(url,))))
    assert f"- `{url}`\n" in note


def test_a_job_that_passed_needs_no_note() -> None:
    assert render(silent("passed")) == ""


def test_a_long_report_is_cut_and_says_so() -> None:
    long = msgspec.structs.replace(
        apparmor(),
        explanation="word " * 30_000,
        fixes=tuple(msgspec.structs.replace(fix, snippet="key = 1\n" * 9_000) for fix in apparmor().fixes * 5),
        evidence=tuple(Evidence(n, "x" * 400) for n in range(1, 13)),
    )
    note = render(diagnosed(*[long] * 5))
    assert_inert(note)
    assert "**What to do:**" in note
    assert "is cut here" in note
    assert note.endswith("shows the whole of it in a terminal.\n")


@pytest.mark.parametrize(
    ("prose", "shown"),
    [
        ("Use `a` and **b c**.", "Use `a` and **b c**."),
        ("See [the page](https://example.com/a_b).", "See the page (`https://example.com/a_b`)."),
        ("runner < 18.11, 5 > 4, a_b, 100 %, AT & T", "runner < 18.11, 5 > 4, a_b, 100 %, AT & T"),
        ("ask @all", "ask `@all`"),
        ("/close", "\\/close"),
        ("1. one\n2. two\n   more", "1. one\n2. two more"),
        ("a\nb\n\nc", "a b\n\nc"),
        ("text:\n```sh\n/bin/x @all\n```\nmore", "text:\n\n```sh\n/bin/x @all\n```\n\nmore"),
        ("2024. A year", "2024\\. A year"),
    ],
)
def test_prose_stays_readable(prose: str, shown: str) -> None:
    note = render(diagnosed(msgspec.structs.replace(missing_package(), explanation=prose)))
    assert f"**Why.** {shown}" in note or f"**Why.**\n\n{shown}" in note


def test_a_diff_goes_before_the_snippet() -> None:
    note: Any = render(diagnosed(missing_package()))
    assert "```diff\n-RUN apk add --no-cache gcc-9\n+RUN apk add --no-cache gcc\n```" in note
