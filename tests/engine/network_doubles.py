"""A name server that knows one name, and a proxy that passes connections on: `dns ADDRESS NAME IP` and `proxy ADDRESS`."""

import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def answer(query: bytes, name: str, address: str) -> bytes:
    """Return the answer to a DNS query: the address for this name, no address for every other question."""
    end = query.index(b"\0", 12) + 5
    labels, place = [], 12
    while query[place]:
        labels.append(query[place + 1 : place + 1 + query[place]].decode())
        place += 1 + query[place]
    known = ".".join(labels) == name
    found = known and query[end - 4 : end - 2] == b"\0\1"
    head = query[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1, int(found), 0, 0)
    record = b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", 60, 4) + socket.inet_aton(address)
    return head + query[12:end] + (record if found else b"")


def serve_names(at: str, name: str, address: str) -> None:
    """Answer for ever."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as names:
        names.bind((at, 53))
        while True:
            query, sender = names.recvfrom(512)
            names.sendto(answer(query, name, address), sender)


class Proxy(BaseHTTPRequestHandler):
    """One connection to the proxy."""

    def log_message(self, *words: object) -> None:
        """Say nothing."""

    def do_CONNECT(self) -> None:
        """Pass bytes in both directions until one side ends."""
        host, _, port = self.path.partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as there:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_copy, args=(there, self.connection), daemon=True)
            back.start()
            _copy(self.connection, there)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        target.close()


if __name__ == "__main__":
    if sys.argv[1] == "dns":
        serve_names(*sys.argv[2:])
    ThreadingHTTPServer((sys.argv[2], 3128), Proxy).serve_forever()
