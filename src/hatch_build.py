"""What building the wheel adds to it: the catalogue in one file, so that the first run need not read every pattern."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogHook(BuildHookInterface[Any]):
    """Puts bkdoctor/patterns/catalog.msgpack into a wheel; an editable install reads the patterns where they are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the file, and name it for the wheel. Raises PatternError for a broken pattern."""
        if version == "editable":
            return
        sys.path.insert(0, str(Path(self.root, "src")))
        from bkdoctor.catalog.store import PACKAGED, packaged

        self._folder = TemporaryDirectory(prefix="bkdoctor-wheel-")
        made = Path(self._folder.name, PACKAGED)
        made.write_bytes(packaged())
        build_data["force_include"][str(made)] = f"bkdoctor/patterns/{PACKAGED}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Take the file away again."""
        if version != "editable":
            self._folder.cleanup()
