"""Facts are read from the runner's lines, the commands and the output; what is not told stays unknown."""

import pytest

from bkdoctor.model import Facts
from bkdoctor.trace.facts import facts_of, merge
from bkdoctor.trace.log import Log
from bkdoctor.trace.segment import segment
from tests.traces import job, timestamped


def facts(text: str) -> Facts:
    log = Log(text.encode())
    return facts_of(log, segment(log))


@pytest.mark.parametrize("style", [str, timestamped])
def test_header(style) -> None:  # type: ignore[no-untyped-def]
    found = facts(style(job("$ docker build .", executor="kubernetes", image="moby/buildkit:rootless")))
    assert (found.runner, found.executor, found.image) == ("18.9.0", "kubernetes", "moby/buildkit:rootless")
    assert (found.runner_name, found.runner_token) == ("runner-21", "aBcD1xYz2")
    assert (found.exit_code, found.failed_section) == (1, "step_script")


@pytest.mark.parametrize(
    ("version", "read"),
    [
        ("17.7.0~pre.103.g896916a8 (896916a8)", "17.7.0"),
        ("13.12.0-rc1 (b21d5c5b)", "13.12.0"),
        ("19.3.0 (d79f3e7b)", "19.3.0"),
    ],
)
def test_runner_version_without_what_follows(version: str, read: str) -> None:
    assert facts(f"Running with gitlab-runner {version}\n").runner == read


@pytest.mark.parametrize(
    ("command", "method"),
    [
        ("buildctl-daemonless.sh build --frontend dockerfile.v0", "rootless"),
        ("buildctl --addr tcp://buildkitd:1234 build", "native"),
        ("docker buildx build --push .", "buildx"),
        ("docker-buildx build .", "buildx"),
        ("docker buildx bake", "bake"),
        ("docker build -t app .", "docker"),
        ("docker compose build", "compose"),
        ("/kaniko/executor --context .", "kaniko"),
        ("buildah bud -t app .", "buildah"),
    ],
)
def test_method_of_the_command(command: str, method: str) -> None:
    assert facts(job(f"$ {command}\nerror", image="job-image:1")).method == method


def test_the_last_building_command_decides() -> None:
    assert facts(job("$ docker login registry.example.com\nok\n$ buildctl build .\nerror")).method == "native"


def test_unknown_facts_stay_unknown() -> None:
    assert facts("error: something\n") == Facts()


def test_services_platforms_registries_and_step() -> None:
    text = job(
        "$ docker buildx build --platform linux/amd64,linux/arm64 .\n"
        "#3 [linux/arm64 internal] load metadata for registry.example.com:5000/base:1\n#3 ERROR: not found\n"
    ).replace("Using Docker executor", "Starting service docker:27-dind...\nUsing Docker executor")
    found = facts(text)
    assert [(s.name, s.alias) for s in found.services] == [("docker:27-dind", "docker")]
    assert set(found.platforms) == {"linux/amd64", "linux/arm64"}
    assert found.registries == ("registry.example.com:5000",)
    assert found.failed_step == "[linux/arm64 internal] load metadata for registry.example.com:5000/base:1"


def test_versions_of_tools() -> None:
    found = facts(
        job(
            "$ docker buildx version\ngithub.com/docker/buildx v0.17.1 257815a\n$ docker buildx build .",
            image="docker:27.3-cli",
        )
    )
    assert (found.buildx, found.docker) == ("0.17.1", "27.3")


def test_known_facts_go_before_those_of_the_log() -> None:
    merged = merge(Facts(runner="16.0.0", image="a"), Facts(runner="18.11.0", kubernetes="1.30"))
    assert merged == Facts(runner="18.11.0", image="a", kubernetes="1.30")
