"""From a project and its `.gitlab-ci.yml` to the trace of a job: a runner's docker executor on one machine.

It knows what the tests' jobs use: variables, dind as a service, before_script and script, retry. The job's container
is the machine itself; the service is its engine.
"""

import re
import subprocess
from collections.abc import Callable, Mapping
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
    variables: Mapping[str, str] = field(default_factory=dict)
    """The project's CI/CD variables."""
    keys: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    """Those of type file."""
    user: str = "root"
    """Who runs its jobs."""

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
        run = _try(
            machine, project, builds / str(number), {**config.get("variables", {}), **job.get("variables", {})}, job
        )
        if not run.status:
            break
    return run


def _try(machine: Machine, project: Project, build: Path, variables: dict[str, str], job: dict[str, Any]) -> Run:
    home = build / "home"
    home.mkdir(parents=True)
    folder = build / "team" / "app"
    project.git("clone", "--quiet", project.folder, folder)
    predefined = _predefined(folder, project.git("rev-parse", "HEAD").strip())
    written = _expanded({**predefined, **project.variables}, variables)
    # variables of the project's settings do not reach services
    _services(machine, job.get("services", []), {**predefined, **written})
    env = {
        **predefined,
        **project.variables,
        **written,
        **_files(project, Path(f"{folder}.tmp")),
        "HOME": str(home),
        "USER": project.user,
    }
    lines = [*job.get("before_script", []), *job["script"]]
    machine.sandbox.must("chown", "-R", project.user, build)
    shell = [
        "setpriv",
        f"--reuid={project.user}",
        f"--regid={project.user}",
        "--clear-groups",
        "sh",
        "-c",
        _SHELL,
        "sh",
    ]
    done = machine.sandbox.run(*shell, _script(lines), folder=folder, env=env)
    if project.user != "root":
        # with the job's container its processes end
        machine.sandbox.run(*shell[:4], "sh", "-c", "kill -9 -1")
    result = f"ERROR: Job failed: exit code {done.returncode}" if done.returncode else "Job succeeded"
    return Run(done.returncode, trace_of(done.stdout, result=result, image=job["image"]))


def _files(project: Project, folder: Path) -> dict[str, str]:
    folder.mkdir()
    for name, made in project.keys.items():
        (folder / name).write_text(made(), encoding="utf-8")
    return {name: str(folder / name) for name in project.keys}


_SHELL = ': | /bin/busybox sh -c "$1"'
"""A job's shell reads from a pipe that is empty: nothing can be asked of it."""


def _predefined(folder: Path, commit: str) -> dict[str, str]:
    return {
        "CI": "true", "GITLAB_CI": "true", "CI_PROJECT_DIR": str(folder), "CI_COMMIT_REF_NAME": "Feature/Login",
        "CI_COMMIT_REF_SLUG": "feature-login", "CI_COMMIT_SHA": commit, "CI_COMMIT_SHORT_SHA": commit[:8],
        "CI_REGISTRY": "registry.example.com", "CI_REGISTRY_IMAGE": "registry.example.com/team/app",
        "CI_REGISTRY_USER": USER, "CI_REGISTRY_PASSWORD": PASSWORD,
    }  # fmt: skip


def _expanded(known: Mapping[str, str], variables: Mapping[str, object]) -> dict[str, str]:
    """Put variables into each other, as the runner does: one that is not known becomes empty."""
    written = {name: str(value) for name, value in variables.items()}
    for name, value in written.items():
        written[name] = _filled(value, {**known, **written})
    return written


def _filled(text: str, env: Mapping[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda m: env.get(m[1], ""), text)


def _services(machine: Machine, services: list[Any], env: Mapping[str, str]) -> None:
    """Start dind as the service is written, and let its names be known to the job; no other service is."""
    names: dict[str, str] = {}
    for written in services:
        service: dict[str, Any] = {"name": written} if isinstance(written, str) else written
        image = service["name"].rpartition("/")[2]
        assert image.startswith("docker:") and "dind" in image, f"there is no service {service['name']} here"
        machine.serve(
            [_words(word, env) for word in service.get("command", [])], {**env, **service.get("variables", {})},
            service.get("entrypoint", ["dockerd-entrypoint.sh"]),
        )  # fmt: skip
        names.update(dict.fromkeys(("docker", service.get("alias", "docker")), OWN))
    machine.resolve(names)


def _words(word: str, env: Mapping[str, str]) -> str:
    # a shell in the service expands its own
    return word if "\n" in word or "&&" in word else _filled(word, env)


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
