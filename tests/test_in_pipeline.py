"""The component and the snippets of docs/in-pipeline.md: valid for GitLab, and run as a runner would, in every shell."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from tests.bot_cases import APP, APPARMOR, APPARMOR_ID, PASSED, UNKNOWN
from tests.gitlab_double import TOKEN
from tests.gitlab_routes_bot import BotGitLab

ROOT = Path(__file__).resolve().parent.parent
COMPONENT = (ROOT / "templates" / "diagnose.yml").read_text()
PAGE = (ROOT / "docs" / "in-pipeline.md").read_text()
SNIPPETS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SHELLS = [shell for shell in (["busybox", "ash"], ["bash"], ["dash"]) if shutil.which(shell[0])]
PIPEFAIL = [shell for shell in SHELLS if shell != ["dash"]]
IMAGE = "registry.example.com/tools/bkdoctor:1"
FORK = "fork/app"
_SCHEMA = resources.files("check_jsonschema.builtin_schemas") / "vendor" / "gitlab-ci.json"
VALIDATOR = Draft7Validator(json.loads(_SCHEMA.read_text()))


def faults(document: Any) -> list[str]:
    return [f"{list(error.absolute_path)}: {error.message}" for error in VALIDATOR.iter_errors(document)]


def inputs() -> dict[str, dict[str, Any]]:
    header = YAML(typ="safe").load(COMPONENT.split("\n---\n")[0])
    found: dict[str, dict[str, Any]] = header["spec"]["inputs"]
    return found


def rendered(**given: Any) -> dict[str, Any]:
    """The component's job as GitLab makes it of the inputs."""
    known = {name: rule.get("default") for name, rule in inputs().items()} | {"image": IMAGE} | given
    assert set(known) == set(inputs())

    def value(match: re.Match[str]) -> str:
        found = known[match[1]]
        return found if isinstance(found, str) else json.dumps(found)

    body = re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", value, COMPONENT.split("\n---\n")[1])
    assert "$[[" not in body
    made: dict[str, Any] = YAML(typ="safe").load(body)
    return made


# the component


def test_the_header_is_valid() -> None:
    assert faults(YAML(typ="safe").load(COMPONENT.split("\n---\n")[0])) == []
    assert [name for name, rule in inputs().items() if "default" not in rule] == ["image"]
    for rule in inputs().values():
        assert rule["description"]
        assert re.fullmatch(rule.get("regex", ".*"), str(rule.get("default", "")))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"when": "always", "stage": "report", "note": False, "tags": ["docker"], "kubernetes": "1.31"},
        {"job-name": "why did it fail?", "jobs": "^(a|b)$"},
    ],
)
def test_the_job_is_valid(given: dict[str, Any]) -> None:
    made = rendered(**given)
    assert faults(made) == []
    (job,) = made.values()
    assert (job["stage"], job["rules"][-1]["when"]) == (given.get("stage", ".post"), given.get("when", "on_failure"))


def test_a_fault_in_the_job_would_be_found() -> None:
    made = rendered()
    made["bkdoctor"]["script"] = {"no": "script"}
    assert faults(made)


def test_the_page_tells_every_input_and_its_default() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.*?) \| ", PAGE.replace(r"\|", "&"), re.MULTILINE))
    assert set(rows) == set(inputs())
    for name, rule in inputs().items():
        default = rule.get("default", "none, must be given")
        shown = "empty" if default == "" else default if "default" not in rule else f"`{_text(default)}`"
        assert rows[name] == shown.replace("|", "&"), name


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_the_snippets_are_valid(snippet: str) -> None:
    assert faults(YAML(typ="safe").load(snippet)) == []


def test_the_include_names_inputs_that_there_are() -> None:
    (include,) = [s for s in SNIPPETS if s.startswith("include:")]
    assert set(YAML(typ="safe").load(include)["include"][0]["inputs"]) <= set(inputs())


# the component's script, beside a GitLab


@pytest.fixture
def gitlab() -> Iterator[BotGitLab]:
    with BotGitLab() as double:
        double.add_merge_request(APP, 3)
        double.add_pipeline(APP, 100, merge_request=3, status="running")
        yield double


