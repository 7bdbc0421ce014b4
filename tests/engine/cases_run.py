"""What goes wrong inside a RUN step: scripts, shells, files, memory, disk."""

from tests.engine.cure import Case

CASES = [
    Case(
        name="script-crlf",
        pattern="run/script-crlf",
        files={"Dockerfile": "FROM alpine:3.22\nCOPY --chmod=0755 build.sh /\nRUN /build.sh\n", "build.sh": "#!/bin/sh\r\necho 1\r\n"},
        script="- docker build .",
        target="shell",
    ),
    Case(
        name="script-crlf-sh",
        pattern="run/script-crlf",
        files={"Dockerfile": "FROM alpine:3.22\nCOPY build.sh /\nRUN sh /build.sh\n", "build.sh": "set -e\r\nif true; then\r\necho 1\r\nfi\r\n"},
        script="- docker build .",
        target="shell",
    ),
    Case(
        name="script-not-executable",
        pattern="run/script-not-executable",
        files={"Dockerfile": "FROM alpine:3.22\nCOPY build.sh /build.sh\nRUN /build.sh\n", "build.sh": "#!/bin/sh\necho 1\n"},
        script="- docker build .",
        target="shell",
    ),
    Case(
        name="interpreter-missing",
        pattern="run/command-not-found",
        files={"Dockerfile": "FROM alpine:3.22\nCOPY --chmod=0755 build.sh /\nRUN /build.sh\n", "build.sh": "#!/bin/bash\necho 1\n"},
        script="- docker build .",
        target="Dockerfile",
    ),
    Case(
        name="command-not-found",
        pattern="run/command-not-found",
        files={"Dockerfile": "FROM alpine:3.22\nRUN mkdir -p /root/.local/bin && ln -s /bin/busybox /root/.local/bin/tool\nRUN tool true\n"},
        script="- docker build .",
        target="Dockerfile",
    ),
    Case(
        name="shell-missing",
        pattern="run/shell-missing-in-image",
        files={"Dockerfile": "FROM scratch\nRUN mkdir -p /out/etc\n"},
        script="- docker build .",
        target="Dockerfile",
    ),
    Case(
        name="exec-form-missing",
        pattern="run/command-not-found",
        files={"Dockerfile": "FROM alpine:3.22\nRUN [\"/app/server\", \"--check\"]\n"},
        script="- docker build .",
        target="Dockerfile",
    ),
    Case(
        name="path-missing",
        pattern="run/path-missing-in-run",
        files={"Dockerfile": "FROM alpine:3.22\nWORKDIR /app\nRUN cat requirements.txt\n", "requirements.txt": "1\n", "src/a": "1\n"},
        script="- docker build .",
        target="Dockerfile",
    ),
    Case(
        name="read-only",
        pattern="run/read-only-filesystem",
        files={"Dockerfile": "FROM alpine:3.22\nRUN --mount=type=bind,target=/src touch /src/out\n"},
        script="- docker build .",
        target="Dockerfile",
    ),
    Case(
        name="run-needs-root",
        pattern="run/run-needs-root",
        files={"Dockerfile": "FROM alpine:3.22\nUSER 1000\nRUN mkdir /app\n"},
        script="- docker build .",
        target="Dockerfile",
    ),
    Case(
        name="out-of-memory-classic",
        pattern="run/out-of-memory-killed",
        files={"Dockerfile": "FROM alpine:3.22\nRUN dd if=/dev/zero of=/dev/null bs=200M count=1\n"},
        script="- DOCKER_BUILDKIT=0 docker build --memory 20m --memory-swap 20m .",
    ),
    Case(
        name="disk-full-shm",
        pattern="run/disk-full",
        files={"Dockerfile": "FROM alpine:3.22\nRUN dd if=/dev/zero of=/dev/shm/f bs=1M count=100\n"},
        script="- docker build .",
        target="Dockerfile",
    ),
    Case(
        name="files-limit",
        pattern="run/resource-limit-reached",
        files={"Dockerfile": "FROM alpine:3.22\nRUN ulimit -n 3 && cat /etc/passwd\n"},
        script="- docker build .",
        target="Dockerfile",
    ),
    Case(
        name="mount-in-run",
        pattern="run/privileged-operation-in-run",
        files={"Dockerfile": "FROM alpine:3.22\nRUN mount -t tmpfs tmpfs /tmp\n"},
        script="- docker build .",
        target="Dockerfile",
    ),
]
