"""An address and a port -> a socket that listens there, or a sentence that says why not."""

import errno
import socket
import time

from bkdoctor.errors import UsageError

_BACKLOG = 512
_PAUSE = 0.2


def listen(host: str, port: int, patience: float = 0.0) -> socket.socket:
    """Return a listening socket; a port that is taken is waited for. Raises UsageError.

    `patience`: seconds for another process to let go of the port.
    """
    end = time.monotonic() + patience
    while True:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            family, _, _, _, address = found[0]
            return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > end:
                raise UsageError(f"nothing can listen on {host}:{port} ({error.strerror}): {_advice(error)}") from None
        time.sleep(_PAUSE)


def _advice(error: OSError) -> str:
    # a name that is not known has an error number of its own kind
    wrong = isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
    return f"choose another {'--host' if wrong else '--port'}"
