"""Faults that stand in the Dockerfile, and what it asks of the build."""

import subprocess
import tempfile
from pathlib import Path

from tests.engine.cure import DIND, Case, Followed, Written

FROM = "FROM alpine:3.22\n"
BUILD = "- docker build ."
CONTINUED = """\
RUN apt-get update && \\
    apt-get install -y --no-install-recommends curl &&
    rm -rf /var/lib/apt/lists/*
"""
CIRCLE = """\
FROM alpine:3.22 AS first
COPY --from=second /shared /shared
FROM alpine:3.22 AS second
COPY --from=first /shared /shared
"""


def deploy_key() -> str:
    """Return a private key that ssh-agent takes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True, timeout=30)
        return path.read_text(encoding="ascii")


CASES = [
    Case(
        name="unknown-instruction",
        pattern="dockerfile/dockerfile-unknown-instruction",
        files={"Dockerfile": "FROM debian:12\nRNU apt-get update && apt-get install -y curl\n"},
        script=BUILD,
        how=(Written("Dockerfile"),),
    ),
    Case(
        name="continuation-missing",
        pattern="dockerfile/dockerfile-unknown-instruction",
        files={"Dockerfile": "FROM debian:12\n" + CONTINUED},
        script=BUILD,
        how=(Followed("Dockerfile", 1, replaces=CONTINUED.rstrip("\n")),),
    ),
    Case(
        name="copy-one-argument",
        pattern="dockerfile/dockerfile-parse-error",
        files={"Dockerfile": FROM + "COPY source/\n", "source/a": "1\n"},
        script=BUILD,
        how=(Followed("Dockerfile", 1, replaces="COPY source/", take="COPY"),),
    ),
    Case(
        name="env-with-blanks",
        pattern="dockerfile/dockerfile-parse-error",
        files={"Dockerfile": FROM + "ENV NAME=value with blanks OTHER=value\n"},
        script=BUILD,
        how=(Followed("Dockerfile", 1, replaces="ENV NAME=value with blanks OTHER=value", take="ENV"),),
    ),
    Case(
        name="dockerfile-empty",
        pattern="dockerfile/dockerfile-empty",
        files={"Dockerfile": ""},
        script=BUILD,
        how=(Followed("Dockerfile", 1),),
    ),
    Case(
        name="dockerfile-without-from",
        pattern="dockerfile/dockerfile-empty",
        files={"Dockerfile": "RUN true\n"},
        script=BUILD,
        how=(Followed("Dockerfile", 1, before="RUN true"),),
    ),
    Case(
        name="base-image-arg-without-default",
        pattern="dockerfile/base-image-arg-empty",
        files={"Dockerfile": "ARG BASE_TAG\nFROM alpine:${BASE_TAG}\nRUN true\n"},
        script=BUILD,
        how=(Followed("Dockerfile", 1, replaces="ARG BASE_TAG\nFROM alpine:${BASE_TAG}"),),
    ),
    Case(
        name="base-image-arg-not-passed",
        pattern="dockerfile/base-image-arg-empty",
        files={"Dockerfile": "ARG BASE_TAG\nFROM alpine:${BASE_TAG}\nRUN true\n"},
        script=BUILD,
    ),
    Case(
        name="stage-unknown",
        pattern="dockerfile/stage-unknown",
        job=DIND.replace('"1"', '"0"'),
        files={"Dockerfile": FROM + "COPY --from=builder /out/app /usr/local/bin/app\n"},
        script=BUILD,
        how=(Followed("Dockerfile", 1, replaces=FROM + "COPY --from=builder /out/app /usr/local/bin/app"),),
    ),
    Case(
        name="target-missing",
        pattern="dockerfile/target-stage-missing",
        files={"Dockerfile": FROM + "RUN true\n"},
        script="- docker build --target release .",
        how=(Followed("Dockerfile", 2, replaces="FROM alpine:3.22"),),
    ),
    Case(
        name="stage-circular",
        pattern="dockerfile/stage-circular",
        files={"Dockerfile": CIRCLE},
        script=BUILD,
        how=(Followed("Dockerfile", 1, replaces=CIRCLE.rstrip("\n")),),
    ),
    Case(
        name="secret-missing",
        pattern="dockerfile/build-secret-missing",
        files={"Dockerfile": FROM + "RUN --mount=type=secret,id=npmrc,required=true cat /run/secrets/npmrc\n"},
        script=BUILD,
        variables={"BUILD_SECRET": "s3cret"},
    ),
    Case(
        name="ssh-missing",
        pattern="dockerfile/ssh-forward-missing",
        files={"Dockerfile": FROM + 'RUN --mount=type=ssh,required=true test -S "$SSH_AUTH_SOCK"\n'},
        script=BUILD,
        keys={"SSH_PRIVATE_KEY": deploy_key},
    ),
    Case(
        name="workdir-not-directory",
        pattern="dockerfile/workdir-not-directory",
        files={"Dockerfile": FROM + "COPY app /app\nWORKDIR /app\nRUN ls\n", "app": "1\n"},
        script=BUILD,
        how=(Followed("Dockerfile", 1, replaces="COPY app /app\nWORKDIR /app"),),
    ),
    Case(
        name="user-unknown",
        pattern="dockerfile/user-unknown-in-image",
        files={"Dockerfile": FROM + "USER app\nRUN id\n"},
        script=BUILD,
        how=(Followed("Dockerfile", 3, replaces="USER app", take="USER"),),
    ),
    Case(
        name="syntax-frontend-unreachable",
        pattern="dockerfile/syntax-frontend-pull-failed",
        files={"Dockerfile": "# syntax=docker/dockerfile:1\nFROM alpine:3.22\nRUN true\n"},
        script=BUILD,
        how=(Written("Dockerfile"),),
    ),
    Case(
        name="mount-without-buildkit",
        pattern="dockerfile/buildkit-syntax-needed",
        job=DIND.replace('    DOCKER_BUILDKIT: "1"\n', ""),
        files={"Dockerfile": FROM + "RUN --mount=type=cache,target=/root/.cache true\n"},
        script=BUILD,
    ),
]
