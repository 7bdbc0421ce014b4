"""Which failed jobs build an image: by the log, or by their names where they failed too early to show it."""

import pytest

from bkdoctor.bot.config import Config
from bkdoctor.doctor import diagnose
from bkdoctor.jobs.build_jobs import is_build, name_says_build
from bkdoctor.model import Facts
from bkdoctor.trace.source import Source

from . import traces
from .bot_cases import APPARMOR, OTHER, PACKAGE, catalog

WORDS = Config().jobs


def judged(trace: bytes, job: str = "job", words: str = WORDS) -> bool:
    return is_build(diagnose(trace, catalog(), known=Facts(job=job)), Source(trace), words)


def script(*lines: str, image: str = "alpine:3.22") -> bytes:
    return traces.job("\n".join(lines), image=image).encode()


@pytest.mark.parametrize(
    "trace",
    [
        APPARMOR,
        PACKAGE,
        script("$ docker build .", "no"),
        script("$ docker buildx bake", "no"),
        script("$ docker push registry.example.com/team/app", "denied"),
        script("$ /kaniko/executor --context .", "no"),
        script("$ buildah bud .", "no"),
        script("$ docker compose -f ci.yml build app", "no"),
        script("$ make release", "#1 [internal] load build definition from Dockerfile", "ERROR: failed to solve: x"),
    ],
)
def test_a_log_that_shows_a_builder_is_a_build(trace: bytes) -> None:
    assert judged(trace)


@pytest.mark.parametrize(
    "trace",
    [
        OTHER,
        script("$ npm run build", "no"),
        script("$ docker run --rm tool check", "no"),
        script("$ helm upgrade app", "image pull failed"),
        b"",
    ],
)
def test_a_log_that_shows_none_is_no_build(trace: bytes) -> None:
    assert not judged(trace)


def test_the_name_does_not_make_a_build_of_a_job_whose_script_ran() -> None:
    assert not judged(script("$ npm run build", "no"), "build-frontend")


def test_a_login_in_a_job_that_is_called_a_build_is_one() -> None:
    trace = script("$ docker login registry.example.com", "unauthorized", image="example/tools")
    assert judged(trace, "build")
    assert not judged(trace, "deploy")


EARLY = traces.job("x").partition("section_start:1764164236:step_script")[0]


@pytest.mark.parametrize(
    ("image", "job", "expected"),
    [
        ("docker:27", "package", True),
        ("moby/buildkit:rootless", "package", True),
        ("alpine:3.22", "build-image", True),
        ("alpine:3.22", "Kaniko", True),
        ("alpine:3.22", "lint", False),
    ],
)
def test_before_its_script_a_job_is_judged_by_its_names(image: str, job: str, expected: bool) -> None:
    trace = EARLY.replace("docker:27-cli", image) + "ERROR: Job failed (system failure): no space left\n"
    assert judged(trace.encode(), job) is expected


def test_a_service_says_it_too() -> None:
    line = "Starting service docker:27-dind...\n"
    trace = EARLY.replace("docker:27-cli", "alpine:3.22").replace(
        "section_end:1764164228", f"{line}section_end:1764164228"
    )
    assert judged(f"{trace}ERROR: Job failed: failed to pull image\n".encode(), "lint")


def test_the_words_are_configured() -> None:
    assert not judged(EARLY.encode(), "build", "^oci-")
    assert judged(EARLY.encode(), "OCI-app", "^oci-")
    assert name_says_build("x" * 10_000 + "build", "build") is False
