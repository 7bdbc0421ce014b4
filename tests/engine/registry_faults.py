"""A registry that misbehaves on demand: the first part of a repository's name says how.

`denied/` answers 403, `unavailable/` 503, `limited/` 429; `flaky/` answers 503 once and works from then on; `library/`
behaves like Docker Hub: anonymous pulls have met their limit, those of an account have not, and what does not exist is
refused. What works comes from another registry. Everything else is not found. A mirror whose name begins with
`forbidden` gives nothing away.
"""

import argparse
import base64
import json
import ssl
from http.client import HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACCOUNT = "hubuser:hub-secret"
LIMIT = "You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit"
_JSON = {"Content-Type": "application/json"}
_HTML = b"<html><body><h1>503 Service Unavailable</h1></body></html>"


def _error(code: str, message: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


class Server(ThreadingHTTPServer):
    """The registry; `behind` is the address of the one that works."""

    behind = ""

    def __init__(self, host: str, port: int) -> None:
        super().__init__((host, port), Registry)
        self.met: set[str] = set()


class Registry(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *words: object) -> None:
        """Say nothing."""

    def _send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        if path == "/token":
            self._token()
        elif path in ("/v2", "/v2/"):
            self._send(200, b"{}") if self._who() else self._challenge("")
        else:
            self._repository(path)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815

    def _repository(self, path: str) -> None:
        repository = path.removeprefix("/v2/").partition("/manifests/")[0].partition("/blobs/")[0]
        fault, _, rest = repository.partition("/")
        first = repository not in self.server.met
        self.server.met.add(repository)
        if fault == "denied" or str(self.headers["Host"]).startswith("forbidden"):
            self._send(403, _error("DENIED", "requested access to the resource is denied"), _JSON)
        elif fault == "limited":
            self._send(429, _error("TOOMANYREQUESTS", LIMIT), _JSON)
        elif fault == "unavailable" or (fault == "flaky" and first):
            self._send(503, _HTML)
        elif fault == "flaky":
            self._pass_on(path.replace(repository, f"library/{rest}"))
        elif fault == "library":
            self._as_hub(path, repository)
        else:
            self._send(404, _error("MANIFEST_UNKNOWN", "manifest unknown"), _JSON)

    def _as_hub(self, path: str, repository: str) -> None:
        who = self._who()
        if not who or not self._exists(path):
            self._challenge(repository, refused=bool(who))
        elif who == "anonymous":
            self._send(429, _error("TOOMANYREQUESTS", LIMIT), _JSON)
        else:
            self._pass_on(path)

    def _who(self) -> str:
        return str(self.headers.get("Authorization") or "").removeprefix("Bearer ")

    def _challenge(self, repository: str, *, refused: bool = False) -> None:
        realm = f'Bearer realm="https://{self.headers["Host"]}/token",service="registry"'
        scope = f',scope="repository:{repository}:pull"' if repository else ""
        why = ',error="insufficient_scope"' if refused else ""
        body = _error("UNAUTHORIZED", "authentication required")
        self._send(401, body, {**_JSON, "WWW-Authenticate": f"{realm}{scope}{why}"})

    def _token(self) -> None:
        if self.command == "POST":
            # clients try OAuth first, and go on to GET
            self._send(404)
            return
        kind, _, value = str(self.headers.get("Authorization") or "").partition(" ")
        if kind == "Basic" and base64.b64decode(value).decode() != ACCOUNT:
            self._send(401, _error("UNAUTHORIZED", "incorrect username or password"), _JSON)
            return
        who = "account" if kind else "anonymous"
        self._send(200, json.dumps({"token": who, "access_token": who}).encode(), _JSON)

    def _exists(self, path: str) -> bool:
        return self._behind("HEAD", path)[0] == 200

    def _pass_on(self, path: str) -> None:
        self._send(*self._behind(self.command, path))

    def _behind(self, method: str, path: str) -> tuple[int, bytes, dict[str, str]]:
        connection = HTTPSConnection(self.server.behind, context=ssl._create_unverified_context(), timeout=10)
        connection.request(method, path, headers={"Accept": self.headers.get("Accept") or "*/*"})
        answer = connection.getresponse()
        body = answer.read()
        names = ("Content-Type", "Docker-Content-Digest", "Content-Length")
        return answer.status, body, {n: v for n in names if (v := answer.getheader(n))}


def main() -> None:
    """Serve until the end."""
    parser = argparse.ArgumentParser()
    for name in ("--host", "--port", "--certificate", "--key", "--behind"):
        parser.add_argument(name, required=True)
    given = parser.parse_args()
    server = Server(given.host, int(given.port))
    server.behind = given.behind
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given.certificate, given.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
