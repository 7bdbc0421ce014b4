"""From a case to its cure: the job fails, bkdoctor knows why, its fix goes into the files, the job passes."""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent
from typing import Any

from tests.commands import START
from tests.engine.machine import Machine
from tests.engine.runner import JOB, Project, Run, run_job

DIND = """\
  services:
    - docker:20.10-dind
  variables:
    DOCKER_HOST: tcp://docker:2375
    DOCKER_TLS_CERTDIR: ""
    DOCKER_BUILDKIT: "1"
"""


@dataclass(frozen=True)
class Written:
    """The fix is an edit: `bkdoctor fix --write` makes it."""

    file: str = ".gitlab-ci.yml"
    fix: int | None = None
    """Which, as the report counts them; None: the one that bkdoctor chooses."""


@dataclass(frozen=True)
class Typed:
    """The fix is commands: the author runs what is printed in the working copy."""

    fix: int


@dataclass(frozen=True)
class Followed:
    """The fix shows a form: its lines, letter for letter, go in place of others, before one, or to the end."""

    file: str
    fix: int
    replaces: str = ""
    before: str = ""
    take: str = ""
    """Only the lines in which this stands; left out: all."""


@dataclass(frozen=True)
class Filled:
    """What a fix leaves open, `...`, the author fills in: here with the private authority's certificate."""

    file: str = ".gitlab-ci.yml"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the table in README.md."""

    name: str
    pattern: str
    """FAMILY/ID of the finding that must come first."""
    script: str
    """The job's script: lines of YAML."""
    files: dict[str, str] = field(default_factory=dict)
    job: str = DIND
    """The rest of the job: lines of YAML."""
    variables: dict[str, str] = field(default_factory=dict)
    """The project's CI/CD variables."""
    keys: dict[str, Callable[[], str]] = field(default_factory=dict)
    """Its variables of type file, and what makes the text of each."""
    user: str = "root"
    """Who runs the job."""
    how: tuple[Written | Typed | Followed | Filled, ...] = (Written(),)
    prepare: Callable[[Machine], None] = lambda _: None
    """What the world has before the job."""


@dataclass(frozen=True)
class Bench:
    """A machine, and a folder for one case."""

    machine: Machine
    folder: Path

    def project(self, case: Case) -> Project:
        """Make the project of a case."""
        folder = self.folder / "work"
        folder.mkdir()
        project = Project(folder, case.variables, case.keys, case.user)
        script = "".join(f"    {line}\n" for line in case.script.strip("\n").splitlines())
        project.begin({".gitlab-ci.yml": f"{JOB}:\n  image: docker:20.10\n{case.job}  script:\n{script}", **case.files})
        return project

    def job(self, project: Project, name: str) -> Run:
        """Run the job; its trace is kept as NAME.log."""
        run = run_job(self.machine, project, self.folder / name)
        (self.folder / f"{name}.log").write_text(run.trace, encoding="utf-8")
        return run

    def report(self, name: str) -> dict[str, Any]:
        """Return what bkdoctor says of the trace that is kept as NAME.log."""
        done = self._bkdoctor("log", "--format", "json", self._log(name))
        assert done.stdout, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def fix(self, project: Project, name: str, how: Written | Typed | Followed | Filled) -> str:
        """Change the project's files as bkdoctor says, and return its words."""
        if isinstance(how, Written):
            number = [] if how.fix is None else ["--fix", str(how.fix)]
            options = ["--file", how.file, "--write", *number]
            done = self._bkdoctor("fix", self._log(name), *options, folder=project.folder)
            assert done.returncode == 0, done.stderr
            project.commit(how.file)
            return done.stderr + done.stdout
        if isinstance(how, Filled):
            path = project.folder / how.file
            certificate = "\n".join(self.machine.authority.split("\n")[1:-2])
            path.write_text(re.sub(r"(?m)^( *)\.\.\.$", lambda m: indent(certificate, m[1]), path.read_text()))
            project.commit(how.file)
            return "filled in"
        file, snippet = self._printed(name, how.fix)
        if isinstance(how, Typed):
            assert file == "shell" or file == "node"
            self.machine.sandbox.must("sh", "-ec", snippet, folder=project.folder, env=self.machine.docker_env)
            project.commit()
        else:
            assert Path(how.file).name.endswith(file)
            followed(how, project.folder / how.file, snippet)
            project.commit(how.file)
        return snippet

    def _printed(self, name: str, number: int) -> tuple[str, str]:
        fix = self.report(name)["findings"][0]["fixes"][number - 1]
        return fix["file"], fix["snippet"]

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _bkdoctor(self, *words: str | Path, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*START, *words], cwd=folder or self.folder, capture_output=True, text=True, timeout=60, check=False
        )


def followed(how: Followed, path: Path, snippet: str) -> None:
    """Put a snippet's lines where an author would."""
    new = "\n".join(line for line in snippet.strip("\n").split("\n") if how.take in line)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    place = how.replaces or how.before
    if not place:
        path.write_text(f"{text}{new}\n", encoding="utf-8")
        return
    assert text.count(place) == 1, f"{place!r} stands {text.count(place)} times in {path.name}"
    path.write_text(text.replace(place, f"{new}\n{place}" if how.before else new), encoding="utf-8")


def cure(bench: Bench, case: Case) -> None:
    """Run the job of a case, see that bkdoctor knows why it fails, fix it with what bkdoctor prints, run it again."""
    case.prepare(bench.machine)
    project = bench.project(case)
    broken = bench.job(project, "broken")
    assert broken.status != 0, f"the job passes:\n{broken.trace}"
    report = bench.report("broken")
    found = [f"{f['family']}/{f['id']}" for f in report["findings"]]
    assert found[:1] == [case.pattern], f"found {found or report['verdict']}:\n{broken.trace}"
    said = [bench.fix(project, "broken", how) for how in case.how]
    mended = bench.job(project, "mended")
    changes = project.git("log", "--patch", "--reverse", "--format=%s")
    assert mended.status == 0, "\n".join(["not cured by", *said, changes, mended.trace])
    assert bench.report("mended")["verdict"] == "passed"
