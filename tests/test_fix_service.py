"""Settings of config.toml where the builder is a service: whose container they are for, and how it is called."""

import pytest

from bkdoctor.catalog.catalog import load
from bkdoctor.doctor import diagnose
from bkdoctor.fixes.service import alias_of
from bkdoctor.model import Facts, Fix
from tests.traces import job

DENIED = "[rootlesskit:child ] error: failed to share mount point: /: permission denied"
ANNOTATION = "container.apparmor.security.beta.kubernetes.io"


def fixes(label: str, version: str, *, executor: str = "kubernetes", kubernetes: str | None = "1.29") -> list[Fix]:
    trace = job(f"[service:{label}] 2026-02-01T10:00:00.1Z {DENIED}\n$ buildctl build .\nerror: x", executor=executor)
    trace = trace.replace("gitlab-runner 18.9.0", f"gitlab-runner {version}")
    report = diagnose(trace.encode(), load([]), known=Facts(kubernetes=kubernetes))
    assert report.findings[0].id == "rootless-apparmor-denies-mount"
    return list(report.findings[0].fixes)


@pytest.mark.parametrize(
    ("label", "version", "name"),
    [
        ("moby/buildkit-buildkitd", "18.9.0", "buildkitd"),
        ("registry.example.com/ci/buildkit-builder", "18.12.0", "builder"),
        ("moby/buildkit-buildkitd", "17.8.3", "svc-0"),
        ("moby/buildkit", "17.8.3", "svc-0"),
        ("moby/buildkit", "18.9.0", "<service.alias>"),
        ("moby/buildkit-a-b", "18.9.0", "<service.alias>"),
    ],
)
def test_the_annotation_names_the_services_container(label: str, version: str, name: str) -> None:
    found = fixes(label, version)
    assert [f'"{ANNOTATION}/{name}" = "unconfined"' in f.snippet for f in found] == [True]
    assert "svc-0" in (found[0].note or "")


def test_the_context_is_that_of_services() -> None:
    found = fixes("moby/buildkit-buildkitd", "18.11.0", kubernetes="1.30")
    assert all("[runners.kubernetes.service_container_security_context.app_armor_profile]" in f.snippet for f in found)
    assert all("runs as a service" in (f.note or "") for f in found)


@pytest.mark.parametrize(("version", "key"), [("18.9.0", "services_security_opt"), ("15.9.0", "security_opt")])
def test_the_docker_executor_has_options_for_services(version: str, key: str) -> None:
    found = fixes("moby/buildkit-buildkitd", version, executor="docker")
    assert [f"  {key} = [" in f.snippet for f in found] == [True]


@pytest.mark.parametrize(
    ("line", "alias"),
    [
        ("[service:docker-docker] 2026", "docker"),
        ("[service:localhost:5000/a-b/docker-dind] x", "dind"),
        ("[service:docker-Not_a_label] x", None),
        ("[service:my-image-alias] x", None),
        ("$ echo [service:docker-docker]", None),
    ],
)
def test_the_alias_in_a_services_label(line: str, alias: str | None) -> None:
    assert alias_of(line) == alias
