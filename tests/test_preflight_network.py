"""The preflight's script against registries, proxies and daemons on this machine, and its look at credentials."""

import base64
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.preflight_bench import Done, missing, run, stub

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "there is one")
BUSYBOX = "busybox --install -s /mnt/applets\n"
NO_CURL = 'busybox --install -s /mnt/applets; for f in wget openssl getent timeout; do ln -sf "$(command -v $f)" /mnt/applets/$f; done\n'


class _Registry(BaseHTTPRequestHandler):
    status = 401
    date = ""

    def do_GET(self) -> None:
        self.send_response_only(self.status)
        self.send_header("Date", self.date or self.date_time_string())
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815  # the server looks for these names
    do_CONNECT = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print nothing."""


@contextmanager
def registry(pair: tuple[Path, Path] | None = None, *, status: int = 401, date: str = "") -> Iterator[str]:
    """Serve a registry's first answer, and yield HOST:PORT."""
    handler = type("Handler", (_Registry,), {"status": status, "date": date})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if pair:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        # the handshake is made in the thread of the connection, where its failure ends nothing else
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Make self-signed certificates: one for localhost, one for another name, one that is over."""
    folder = tmp_path_factory.mktemp("certificates")
    made: dict[str, tuple[Path, Path]] = {}
    for name, host, days in (
        ("good", "localhost", "2"),
        ("name", "other.example.com", "2"),
        ("old", "localhost", "-1"),
    ):
        key, request, certificate = (folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
        names = folder / f"{name}.cnf"
        names.write_text(f"subjectAltName=DNS:{host}\nbasicConstraints=critical,CA:TRUE\n")
        new: list[str | Path] = [
            "openssl",
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ]
        sign: list[str | Path] = ["openssl", "x509", "-req", "-signkey", key, "-days", days, "-extfile", names]
        for words in (
            [*new, "-keyout", key, "-out", request, "-subj", f"/CN={host}"],
            [*sign, "-in", request, "-out", certificate],
        ):
            subprocess.run(words, check=True, capture_output=True, timeout=30)
        made[name] = certificate, key
    return made


def asked(folder: Path, host: str, *, trusted: Path | None = None, **options: object) -> Done:
    """Run the script for one registry."""
    prepare = str(options.pop("prepare", ""))
    env = {"BKDOCTOR_PREFLIGHT_REGISTRIES": host, **options.pop("env", {})}  # type: ignore[dict-item]
    if trusted:
        prepare += f"cp {trusted} /mnt/ca.pem\n"
        env |= {"SSL_CERT_FILE": "/mnt/ca.pem", "CURL_CA_BUNDLE": "/mnt/ca.pem"}
    return run(folder, prepare=prepare, env=env, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["", "/mnt/applets"], ids=["curl", "wget"])
@pytest.mark.parametrize("status", [200, 401])
def test_a_registry_that_answers(
    tmp_path: Path, certificates: dict[str, tuple[Path, Path]], path: str, status: int
) -> None:
    with registry(certificates["good"], status=status) as host:
        trusted = certificates["good"][0]
        prepare = NO_CURL + f"printf 'ca_certificate=/mnt/ca.pem\\n' > /mnt/home/.wgetrc; cp {trusted} /mnt/ca.pem\n"
        done = asked(tmp_path, host, trusted=trusted, path=path, prepare=prepare)
    assert done.check("registry").status == "ok", done.out
    assert done.check("registry").values["status"] == str(status)
    assert done.check("clock").status == "ok"


@pytest.mark.parametrize("path", ["", "/mnt/applets"], ids=["curl", "wget"])
@pytest.mark.parametrize(
    ("certificate", "reason"), [("good", "unknown-authority"), ("old", "expired"), ("name", "name")]
)
def test_a_certificate_that_is_not_believed(
    tmp_path: Path, certificates: dict[str, tuple[Path, Path]], certificate: str, reason: str, path: str
) -> None:
    pair = certificates[certificate]
    with registry(pair) as host:
        done = asked(tmp_path, host, trusted=None if certificate == "good" else pair[0], prepare=NO_CURL, path=path)
    assert done.words("registry") == ("fail", reason)
    assert done.check("registry").values["host"] == host


@pytest.mark.parametrize("tool", ["curl", "wget"])
@pytest.mark.parametrize(("certificate", "reason"), [("good", "unknown-authority"), ("name", "name")])
def test_without_openssl(
    tmp_path: Path, certificates: dict[str, tuple[Path, Path]], tool: str, certificate: str, reason: str
) -> None:
    pair = certificates[certificate]
    only = BUSYBOX + f'for f in {tool} getent timeout; do ln -sf "$(command -v $f)" /mnt/applets/$f; done\n'
    trust = f"cp {pair[0]} /mnt/ca.pem; printf 'ca_certificate=/mnt/ca.pem\\n' > /mnt/home/.wgetrc\n"
    with registry(pair) as host:
        trusted = None if certificate == "good" else pair[0]
        done = asked(tmp_path, host, trusted=trusted, path="/mnt/applets", prepare=only + (trust if trusted else ""))
    assert done.words("registry") == ("fail", reason)


@pytest.mark.parametrize("path", ["", "/mnt/applets"], ids=["curl", "wget"])
def test_a_registry_that_speaks_plain_http(tmp_path: Path, path: str) -> None:
    with registry() as host:
        assert asked(tmp_path, host, prepare=NO_CURL, path=path).words("registry") == ("fail", "plain-http")


NC = stub(
    "nc",
    "#!/mnt/applets/python3\n"
    "import socket, sys\n"
    "if sys.argv[1] == '-h': sys.exit('usage: nc [-z]')\n"
    "try: socket.create_connection((sys.argv[-2], int(sys.argv[-1])), 2)\n"
    "except OSError: sys.exit(1)\n",
)
"""An nc that knows -z, which Debian's busybox does not."""


