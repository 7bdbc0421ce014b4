"""A small HTTP server on 127.0.0.1 that answers like GitLab's API, with faults on demand.

with GitLabDouble() as gitlab:
    gitlab.add_job("group/app", 12, trace=b"...", status="failed")
    gitlab.fail(Fault(status=502), times=1, route="trace")
"""

import contextlib
import json
import re
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

# a pair for localhost and 127.0.0.1 that protects nothing; valid from 2020 to 2120
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgIUbXdncb41w+ZBfj
471muXTnKLxvGHoQLX+Ln3SgUGahRANCAATdz0OHCB6oxhOpNHtHj7zww2MqBtB3
TVgxxwFoMeAF/t2YsVGHzvfdx/mAzkBo9gT5Nr7oHK2fv4PmGtB4zUnx
-----END PRIVATE KEY-----
"""
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBeTCCASCgAwIBAgIUd+7WurGB4jkkdn8hiw0OYvz591YwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAx
MDAwMDAwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATdz0OHCB6oxhOpNHtHj7zww2MqBtB3TVgxxwFoMeAF/t2YsVGHzvfd
x/mAzkBo9gT5Nr7oHK2fv4PmGtB4zUnxo04wTDAPBgNVHRMBAf8EBTADAQH/MBoG
A1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAdBgNVHQ4EFgQUUa1G9zanlOGlPg8/
CVQYG1KumPAwCgYIKoZIzj0EAwIDRwAwRAIgbsAI/uiiQ6Bqey7XyCDeMizqektL
UYkZ8/Fu4ujbWFICIFYNzmwdBXuo3L0tFG+GoR8bF/57I1eQ7KkquR4NjXMI
-----END CERTIFICATE-----
"""

TOKEN = "glpat-" + "x1y2z3w4v5u6t7s8r9q0"

# paths of GitLab's published API description; a request to any other fails the test
_ROUTES = {
    "project": re.compile(r"/api/v4/projects/(?P<project>[^/]+)"),
    "job": re.compile(r"/api/v4/projects/(?P<project>[^/]+)/jobs/(?P<job>[0-9]+)"),
    "trace": re.compile(r"/api/v4/projects/(?P<project>[^/]+)/jobs/(?P<job>[0-9]+)/trace"),
    "raw": re.compile(r"/api/v4/projects/(?P<project>[^/]+)/repository/files/(?P<file>[^/]+)/raw"),
    "lint": re.compile(r"/api/v4/projects/(?P<project>[^/]+)/ci/lint"),
}
_READING = {"api", "read_api"}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """An answer other than the right one."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = {}
    stall: bool = False
    """Send the headers and half of the body, then nothing until the server stops."""
    reset: bool = False
    """Send the headers and half of the body, then reset the connection."""


class Seen(msgspec.Struct, frozen=True):
    """A request that arrived."""

    route: str
    path: str
    headers: dict[str, str]

    @property
    def secrets(self) -> list[str]:
        names = ("private-token", "authorization", "job-token", "cookie")
        return [value for name, value in self.headers.items() if name.lower() in names]


class Job(msgspec.Struct, kw_only=True):
    """A job of the double: what the API says, and its trace (None: 404)."""

    fields: dict[str, Any]
    trace: bytes | Callable[[], Iterator[bytes]] | None


class GitLabDouble:
    """The server; `tokens` maps each token to its scopes, `public` holds the projects that need none."""

    def __init__(self, *, tls: bool = False, root: str = "") -> None:
        self.tokens: dict[str, set[str]] = {TOKEN: {"read_api"}}
        self.public: set[str] = set()
        self.numbers: dict[str, int] = {}
        self.jobs: dict[tuple[str, int], Job] = {}
        self.repository: dict[tuple[str, str], bytes] = {}
        """Files by project and path, the same at every commit."""
        self.project_fields: dict[str, Any] = {}
        self.merged: str | None = None
        """What the lint endpoint says of the configuration at a commit."""
        self.invalid: str = ""
        """A configuration that holds this is judged to be wrong."""
        self.linted: list[str] = []
        """The configurations that were posted to be judged."""
        self.seen: list[Seen] = []
        self.unknown: list[str] = []
        self.stopping = threading.Event()
        self.root = root
        self._faults: list[tuple[str, str, Fault | None]] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        if tls:
            self._server.socket = _tls_context().wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{'https' if tls else 'http'}://{self.host}{root}"

    def __enter__(self) -> "GitLabDouble":
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        assert not self.unknown, f"no such route in GitLab: {self.unknown}"

    def add_job(
        self, project: str, number: int, *, trace: bytes | Callable[[], Iterator[bytes]] | None, **fields: Any
    ) -> None:
        self.numbers.setdefault(project, len(self.numbers) + 71)
        page = f"{self.url}/{project}/-/jobs/{number}"
        known = {"id": number, "status": "failed", "name": "build", "stage": "test", "web_url": page, "ref": "main"}
        self.jobs[project, number] = Job(fields=known | fields, trace=trace)

    def fail(self, fault: Fault, *, times: int = 99, route: str = "", path: str = "", after: int = 0) -> None:
        """Answer the next requests (of one route, whose path holds some text) so, but for the first of them."""
        self._faults += [(route, path, None)] * after + [(route, path, fault)] * times

    def fault_for(self, route: str, path: str = "") -> Fault | None:
        with self._lock:
            for position, (wanted, part, fault) in enumerate(self._faults):
                if wanted in ("", route) and part in path:
                    del self._faults[position]
                    return fault
        return None

    def answer(self, route: str, found: dict[str, str], headers: dict[str, str]) -> Fault | Job:
        """What GitLab says: a fault, or the job that may be shown."""
        name = unquote(found["project"])
        project = next((path for path, number in self.numbers.items() if name in (path, str(number))), None)
        token = headers.get("private-token") or headers.get("authorization", "").removeprefix("Bearer ")
        if token and token not in self.tokens:
            return _json(401, {"message": "401 Unauthorized"})
        if token and not self.tokens[token] & _READING:
            return _json(403, {"error": "insufficient_scope", "scope": "api read_api"})
        if project is None or not (token or project in self.public):
            return _json(404, {"message": "404 Project Not Found"})
        if route == "project":
            return _json(200, {"id": self.numbers[project], "path_with_namespace": project} | self.project_fields)
        if route == "raw":
            data = self.repository.get((project, unquote(found["file"])))
            plain = {"Content-Type": "text/plain"}
            return _json(404, {"message": "404 File Not Found"}) if data is None else Fault(body=data, headers=plain)
        if route == "lint":
            return _json(200, {"valid": True, "errors": [], "warnings": [], "merged_yaml": self.merged})
        return self.jobs.get((project, int(found["job"]))) or _json(404, {"message": "404 Not found"})

    def judge(self, content: str, headers: dict[str, str]) -> Fault:
        """What GitLab says of a configuration that is posted."""
        if "api" not in self.tokens.get(headers.get("private-token", ""), set()):
            return _json(403, {"error": "insufficient_scope", "scope": "api"})
        self.linted.append(content)
        errors = [f"{self.invalid} is wrong"] if self.invalid and self.invalid in content else []
        return _json(200, {"valid": not errors, "errors": errors, "warnings": [], "merged_yaml": content})


def _json(status: int, body: object) -> Fault:
    return Fault(status=status, body=json.dumps(body).encode(), headers={"Content-Type": "application/json"})


def _tls_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as pair:
        pair.write(KEY + CERTIFICATE)
        pair.flush()
        context.load_cert_chain(pair.name)
    return context


def write_certificate(folder: Path) -> str:
    """The file that makes the double's certificate trusted."""
    file = folder / "ca.pem"
    file.write_text(CERTIFICATE)
    return str(file)


