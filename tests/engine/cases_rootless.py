"""An engine of the job's own, without root, in rootlesskit: what its user lacks."""

from tests.engine.cure import Case, Typed
from tests.engine.machine import BUILDER, Machine

JOB = """\
  variables:
    DOCKER_BUILDKIT: "1"
    DOCKERD_ROOTLESS_ROOTLESSKIT_NET: host
    DOCKERD_ROOTLESS_ROOTLESSKIT_PORT_DRIVER: none
"""
SCRIPT = """\
- dockerd-rootless.sh --version
- dockerd-rootless.sh --iptables=false --bridge=none > "$HOME/dockerd.log" 2>&1 &
- export DOCKER_HOST="unix://$XDG_RUNTIME_DIR/docker.sock"
- for try in $(seq 50); do docker info > /dev/null 2>&1 && break; sleep 0.2; done
- cp /bin/busybox . && docker build --network host .
"""
DIRECTORY = "- export XDG_RUNTIME_DIR=/tmp/runtime; mkdir -p -m 700 /tmp/runtime\n"
FILES = {"Dockerfile": "FROM scratch\nCOPY busybox /bin/sh\nRUN echo 1\n"}


def a_range(machine: Machine) -> None:
    """Give the job's user subordinate ids."""
    machine.sandbox.must("sh", "-c", f"echo {BUILDER}:100000:65536 | tee /etc/subuid /etc/subgid")


def no_range(machine: Machine) -> None:
    """Take them away."""
    machine.sandbox.must("sh", "-c", ": > /etc/subuid; : > /etc/subgid")


CASES = [
    Case(
        name="rootless-runtime-directory-missing",
        pattern="rootless/rootless-runtime-dir-missing",
        files=FILES,
        job=JOB,
        script=SCRIPT,
        user=BUILDER,
        prepare=a_range,
    ),
    Case(
        name="rootless-range-of-ids-missing",
        pattern="rootless/rootless-no-subuid-range",
        files=FILES,
        job=JOB,
        script=DIRECTORY + SCRIPT,
        user=BUILDER,
        how=(Typed(2),),
        prepare=no_range,
    ),
]