def test_without_curl_and_wget(tmp_path: Path, certificates: dict[str, tuple[Path, Path]]) -> None:
    def only(*tools: str) -> str:
        links = "".join(f'ln -sf "$(command -v {tool})" /mnt/applets/\n' for tool in (*tools, "getent"))
        return BUSYBOX + "rm /mnt/applets/wget\n" + links

    path, with_nc = "/mnt/bin:/mnt/applets", only("/usr/bin/python3", "timeout") + NC
    trusted = certificates["good"][0]
    with registry(certificates["good"]) as host:
        done = asked(tmp_path, host, trusted=trusted, prepare=only("openssl", "timeout"), path=path)
        assert "a TLS connection comes about" in done.check("registry").text
        done = asked(tmp_path, host, prepare=with_nc, path=path)
        assert "something listens" in done.check("registry").text
    assert asked(tmp_path, "localhost:1", prepare=with_nc, path=path).words("registry") == ("fail", "refused")
    assert asked(tmp_path, "localhost:1", prepare=only(), path=path).check("registry").status == "skip"


@pytest.mark.parametrize(("status", "word"), [(503, "server-error"), (404, "odd")])
def test_a_registry_in_trouble(
    tmp_path: Path, certificates: dict[str, tuple[Path, Path]], status: int, word: str
) -> None:
    with registry(certificates["good"], status=status) as host:
        done = asked(tmp_path, host, trusted=certificates["good"][0])
    assert done.check("registry").values["reason"] == word
    assert done.check("registry").values["status"] == str(status)


def test_a_name_without_an_address(tmp_path: Path) -> None:
    done = asked(tmp_path, "registry.invalid")
    assert done.words("registry") == ("fail", "dns")
    assert done.check("registry").values["host"] == "registry.invalid"


def test_a_registry_that_never_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = asked(
            tmp_path, f"localhost:{silent.getsockname()[1]}", env={"BKDOCTOR_PREFLIGHT_TIMEOUT": "1"}
        )  # fmt: skip
    assert done.words("registry") == ("fail", "timeout")


def test_a_clock_that_is_off(tmp_path: Path, certificates: dict[str, tuple[Path, Path]]) -> None:
    with registry(certificates["good"], date="Thu, 01 Jan 2015 00:00:00 GMT") as host:
        assert asked(tmp_path, host, trusted=certificates["good"][0]).check("clock").status == "fail"


def test_a_proxy_that_is_gone_and_one_that_refuses(tmp_path: Path) -> None:
    secret = "hunter2secret"
    for name in ("https_proxy", "HTTPS_PROXY"):
        done = asked(tmp_path, "registry.example.com", env={name: f"http://user:{secret}@localhost:1"})
        assert done.words("registry") == ("fail", "proxy")
        assert secret not in done.out
        assert "localhost:1" in done.check("proxy").text
    with registry(status=407) as proxy:
        done = asked(tmp_path, "registry.example.com", env={"https_proxy": f"http://{proxy}"})
    assert done.words("registry") == ("fail", "proxy")


def test_what_is_exempt_from_the_proxy_goes_around_it(tmp_path: Path) -> None:
    env = {"https_proxy": "http://localhost:2", "no_proxy": "example.org,.invalid"}
    assert asked(tmp_path, "registry.invalid", env=env).words("registry") == ("fail", "dns")


@pytest.mark.parametrize("path", ["", "/mnt/applets"], ids=["curl", "busybox"])
def test_daemons_that_are_there_or_not(tmp_path: Path, path: str) -> None:
    quick = {"BKDOCTOR_PREFLIGHT_TIMEOUT": "2"}
    with registry() as there:
        done = run(
            tmp_path, path=path, prepare=BUSYBOX,
            env={**quick, "BUILDKIT_HOST": f"tcp://{there}", "DOCKER_HOST": "tcp://localhost:1"},
        )  # fmt: skip
    assert done.check("buildkitd").status == "ok"
    assert done.words("docker") == ("fail", "none")
    env = {**quick, "BUILDKIT_HOST": "unix:///run/nothing.sock", "DOCKER_HOST": "tcp://docker.invalid:2375"}
    done = run(tmp_path, path=path, prepare=BUSYBOX, env=env)
    assert done.words("buildkitd") == ("fail", "none")
    assert done.words("docker") == ("fail", "unresolved")
    assert done.check("docker").values["service"] == "docker.invalid"


