"""Every recipe exists, reads, is valid GitLab CI configuration and keeps the rules that recipes have."""

import importlib.resources
import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from bkdoctor.catalog.pattern import METHODS, SECTIONS, Recipe, read_recipe
from tests.catalogs import ours

RECIPES = Path(__file__).parents[1] / "patterns" / "recipes"
ALL = [(method, section) for method in METHODS for section in SECTIONS]
WHOLE = ("build", "multi-platform", "cache", "mirror", "proxy", "certificates")
"""Sections whose recipe is a complete job; the others only add to one."""
IMAGES = {"rootless": "moby/buildkit:rootless", "buildx": "docker:cli", "native": "moby/buildkit:latest"}

every = pytest.mark.parametrize(("method", "section"), ALL)
whole = pytest.mark.parametrize(("method", "section"), [pair for pair in ALL if pair[1] in WHOLE])


@cache
def recipe(method: str, section: str) -> Recipe:
    path = RECIPES / method / f"{section}.toml"
    return read_recipe(path.read_text(), str(path))


@cache
def document(method: str, section: str) -> dict[str, Any]:
    text = recipe(method, section).snippet.replace("<job>", "build-image")
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return loaded


def job(method: str, section: str) -> dict[str, Any]:
    found: dict[str, Any] = document(method, section)["build-image"]
    return found


def script_lines(method: str, section: str) -> list[str]:
    """Every shell text of the job: its scripts and the services' commands that a shell runs."""
    keys = ("before_script", "script", "after_script")
    lines = [line for key in keys for line in job(method, section).get(key, [])]
    services = [s for s in job(method, section).get("services", []) if s.get("entrypoint") == ["sh", "-c"]]
    return lines + [line for service in services for line in service["command"]]


@cache
def gitlab_schema() -> Any:
    """The schema of .gitlab-ci.yml that check-jsonschema ships."""
    root = importlib.resources.files("check_jsonschema")
    text = root.joinpath("builtin_schemas/vendor/gitlab-ci.json").read_text()
    return jsonschema.Draft7Validator(json.loads(text))


def test_the_directory_holds_these_recipes_and_nothing_else() -> None:
    found = {path.relative_to(RECIPES).as_posix() for path in RECIPES.rglob("*") if path.is_file()}
    assert found == {f"{method}/{section}.toml" for method, section in ALL}


@every
def test_has_the_fields_that_are_shown(method: str, section: str) -> None:
    found = recipe(method, section)
    assert found.file == ".gitlab-ci.yml"
    assert found.references and all(url.startswith("https://") for url in found.references)
    assert found.note and found.note == " ".join(found.note.split())


@every
def test_the_job_key_is_the_only_placeholder(method: str, section: str) -> None:
    placeholders = re.findall(r"<[a-z0-9_.]+(?:[:|][^>]*)?>", recipe(method, section).snippet)
    assert placeholders == ["<job>"]
    assert list(document(method, section)) == ["build-image"]


@every
def test_is_valid_gitlab_ci_configuration(method: str, section: str) -> None:
    faults = [error.message for error in gitlab_schema().iter_errors(document(method, section))]
    assert faults == []


@whole
def test_a_whole_job_stands_alone(method: str, section: str) -> None:
    found = job(method, section)
    image = found["image"]
    assert IMAGES[method] == (image if isinstance(image, str) else image["name"])
    assert found["before_script"] and found["script"]
    if method == "buildx":
        assert found["services"][0]["name"] == "docker:dind"
        return
    assert image["entrypoint"] == [""]
    if method == "rootless":
        assert found["variables"]["BUILDKITD_FLAGS"].startswith("--oci-worker-no-process-sandbox")


@every
def test_shell_syntax_is_posix(method: str, section: str) -> None:
    for line in script_lines(method, section):
        check = subprocess.run(["sh", "-n"], input=line, text=True, capture_output=True, check=False)
        assert check.returncode == 0, f"{line}\n{check.stderr}"


@every
def test_no_password_on_a_command_line(method: str, section: str) -> None:
    for line in script_lines(method, section):
        assert not re.search(r"docker login\b[^|\n]*\s(-p|--password)(\s|=)", line)
        for command in re.split(r"\||\n|;|\$\(", line):
            if "PASSWORD" in command and not command.strip().startswith(('"', "EOF")):
                assert command.strip().startswith(("printf ", 'auth "')), command


@every
def test_options_are_those_of_their_tool(method: str, section: str) -> None:
    for line in script_lines(method, section):
        if "buildctl" in line:
            assert "--build-arg" not in line
            assert "--tag" not in line
        if "docker buildx build" in line:
            assert "--opt " not in line


@every
def test_a_variable_with_a_value_is_quoted(method: str, section: str) -> None:
    """An unquoted $VARIABLE is split at blanks; in a here-document and in an assignment it is not."""
    for line in script_lines(method, section):
        outside = re.sub(r"<<('?)EOF\1\n.*?\nEOF\n?", "", line, flags=re.DOTALL)
        outside = re.sub(r"'[^'\n]*'", "", outside)
        while '"$(' in outside:
            outside = re.sub(r'"\$\([^()]*\)"', '""', outside)
        outside = re.sub(r'"(?:\\.|[^"\\])*"', '""', outside)
        assert not re.search(r"\$\{?[A-Za-z_]", outside), line


@pytest.mark.parametrize("method", METHODS)
def test_a_docker_hub_entry_has_the_key_that_buildkit_reads(method: str) -> None:
    text = "\n".join(script_lines(method, "auth-many"))
    assert '"docker.io"' not in text
    if method != "buildx":
        assert '"https://index.docker.io/v1/"' in text


@pytest.mark.parametrize("method", METHODS)
def test_the_dependency_proxy_keeps_its_port(method: str) -> None:
    text = "\n".join(script_lines(method, "auth-dependency-proxy"))
    assert '"$CI_DEPENDENCY_PROXY_SERVER"' in text
    assert "awk" not in text


@pytest.mark.parametrize("section", WHOLE)
def test_buildx_makes_a_context_before_the_builder(section: str) -> None:
    text = "\n".join(script_lines("buildx", section))
    assert text.index("docker context create dind") < text.index("docker buildx create")
    assert re.search(r"docker buildx create (?:[^\n]|\\\n)*\bdind$", text, flags=re.MULTILINE)


@pytest.mark.parametrize("method", METHODS)
def test_here_documents_keep_their_lines(method: str) -> None:
    text = "\n".join(script_lines(method, "mirror"))
    whole = r"<<'EOF'\n\[registry\.\"docker\.io\"\]\n  mirrors = \[.*\]\nEOF$"
    assert re.search(whole, text, flags=re.MULTILINE)


def test_every_section_is_a_fix_that_some_finding_offers() -> None:
    fixes = [fix for entry in ours().entries.values() for fix in entry.pattern.fix]
    offered = {fix.recipe.rpartition("/")[2] for fix in fixes if fix.recipe}
    assert offered == set(SECTIONS)