def ran(
    lines: list[str], shell: list[str], folder: Path, environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run a job's script as the runner does: the lines one after the other, until one fails."""
    path = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if name in ("HOME", "XDG_CACHE_HOME", "PYTHONPATH")}
    script = "set -eu\n" + "\n".join(lines) + "\n"
    return subprocess.run(
        [*shell, "-c", script], env=kept | {"PATH": path} | environment, cwd=folder, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def in_job(
    gitlab: BotGitLab, folder: Path, shell: list[str] | None = None, given: dict[str, Any] | None = None, **env: Any
) -> "subprocess.CompletedProcess[str]":
    """Run the component's job in a pipeline of merge request 3."""
    (job,) = rendered(**(given or {})).values()
    variables = {n: v["value"] if isinstance(v, dict) else v for n, v in job["variables"].items()}
    predefined = {
        "CI": "true", "CI_SERVER_URL": gitlab.url, "CI_PROJECT_ID": str(gitlab.project_id(APP)),
        "CI_PIPELINE_ID": "100", "CI_JOB_NAME": next(iter(rendered(**(given or {})))), "CI_JOB_TOKEN": "job-token-" + "y" * 20,
        "CI_MERGE_REQUEST_IID": "3", "CI_MERGE_REQUEST_PROJECT_ID": str(gitlab.project_id(APP)), "GITLAB_TOKEN": TOKEN,
    }  # fmt: skip
    done = ran(job["script"], shell or SHELLS[0], folder, predefined | variables | env)
    assert TOKEN not in done.stdout + done.stderr
    assert "job-token" not in done.stdout + done.stderr
    assert all("job-token" not in str(seen.secrets) for seen in gitlab.seen)
    return done


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_job_writes_the_note_once(gitlab: BotGitLab, tmp_path: Path, shell: list[str]) -> None:
    for number in (10, 11):
        gitlab.add_pipeline_job(APP, 100, number, APPARMOR, name=f"build {number}")
    done = in_job(gitlab, tmp_path, shell)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Pipeline 100: 2 jobs failed, for 1 reason\n")
    assert "noted" in done.stderr
    (note,) = gitlab.notes(APP, 3)
    assert f"causes={APPARMOR_ID.replace('-', '%2D')}" in note["body"]
    writes = len(gitlab.writes)
    again = in_job(gitlab, tmp_path, shell)
    assert (again.returncode, len(gitlab.writes)) == (0, writes)
    assert "unchanged" in again.stderr


def test_each_log_is_fetched_once(gitlab: BotGitLab, tmp_path: Path) -> None:
    gitlab.add_pipeline_job(APP, 100, 10, APPARMOR, name="build")
    in_job(gitlab, tmp_path)
    assert len([seen for seen in gitlab.seen if seen.route == "trace"]) == 1


def test_its_own_job_is_none_of_the_failures(gitlab: BotGitLab, tmp_path: Path) -> None:
    gitlab.add_pipeline_job(APP, 100, 10, APPARMOR, name="build")
    gitlab.add_pipeline_job(APP, 100, 11, UNKNOWN, name="bkdoctor", allow_failure=True)
    done = in_job(gitlab, tmp_path)
    assert done.stdout.startswith("Pipeline 100: 1 job failed, for 1 reason\n")
    (note,) = gitlab.notes(APP, 3)
    assert "unknown" not in note["body"]


def test_an_unknown_cause_is_no_fault_of_the_job(gitlab: BotGitLab, tmp_path: Path) -> None:
    gitlab.add_pipeline_job(APP, 100, 10, UNKNOWN, name="build")
    assert in_job(gitlab, tmp_path).returncode == 0
    assert gitlab.notes(APP, 3) == []


def test_a_pipeline_that_passes_resolves_the_note(gitlab: BotGitLab, tmp_path: Path) -> None:
    gitlab.add_pipeline_job(APP, 100, 10, APPARMOR, name="build")
    in_job(gitlab, tmp_path)
    gitlab.add_pipeline(APP, 101, merge_request=3, status="running")
    gitlab.add_pipeline_job(APP, 101, 20, PASSED, name="build", status="success")
    gitlab.add_pipeline_job(APP, 101, 21, None, name="bkdoctor", status="running")
    done = in_job(gitlab, tmp_path, given={"when": "always"}, CI_PIPELINE_ID="101")
    assert done.returncode == 0, done.stderr
    (note,) = gitlab.notes(APP, 3)
    assert "passes" in note["body"]
    assert note["resolved"]


def test_without_a_note_nothing_is_written(gitlab: BotGitLab, tmp_path: Path) -> None:
    gitlab.tokens[TOKEN] = {"read_api"}
    gitlab.add_pipeline_job(APP, 100, 10, APPARMOR, name="build")
    done = in_job(gitlab, tmp_path, given={"note": False, "kubernetes": "1.31"})
    assert (done.returncode, done.stderr, gitlab.writes) == (0, "", [])


def test_a_token_that_only_reads_is_told_after_the_story(gitlab: BotGitLab, tmp_path: Path) -> None:
    gitlab.tokens[TOKEN] = {"read_api"}
    gitlab.add_pipeline_job(APP, 100, 10, APPARMOR, name="build")
    done = in_job(gitlab, tmp_path)
    assert done.returncode == 5
    assert done.stdout.startswith("Pipeline 100: 1 job failed")
    assert "the scope api" in done.stderr


def test_a_fork_without_the_token_says_why_there_is_no_note(gitlab: BotGitLab, tmp_path: Path) -> None:
    gitlab.add_pipeline(FORK, 200, status="running")
    gitlab.add_pipeline_job(FORK, 200, 30, APPARMOR, name="build")
    fork = str(gitlab.project_id(FORK))
    env: dict[str, Any] = {
        "CI_PROJECT_ID": fork,
        "CI_PIPELINE_ID": "200",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": fork,
        "GITLAB_TOKEN": "",
    }
    done = in_job(gitlab, tmp_path, **env)
    assert (done.returncode, done.stdout) == (5, ""), "a private fork's jobs cannot be read"
    assert "GITLAB_TOKEN" in done.stderr
    gitlab.public.add(FORK)
    done = in_job(gitlab, tmp_path, **env)
    assert done.returncode == 5
    assert done.stdout.startswith("Pipeline 200: 1 job failed")
    assert "a pipeline in a fork has no token" in done.stderr
    assert not gitlab.writes


def test_a_fork_with_a_token_writes_to_the_project_of_the_merge_request(gitlab: BotGitLab, tmp_path: Path) -> None:
    gitlab.merge_requests[gitlab.project_id(APP), 3]["source_project_id"] = gitlab.project_id(FORK)
    gitlab.merge_request_pipelines[gitlab.project_id(APP), 3] = [200]
    gitlab.add_pipeline(FORK, 200, status="running", ref="refs/merge-requests/3/head", source="merge_request_event")
    gitlab.add_pipeline_job(FORK, 200, 30, APPARMOR, name="build")
    done = in_job(gitlab, tmp_path, CI_PROJECT_ID=str(gitlab.project_id(FORK)), CI_PIPELINE_ID="200")
    assert done.returncode == 0, done.stderr
    assert len(gitlab.notes(APP, 3)) == 1


def test_a_log_that_is_missing_takes_the_note_not_away(gitlab: BotGitLab, tmp_path: Path) -> None:
    gitlab.add_pipeline_job(APP, 100, 10, APPARMOR, name="build")
    gitlab.add_pipeline_job(APP, 100, 11, None, name="build gone")
    done = in_job(gitlab, tmp_path)
    assert done.returncode == 5
    assert "Missing" in done.stdout
    assert len(gitlab.notes(APP, 3)) == 1


def test_the_extra_of_the_bot_is_not_needed() -> None:
    packages = ["fastapi", "sqlalchemy", "standardwebhooks", "prometheus_client", "uvicorn", "psycopg"]
    code = f"import sys; sys.modules.update(dict.fromkeys({packages})); import bkdoctor.bot.once"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# the snippets that need no token

FAILING = """\
#!/bin/sh
echo '#1 [internal] load build definition from Dockerfile'
echo 'could not connect to unix:///run/user/1000/buildkit/buildkitd.sock after 10 trials'
echo '========== log =========='
echo '[rootlesskit:child ] error: failed to share mount point: /: permission denied' >&2
echo '[rootlesskit:parent] error: child exited: exit status 1' >&2
exit 42
"""
JOBS = [
    (number, job)
    for number, snippet in enumerate(SNIPPETS)
    for name, job in YAML(typ="safe").load(snippet).items()
    if name == "build"
]
RUNS = [
    (number, job, shell)
    for (number, job), shell in itertools.product(JOBS, SHELLS)
    if shell in PIPEFAIL or "pipefail" not in "".join(job["script"])
]


@pytest.mark.parametrize(("number", "job", "shell"), RUNS, ids=[f"{n}-{' '.join(s)}" for n, _, s in RUNS])
@pytest.mark.parametrize("status", [42, 0])
def test_the_status_is_kept_and_the_log_is_read(
    tmp_path: Path, number: int, job: dict[str, Any], shell: list[str], status: int
) -> None:
    builder = tmp_path / "buildctl-daemonless.sh"
    builder.write_text(FAILING.replace("exit 42", f"exit {status}"))
    builder.chmod(0o755)
    done = ran(job["script"], shell, tmp_path, {})
    assert done.returncode == status, done.stderr
    assert "permission denied" in done.stdout, "it is shown while it runs"
    assert (tmp_path / "build.log").read_text() == done.stdout
    after = job.get("after_script") or YAML(typ="safe").load(SNIPPETS[number])["diagnose"]["script"]
    told = ran(after, shell, tmp_path, {"CI_JOB_STATUS": "failed" if status else "success"})
    if status:
        assert told.returncode == 0, told.stderr
        assert APPARMOR_ID in told.stdout


def test_there_are_snippets_for_each_shell() -> None:
    assert len(JOBS) == 3
    assert any("pipefail" not in "".join(job["script"]) for _, job in JOBS)
