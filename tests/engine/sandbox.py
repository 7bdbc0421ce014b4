"""From a folder to a machine within this machine: namespaces with files, network and processes of their own.

What is written in it lies in memory, nothing outside can be reached from it, and when it is closed, or the tests are
killed, the kernel ends all its processes and drops all its mounts.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

PATH = "/usr/local/engine:/usr/sbin:/usr/bin:/sbin:/bin"
"""Not /usr/local/bin: there may be another Docker client than the one that belongs to the engine."""

_INIT = r"""
set -e
layers=$1 keep=$2; shift 2
mount -t tmpfs -o mode=755 tmpfs "$layers"
mkdir "$layers/upper" "$layers/work" "$layers/root"
mount -t overlay -o "lowerdir=/,upperdir=$layers/upper,workdir=$layers/work" overlay "$layers/root"
cd "$layers/root"
for folder in dev sys; do mount --rbind "/$folder" "$folder"; done
mount -t proc proc proc
mkdir -p tmp run var/lib/docker var/run usr/local/engine certs old
for folder in tmp run var/lib/docker; do mount -t tmpfs -o mode=1777 tmpfs "$folder"; done
chmod 755 run
mkdir -p "./$keep"; mount --rbind "$keep" "./$keep"
pivot_root . old
cd /; umount -l /old
busybox ip link set lo up
for address; do busybox ip address add "$address/32" dev lo; done
echo ready
exec sleep infinity
"""


class Sandbox:
    """The machine; commands run in it until it is closed."""

    def __init__(self, folder: Path, addresses: Sequence[str]) -> None:
        """Start it. `folder` and what is below it are the same inside and outside. Raises OSError where it cannot be."""
        layers = folder / "layers"
        layers.mkdir()
        unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", _INIT, "init"]
        self._started: list[subprocess.Popen[bytes]] = []
        self._init = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *unshare, layers, folder, *addresses],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, env=_env({}),
        )  # fmt: skip
        assert self._init.stdout
        said = ""
        for line in self._init.stdout:
            if line == "ready\n":
                return
            said += line
        raise OSError(said.strip() or "the namespaces could not be made")

    def _command(self, words: Sequence[str | Path], folder: str | Path) -> list[str]:
        process = f"/proc/{self._init.pid}/ns"
        enter = ["nsenter", f"--mount={process}/mnt", f"--net={process}/net", f"--pid={process}/pid_for_children"]
        return [*enter, "sh", "-c", 'cd "$0" && exec "$@"', str(folder), *map(str, words)]

    def start(
        self, words: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        """Start a process that goes on, its output in a file."""
        with log.open("ab") as out:
            self._started += [
                subprocess.Popen(
                    self._command(words, "/"), stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=_env(env or {})
                )
            ]
        return self._started[-1]

    def run(
        self, *words: str | Path, folder: str | Path = "/", env: Mapping[str, str] | None = None, timeout: int = 60
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end; its errors are among its output."""
        return subprocess.run(
            self._command(words, folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            text=True, errors="replace", env=_env(env or {}), timeout=timeout, check=False,
        )  # fmt: skip

    def must(self, *words: str | Path, **options: object) -> str:
        """Run a command that must succeed, and return what it printed."""
        done = self.run(*words, **options)  # type: ignore[arg-type]
        assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stdout}"
        return done.stdout

    def write(self, path: str, text: str, *, executable: bool = False) -> None:
        """Write a file that only the sandbox has."""
        script = 'mkdir -p "$(dirname "$0")" && printf %s "$1" > "$0" && chmod "$2" "$0"'
        self.must("sh", "-c", script, path, text, "755" if executable else "644")

    def close(self) -> None:
        """End everything in it."""
        self._init.kill()
        self._init.wait()
        for process in self._started:
            process.wait()
        if self._init.stdout:
            self._init.stdout.close()


def _env(more: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", "TMPDIR": "/tmp", **more}


def missing() -> str:
    """Return why there can be no engine here, in words for people; empty: there can."""
    if os.uname().sysname != "Linux":
        return "the engine needs Linux"
    if os.geteuid() != 0:
        return "the engine needs root: run the tests as root (on a machine or container of their own)"
    places = PATH.split(":")
    lacking = {n: package for n, package in PROGRAMS.items() if not any(Path(p, n).exists() for p in places)}
    if lacking:
        packages = " ".join(dict.fromkeys(lacking.values()))
        return f"the engine needs {', '.join(lacking)}: apt-get install --no-install-recommends {packages}"
    return ""


PROGRAMS = {
    "dockerd": "docker.io", "docker": "docker.io", "docker-registry": "docker-registry", "busybox": "busybox-static",
    "openssl": "openssl", "update-ca-certificates": "ca-certificates", "git": "git", "unshare": "util-linux",
    "ssh-agent": "openssh-client", "rootlesskit": "rootlesskit", "newuidmap": "uidmap",
}  # fmt: skip
"""The programs that the engine's tests start, each with its Debian package."""
