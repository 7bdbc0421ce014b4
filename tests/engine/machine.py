"""From a sandbox to what a build meets in the world: registries that hold the same images, an engine, base images."""

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.engine import certificates
from tests.engine.sandbox import Sandbox

OWN, HUB, PRIVATE, PLAIN, FAULTS, PROXY = (f"198.51.100.{n}" for n in range(10, 16))
RESOLVER, IGNORANT = "192.0.2.53", "192.0.2.54"
"""Name servers: one knows a name, the machine asks the other."""
FILES = "files.example.org"
"""The name: of the plain registry."""
HOSTS = {
    "other.example.com": OWN,
    "registry.example.com": OWN,  # GitLab's: TLS that everybody trusts, user and password
    "mirror.example.com": HUB,  # the same TLS, no password
    "private.example.com": PRIVATE,  # TLS by an authority that nobody knows
    "plain.example.com": PLAIN,  # HTTP on port 5000, and no loopback address, which Docker would let pass
    "registry.example.org": HUB,
    "faults.example.com": FAULTS,  # answers what registry_faults.py says
    "forbidden.example.com": FAULTS,
    "proxy.example.com": PROXY,
    "registry-1.docker.io": FAULTS,  # Docker Hub, as that file does it
}
USER, PASSWORD = "gitlab-ci-token", "glpat-secret"
_HTPASSWD = f"{USER}:$2b$04$9S5BGXAlU9yt7T/uVBOkMuGRp6VDBV5NsvPNl53tcEbizX0TmxGue\n"
BASES = (
    "alpine:3.22",
    "alpine:3.20",
    "debian:12",
    "golang:1.24",
    "registry.example.com/team/base:1",
    "registry.example.com/team/base:1.0",
)
ROOTLESS = "/usr/share/docker.io/contrib/dockerd-rootless.sh"
PYTHON = Path(sys.executable).resolve()
"""Not that of the environment: what stands below /tmp outside, as a checkout may, is not there inside."""
BUILDER = "builder"
"""A user that is not root."""
_DIND = """#!/bin/sh
# does what the entrypoint of docker:dind does
set -e
rm -f /run/docker.pid
certs=${DOCKER_TLS_CERTDIR-/certs}
if [ -n "$certs" ]; then
  set -- --host=tcp://0.0.0.0:2376 --tlsverify --tlscacert="$certs/server/ca.pem" \\
    --tlscert="$certs/server/cert.pem" --tlskey="$certs/server/key.pem" "$@"
else
  set -- --host=tcp://0.0.0.0:2375 --tls=false "$@"
fi
exec dockerd --host=unix:///run/docker.sock --iptables=false --ip6tables=false --cgroup-parent=bkdoctor-engine "$@"
"""


_INSTALLER = """#!/bin/sh
# a package manager without packages: each that is asked for becomes a program that does nothing, or runs a script
[ "$(id -u)" = 0 ] || { echo 'Permission denied: are you root?'; exit 100; }
[ "$1" = add ] || [ "$1" = install ] || exit 0
for name; do
  case $name in
    add|install|-*) ;;
    *) printf '#!/bin/sh\\n[ ! -f "$1" ] || exec /bin/sh "$@"\\n' > "/bin/$name"; chmod +x "/bin/$name" ;;
  esac
done
"""
_COMPILER = """#!/bin/sh
# what `go build -o FILE .` leaves behind
mkdir -p "$(dirname "$3")" && cp /bin/busybox "$3"
"""
_PRIVATE = """
for folder in /etc/ssl/certs /usr/local/share/ca-certificates; do
  cp -a $folder /tmp/service && mount -t tmpfs tmpfs $folder && cp -a /tmp/service/. $folder && rm -r /tmp/service
done
exec "$@"
"""
"""A service has files of its own: what it trusts is gone with it."""
_BASE = """
set -e
mkdir -p /tmp/base/bin /tmp/base/etc /tmp/base/root
cd /tmp/base
mkdir -m 1777 tmp
cp /bin/busybox bin/
bin/busybox --install bin
for name in apk apt-get go; do cp /usr/local/engine/$name bin/; done
echo root:x:0:0:root:/root:/bin/sh > etc/passwd
echo root:x:0: > etc/group
"""
"""What the images hold: a static busybox, and a package manager that needs no network."""


