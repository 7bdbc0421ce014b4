"""The nouns of a fleet: what one failed job comes down to, and what many of them have in common.

A scan is the JSON document `bkdoctor.scan/1`. As in `model`, all are frozen, and what is not known is None or empty.
"""

from typing import Literal

import msgspec

from bkdoctor.model import Owner

SCHEMA = "bkdoctor.scan/1"


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """What a job failed for, and where it ran."""

    cause: str
    """The pattern, or `unknown`."""
    title: str | None = None
    owner: Owner | None = None
    transient: bool = False
    signature: str | None = None
    method: str | None = None
    executor: str | None = None
    runner: str | None = None
    image: str | None = None
    unread: str = ""
    """Why there is no log that says more; empty if there is one."""


class Verdict(Cause, frozen=True, kw_only=True):
    """What one log says, redacted and short: what is kept of a trace."""

    build: bool
    """Whether the job builds an image."""
    lines: tuple[str, ...] = ()
    """Of an unknown failure, some lines worth reading."""


class Case(Cause, frozen=True, kw_only=True):
    """A failed job that builds an image."""

    id: int
    project: str
    project_id: int
    pipeline_id: int
    name: str
    stage: str | None
    ref: str | None
    ended: str
    """ISO 8601, in UTC."""
    minutes: float
    """That it ran."""
    web_url: str | None
    passed_as: int | None = None
    """Another attempt of it in its pipeline, which passed: the failure comes and goes."""


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """A name, and how many failed builds have to do with it."""

    name: str
    jobs: int
    minutes: float = 0.0
    top: str | None = None
    """The cause of most of them."""


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """A runner or an image that far more failures of one cause have in common than all failures do."""

    kind: Literal["runner", "image"]
    name: str
    jobs: int
    share: float
    """Of the cause's jobs, from 0 to 1."""
    usual: float
    """Of all failed builds, from 0 to 1."""


class CauseCount(msgspec.Struct, frozen=True, kw_only=True):
    """One reason for failed builds; of unknown failures, those with one signature."""

    cause: str
    title: str | None
    owner: Owner | None
    transient: bool
    signature: str | None
    """Of an unknown failure; null for a known cause."""
    jobs: int
    projects: int
    minutes: float
    flaky: int
    """Jobs of which another attempt passed."""
    jobs_before: int | None
    """In the window before; null where that was not looked at."""
    new: bool
    """Whether the window before had none."""
    first: str
    last: str
    clusters: tuple[Cluster, ...] = ()
    lines: tuple[str, ...] = ()
    """Of unknown failures, lines of one of them that are worth reading."""
    examples: tuple[str, ...] = ()
    """Addresses of some of the jobs, the newest first."""


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the window, and how many builds failed in it for what."""

    start: str
    jobs: int
    causes: dict[str, int]
    """By cause; unknown failures together."""


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """A cause of the window before that is seen no more."""

    cause: str
    title: str | None
    signature: str | None
    jobs_before: int


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """How much was looked at, and what it comes to."""

    projects: int
    failed: int
    """Jobs that failed in the window, of all kinds."""
    builds: int
    """Those of them that build an image: all other numbers are of these."""
    builds_before: int | None
    minutes: float
    unknown: int
    flaky: int
    unread: int
    """Builds without a log that could be read."""


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """The failed builds of a group or a project in a window of time."""

    schema: str = SCHEMA
    gitlab: str
    kind: Literal["group", "project"]
    path: str
    since: str
    until: str
    before: str | None
    """Where the window before begins; null where it was not looked at."""
    totals: Totals
    causes: tuple[CauseCount, ...] = ()
    """Those with the most jobs first."""
    gone: tuple[Gone, ...] = ()
    runners: tuple[Count, ...] = ()
    images: tuple[Count, ...] = ()
    projects: tuple[Count, ...] = ()
    periods: tuple[Period, ...] = ()
    jobs: tuple[Case, ...] = ()
    """All failed builds of the window, the newest first."""
    notes: tuple[str, ...] = ()
    """What the reader must know of the answer."""
    missing: tuple[str, ...] = ()
    """What could not be read, each with why and the next step; the scan is whole if there is nothing."""
