"""A case of the table: a project whose build fails, the finding that must come first, the fix that must cure it."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.commands import START
from tests.engine.machine import Machine
from tests.engine.runner import JOB, Project, Run, run_job

PLAIN_DIND = """\
  variables:
    DOCKER_HOST: tcp://docker:2375
    DOCKER_TLS_CERTDIR: ""
    DOCKER_BUILDKIT: "1"
"""
DIND = "  services:\n    - docker:20.10-dind\n" + PLAIN_DIND


@dataclass(frozen=True)
class Advice:
    """How an author follows a snippet that is no edit: the lines go into a file in place of, or before, others."""

    replaces: str = ""
    before: str = ""
    take: str = ""
    """Only those lines of the snippet in which this stands; left out: all."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row."""

    name: str
    pattern: str
    """FAMILY/ID of the finding that must come first."""
    script: str
    """The job's script, lines of YAML."""
    files: dict[str, str] = field(default_factory=dict)
    job: str = DIND
    """The rest of the job, YAML."""
    variables: dict[str, str] = field(default_factory=dict)
    """The project's CI/CD variables."""
    fix: int | None = None
    """Which of the printed fixes; None: the one that `bkdoctor fix` chooses."""
    target: str = ".gitlab-ci.yml"
    """The file that the fix changes; `shell`: it is a command that the author runs in the working copy."""
    advice: Advice | None = None


@dataclass(frozen=True)
class Bench:
    """A machine, and a folder for one case."""

    machine: Machine
    folder: Path

    def project(self, case: Case) -> Project:
        """Make the project of a case."""
        folder = self.folder / "work"
        folder.mkdir()
        project = Project(folder, {**self._variables(), **case.variables})
        script = "".join(f"    {line}\n" for line in case.script.strip("\n").splitlines())
        project.begin({".gitlab-ci.yml": f"{JOB}:\n  image: docker:20.10\n{case.job}  script:\n{script}", **case.files})
        return project

    def _variables(self) -> dict[str, str]:
        return {"PRIVATE_CA": self.machine.private_authority}

    def job(self, project: Project, name: str) -> Run:
        """Run the job; its trace is kept as NAME.log."""
        run = run_job(self.machine, project, self.folder / name)
        (self.folder / f"{name}.log").write_text(run.trace, encoding="utf-8")
        return run

    def report(self, name: str) -> dict[str, Any]:
        """Return what bkdoctor says of the trace that is kept as NAME.log."""
        done = _bkdoctor("log", "--format", "json", self.folder / f"{name}.log", folder=self.folder)
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def fix(self, case: Case, project: Project, name: str) -> str:
        """Change the project's files as bkdoctor says, and return its words."""
        if case.advice is None and case.target != "shell":
            number = [] if case.fix is None else ["--fix", str(case.fix)]
            log = self.folder / f"{name}.log"
            done = _bkdoctor("fix", log, "--file", case.target, "--write", *number, folder=project.folder)
            said = done.stderr + done.stdout
            assert done.returncode == 0, said
            project.commit(case.target)
            return said
        snippet = self._printed(case, name)
        if case.target == "shell":
            self.machine.sandbox.must("sh", "-ec", snippet, folder=project.folder)
            project.commit()
        elif case.advice:
            followed(case.advice, project.folder / case.target, snippet)
            project.commit(case.target)
        return snippet

    def _printed(self, case: Case, name: str) -> str:
        fixes = self.report(name)["findings"][0]["fixes"]
        fitting = [f for f in fixes if f["file"] == case.target]
        fix = fixes[case.fix - 1] if case.fix else fitting[0]
        assert fix["file"] == case.target, f"fix {case.fix} is for {fix['file']}"
        return str(fix["snippet"])


def _bkdoctor(*words: str | Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*START, *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def followed(advice: Advice, path: Path, snippet: str) -> None:
    """Put a snippet's lines, letter for letter, where the advice says."""
    lines = [line for line in snippet.splitlines() if advice.take in line]
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    place = advice.replaces or advice.before
    assert text.count(place) == 1 or not place, f"{place!r} stands {text.count(place)} times in {path.name}"
    new = "\n".join(lines)
    if advice.before:
        new += f"\n{place}"
    path.write_text(text.replace(place, new) if place else f"{text}{new}\n", encoding="utf-8")


def cure(bench: Bench, case: Case) -> None:
    """Run the job of a case, see that bkdoctor knows why it fails, fix it with what bkdoctor prints, run it again."""
    project = bench.project(case)
    broken = bench.job(project, "broken")
    assert broken.status != 0, f"the job passes:\n{broken.trace}"
    report = bench.report("broken")
    found = [f"{f['family']}/{f['id']}" for f in report["findings"]]
    assert found[:1] == [case.pattern], f"found {found or report['verdict']}:\n{broken.trace}"
    said = bench.fix(case, project, "broken")
    mended = bench.job(project, "mended")
    changes = project.git("show", "HEAD")
    assert mended.status == 0, f"not cured by\n{said}\n{changes}\n{mended.trace}"
