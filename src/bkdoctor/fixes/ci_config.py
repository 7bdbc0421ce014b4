"""From .gitlab-ci.yml and the local files that it includes to its jobs and what each of them inherits."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from bkdoctor.fixes.result import CannotEdit
from bkdoctor.fixes.yaml_tree import Node, documents

Reader = Callable[[str], str | None]
"""Gives the text of another file of the project, None if it is not at hand."""
How = Literal["own", "merge", "extends", "default", "global"]

_NO_JOBS = frozenset(
    "default include spec stages types variables workflow image services cache before_script after_script".split()
)
_OF_DEFAULT = frozenset(
    "after_script artifacts before_script cache hooks id_tokens identity image interruptible retry services tags"
    " timeout".split()
)
_GLOBAL = frozenset({"after_script", "before_script", "cache", "image", "services"})
_MAX_FILES = 50
_MAX_DEPTH = 12
_MAX_LINES = 5000


@dataclass(slots=True)
class File:
    """A file of the configuration and the root of its last document."""

    path: str
    text: str
    root: Node


@dataclass(slots=True)
class Found:
    """A value that a job has or inherits."""

    node: Node
    file: File
    how: How
    source: str = ""
    """The key under which it stands: the job's own, a template's, `default`."""


@dataclass(slots=True)
class Config:
    """The files at hand; the first is the one that was named."""

    files: list[File] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """What is included and not at hand."""
    whole: File | None = None
    """The configuration as GitLab merged it, to look up what no file at hand tells; never edited."""

    @property
    def main(self) -> File:
        """The file that was named."""
        return self.files[0]

    def entries(self, name: str) -> Iterator[tuple[File, Node, Node]]:
        """Yield where a key of the top stands, with its mapping; what counts first, first."""
        for file in self.files:
            for key, value in file.root.pairs:
                if key.value == name and value.real.kind == "map":
                    yield file, key, value.real

    def jobs(self) -> list[str]:
        """Return the names of the jobs, without hidden ones."""
        names = [k.value for f in self.files for k, v in f.root.pairs if v.real.kind == "map"]
        return list(dict.fromkeys(n for n in names if n not in _NO_JOBS and not n.startswith(".")))

    def own(self, job: str, key: str) -> Found | None:
        """Return the value that stands in the job itself."""
        for file, _, node in self.entries(job):
            if (value := node.get(key)) is not None:
                return Found(value, file, "own", job)
        return None

    def inherited(self, job: str, key: str) -> Found | None:
        """Return the value that a job without this key of its own has."""
        return self._from_job(job, key, "own", 0, skip_own=True) or self._from_default(job, key) or self._told(job, key)

    def _told(self, job: str, key: str) -> Found | None:
        entry = self.whole.root.get(job) if self.whole else None
        value = entry.real.get(key) if entry is not None else None
        return Found(value, self.whole, "global") if value is not None and self.whole else None

    def effective(self, job: str, key: str) -> Found | None:
        """Return the value that a job has, be it its own or not."""
        return self.own(job, key) or self.inherited(job, key)

    def lost(self, job: str) -> list[str]:
        """Return the templates of a job that no file at hand holds."""
        return sorted({name for name in self._templates(job, 0) if not any(self.entries(name))})

    def _templates(self, job: str, depth: int) -> Iterator[str]:
        if depth > _MAX_DEPTH:
            return
        for _, _, node in self.entries(job):
            for name in extends_of(node):
                yield name
                yield from self._templates(name, depth + 1)

    def _from_job(self, name: str, key: str, how: How, depth: int, *, skip_own: bool = False) -> Found | None:
        if depth > _MAX_DEPTH:
            return None
        for file, _, node in self.entries(name):
            value = None if skip_own else node.get(key)
            if value is not None:
                return Found(value, file, how, name)
            if (value := node.merged(key)) is not None:
                return Found(value, file, "merge" if how == "own" else how, name)
        for _, _, node in self.entries(name):
            for template in reversed(extends_of(node)):
                if found := self._from_job(template, key, "extends", depth + 1):
                    return found
        return None

    def _from_default(self, job: str, key: str) -> Found | None:
        if key in _OF_DEFAULT and self._takes_default(job, key):
            for file, _, node in self.entries("default"):
                value = node.get(key) or node.merged(key)
                if value is not None:
                    return Found(value, file, "default", "default")
            for file in self.files:
                value = file.root.get(key) if key in _GLOBAL else None
                if value is not None:
                    return Found(value, file, "global", "")
        return None

    def _takes_default(self, job: str, key: str) -> bool:
        found = self.own(job, "inherit") or self._from_job(job, "inherit", "own", 0)
        takes = found.node.real.get("default") if found and found.node.real.kind == "map" else None
        if takes is None:
            return True
        if takes.real.kind == "seq":
            return key in [item.value for item in takes.real.items]
        return takes.real.value.lower() not in ("false", "no", "off")

    def referenced(self, path: list[str]) -> Found | None:
        """Return what `!reference [a, b]` stands for."""
        if not path:
            return None
        if len(path) == 1:
            roots = ((file, file.root.get(path[0])) for file in self.files)
            return next((Found(value, file, "own", path[0]) for file, value in roots if value is not None), None)
        for file, _, node in self.entries(path[0]):
            here: Node | None = node
            for part in path[1:]:
                real = here.real if here is not None else None
                here = (real.get(part) or real.merged(part)) if real is not None else None
            if here is not None:
                return Found(here, file, "own", path[0])
        if len(path) == 2:
            return self._from_job(path[0], path[1], "extends", 0)
        return None

    def scalars(self, found: Found) -> list[tuple[File, Node]]:
        """Return the strings of a script: its own, those of lists in it, and what it refers to."""
        return list(islice(self._scalars(found, 0), _MAX_LINES))

    def _scalars(self, found: Found, depth: int) -> Iterator[tuple[File, Node]]:
        node = found.node.real
        if depth > _MAX_DEPTH:
            return
        if node.tag == "!reference":
            there = self.referenced([item.value for item in node.items])
            if there is not None:
                yield from self._scalars(there, depth + 1)
        elif node.kind == "scalar":
            yield found.file, node
        for item in node.items if node.tag != "!reference" else ():
            yield from self._scalars(Found(item, found.file, found.how, found.source), depth + 1)

    def users(self, node: Node) -> list[str]:
        """Return the jobs whose scripts hold this very string."""
        return [
            job
            for job in self.jobs()
            if any(n is node for key in SCRIPTS if (f := self.effective(job, key)) for _, n in self.scalars(f))
        ]


SCRIPTS = ("before_script", "script", "after_script")


def extends_of(node: Node) -> list[str]:
    """Return the names that a job extends."""
    value = node.get("extends") or node.merged("extends")
    if value is None:
        return []
    real = value.real
    return [item.real.value for item in real.items] if real.kind == "seq" else [real.value] if real.value else []


def load(path: str, text: str, read: Reader, whole: str | None = None) -> Config:
    """Return the configuration of a file and of what it includes from the same project. Raises CannotEdit.

    `whole` is the configuration as GitLab merged it, if it is known.
    """
    config = Config([_file(path, text)], whole=_file("", whole) if whole else None)
    seen = {path.removeprefix("/")}
    for file in config.files:
        for name in _includes(file.root, config.missing):
            if name in seen or len(seen) > _MAX_FILES:
                continue
            seen.add(name)
            other = None if "*" in name or "$" in name else read(name)
            try:
                config.files += [_file(name, other)] if other is not None else []
            except CannotEdit:
                other = None
            if other is None:
                config.missing.append(name)
    return config


def _file(path: str, text: str) -> File:
    roots = documents(text)
    root = roots[-1] if roots else None
    if root is None or root.kind != "map":
        raise CannotEdit("it holds no jobs")
    return File(path, text, root)


def entries_of_include(root: Node) -> list[Node]:
    """Return what a file includes, an entry each."""
    value = root.get("include")
    if value is None:
        return []
    return [item.real for item in value.real.items] if value.real.kind == "seq" else [value.real]


def name_of_include(entry: Node) -> str:
    """Return the path of an included file of the same project; empty where it is none, or an address."""
    local = entry if entry.kind == "scalar" else entry.get("local")
    return local.real.value.removeprefix("/") if local is not None and "://" not in local.real.value else ""


def _includes(root: Node, missing: list[str]) -> Iterator[str]:
    for entry in entries_of_include(root):
        name = name_of_include(entry)
        if not name:
            fields = [v.real.value for _, v in entry.pairs if v.real.value]
            missing.append(entry.value or " ".join(fields))
        elif name.endswith((".yml", ".yaml")):
            yield name
