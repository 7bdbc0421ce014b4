"""From a project and its `.gitlab-ci.yml` to the trace of a job: a runner's docker executor on one machine.

It knows what the tests' jobs use: variables, dind as a service, before_script and script, retry. The job's container
is the machine itself; the service is its engine.
"""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.engine.machine import OWN, PASSWORD, USER, Machine
from tests.traces import job as trace_of

_GIT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "PATH": "/usr/bin:/bin"}
_IDENTITY = ["-c", "user.name=author", "-c", "user.email=author@example.com", "-c", "core.autocrlf=false"]
JOB = "build-image"


@dataclass
class Project:
    """A project's working copy, under git as its author has it."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    """The project's CI/CD variables."""
    keys: dict[str, str] = field(default_factory=dict)
    """Those of type file."""

    def git(self, *words: str | Path) -> str:
        """Run git in the working copy."""
        command = ["git", *_IDENTITY, *words]
        return subprocess.run(
            command, cwd=self.folder, env=_GIT, check=True, capture_output=True, text=True, timeout=30
        ).stdout

    def begin(self, files: Mapping[str, str]) -> None:
        """Write the first files and commit them."""
        self.git("init", "--quiet", "--initial-branch=main", ".")
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--message=A project")

    def commit(self, *paths: str) -> None:
        """Commit what was changed in these files, and what stands in the index."""
        self.git("add", "--", *paths) if paths else None
        self.git("commit", "--quiet", "--allow-empty", "--message=A fix")


@dataclass(frozen=True)
class Run:
    """How a job went."""

    status: int
    trace: str


def run_job(machine: Machine, project: Project, builds: Path) -> Run:
    """Run the job of a project, again where its `retry` says so, and return the last try."""
    config = YAML(typ="safe", pure=True).load((project.folder / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    job = {**config.get("default", {}), **config[JOB]}
    retry = job.get("retry", 0)
    tries = 1 + (retry["max"] if isinstance(retry, dict) else retry)
    for number in range(tries):
        run = _try(machine, project, builds / str(number), {**config.get("variables", {}), **job.get("variables", {})}, job)
        if not run.status:
            break
    return run


def _try(machine: Machine, project: Project, build: Path, variables: dict[str, str], job: dict[str, Any]) -> Run:
    home = build / "home"
    home.mkdir(parents=True)
    folder = build / "team" / "app"
    project.git("clone", "--quiet", project.folder, folder)
    env = _expanded({**_predefined(folder, project.git("rev-parse", "HEAD").strip()), **project.variables}, variables)
    for name, text in project.keys.items():
        path = build / "team" / "app.tmp" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        env[name] = str(path)
    _services(machine, job.get("services", []), env)
    lines = [*job.get("before_script", []), *job["script"]]
    done = machine.sandbox.run("sh", "-c", _SHELL, "sh", _script(lines), folder=folder, env={**env, "HOME": str(home)})
    result = f"ERROR: Job failed: exit code {done.returncode}" if done.returncode else "Job succeeded"
    return Run(done.returncode, trace_of(done.stdout, result=result, image=job["image"]))


_SHELL = ": | /bin/busybox sh -c \"$1\""
"""A job's shell reads from a pipe that is empty: nothing can be asked of it."""


def _predefined(folder: Path, commit: str) -> dict[str, str]:
    return {
        "CI": "true", "GITLAB_CI": "true", "CI_PROJECT_DIR": str(folder), "CI_COMMIT_REF_NAME": "Feature/Login",
        "CI_COMMIT_REF_SLUG": "feature-login", "CI_COMMIT_SHA": commit, "CI_COMMIT_SHORT_SHA": commit[:8],
        "CI_REGISTRY": "registry.example.com", "CI_REGISTRY_IMAGE": "registry.example.com/team/app",
        "CI_REGISTRY_USER": USER, "CI_REGISTRY_PASSWORD": PASSWORD,
    }  # fmt: skip


def _expanded(known: dict[str, str], variables: Mapping[str, object]) -> dict[str, str]:
    """Put variables into each other, as the runner does: one that is not known becomes empty."""
    env = {**known, **{name: str(value) for name, value in variables.items()}}
    for name in variables:
        env[name] = re.sub(r"\$\{?(\w+)\}?", lambda m: env.get(m[1], ""), env[name])
    return env


def _services(machine: Machine, services: list[Any], env: Mapping[str, str]) -> None:
    """Start dind as the service is written, and let its names be known to the job; no other service is."""
    names = {}
    for written in services:
        service = {"name": written} if isinstance(written, str) else written
        image = service["name"].rpartition("/")[2]
        assert image.startswith("docker:") and "dind" in image, f"there is no service {service['name']} here"
        machine.serve(
            service.get("command", []), {**env, **service.get("variables", {})},
            service.get("entrypoint", ["dockerd-entrypoint.sh"]),
        )  # fmt: skip
        names |= {"docker": OWN} | ({service["alias"]: OWN} if "alias" in service else {})
    machine.resolve(names)


def _script(lines: list[Any]) -> str:
    out = ["set -eo pipefail"]
    for line in lines:
        if isinstance(line, list):
            out += _script(line).split("\n")[1:]
            continue
        first, *more = line.strip().splitlines()
        shown = f"$ {first}" + (" # collapsed multi-line command" if more else "")
        quoted = shown.replace("'", "'\"'\"'")
        out += [f"echo '{quoted}'", line]
    return "\n".join(out)
