"""What the page may do: which names it answers to, which GitLab it asks, and how much it takes."""

from typing import Annotated

import msgspec

from bkdoctor.gitlab.allowed import Allowed
from bkdoctor.gitlab.target import Target

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How the page runs."""

    hosts: tuple[str, ...] = LOOPBACK
    """Names under which browsers may reach it, without port. A page of somebody else's name is not ours to answer."""
    gitlab: Target | None = None
    """The GitLab whose jobs may be read, with its token; its job is none. None: logs only."""
    allowed: Allowed = Allowed()
    """The projects whose jobs may be read."""
    max_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 16 * 1024 * 1024
    """Of a form."""
    upload_seconds: float = 60.0
    """For a form to arrive."""
    seconds: float = 60.0
    """For a diagnosis, the log's download included."""
    at_once: int = 2
    """Diagnoses at the same time, each in a process of its own."""
    uploads: int = 8
    """Forms that arrive at the same time."""
