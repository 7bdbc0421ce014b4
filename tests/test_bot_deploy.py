"""The files in deploy/ and docs/bot.md parse, and name commands, variables, keys and paths that there are."""

import configparser
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import typer.main
from ruamel.yaml import YAML

from bkdoctor.bot import config
from bkdoctor.bot.database import Database
from bkdoctor.bot.metrics import _TIME, _WORK_HELP
from bkdoctor.bot.receiver import create_app
from bkdoctor.bot.store import Store
from bkdoctor.cli_bot import bot_app
from tests import bot_setting
from tests.needed import program

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
FILES = [*sorted(DEPLOY.iterdir()), ROOT / "docs" / "bot.md"]
_SECRETS = {"token", "webhook_secret", "signing_key", "database_url"}
VARIABLES = {"BKDOCTOR_PATTERNS", *config.VARIABLES.values()} | {f"{config.VARIABLES[name]}_FILE" for name in _SECRETS}


def documents(name: str) -> list[Any]:
    return list(YAML(typ="safe").load_all((DEPLOY / name).read_text()))


def is_command(words: list[str]) -> None:
    """Parse `bot ...` as the command line would, without running it."""
    assert words[0] == "bot"
    typer.main.get_command(bot_app).make_context("bot", words[1:])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_variables_that_are_named_are_read(path: Path) -> None:
    assert set(re.findall(r"BKDOCTOR_[A-Z_]+", path.read_text())) <= VARIABLES


def test_the_image_runs_as_a_number_and_is_looked_after(routes: dict[str, Any]) -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    lines = dict(re.findall(r"^([A-Z]+) (.*)$", text, re.MULTILINE))
    assert lines["USER"].isdecimal()
    assert int(lines["USER"]) > 0
    is_command(tomllib.loads(f"words = {lines['CMD']}")["words"])
    (path,) = re.findall(r"HEALTHCHECK[^[]*\[.*127\.0\.0\.1:8080(/\w+)'", text, re.DOTALL)
    assert path in routes
    written = re.findall(r"\b(STATE_DIRECTORY|XDG_CACHE_HOME|TMPDIR)=(\S+)", text)
    assert len(written) == 3
    assert all(Path(folder).is_relative_to(lines["VOLUME"]) for _, folder in written)
    for source in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE):
        for name in source.split():
            assert (ROOT / name).exists()


@pytest.fixture
def routes(tmp_path: Path) -> dict[str, Any]:
    database = Database(f"sqlite:///{tmp_path}/bot.db")
    paths: dict[str, Any] = create_app(bot_setting.config(), Store(database)).openapi()["paths"]
    database.close()
    return paths


def test_the_compose_file() -> None:
    (compose,) = documents("compose.yaml")
    bot = compose["services"]["bot"]
    is_command(bot["command"])
    assert bot["read_only"] is True
    assert (DEPLOY / bot["build"]["context"] / bot["build"]["dockerfile"]).is_file()
    for service in compose["services"].values():
        assert set(service["secrets"]) <= compose["secrets"].keys()
        assert {volume.split(":")[0] for volume in service["volumes"]} <= compose["volumes"].keys()
    named = {value.rsplit("/", 1)[1] for name, value in bot["environment"].items() if name.endswith("_FILE")}
    assert named == set(bot["secrets"])


def test_the_manifest(routes: dict[str, Any]) -> None:
    objects = {(o["kind"], o["metadata"]["name"]): o for o in documents("kubernetes.yaml")}
    assert len(objects) == 4
    deployment = objects["Deployment", "bkdoctor-bot"]["spec"]
    assert deployment["replicas"] == 2
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    is_command(container["args"])
    assert {container[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe")} <= routes.keys()
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    assert f"USER {pod['securityContext']['runAsUser']}\n" in dockerfile


@pytest.mark.parametrize("version", ["1.25", "1.37"])
def test_a_cluster_takes_the_manifest(version: str) -> None:
    for document in documents("kubernetes.yaml"):
        kubernetes_validate.validate(document, version, strict=True)


def test_docker_compose_takes_the_file() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    subprocess.run([*command, DEPLOY / "compose.yaml"], check=True, capture_output=True)


def test_the_manifests_configuration_is_read(tmp_path: Path) -> None:
    (text,) = next(o for o in documents("kubernetes.yaml") if o["kind"] == "ConfigMap")["data"].values()
    for name, value in (("gitlab-token", "t"), ("webhook-secret", "s"), ("database-url", "postgresql://db/bot")):
        (tmp_path / name).write_text(value)
    file = tmp_path / "bkdoctor.toml"
    file.write_text(text.replace("/run/secrets/bkdoctor", str(tmp_path)))
    read = config.load(file, {})
    assert (read.token, read.webhook_secret, read.database_url) == ("t", "s", "postgresql://db/bot")


def test_the_unit() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "bkdoctor-bot.service")
    assert unit.sections() == ["Unit", "Service", "Install"]
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert Path(program).name == "bkdoctor"
    is_command(words)


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    analyze = program("systemd-analyze", "systemd")
    text = (DEPLOY / "bkdoctor-bot.service").read_text()
    # all but the program, which is not installed there
    unit = tmp_path / "bkdoctor-bot.service"
    unit.write_text(text.replace("/opt/bkdoctor/bin/bkdoctor", "/bin/true"))
    done = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def page() -> str:
    return (ROOT / "docs" / "bot.md").read_text()


def test_the_page_lists_every_key_with_its_default() -> None:
    (toml,) = re.findall(r"```toml\n(.*?)```", page(), re.DOTALL)
    data = tomllib.loads(toml)
    assert set(data["gitlab"]) == set(config._GitLabTable.__struct_fields__)
    assert set(data["bot"]) == set(config._BotTable.__struct_fields__)
    defaults = config.Config()
    for name, value in (data["gitlab"] | data["bot"]).items():
        if name not in (*_SECRETS, "url", "projects", "denied", "page_hosts") and not name.endswith("_file"):
            assert value == getattr(defaults, name), name


def test_the_page_lists_the_commands_the_metrics_and_the_answers(routes: dict[str, Any]) -> None:
    commands = {
        info.callback.__name__.removesuffix("_command") for info in bot_app.registered_commands if info.callback
    }
    assert set(re.findall(r"^\| `bkdoctor bot (\w+)", page(), re.MULTILINE)) == commands
    for name in _WORK_HELP:
        assert f"`{name}_total" in page()
    assert _TIME in page()
    told = {int(n) for row in re.findall(r"^\| ([0-9, ]+) \|", page(), re.MULTILINE) for n in row.split(",")}
    assert told == {int(status) for status in routes["/webhook"]["post"]["responses"]}
