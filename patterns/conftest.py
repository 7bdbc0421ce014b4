"""Each pattern file is a test: `pytest patterns/context/dockerfile-not-found.toml` runs that pattern's own checks."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.check import check_one
from bkdoctor.checking import load_tolerant, run

HERE = Path(__file__).parent


@cache
def loaded() -> tuple[Catalog, dict[str, str]]:
    """Return the catalogue, read once for all files, and what is wrong with those that cannot be read."""
    return load_tolerant([])


class FaultsError(Exception):
    """What the checks say of one pattern."""


class PatternFile(pytest.File):
    """One pattern file."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the one test that a pattern is."""
        yield PatternChecks.from_parent(self, name="checks")


class PatternChecks(pytest.Item):
    """The checks of one pattern, in the whole catalogue."""

    def runtest(self) -> None:
        """Run them."""
        catalog, broken = loaded()
        faults = [broken[self.path.stem]] if self.path.stem in broken else []
        if not faults:
            faults = [fault.message for fault in check_one(catalog.entries[self.path.stem], catalog, run)]
        if faults:
            raise FaultsError("\n".join(faults))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: object) -> str:
        """Show what is wrong with the pattern, not where the check stands."""
        return str(excinfo.value) if isinstance(excinfo.value, FaultsError) else str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Name the test by the pattern's file."""
        return self.path, 0, f"{self.path.parent.name}/{self.path.stem}"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> PatternFile | None:
    """Make a test of each FAMILY/ID.toml; recipes and the vocabulary have tests of their own."""
    is_pattern = file_path.suffix == ".toml" and file_path.parent.parent == HERE and file_path.parent.name != "recipes"
    return PatternFile.from_parent(parent, path=file_path) if is_pattern else None
