"""An order and a log -> an Answer, by a process that is started for it; only so many at the same time."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator

import msgspec

from bkdoctor.web.body import RefusedError
from bkdoctor.web.order import Answer, Order

_GRACE = 5.0
"""Seconds for the process to start, beside those of the diagnosis."""
_KEPT = frozenset(
    {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME", "BKDOCTOR_PATTERNS", "BKDOCTOR_NO_BUILTIN"}
    | {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"}
    | {"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"}
)
"""Variables that the process gets: none of ours that may hold a secret."""


class Slots:
    """So many at once, and nobody waits."""

    def __init__(self, number: int) -> None:
        self._free = number

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Take one for a while. Raises RefusedError."""
        if self._free < 1:
            raise RefusedError(503, "busy", "Too many logs are being diagnosed at this moment: try again in a minute.")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


async def diagnose(order: Order, log: bytes) -> Answer:
    """Return what the process answers. Raises RefusedError where it does not."""
    # -P: what lies in the working directory is no module of ours
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", "bkdoctor.web.child"),
        env={name: value for name, value in os.environ.items() if name in _KEPT},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # a traceback may repeat the log
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        sent = msgspec.json.encode(order) + b"\n" + log
        answer, _ = await asyncio.wait_for(process.communicate(sent), order.seconds + _GRACE)
    except TimeoutError:
        why = f"The diagnosis took more than {order.seconds:.0f} seconds and was ended: paste the log's last lines."
        raise RefusedError(504, "slow diagnosis", why) from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    try:
        return msgspec.json.decode(answer, type=Answer)
    except msgspec.DecodeError:
        why = "The diagnosis ended without an answer: try the log's last lines, and report it with the log."
        raise RefusedError(500, "accident", why) from None
