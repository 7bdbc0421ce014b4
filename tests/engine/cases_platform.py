"""Platforms, and what the engine's own builder cannot do."""

from tests.engine.cure import Case, Followed
from tests.engine.machine import Machine

ANY = {"Dockerfile": "FROM alpine:3.22\nRUN true\n"}


def two_platforms(machine: Machine) -> None:
    """Publish an image for amd64 and arm64."""
    name = "mirror.example.com/team/multi"
    script = f"""
    for arch in amd64 arm64; do
      printf 'FROM scratch\\nCOPY busybox /bin/sh\\n' > Dockerfile; cp /bin/busybox .
      docker build --platform linux/$arch --tag {name}-$arch:1 . && docker push {name}-$arch:1
    done
    docker manifest create {name}:1 {name}-amd64:1 {name}-arm64:1 && docker manifest push {name}:1
    """
    env = {**machine.docker_env, "DOCKER_BUILDKIT": "1", "DOCKER_CLI_EXPERIMENTAL": "enabled"}
    machine.sandbox.must("sh", "-ec", f"mkdir -p /tmp/multi; cd /tmp/multi; {script}", env=env)


CASES = [
    Case(
        name="several-platforms",
        pattern="platform/platform-value-invalid",
        files=ANY,
        script="- docker build --platform linux/amd64,linux/arm64 .",
    ),
    Case(
        name="platform-of-the-base-image-missing",
        pattern="platform/base-image-platform-missing",
        files={"Dockerfile": "FROM mirror.example.com/team/multi:1\nRUN true\n"},
        script="- docker build --platform linux/s390x .",
        prepare=two_platforms,
    ),
    Case(
        name="exporter-missing",
        pattern="daemon/docker-driver-exporter-missing",
        files=ANY,
        script="- docker build --output type=oci,dest=image.tar .",
        how=(
            Followed(
                ".gitlab-ci.yml", 2, replaces="    - docker build --output type=oci,dest=image.tar .", take="- docker"
            ),
        ),
    ),
]