class Machine:
    """A sandbox with registries in it, and with an engine when a job asks for one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # a job may have another user
        folder.chmod(0o755)
        self.docker_env = {"DOCKER_HOST": "unix:///run/docker.sock", "HOME": "/tmp/publish"}
        self.authority = ""
        """The certificate of the private registry's authority."""
        self.sandbox = Sandbox(folder, [OWN, HUB, PRIVATE, PLAIN, FAULTS, PROXY, RESOLVER, IGNORANT])
        self._engine: subprocess.Popen[bytes] | None = None
        self._serving: tuple[object, ...] = ()
        try:
            self._certificates()
            self._user()
            self.resolve({})
            self._registries()
            self.serve([], {"DOCKER_TLS_CERTDIR": ""})
            self._base_images()
        except BaseException:
            self.close()
            raise

    def _certificates(self) -> None:
        known, unknown = (certificates.authority(self.folder, name) for name in ("known", "private"))
        self.authority = unknown.certificate.read_text()
        certificates.signed(self.folder, "server", known, [h for h in HOSTS if h != "other.example.com"])
        certificates.signed(self.folder, "engine", known, ["docker", "localhost"])
        certificates.signed(self.folder, "private-server", unknown, ["private.example.com"])
        # what the machine trusts: the known authority and no other
        self.sandbox.must("sh", "-c", "rm -rf /etc/ssl/certs/* && : > /etc/ca-certificates.conf")
        self.sandbox.write("/usr/local/share/ca-certificates/known.crt", known.certificate.read_text())
        self.sandbox.must("update-ca-certificates")
        for side in ("server", "client"):
            for name, source in (("ca", "known.crt"), ("cert", "engine.crt"), ("key", "engine.key")):
                self.sandbox.write(f"/certs/{side}/{name}.pem", (self.folder / source).read_text())
        self.sandbox.write("/usr/local/engine/dockerd-entrypoint.sh", _DIND, executable=True)

    def _user(self) -> None:
        account = f"echo {BUILDER}:x:31000:31000::/tmp:/bin/sh >> /etc/passwd; echo {BUILDER}:x:31000: >> /etc/group"
        self.sandbox.must("sh", "-c", f"{account}; cp {ROOTLESS} /usr/local/engine/")
        self.sandbox.write("/usr/local/engine/sudo", '#!/bin/sh\nexec "$@"\n', executable=True)

    def resolve(self, services: Mapping[str, str]) -> None:
        """Let names be known: those of the registries, and those of a job's services."""
        lines = [f"{address} {name}" for name, address in {"localhost": "127.0.0.1", **HOSTS, **services}.items()]
        self.sandbox.write("/etc/hosts", "\n".join(lines) + "\n")

    def _registries(self) -> None:
        (self.folder / "htpasswd").write_text(_HTPASSWD)
        self._registry("own", f"{OWN}:443", "server", auth=True)
        self._registry("hub", f"{HUB}:443", "server")
        self._registry("private", f"{PRIVATE}:443", "private-server")
        self._registry("plain", f"{PLAIN}:5000", None)
        tls = ["--certificate", f"{self.folder}/server.crt", "--key", f"{self.folder}/server.key"]
        self._double("registry_faults.py", "--host", FAULTS, "--port", "443", "--behind", HUB, *tls)
        self._double("network_doubles.py", "dns", RESOLVER, FILES, PLAIN)
        self._double("network_doubles.py", "dns", IGNORANT, "none", PLAIN)
        self._double("network_doubles.py", "proxy", PROXY)
        self.sandbox.write("/etc/resolv.conf", f"nameserver {IGNORANT}\n")
        for address, port in ((OWN, 443), (HUB, 443), (PRIVATE, 443), (PLAIN, 5000), (FAULTS, 443), (PROXY, 3128)):
            _wait(partial(self._listens, address, port), lambda: "a registry or the proxy does not start")

    def _listens(self, address: str, port: int) -> bool:
        ask = f"import socket; socket.create_connection(({address!r}, {port}), 2)"
        return not self.sandbox.run(PYTHON, "-c", ask).returncode

    def _double(self, script: str, *words: str | Path) -> None:
        inside = self.folder / script
        shutil.copy(Path(__file__).with_name(script), inside)
        self.sandbox.start([PYTHON, inside, *words], self.folder / f"{script}.log")

    def _registry(self, name: str, address: str, tls: str | None, *, auth: bool = False) -> None:
        http: dict[str, object] = {"addr": address, "secret": name}
        if tls:
            http["tls"] = {"certificate": f"{self.folder / tls}.crt", "key": f"{self.folder / tls}.key"}
        config: dict[str, object] = {
            "version": "0.1", "log": {"level": "warn"}, "http": http,
            "storage": {"filesystem": {"rootdirectory": "/var/lib/registry"}},
        }  # fmt: skip
        if auth:
            config["auth"] = {"htpasswd": {"realm": "registry", "path": str(self.folder / "htpasswd")}}
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(config))
        self.sandbox.start(["docker-registry", "serve", path], self.folder / f"{name}.log")

    def serve(
        self,
        command: Sequence[str],
        variables: Mapping[str, str],
        entrypoint: Sequence[str] = ("dockerd-entrypoint.sh",),
    ) -> None:
        """Let an engine run as a `docker:dind` service with this command and these variables would."""
        proxies = tuple(variables.get(name, "") for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"))
        asked = (tuple(entrypoint), tuple(command), variables.get("DOCKER_TLS_CERTDIR", "/certs"), proxies)
        if asked == self._serving:
            return
        self.stop()
        words = ["unshare", "--mount", "sh", "-ec", _PRIVATE, "sh", *entrypoint, *command]
        env = {**variables, "DOCKER_TLS_CERTDIR": asked[2]}
        log = self.folder / "dockerd.log"
        self._engine = self.sandbox.start(words, log, env)
        _wait(lambda: not self.docker("info").returncode, lambda: f"dockerd does not answer: {log.read_text()[-2000:]}")
        self._serving = asked

    def stop(self) -> None:
        """Stop the engine; its images stay."""
        if self._engine:
            self.sandbox.run("sh", "-c", "kill $(cat /run/docker.pid)")
            self._engine.wait(30)
        self._engine, self._serving = None, ()

    def docker(self, *words: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run a Docker command for the tests' own ends."""
        return self.sandbox.run("docker", *words, env=self.docker_env)

    def _base_images(self) -> None:
        """Make the images that Dockerfiles begin with."""
        for name, text in (("apk", _INSTALLER), ("apt-get", _INSTALLER), ("go", _COMPILER)):
            self.sandbox.write(f"/usr/local/engine/{name}", text, executable=True)
        self.sandbox.must("sh", "-c", _BASE)
        self.import_base(BASES[0])
        for name in BASES[1:]:
            self.docker("tag", BASES[0], name)

    def import_base(self, name: str) -> None:
        """Give the engine the base image under this name."""
        self.sandbox.must("sh", "-c", f"tar c -C /tmp/base . | docker import - {name}", env=self.docker_env)

    def publish(self, name: str) -> None:
        """Put the base image into the registries under this name, and forget that it was."""
        full = f"mirror.example.com/{name}"
        steps = f"docker tag {BASES[0]} {full} && docker push {full} && docker rmi {full}"
        self.sandbox.must("sh", "-c", steps, env=self.docker_env)

    def close(self) -> None:
        """Stop everything; what the kernel leaves of control groups goes too."""
        self.sandbox.close()
        for path in sorted(Path("/sys/fs/cgroup").glob("**/bkdoctor-engine"), reverse=True):
            with contextlib.suppress(OSError):
                for inner in sorted((p for p in path.rglob("*") if p.is_dir()), reverse=True):
                    inner.rmdir()
                path.rmdir()


def _wait(done: Callable[[], bool], complaint: Callable[[], str], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, complaint()
        time.sleep(0.05)
