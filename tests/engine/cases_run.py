"""What goes wrong inside a RUN step: scripts, shells, files, memory, disk."""

from tests.engine.cure import DIND, Case, Followed, Typed, Written
from tests.engine.machine import Machine

FROM = "FROM alpine:3.22\n"
BUILD = "- docker build ."
SCRIPT = "#!/bin/sh\necho 1\n"
WASTEFUL = """\
#!/bin/sh
# as many processes as MAKEFLAGS says, each with 40 MB
seq 8 | xargs -P "$(echo "${MAKEFLAGS:--j8}" | tr -dc 0-9)" -I{} sh -c 'dd if=/dev/zero bs=40M count=1 of=/dev/null && sleep 0.2 || exit 255'
"""
SMALL = "/small"


def small_disk(machine: Machine) -> None:
    """Give the engine a disk of 64 MB, on which a build of yesterday takes half."""
    machine.sandbox.must("sh", "-c", f"mkdir -p {SMALL} && mount -t tmpfs -o size=64m tmpfs {SMALL}")
    machine.serve([f"--data-root={SMALL}"], {"DOCKER_TLS_CERTDIR": ""})
    machine.import_base("alpine:3.22")
    yesterday = "printf 'FROM alpine:3.22\nRUN dd if=/dev/zero of=/old bs=1M count=36\n' | docker build -"
    machine.sandbox.must("sh", "-c", yesterday, env={**machine.docker_env, "DOCKER_BUILDKIT": "1"})


CASES = [
    Case(
        name="script-crlf",
        pattern="run/script-crlf",
        files={
            "Dockerfile": FROM + "COPY build.sh /\nRUN sh /build.sh\n",
            "build.sh": "set -e\r\nif true; then\r\necho 1\r\nfi\r\n",
        },
        script=BUILD,
        how=(Typed(1),),
    ),
    Case(
        name="script-crlf-in-the-image",
        pattern="run/script-crlf",
        files={
            "Dockerfile": FROM + "COPY entrypoint.sh /usr/local/bin/\nRUN sh /usr/local/bin/entrypoint.sh\n",
            "entrypoint.sh": "set -e\r\necho 1\r\n",
        },
        script=BUILD,
        how=(Followed("Dockerfile", 2, before="RUN sh /usr/local/bin/entrypoint.sh"),),
    ),
    Case(
        name="script-not-executable",
        pattern="run/script-not-executable",
        files={"Dockerfile": FROM + "COPY build.sh /build.sh\nRUN /build.sh\n", "build.sh": SCRIPT},
        script=BUILD,
        how=(Typed(1),),
    ),
    Case(
        name="script-not-executable-in-the-image",
        pattern="run/script-not-executable",
        files={"Dockerfile": FROM + "COPY build.sh /build.sh\nRUN /build.sh\n", "build.sh": SCRIPT},
        script=BUILD,
        how=(Written("Dockerfile"),),
    ),
    Case(
        name="script-not-executable-called-by-sh",
        pattern="run/script-not-executable",
        files={"Dockerfile": FROM + "COPY build.sh /build.sh\nRUN /build.sh\n", "build.sh": SCRIPT},
        script=BUILD,
        how=(Written("Dockerfile", 3),),
    ),
    Case(
        name="interpreter-missing",
        pattern="run/command-not-found",
        files={
            "Dockerfile": FROM + "COPY --chmod=0755 build.sh /\nRUN /build.sh\n",
            "build.sh": "#!/bin/bash\necho 1\n",
        },
        script=BUILD,
        how=(Written("Dockerfile"),),
    ),
    Case(
        name="command-not-found",
        pattern="run/command-not-found",
        files={"Dockerfile": FROM + "RUN jq --version\n"},
        script=BUILD,
        how=(Written("Dockerfile"),),
    ),
    Case(
        name="command-not-found-debian",
        pattern="run/command-not-found",
        files={"Dockerfile": "FROM debian:12\nRUN jq --version\n"},
        script=BUILD,
        how=(Written("Dockerfile"),),
    ),
    Case(
        name="shell-missing",
        pattern="run/shell-missing-in-image",
        files={"Dockerfile": "FROM scratch\nRUN mkdir -p /out/etc\n"},
        script=BUILD,
        how=(Followed("Dockerfile", 1, replaces="FROM scratch\nRUN mkdir -p /out/etc"),),
    ),
    Case(
        name="path-missing",
        pattern="run/path-missing-in-run",
        files={
            "Dockerfile": FROM + "WORKDIR /app\nRUN cat requirements.txt\n",
            "requirements.txt": "1\n",
        },
        script=BUILD,
        how=(Written("Dockerfile"),),
    ),
    Case(
        name="bind-mount-read-only",
        pattern="run/read-only-filesystem",
        files={
            "Dockerfile": FROM + "RUN --mount=type=bind,target=/src cd /src && ./build.sh\n",
            "build.sh": "#!/bin/sh\ntouch out\n",
        },
        script="- chmod +x build.sh\n" + BUILD,
        how=(Written("Dockerfile"),),
    ),
    Case(
        name="run-needs-root",
        pattern="run/run-needs-root",
        files={"Dockerfile": FROM + "USER 1000\nRUN mkdir /app\n"},
        script=BUILD,
        how=(Followed("Dockerfile", 2, replaces="RUN mkdir /app"),),
    ),
    Case(
        name="run-needs-root-once",
        pattern="run/run-needs-root",
        files={"Dockerfile": FROM + 'USER 1000\nRUN mkdir /app\nRUN test "$(id -u)" = 1000\n'},
        script=BUILD,
        how=(Written("Dockerfile"),),
    ),
    Case(
        name="out-of-memory",
        pattern="run/out-of-memory-killed",
        job=DIND.replace('"1"', '"0"'),
        files={"Dockerfile": FROM + "COPY build.sh /\nRUN sh /build.sh\n", "build.sh": WASTEFUL},
        script="- docker build --memory 120m --memory-swap 120m .",
        how=(Written("Dockerfile"),),
    ),
    Case(
        name="disk-full",
        pattern="run/disk-full",
        job=DIND.replace("- docker:20.10-dind", f'- name: docker:20.10-dind\n      command: ["--data-root={SMALL}"]'),
        files={"Dockerfile": FROM + "RUN dd if=/dev/zero of=/new bs=1M count=36\n"},
        script=BUILD,
        how=(Typed(1),),
        prepare=small_disk,
    ),
]
