"""Platforms, and what the engine's own builder cannot do."""

from tests.engine.cure import Case

RUN = {"Dockerfile": "FROM alpine:3.22\nRUN true\n"}

CASES = [
    Case(name="platform-invalid", pattern="platform/platform-value-invalid", files=RUN, script="- docker build --platform linux/armhf64 ."),
    Case(
        name="multi-platform",
        pattern="daemon/docker-driver-multi-platform",
        files=RUN,
        script="- docker build --platform linux/amd64,linux/arm64 .",
    ),
    Case(
        name="exec-format",
        pattern="platform/exec-format-error",
        files={"Dockerfile": "FROM scratch\nCOPY hello /bin/hello\nRUN [\"/bin/hello\"]\n", "hello": "ELF\n"},
        script="- chmod +x hello\n- docker build .",
        target="Dockerfile",
    ),
    Case(
        name="platform-missing",
        pattern="platform/base-image-platform-missing",
        files={"Dockerfile": "FROM mirror.example.com/team/multi:1\nRUN true\n"},
        script="- docker build --platform linux/s390x .",
    ),
    Case(
        name="cache-to-registry",
        pattern="daemon/docker-driver-cache-export",
        files=RUN,
        script="- docker build --cache-to type=registry,ref=registry.example.com/team/app:cache .",
    ),
    Case(
        name="cache-option",
        pattern="cache/cache-option-invalid",
        files=RUN,
        script="- docker build --cache-to type=inline,mode=maximum --output type=docker .",
    ),
    Case(name="push-flag", pattern="context/cli-flag-unknown", files=RUN, script="- docker build --push -t registry.example.com/team/app:1 ."),
    Case(name="output-oci", pattern="daemon/docker-driver-exporter-missing", files=RUN, script="- docker build --output type=oci,dest=image.tar ."),
    Case(name="buildx-missing", pattern="daemon/docker-plugin-missing", files=RUN, script="- docker buildx build ."),
]
