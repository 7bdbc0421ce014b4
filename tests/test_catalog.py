"""Folders of patterns: merged by id, and a broken file says which file, which key and what to do."""

from pathlib import Path

import pytest

from bkdoctor.catalog.catalog import Catalog, load
from bkdoctor.catalog.check import check_whole
from bkdoctor.catalog.pattern import SECTIONS
from bkdoctor.catalog.store import fingerprint_of
from bkdoctor.checking import load_tolerant, passing_logs, run
from bkdoctor.doctor import diagnose
from bkdoctor.errors import InputError, PatternError
from tests.traces import job

PATTERN = """\
title = "Mine"
phase = "build"
owner = "author"
[match]
lines = ['frobnicate: <what:word> is gone']
[explain]
summary = "`<what>` is gone."
cause = "It is."
references = ["https://example.com"]
"""


def write(folder: Path, name: str, text: str = PATTERN) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return folder


def ids(catalog: Catalog, log: str) -> list[str]:
    return [f.id for f in diagnose(log.encode(), catalog).findings]


def test_the_path_gives_family_and_id(tmp_path: Path) -> None:
    entry = load([write(tmp_path, "run/mine-gone.toml")], builtin=False).entries["mine-gone"]
    assert (entry.family, entry.id, entry.pattern.title) == ("run", "mine-gone", "Mine")


def test_a_users_file_replaces_ours_whole(tmp_path: Path) -> None:
    ours = load([]).entries["dns-lookup-failed"]
    assert ours.pattern.fix
    mine = load([write(tmp_path, "other/dns-lookup-failed.toml")]).entries["dns-lookup-failed"]
    assert (mine.family, mine.pattern.title, mine.pattern.fix) == ("other", "Mine", [])
    assert len(load([tmp_path]).entries) == len(load([]).entries)


def test_a_later_folder_replaces_an_earlier_one(tmp_path: Path) -> None:
    first = write(tmp_path / "a", "run/x-y.toml", PATTERN.replace("Mine", "First"))
    second = write(tmp_path / "b", "run/x-y.toml", PATTERN.replace("Mine", "Second"))
    assert load([first, second], builtin=False).entries["x-y"].pattern.title == "Second"
    assert load([second, first], builtin=False).entries["x-y"].pattern.title == "First"


def test_a_users_pattern_answers(tmp_path: Path) -> None:
    catalog = load([write(tmp_path, "run/mine-gone.toml")])
    assert ids(catalog, job("$ make\nfrobnicate: gizmo is gone")) == ["mine-gone"]


def test_without_ours_every_failure_is_unknown_and_the_excerpt_carries_it() -> None:
    trace = job(
        "$ buildctl build --local dockerfile=a/Dockerfile\nerror: invalid local: stat a/Dockerfile: not a directory"
    )
    report = diagnose(trace.encode(), load([], builtin=False))
    assert (report.verdict, report.findings) == ("unknown", ())
    assert any("invalid local" in e.text for e in report.excerpt)
    assert report.signature
    assert diagnose(trace.encode(), load([])).verdict == "diagnosed"


def test_a_users_vocabulary_and_recipes(tmp_path: Path) -> None:
    write(tmp_path, "vocabulary.toml", "[types.gizmo]\nabout = 'a gizmo'\npattern = 'g[0-9]+'\n")
    write(tmp_path, "run/mine-gone.toml", PATTERN.replace("word", "gizmo"))
    write(tmp_path, "recipes/buildx/auth.toml", 'title = "T"\nfile = ".gitlab-ci.yml"\nsnippet = "mine: x"\n')
    write(tmp_path, "README.md", "no pattern")
    catalog = load([tmp_path])
    assert ids(catalog, job("$ make\nfrobnicate: g12 is gone")) == ["mine-gone"]
    assert "mine-gone" not in ids(catalog, job("$ make\nfrobnicate: x12 is gone"))
    assert catalog.recipes["buildx", "auth"].snippet == "mine: x"
    assert catalog.recipes["native", "auth"].snippet != "mine: x"


def test_aliases_answer_for_their_pattern(tmp_path: Path) -> None:
    catalog = load([write(tmp_path, "run/x-y.toml", 'aliases = ["old-name"]\n' + PATTERN)], builtin=False)
    assert catalog.get("old-name") is catalog.get("x-y") is not None
    assert catalog.covers("old-name", catalog.entries["x-y"])
    assert catalog.covers("run/*", catalog.entries["x-y"])
    assert catalog.get("nobody") is None


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"nowhere: no such folder of patterns\. Check --patterns and BKDOCTOR_PATTERNS"
    ):
        load([tmp_path / "nowhere"])