def test_a_socket_of_another_user(tmp_path: Path) -> None:
    make = "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"/mnt/docker.sock\")'; chmod 600 /mnt/docker.sock\n"
    done = run(tmp_path, prepare=make, env={"DOCKER_HOST": "unix:///mnt/docker.sock"})
    assert done.words("docker") == ("fail", "forbidden")


def test_certificates_for_docker(tmp_path: Path) -> None:
    env = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/mnt/certs"}
    some = "mkdir /mnt/certs; touch /mnt/certs/ca.pem\n"
    assert run(tmp_path, prepare=some, env=env).check("docker-tls").values["file"] == "/mnt/certs/cert.pem"
    all_ = some + "touch /mnt/certs/cert.pem /mnt/certs/key.pem\n"
    assert run(tmp_path, prepare=all_, env=env).check("docker-tls").status == "ok"


SECRET = base64.b64encode(b"ci-user:pa55word-of-mine").decode()
GOOD = {"auths": {"registry.example.com": {"auth": SECRET}}}


def with_config(folder: Path, text: str, *more: str, **options: object) -> Done:
    file = folder / "config.json"
    file.write_text(text)
    place = f"mkdir -p /mnt/home/.docker; cp {file} /mnt/home/.docker/config.json\n" + "".join(more)
    env = {"BKDOCTOR_PREFLIGHT_REGISTRIES": "registry.example.com localhost:1", "https_proxy": "http://localhost:1"}
    done = run(folder, prepare=place, env=env, **options)  # type: ignore[arg-type]
    assert SECRET not in done.out
    assert "pa55word" not in done.out
    return done


def test_credentials_for_one_registry_and_not_for_the_other(tmp_path: Path) -> None:
    done = with_config(tmp_path, json.dumps(GOOD, indent=2))
    logins = {c.values.get("host") or c.values["url"]: c.status for c in done.seen.checks if c.name == "login"}
    assert logins == {"registry.example.com": "ok", "localhost:1": "warn"}
    assert done.check("credentials").status == "ok"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "it is empty"),
        ('{"auths": {', "it ends too early"),
        ('{"auths": {}}}', "text behind its end"),
        ('{"auths": {"a": {"auth": "abc\ndef"}}}', "a line break in a string"),
        ('{"auths": {"a": {}},}', "a comma before a closing bracket"),
        ("auths: {}", "it does not begin with {"),
        ('{"auths": [}', "a bracket that does not fit"),
        ("{'auths': {}}", "a character that does not belong there"),
    ],
)
@pytest.mark.parametrize("shell", ["dash", "ash"])
def test_a_file_that_is_no_json(tmp_path: Path, text: str, fault: str, shell: str) -> None:
    path = "/mnt/applets" if shell == "ash" else ""
    done = with_config(tmp_path, text, BUSYBOX, shell=shell, path=path)
    assert done.words("credentials") == ("fail", "broken")
    assert done.check("credentials").values["fault"] == fault


@pytest.mark.parametrize(
    "config",
    [
        {},
        GOOD,
        {"auths": {"a": {"auth": 'x"\\{]'}}, "n": [1, -2.5e3, True, None, []], "HttpHeaders": {"User-Agent": "a, b"}},
    ],
)
def test_a_file_that_is_json(tmp_path: Path, config: dict[str, object]) -> None:
    for indent in (None, 2):
        assert with_config(tmp_path, json.dumps(config, indent=indent)).check("credentials").status == "ok"


def test_an_entry_without_user_and_password(tmp_path: Path) -> None:
    empty = {"auths": {"registry.example.com": {"auth": base64.b64encode(b":").decode()}}}
    assert with_config(tmp_path, json.dumps(empty)).words("credentials-empty") == ("fail", "empty")


def test_helpers_for_credentials(tmp_path: Path) -> None:
    config = {"credsStore": "gone", "credHelpers": {"a.example.com": "there", "b.example.com": "away"}}
    there = stub("docker-credential-there", "#!/bin/sh\n")
    done = with_config(tmp_path, json.dumps(config), there)
    helpers = {c.values["helper"]: c.status for c in done.seen.checks if c.name == "credential-helper"}
    assert helpers == {"gone": "fail", "there": "ok", "away": "fail"}


def test_a_file_that_the_user_may_not_read(tmp_path: Path) -> None:
    done = with_config(tmp_path, "{}", "chmod 600 /mnt/home/.docker/config.json\n")
    assert done.words("credentials") == ("fail", "not readable")


def test_a_folder_that_the_user_may_not_write(tmp_path: Path) -> None:
    done = run(tmp_path, env={"DOCKER_CONFIG": "/mnt/locked"}, prepare="mkdir /mnt/locked\n")
    assert done.check("credentials").status == "warn"
    assert done.words("credentials-dir") == ("fail", "not writable")
