"""Whatever the text: spans and fences hold it, and no control character passes."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bkdoctor.text import code_span, fence, one_line, shorten, strip_controls

from .reports import HOSTILE, TICKS

MARKDOWN = MarkdownIt("commonmark")
ANY = st.text() | st.text(alphabet="`~ \n\tab/\\<>&\x1b[m\u202e") | st.sampled_from([HOSTILE, TICKS])


@given(ANY)
def test_no_control_or_invisible_character_passes(text: str) -> None:
    shown = strip_controls(text)
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t"]
    assert not set(shown) & set(
        "\u200e\u200f\u061c\u2028\u2029\ufeff" + "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
    )
    assert strip_controls(shown) == shown
    shown.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;https://x\x07link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;no end", "0;no end"),
        ("a\r\nb\tc\rd", "a\nb\tcd"),
        ("file\u202egnp.exe", "filegnp.exe"),
        ("half \ud800", "half \ufffd"),
        ("Größe 日本 …", "Größe 日本 …"),
    ],
)
def test_what_strip_controls_leaves(text: str, shown: str) -> None:
    assert strip_controls(text) == shown


@given(ANY)
def test_a_code_span_is_one_span_with_the_text(value: str) -> None:
    [paragraph, inline, _] = MARKDOWN.parse(f"a {code_span(value)} b")
    assert paragraph.type == "paragraph_open"
    assert [token.type for token in inline.children or []] == ["text", "code_inline", "text"]
    if "`" * 17 not in value and "~" * 17 not in value:
        assert (inline.children or [])[1].content.strip() == one_line(value).strip()


@pytest.mark.parametrize(
    ("value", "span"),
    [("a", "`a`"), ("a`b", "``a`b``"), ("`a", "`` `a ``"), ("", "` `"), (" a ", "`  a  `"), ("a\nb", "`a b`")],
)
def test_code_spans_are_as_short_as_can_be(value: str, span: str) -> None:
    assert code_span(value) == span


@given(ANY)
def test_a_fence_is_one_block_with_the_text(text: str) -> None:
    tokens = MARKDOWN.parse(f"before\n\n{fence(text, 'toml')}\n\nafter")
    assert [t.type for t in tokens] == [
        "paragraph_open",
        "inline",
        "paragraph_close",
        "fence",
        *[t.type for t in tokens[:3]],
    ]
    assert tokens[3].info == "toml"


def test_a_fence_keeps_lines_and_takes_no_language_that_acts() -> None:
    assert fence("  a\n\n\tb\n", "yaml") == "```yaml\n  a\n\n\tb\n```"
    assert fence("~~~\n```") == "````text\n~~~\n```\n````"
    for language in ("mermaid", "suggestion", "math", "plantuml", "x\n/close"):
        assert fence("a", language).startswith("```text\n")


def test_no_line_after_inner_backticks_begins_with_a_slash() -> None:
    assert "\n/" not in fence("```\n/close")
    assert fence("/usr/bin/true", "sh") == "```sh\n/usr/bin/true\n```"


def test_runs_of_backticks_that_nobody_reads_are_cut() -> None:
    assert len(code_span(TICKS)) < 100
    assert len(fence(TICKS)) < 100


def test_shorten_says_that_something_is_missing() -> None:
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "ab…"
