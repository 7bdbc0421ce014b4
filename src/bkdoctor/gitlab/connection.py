"""An address and a token -> a Connection: python-gitlab, asking that one host, bounded in time and tries."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from bkdoctor.errors import GitLabError
from bkdoctor.gitlab.address import Base
from bkdoctor.gitlab.credentials import Token
from bkdoctor.gitlab.pace import Pace
from bkdoctor.gitlab.refusal import Asked, Asker, Refusal, explain

ONCE: Mapping[str, Any] = MappingProxyType(
    {"obey_rate_limit": False, "retry_transient_errors": False, "max_retries": 0}
)
"""For each call of python-gitlab: `Connection.read` tries again; the library's own waits have no bound."""

_SHORTEST_TOKEN = 8
"""A shorter one is no token of GitLab's, but may be a word of the message."""

_T = TypeVar("_T")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how often GitLab is asked."""

    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    """Longest silence between two pieces of an answer, in seconds."""
    log_timeout: float = 600.0
    """Longest time that a whole log may take, however small its pieces."""
    tries: int = 3
    pause: float = 0.5
    """Before the second try; it doubles for each one after that."""
    patience: float = 30.0
    """Longest time to wait because a rate limit asks for it."""
    sleep: Callable[[float], object] = time.sleep
    pace: Pace | None = None
    """What several connections know of the rate limit; one alone needs none."""


class Connection:
    """An open connection to one GitLab; close it, or use it in a `with`."""

    def __init__(
        self,
        base: Base,
        token: Token | None,
        *,
        verify: bool | str = True,
        advice: str = "",
        limits: Limits | None = None,
    ) -> None:
        import gitlab
        import urllib3

        from bkdoctor.gitlab.session import GuardedSession

        if verify is False:
            # the user asked for it, and the target's notes say it; one warning for each request says no more
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self.base = base
        self.retries = 0
        """How often a read was tried again."""
        self._limits = limits = limits or Limits()
        self._session = GuardedSession(base, limits.connect_timeout, limits.read_timeout, limits.pace)
        self._asker = Asker(
            host=base.netloc,
            url=base.url,
            token=token,
            advice=advice,
            verify=verify,
            read_timeout=limits.read_timeout,
        )
        self.api: gitlab.Gitlab = gitlab.Gitlab(
            base.url,
            private_token=token.value if token and token.kind == "private" else None,
            oauth_token=token.value if token and token.kind == "oauth" else None,
            ssl_verify=verify,
            user_agent="bkdoctor",
            session=self._session,
        )

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the sockets."""
        self._session.close()

    @property
    def calls(self) -> int:
        """How many requests were sent."""
        return self._session.sent

    def pause(self, seconds: float) -> None:
        """Wait, as between two tries."""
        self._limits.sleep(seconds)

    def in_time(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the pieces of a log as long as there is time for it, else raise what a silent host would."""
        import requests

        end = time.monotonic() + self._limits.log_timeout
        for chunk in chunks:
            yield chunk
            if time.monotonic() > end:
                raise requests.exceptions.ReadTimeout("the log takes too long")

    def read(self, asked: Asked, call: Callable[[], _T]) -> _T:
        """Make a call that only reads, again if that may help; GitLabError if GitLab does not give it.

        An answer that the caller expects, such as a 404, is the call's own to catch.
        """
        import gitlab.exceptions

        pause, patience = self._limits.pause, self._limits.patience
        for tries_left in reversed(range(self._limits.tries)):
            try:
                return call()
            except (gitlab.exceptions.GitlabError, OSError, ValueError) as error:
                retry_after = self._session.retry_after
                refusal = explain(error, asked, self._asker, retry_after)
                wait = pause if retry_after is None else retry_after
                if not (refusal.passing and tries_left and wait <= patience):
                    raise self._error(refusal, retry_after) from None
            self._limits.sleep(wait)
            self.retries += 1
            pause, patience = pause * 2, patience - wait
        raise AssertionError("the last try returns or raises")

    def write(self, asked: Asked, call: Callable[[], _T]) -> _T:
        """Make a call that changes something, once: after an error, look whether it was done before trying again."""
        import gitlab.exceptions

        try:
            return call()
        except (gitlab.exceptions.GitlabError, OSError, ValueError) as error:
            retry_after = self._session.retry_after
            raise self._error(explain(error, asked, self._asker, retry_after), retry_after) from None

    def _error(self, refusal: Refusal, retry_after: float | None) -> GitLabError:
        return GitLabError(self._clean(refusal.message), retry_after=retry_after, permanent=refusal.permanent)

    def _clean(self, message: str) -> str:
        # no text is made of the token's value; this holds that even if one comes to be
        token = self._asker.token
        if token and len(token.value) >= _SHORTEST_TOKEN:
            message = message.replace(token.value, "[REDACTED]")
        return " ".join(message.split())
