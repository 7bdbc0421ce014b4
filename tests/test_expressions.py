"""Compiled expressions that are kept: they say the same, and a file that does not fit is left alone."""

import copyreg
import sys
from pathlib import Path

import pytest
import regex

from bkdoctor.catalog import expressions
from bkdoctor.catalog.expressions import Expressions
from tests.catalogs import ours

TEXT = r"^\s*(?P<a>[^,]+?), (?P<b>\d++)(?i:é)$"


def stored(path: Path, *texts: str) -> None:
    kept = Expressions(str(path))
    for text in texts:
        kept.compiled(text)
    kept.keep()


def nothing_is_compiled(patch: pytest.MonkeyPatch) -> None:
    made = regex.compile("")
    patch.setattr(regex, "compile", lambda text: made if text == "" else pytest.fail(f"{text} was compiled"))


def test_what_is_kept_finds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, lines = [], []
    for entry in ours().entries.values():
        texts += [template.expression for template in entry.templates()]
        lines.append([line for example in entry.pattern.example for line in example.log.splitlines()])
    stored(tmp_path / "x.bin", *texts)
    plain = [regex.compile(text) for text in texts]
    kept = Expressions(str(tmp_path / "x.bin"))
    nothing_is_compiled(monkeypatch)
    for pattern, text in zip(plain, texts, strict=True):
        again = kept.compiled(text)
        assert (again.pattern, again.flags, again.groupindex) == (text, pattern.flags, pattern.groupindex)
    number = 0
    for entry, example in zip(ours().entries.values(), lines, strict=True):
        for _ in entry.templates():
            again = kept.compiled(texts[number])
            for line in example:
                one, other = plain[number].search(line), again.search(line)
                assert (one and (one.span(), one.groupdict())) == (other and (other.span(), other.groupdict()))
            number += 1


def test_a_time_limit_holds_for_a_kept_one(tmp_path: Path) -> None:
    stored(tmp_path / "x.bin", r"x(\w*\w*\w*)*-$")
    with pytest.raises(TimeoutError):
        Expressions(str(tmp_path / "x.bin")).compiled(r"x(\w*\w*\w*)*-$").search("x" * 5000, timeout=0.01)


def test_two_add_to_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Expressions(str(tmp_path / "x.bin")), Expressions(str(tmp_path / "x.bin"))
    one.compiled("a+")
    other.compiled("b+")
    one.keep()
    other.keep()
    nothing_is_compiled(monkeypatch)
    assert [Expressions(str(tmp_path / "x.bin")).compiled(text).pattern for text in ("a+", "b+")] == ["a+", "b+"]


@pytest.mark.parametrize(
    "change", [lambda data: data[:-9], lambda data: b"", lambda data: data[:40] + b"x" + data[41:]]
)
def test_a_file_that_is_not_whole_is_left_alone(tmp_path: Path, change) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "x.bin"
    stored(path, TEXT)
    path.write_bytes(change(path.read_bytes()))
    assert expressions._read(str(path)) == {}
    assert Expressions(str(path)).compiled(TEXT).search("x, 12É")


def test_one_of_another_version_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(tmp_path / "x.bin", TEXT)
    monkeypatch.setattr(sys, "version", "4.0.0")
    assert expressions._read(str(tmp_path / "x.bin")) == {}


def test_without_a_place_to_keep_it_all_is_compiled(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (None, str(tmp_path / "file" / "x.bin")):
        kept = Expressions(path)
        assert kept.compiled(TEXT).pattern == TEXT
        kept.keep()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_package_that_pickles_in_another_way_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(tmp_path / "x.bin", TEXT)
    monkeypatch.setattr(copyreg, "dispatch_table", {})
    kept = Expressions(str(tmp_path / "x.bin"))
    assert [kept.compiled(text).pattern for text in (TEXT, "a+")] == [TEXT, "a+"]
    kept.keep()
    monkeypatch.undo()
    assert list(expressions._read(str(tmp_path / "x.bin"))) == [TEXT]


def test_what_is_no_expression_is_told() -> None:
    with pytest.raises(regex.error):
        Expressions().compiled("(")