BROKEN = {
    "no TOML": (PATTERN + "\n[[fix", "not valid TOML"),
    "a key that is unknown": ("titel = 'x'\n" + PATTERN, "titel"),
    "a key that is unknown in a table": (PATTERN.replace("[explain]", "line = ['x']\n[explain]"), "match: "),
    "a key that is missing": (PATTERN.replace('owner = "author"\n', ""), "owner"),
    "a value that is no choice": (PATTERN.replace('"author"', '"somebody"'), "owner: invalid enum value 'somebody'"),
    "a value of another kind": (PATTERN.replace('title = "Mine"', "title = 1"), "title: expected `str`, got `int`"),
    "a wrong kind in a list": (PATTERN.replace("lines = [", "lines = [1, "), r"match\.lines\[0\]"),
    "an empty title": (PATTERN.replace("Mine", ""), "title: expected `str` of length >= 1"),
    "no references": (PATTERN.replace('"https://example.com"', ""), r"explain\.references"),
    "a type that is unknown": (PATTERN.replace("word", "gizmo"), r"match\.lines\[0\]: there is no type 'gizmo'"),
    "a template of values alone": (
        PATTERN.replace("frobnicate: <what:word> is gone", "<a> <b>"),
        "has no literal text",
    ),
    "a sequence of nothing": (PATTERN.replace("['frob", "[[], 'frob"), r"match\.lines\[0\]: .*empty"),
    "a regex that is none": (
        PATTERN.replace("'frobnicate: <what:word> is gone'", "{ regex = '(', literal = 'abcd' }"),
        "is no regular expression",
    ),
    "a condition of two kinds": (
        PATTERN.replace("[explain]", "requires = [{ line = 'a b c', regex = 'x' }]\n[explain]"),
        r"match\.requires: give either `line`, or `regex`",
    ),
    "a condition with an unknown type": (
        PATTERN.replace("[explain]", "excludes = ['abcd <x:gizmo>']\n[explain]"),
        r"match\.excludes: there is no type 'gizmo'",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_says_file_key_and_what_to_do(tmp_path: Path, what: str) -> None:
    text, message = BROKEN[what]
    with pytest.raises(PatternError, match=message) as raised:
        diagnose(b"frobnicate: x is gone\n", load([write(tmp_path, "run/mine-gone.toml", text)], builtin=False))
    said = str(raised.value)
    assert str(tmp_path / "run/mine-gone.toml") in said
    assert "\n" not in said
    assert said.endswith(".")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("vocabulary.toml", "[types.a]\npattern = 'x'", "about"),
        ("vocabulary.toml", "[types.a]\nabout = 'x'\npattern = '('", "types.a"),
        ("vocabulary.toml", "[types.a]\nabout = 'x'\npattern = '(?P<x>y)'", "types.a"),
        ("vocabulary.toml", "types", "vocabulary.toml"),
        ("recipes/buildx/auth.toml", "title = 'x'", "file"),
        ("recipes/buildx/auth.toml", "titel = 'x'", "recipe"),
    ],
)
def test_other_broken_files(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(PatternError, match=message) as raised:
        load([write(tmp_path, name, text)], builtin=False)
    assert str(tmp_path / name) in str(raised.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    write(tmp_path, "run/mine-gone.toml")
    (tmp_path / "run/mine-gone.toml").write_bytes(b"title = '\xff'")
    with pytest.raises(PatternError, match="readable UTF-8"):
        load([tmp_path], builtin=False)


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/mine-gone.toml").symlink_to("mine-gone.toml")  # a link to itself: root reads any other file
    with pytest.raises(PatternError, match="readable UTF-8"):
        load([tmp_path], builtin=False)


def test_ours_are_whole() -> None:
    catalog = load([])
    assert len(catalog.entries) > 100
    assert {section for _, section in catalog.recipes} == set(SECTIONS)
    assert all(catalog.index.literals)


def test_ours_do_not_hinder_each_other_and_are_silent_on_passing_logs() -> None:
    """What only all of them together can do wrong; the checks of each are tests of its own file."""
    catalog, broken = load_tolerant([])
    assert not broken
    assert [str(fault) for fault in check_whole(catalog, run, passing_logs())] == []


def test_other_marks_of_structure_are_another_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was compiled for the old ones would look for these alone."""
    before = fingerprint_of((), builtin=True)
    assert fingerprint_of((), builtin=True) == before
    monkeypatch.setattr("bkdoctor.trace.finder.MARKS", ())
    assert fingerprint_of((), builtin=True) != before
