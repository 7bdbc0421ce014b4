"""A request -> its body, bounded in size and time."""

import asyncio

from starlette.requests import ClientDisconnect, Request


class RefusedError(Exception):
    """A request that is refused: the status, a word for counters, and what the sender should know."""

    def __init__(self, status: int, reason: str, why: str) -> None:
        super().__init__(why)
        self.status, self.reason = status, reason


async def read_body(request: Request, max_bytes: int, seconds: float) -> bytes:
    """Return the body, never more of it than may be. Raises RefusedError."""
    too_large = RefusedError(413, "too large", f"a body may have {max_bytes} bytes")
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:20]) > max_bytes:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > max_bytes:
                    raise too_large
    except TimeoutError:
        raise RefusedError(408, "slow", f"the body did not arrive within {seconds:.0f} seconds") from None
    except ClientDisconnect:
        raise RefusedError(400, "disconnected", "the sender went away") from None
    return bytes(body)
