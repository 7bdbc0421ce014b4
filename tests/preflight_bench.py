"""Runs the preflight's script for tests, as root makes it a job's container: namespaces, another user, refused calls.

What is mounted and written there is in a mount namespace of its own and ends with the script.
"""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import which
from typing import NamedTuple

from bkdoctor.preflight.reading import Check, Preflight, read
from bkdoctor.preflight.script import script
from bkdoctor.trace.log import Log

SHELLS = {"ash": ["busybox", "ash"], "dash": ["dash"], "bash": ["bash", "--posix"]}
NOTHING = {"BKDOCTOR_PREFLIGHT_REGISTRIES": "localhost:1", "BKDOCTOR_PREFLIGHT_TIMEOUT": "4"}
"""A registry that refuses at once: what is not about the network waits for none."""

_PREPARE = r"""
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir -p /mnt/home /mnt/run /mnt/bin /mnt/applets /mnt/etc /mnt/work
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/etc,workdir=/mnt/work overlay /etc
chmod 700 /mnt/run
cp "$1" /mnt/preflight.sh
printf 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/mnt/home:/bin/sh\n' > /etc/passwd
printf 'root:x:0:\nuser:x:1000:\n' > /etc/group
echo user:100000:65536 | tee /etc/subuid > /etc/subgid
chown 1000:1000 /mnt/home /mnt/run
eval "$2"
shift 2
exec "$@"
"""

_FILTER = r"""
import ctypes, os, struct, sys
calls = dict(item.split("=") for item in sys.argv[1].split(","))
numbers = {
    "x86_64": {"unshare": 272, "clone": 56, "clone3": 435, "mount": 165},
    "aarch64": {"unshare": 97, "clone": 220, "clone3": 435, "mount": 40},
}[os.uname().machine]
NEW_USER = 0x10000000
code = [(0x20, 0, 0, 0)]
for name, error in calls.items():
    if name == "clone":
        code += [(0x15, 0, 4, numbers[name]), (0x20, 0, 0, 16), (0x45, 0, 1, NEW_USER), (0x06, 0, 0, 0x50000 | int(error)), (0x20, 0, 0, 0)]
    else:
        code += [(0x15, 0, 1, numbers[name]), (0x06, 0, 0, 0x50000 | int(error))]
code.append((0x06, 0, 0, 0x7FFF0000))
raw = b"".join(struct.pack("HBBI", *item) for item in code)
buffer = ctypes.create_string_buffer(raw)
program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(buffer))
if ctypes.CDLL(None, use_errno=True).prctl(22, 2, program, 0, 0):
    raise OSError(ctypes.get_errno(), "prctl")
os.execvp(sys.argv[2], sys.argv[2:])
"""
"""A seccomp filter that refuses some system calls with an error, and lets all others pass."""


def missing() -> str:
    """Return why the sandbox cannot be made here; empty: it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "the sandbox needs Linux and root"
    if platform.machine() not in ("x86_64", "aarch64"):
        return "the seccomp filter knows x86_64 and aarch64"
    tools = [
        "unshare",
        "setpriv",
        "busybox",
        "dash",
        "bash",
        "rootlesskit",
        "newuidmap",
        "openssl",
        "curl",
        "wget",
        "getcap",
    ]
    lacking = [tool for tool in tools if not which(tool)]
    return f"the sandbox needs {', '.join(lacking)}" if lacking else ""


class Done(NamedTuple):
    """What the script printed, read back."""

    status: int
    out: str
    err: str
    seen: Preflight

    def check(self, name: str) -> Check:
        """Return the check of that name, the failed one if there are several."""
        found = [check for check in self.seen.checks if check.name == name]
        assert found, f"there is no check {name}:\n{self.out}{self.err}"
        return next((check for check in found if check.status == "fail"), found[0])

    def words(self, name: str) -> tuple[str, str]:
        """Return a check's status and reason."""
        check = self.check(name)
        return check.status, check.values.get("reason", "")


def run(
    folder: Path,
    *,
    shell: str = "dash",
    prepare: str = "",
    env: Mapping[str, str] | None = None,
    refuse: Mapping[str, int] | None = None,
    privileges: Sequence[str] = (),
    uid: int = 1000,
    path: str = "",
    text: str | None = None,
) -> Done:
    """Run the script in a sandbox made with `prepare`, a shell text run as root in which /mnt is the sandbox's own.

    `refuse` names system calls and the errors they end with; `privileges` are further words of setpriv.
    """
    file = folder / "script.sh"
    file.write_text(script() if text is None else text)
    words = ["unshare", "--mount", "sh", "-c", _PREPARE, "prepare", str(file), prepare]
    if refuse:
        calls = ",".join(f"{name}={error}" for name, error in refuse.items())
        words += [sys.executable, "-I", "-c", _FILTER, calls]
    if uid:
        words += ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", *privileges]
    given = {
        "PATH": path or f"/mnt/bin:{os.environ['PATH']}", "HOME": "/mnt/home", "XDG_RUNTIME_DIR": "/mnt/run",
        **NOTHING, **(env or {}),
    }  # fmt: skip
    words += [
        "env",
        "-i",
        *(f"{key}={value}" for key, value in given.items()),
        str(which(SHELLS[shell][0])),
        *SHELLS[shell][1:],
        "/mnt/preflight.sh",
    ]
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False, cwd="/"
    )  # fmt: skip
    assert "bkdoctor-preflight/1 " in done.stdout, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"
    return Done(done.returncode, done.stdout, done.stderr, read(Log(done.stdout.encode()), "the output"))


def stub(name: str, text: str) -> str:
    """Return a shell text that puts a program of that name before all others."""
    return f"printf %s {shlex.quote(text)} > /mnt/bin/{name}; chmod 755 /mnt/bin/{name}\n"
