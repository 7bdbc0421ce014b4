"""A request -> a response of the one host that was named, within its time, or an error.

Imported only when a connection is opened, since requests takes 0.2 s to import.
"""

import re
import time
from typing import Any

import requests
from urllib3.util import parse_url

from bkdoctor.gitlab.address import Base
from bkdoctor.gitlab.pace import Pace

_MAX_REDIRECTS = 5
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")


class RedirectRefused(requests.RequestException):
    """The host sends the request on to another host."""

    def __init__(self, host: str) -> None:
        super().__init__("redirected to another host")
        self.host = host


class WebPage(requests.RequestException):
    """An HTML page stands where the API should be."""

    def __init__(self, status: int) -> None:
        super().__init__("a web page instead of the API")
        self.status = status


class GuardedSession(requests.Session):
    """A session that never leaves its host, always has a timeout and takes no password from ~/.netrc."""

    def __init__(self, base: Base, connect_timeout: float, read_timeout: float, pace: Pace | None = None) -> None:
        super().__init__()
        self.max_redirects = _MAX_REDIRECTS
        self.retry_after: float | None = None
        """Seconds that the last answer asked to wait."""
        self.sent = 0
        """Requests so far."""
        self._base = base
        self._timeouts = (connect_timeout, read_timeout)
        self._pace = pace
        # any value keeps requests from asking ~/.netrc
        self.auth = lambda request: request

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send one request; requests itself would take PRIVATE-TOKEN along a redirect to any host."""
        self.retry_after = None
        self._check_destination(request.url or "")
        kwargs["timeout"] = self._timeouts
        if self._pace:
            self._pace.wait()
        self.sent += 1
        response = super().send(request, **kwargs)
        self.retry_after = _wait(response)
        if self._pace:
            self._pace.learn(
                refused=response.status_code == 429,
                wait=self.retry_after,
                left=_seconds(response.headers.get("RateLimit-Remaining")),
                reset=_until_reset(response),
            )
        html = response.headers.get("Content-Type", "").lower().startswith("text/html")
        if html and response.status_code < 500 and not response.is_redirect:
            response.close()
            raise WebPage(response.status_code)
        return response

    def _check_destination(self, url: str) -> None:
        # the parser that the connection uses: another one might see another host in the same text
        there = parse_url(url)
        host = (there.host or "").strip("[]")
        scheme = there.scheme or ""
        port = None if there.port == _PORTS.get(scheme) else there.port
        destination = Base(scheme=scheme, host=host, port=port)
        if scheme not in _PORTS or not self._base.may_share_token_with(destination):
            raise RedirectRefused(destination.netloc if _HOST.fullmatch(host) else "another host")
        if "/users/sign_in" in (there.path or ""):
            raise WebPage(302)


def _wait(response: requests.Response) -> float | None:
    wait = _seconds(response.headers.get("Retry-After"))
    return _until_reset(response) if wait is None and response.status_code == 429 else wait


def _until_reset(response: requests.Response) -> float | None:
    reset = _seconds(response.headers.get("RateLimit-Reset"))
    # a time of day; what lies far off is no rate limit of minutes
    return None if reset is None else min(max(reset - time.time(), 0.0), 3600.0)


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdecimal() else None
