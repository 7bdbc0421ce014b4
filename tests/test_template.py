"""Templates: words are themselves, placeholders take what their type allows, the literal feeds the prefilter."""

import pytest

from bkdoctor.catalog.pattern import RegexLine
from bkdoctor.catalog.template import LINE_LIMIT, Template, bounded, from_regex, from_text, read_vocabulary
from bkdoctor.errors import PatternError
from tests.catalogs import TYPES, ours


def template(text: str) -> Template:
    return from_text(text, TYPES)


@pytest.mark.parametrize(
    ("text", "line", "captures"),
    [
        (
            "stat <dockerfile:path>: not a directory",
            "error: stat a/b.Dockerfile: not a directory!",
            {"dockerfile": "a/b.Dockerfile"},
        ),
        ('pull "<image>"', 'pull "registry.example.com/a:1" now', {"image": "registry.example.com/a:1"}),
        ("lookup <host:host> on", "lookup docker on 10.0.0.2:53", {"host": "docker"}),
        ("failed: <reason:text>", "it failed: all of it ", {"reason": "all of it"}),
        ("from <a:word> to <a:word>", "from x to y", {"a": "x"}),
        ("a <...> z <n:int>", "a b c z 12", {"n": "12"}),
        ("<start>error: <x:word><end>", "  error: one  ", {"x": "one"}),
        ("<lt>none> is not <here>", "<none> is not it", {"here": "it"}),
        ("1 < 2 and <b> <b2>", "1 < 2 and x y", {"b": "x", "b2": "y"}),
        (
            "push to <image:image>: denied",
            "push to registry.example.com/[MASKED]/app: denied",
            {"image": "registry.example.com/[MASKED]/app"},
        ),
        ("code <n:int>.", "code ***.", {"n": "***"}),
        ("a.b*c(d)", "a.b*c(d)", {}),
    ],
)
def test_matches(text: str, line: str, captures: dict[str, str]) -> None:
    hit = template(text).match(line)
    assert hit is not None
    assert hit.captures == captures


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a.b", "axb"),
        ("<start>error: <x>", "an error: x"),
        ("<x> gone<end>", "it gone now"),
        ("code <n:int> end", "code x end"),
        ("Case", "case"),
    ],
)
def test_does_not_match(text: str, line: str) -> None:
    assert template(text).match(line) is None


def test_literal_is_the_longest_stretch_of_words() -> None:
    assert template("a <x> much longer words <y>").literal == " much longer words "
    assert template("<lt>none>: <x>").literal == "<none>: "


def test_unknown_type_is_named() -> None:
    with pytest.raises(ValueError, match="no type 'nonsense'"):
        template("<x:nonsense>")


def test_regex_line() -> None:
    made = from_regex(RegexLine(regex=r"exit (?P<code>1(?:2[67]|37))\b", literal="exit 1"))
    hit = made.match("exit 127")
    assert hit is not None
    assert hit.captures == {"code": "127"}
    with pytest.raises(ValueError, match="no regular expression"):
        _ = from_regex(RegexLine(regex="(", literal="x")).compiled


def test_slow_regex_runs_out_of_time() -> None:
    made = from_regex(RegexLine(regex=r"x(\w*\w*\w*)*-$", literal="x"))
    with pytest.raises(TimeoutError):
        made.match("x" + "a" * 30_000 + "!")
    assert made.match("x-") is not None


def test_a_very_long_line_is_matched_at_both_ends() -> None:
    body = "head" + "x" * (LINE_LIMIT * 2) + "tail"
    assert len(bounded(body)) == LINE_LIMIT
    assert template("head").match(bounded(body))
    assert template("tail").match(bounded(body))


@pytest.mark.parametrize("pattern", ["[a-z", "a{2,1}", "(a)", "*"])
def test_a_type_that_makes_no_expression_is_refused(pattern: str) -> None:
    for repeat in ("false", "true"):
        with pytest.raises(PatternError, match=r"types\.gizmo"):
            read_vocabulary(f"[types.gizmo]\nabout = 'a'\npattern = '{pattern}'\nrepeat = {repeat}\n", "x")


def test_every_template_of_the_catalogue_makes_an_expression() -> None:
    for entry in ours().entries.values():
        for template in entry.templates():
            assert template.compiled.pattern == template.expression
