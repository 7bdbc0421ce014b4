"""What `--since` says, and the time -> two windows of one length, one after the other."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from bkdoctor.errors import UsageError

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=366)
_WAIT = timedelta(days=1)
"""How long a job may have waited and run and is still found: the list is in the order in which jobs were made."""
_FORM = "%Y-%m-%dT%H:%M:%SZ"


class Window(NamedTuple):
    """From when to when; the window before it has the same length."""

    start: datetime
    end: datetime

    @property
    def before(self) -> datetime:
        """Where the window before begins."""
        return self.start - (self.end - self.start)

    @property
    def step(self) -> timedelta:
        """The length of a stretch that is worth counting by itself."""
        length = self.end - self.start
        return timedelta(hours=1) if length <= timedelta(days=2) else timedelta(days=1 if length.days <= 62 else 7)

    def periods(self) -> list[datetime]:
        """Return where each stretch begins: at whole hours or days in UTC."""
        step = self.step
        first = self.start.replace(minute=0, second=0, microsecond=0)
        first = first if step < timedelta(days=1) else first.replace(hour=0)
        count = int((self.end - first) / step) + 1
        return [first + number * step for number in range(count) if first + number * step < self.end]


def window_of(since: str, now: datetime) -> Window:
    """Read `36h`, `7d`, `2w` or a date. Raises UsageError."""
    text = since.strip().lower()
    if found := re.fullmatch(r"(\d{1,4})([hdw])", text):
        length = timedelta(**{_UNITS[found[2]]: int(found[1])})
    else:
        try:
            start = datetime.fromisoformat(text.upper())
        except ValueError:
            raise UsageError(
                f"--since {since}: not a time. Write it as 36h, 7d or 2w, or as a date: 2026-11-01."
            ) from None
        length = now - (start if start.tzinfo else start.replace(tzinfo=UTC))
    if length <= timedelta(0) or length > _LONGEST:
        raise UsageError(f"--since {since}: it must lie in the past and at most a year back. Write for example 7d.")
    return Window(now - length, now)


def iso(time: datetime) -> str:
    """Return a time as GitLab writes it, in UTC."""
    return time.astimezone(UTC).strftime(_FORM)


def listed_from(start: datetime) -> str:
    """Return from which time on made jobs are listed, so that none is missed that ended after `start`."""
    return iso(start - _WAIT)
