"""Every entry of GitLab's own troubleshooting pages is answered, or the table says why a job's trace cannot show it."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.doctor import diagnose
from tests.catalogs import ours

TABLE: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("troubleshooting.toml").read_text(encoding="utf-8")
)
ANSWERED = {name: entry for name, entry in TABLE.items() if "pattern" in entry}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return ours()


def test_the_table_is_whole() -> None:
    assert list(TABLE) == [f"T{n:03}" for n in range(1, 156)]
    for name, entry in TABLE.items():
        assert entry["kind"] in ("B", "R", "o"), name
        assert entry.get("sample", "").strip() if "pattern" in entry else entry["reason"].strip(), name


@pytest.mark.parametrize("name", ANSWERED)
def test_entry_is_answered_first(name: str, catalog: Catalog) -> None:
    entry = ANSWERED[name]
    report = diagnose(entry["sample"].encode(), catalog)
    assert [f.id for f in report.findings][:1] == [entry["pattern"]]
    assert report.findings[0].fixes
