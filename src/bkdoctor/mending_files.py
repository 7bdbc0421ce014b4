"""From a git work tree, a file that was named, or a job's project on GitLab to the files that fixes are for."""

import shutil
import subprocess
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bkdoctor.errors import InputError, UsageError
from bkdoctor.fixes.ci_inlined import with_included
from bkdoctor.fixes.result import Change, Refusal
from bkdoctor.mending import Judgement
from bkdoctor.model import Finding, Fix

if TYPE_CHECKING:
    from bkdoctor.gitlab.files import JobFiles

_CI = ".gitlab-ci.yml"


def suits(file: str, name: str) -> bool:
    """Say whether a file of this name is the kind of file that a fix is for."""
    base = PurePosixPath(name).name.lower()
    yaml = base.endswith((".yml", ".yaml"))
    helm = yaml and "values" in base
    return {
        _CI: yaml and not helm,
        "config.toml": helm or (base.endswith(".toml") and "buildkit" not in base),
        "buildkitd.toml": base.endswith(".toml") and base != "config.toml",
        "daemon.json": base.endswith(".json"),
        "Dockerfile": "dockerfile" in base or "containerfile" in base,
        ".dockerignore": base.endswith(".dockerignore"),
    }.get(file, False)


class LocalFiles:
    """Files of the git work tree around the current folder, or the one that was named."""

    def __init__(self, named: str | None) -> None:
        self.root = _top_level(Path(named).resolve().parent if named else Path.cwd())
        self._named = self._inside(Path(named)) if named else None
        if named and not Path(named).is_file():
            raise InputError(f"{named}: there is no such file. Name the file to fix with --file.")

    def _inside(self, path: Path) -> str:
        resolved = path.resolve()
        if not resolved.is_relative_to(self.root):
            raise UsageError(f"{path} is not below {self.root}. Run bkdoctor where the file's project is.")
        return resolved.relative_to(self.root).as_posix()

    def name_for(self, fix: Fix, finding: Finding) -> str | Refusal:
        """Return the path of the file that a fix is for, from the top of the work tree."""
        if self._named is not None:
            fits = suits(fix.file, self._named)
            return self._named if fits else Refusal(f"it is for {fix.file}, not for {self._named}")
        if fix.file == ".dockerignore":
            return fix.file
        wanted = finding.location.dockerfile if fix.file == "Dockerfile" else None
        for name in (wanted, fix.file):
            if name and (self.root / name).is_file() and (self.root / name).resolve().is_relative_to(self.root):
                return PurePosixPath(name).as_posix()
        return self._searched(fix)

    def _searched(self, fix: Fix) -> str | Refusal:
        names = [n for n in _tracked(self.root) if PurePosixPath(n).name == fix.file]
        if fix.file == "config.toml" and not names:
            names = [n for n in _tracked(self.root) if suits(fix.file, n) and "values" in n and self._is_runners(n)]
        if len(names) == 1 and fix.file != _CI:
            return names[0]
        if names:
            return Refusal(f"there are several {fix.file} ({', '.join(names[:5])}): choose one with --file")
        return Refusal(f"there is no {fix.file} in {self.root.name or self.root}: name it with --file")

    def _is_runners(self, name: str) -> bool:
        return "[[runners]]" in (self.read(name) or "")

    def read(self, path: str) -> str | None:
        """Return a file's text as it is, line ends and all."""
        file = self.root / path
        if not file.is_file() or not file.resolve().is_relative_to(self.root):
            return None
        try:
            return file.read_bytes().decode()
        except UnicodeDecodeError:
            raise InputError(f"{path} is not UTF-8. Save it as UTF-8, then run the command again.") from None
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or 'cannot be read'}. Name another file with --file.") from error

    def whole(self) -> str | None:
        """Return None: only GitLab merges configurations."""
        return None

    def judge(self, changes: tuple[Change, ...]) -> Judgement:
        """Return nothing: only GitLab judges them."""
        del changes
        return Judgement()

    def write(self, change: Change) -> str | None:
        """Write a changed file, the old one kept beside it; return the name of that one."""
        file = self.root / change.path
        kept = None
        try:
            if change.before is not None:
                if file.read_bytes() != change.before.encode():
                    raise InputError(f"{change.path} is not as the change expects it. Apply the diff with git apply.")
                kept = _free_name(file)
                shutil.copy2(file, kept)
            file.write_bytes(change.after.encode())
        except OSError as error:
            raise InputError(
                f"{change.path}: {error.strerror or 'cannot be written'}. Apply the diff yourself."
            ) from error
        return kept.relative_to(self.root).as_posix() if kept else None


class RemoteFiles:
    """Files of a job's project on GitLab, at the job's commit."""

    def __init__(self, files: "JobFiles") -> None:
        self._files = files
        self._whole: list[str | None] = []

    def name_for(self, fix: Fix, finding: Finding) -> str | Refusal:
        """Return the path of the file that a fix is for."""
        if fix.file == _CI:
            return self._files.ci_path
        if fix.file == ".dockerignore":
            return fix.file
        if fix.file == "Dockerfile":
            return finding.location.dockerfile or fix.file
        return Refusal(f"{fix.file} is no file of the project: name it with --file")

    def read(self, path: str) -> str | None:
        """Return a file's text."""
        return self._files.read(path)

    def whole(self) -> str | None:
        """Return the CI configuration as GitLab merged it."""
        if not self._whole:
            self._whole.append(self._files.merged())
        return self._whole[0]

    def judge(self, changes: tuple[Change, ...]) -> Judgement:
        """Say what GitLab finds wrong with a changed configuration, if the old one was right."""
        path = self._files.ci_path
        before = self.read(path) or ""
        if changes[0].path == path:
            after = changes[0].after
        elif not changes[0].job:
            return Judgement()
        else:
            inlined = with_included(before, changes[0].path, changes[0].after) if len(changes) == 1 else None
            if inlined is None:
                return Judgement(note=f"GitLab did not judge the change: {path} includes {changes[0].path}.")
            after = inlined
        lint = self._files.lint(after)
        if lint is None:
            return Judgement(note="GitLab did not judge the change: that needs a token with the scope api.")
        if lint.valid:
            return Judgement()
        if (there := self._files.lint(before)) is not None and not there.valid:
            return Judgement(note="GitLab did not judge the change: it refuses the present configuration, too.")
        return Judgement(fault="; ".join(lint.errors) or "it is not valid")


def _free_name(file: Path) -> Path:
    """Return NAME.orig, or NAME.orig.2 and so on: an older one is never written over."""
    number = 1
    while (kept := file.with_name(file.name + (".orig" if number == 1 else f".orig.{number}"))).exists():
        number += 1
    return kept


def _top_level(folder: Path) -> Path:
    shown = _git(folder, "rev-parse", "--show-toplevel").strip()
    return Path(shown).resolve() if shown else folder.resolve()


def _tracked(root: Path) -> list[str]:
    names = _git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    return sorted(n for n in set(names) if n)


def _git(folder: Path, *arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603 (git's full path and fixed arguments)
            [git, *arguments], cwd=folder, capture_output=True, text=True, errors="replace", timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