def _handler(double: GitLabDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with contextlib.suppress(OSError):
                self._get()

        def do_POST(self) -> None:
            with contextlib.suppress(OSError):
                path = urlsplit(self.path).path.removeprefix(double.root)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = json.loads(self.rfile.read(int(headers.get("content-length", "0"))))
                double.seen.append(Seen("lint", self.path, headers))
                if not _ROUTES["lint"].fullmatch(path):
                    double.unknown.append(self.path)
                self._send(double.fault_for("lint", self.path) or double.judge(body["content"], headers))

        def _get(self) -> None:
            path = urlsplit(self.path).path.removeprefix(double.root)
            matches = {name: form.fullmatch(path) for name, form in _ROUTES.items()}
            route, found = next(((name, m) for name, m in matches.items() if m), ("", None))
            headers = {name.lower(): value for name, value in self.headers.items()}
            double.seen.append(Seen(route, self.path, headers))
            if fault := double.fault_for(route, self.path):
                return self._send(fault)
            if found is None:
                double.unknown.append(self.path)
                return self._send(_json(404, {"error": "404 Not Found"}))
            answer = double.answer(route, found.groupdict(), headers)
            if isinstance(answer, Fault):
                return self._send(answer)
            if route == "job":
                return self._send(_json(200, answer.fields))
            if answer.trace is None:
                return self._send(_json(404, {"message": "404 Not found"}))
            if isinstance(answer.trace, bytes):
                plain = {"Content-Type": "text/plain"}
                return self._send(Fault(body=answer.trace, headers=plain))
            return self._stream(answer.trace())

        def _send(self, fault: Fault) -> None:
            self.send_response(fault.status)
            for name, value in fault.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(fault.body)))
            self.end_headers()
            broken = fault.stall or fault.reset
            self.wfile.write(fault.body[: len(fault.body) // 2] if broken else fault.body)
            if fault.stall:
                double.stopping.wait(10)
            if fault.reset:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            if broken:
                self.close_connection = True
                self.connection.close()

        def _stream(self, chunks: Iterator[bytes]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for chunk in chunks:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: object) -> None:
            pass

    return Handler
