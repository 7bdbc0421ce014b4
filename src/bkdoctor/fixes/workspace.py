"""From a project's files to the same files after several steps of an edit: each step sees what was done before it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bkdoctor.fixes.ci_config import Config, File, Found, Reader, load
from bkdoctor.fixes.result import Splice, spliced
from bkdoctor.fixes.yaml_edit import Sheet
from bkdoctor.fixes.yaml_tree import Node
from bkdoctor.fixes.yaml_write import style_of


@dataclass(slots=True)
class Workspace:
    """A configuration under change."""

    path: str
    text: str
    read: Reader
    whole: str | None = None
    """The configuration as GitLab merged it."""
    job: str = ""
    changed: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _config: Config | None = None

    @property
    def config(self) -> Config:
        """The configuration as it reads now."""
        if self._config is None:
            self._config = load(self.path, self.changed.get(self.path, self.text), self._read, self.whole)
        return self._config

    def _read(self, name: str) -> str | None:
        return self.changed.get(name) or self.read(name)

    def write(self, file: File, splices: Iterable[Splice]) -> bool:
        """Make splices in a file, and say whether they change it."""
        text = spliced(file.text, splices)
        if text == file.text:
            return False
        self.changed[file.path] = text
        self._config = None
        return True

    def restore(self, path: str, text: str | None) -> None:
        """Take back what was done to a file since it read so; None: since the beginning."""
        if text is None:
            self.changed.pop(path, None)
        else:
            self.changed[path] = text
        self._config = None

    def sheet(self, file: File) -> Sheet:
        """Return a sheet for changes of a file."""
        return Sheet(file.text, style_of(file.root))

    def scripts(self, *keys: str) -> list[tuple[str, Found, File, Node]]:
        """Return the strings of the job's scripts: the key, the script's value, file and node of each."""
        return [
            (key, found, file, node)
            for key in keys
            if (found := self.config.effective(self.job, key)) is not None
            for file, node in self.config.scalars(found)
            if found.file.path
        ]
