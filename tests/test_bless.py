"""Generated files are current, and what is no longer generated is gone."""

from functools import cache
from pathlib import Path

import pytest

from bkdoctor.catalog.catalog import load
from tests import bless


@cache
def generated() -> dict[Path, str]:
    return dict(bless.generated(load([])))


def test_generated_files_are_current() -> None:
    old = [
        str(path.relative_to(bless.ROOT))
        for path, text in generated().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    assert old == [], "run make bless and look at the diff"


def test_nothing_is_left_of_what_is_gone() -> None:
    assert bless.stale(generated()) == [], "run make bless"


def test_a_page_without_its_pattern_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bless, "CATALOGUE", tmp_path)
    gone, kept = tmp_path / "gone.md", tmp_path / "kept.md"
    for page in (gone, kept):
        page.write_text("")
    assert gone in bless.stale([kept])
    assert kept not in bless.stale([kept])


def test_the_picture_is_the_same_each_time_and_needs_nothing_from_the_web() -> None:
    picture = bless.picture(load([]))
    assert picture == bless.picture(load([]))
    assert not [word for word in ("url(http", "@import", "href=") if word in picture]
    assert len(picture) < 40_000
