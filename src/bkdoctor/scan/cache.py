"""What logs said, kept in a file of the user: a job that failed once is never read again.

One row for each job of a GitLab, with the patterns and the settings that it was judged by; what other ones judged is
not returned. A row holds what a `Verdict` holds, which is redacted. Two scans may use the file at once. Without a file
that can be used, all is read from GitLab.
"""

import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from bkdoctor.fleet import Verdict

NAME = "scans.sqlite3"
_FORM = 1
_KEPT_DAYS = 400
"""A row that no scan used for so long goes."""
_BUSY = 30.0
_TABLES = """
CREATE TABLE IF NOT EXISTS verdicts (
  gitlab TEXT NOT NULL, job INTEGER NOT NULL, judged_by TEXT NOT NULL, used INTEGER NOT NULL, verdict BLOB NOT NULL,
  PRIMARY KEY (gitlab, job)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passed (
  gitlab TEXT NOT NULL, pipeline INTEGER NOT NULL, used INTEGER NOT NULL, jobs BLOB NOT NULL,
  PRIMARY KEY (gitlab, pipeline)
) WITHOUT ROWID;
"""
_T = TypeVar("_T")


class Cache:
    """The rows of one GitLab, as judged by one set of patterns; close it, or use it in a `with`."""

    def __init__(self, folder: str | None, gitlab: str, judged_by: str) -> None:
        self.path = Path(folder, NAME) if folder else None
        """None where there is no file."""
        self.fault = ""
        """Why nothing is kept, with the next step."""
        self._gitlab, self._judged_by = gitlab, f"{_FORM} {judged_by}"
        self._today = datetime.now(UTC).date() - date(2020, 1, 1)
        self._file = self._opened()

    def __enter__(self) -> "Cache":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def verdict(self, job: int) -> Verdict | None:
        """Return what was said of a job."""
        query = "SELECT verdict FROM verdicts WHERE gitlab = ? AND job = ? AND judged_by = ?"
        found = self._value(query, (self._gitlab, job, self._judged_by), Verdict)
        if found:
            query = "UPDATE verdicts SET used = ? WHERE gitlab = ? AND job = ? AND used < ?"
            self._write(query, (self._today.days, self._gitlab, job, self._today.days))
        return found

    def keep_verdict(self, job: int, verdict: Verdict) -> None:
        """Keep what is said of a job: written before this returns."""
        values = (self._gitlab, job, self._judged_by, self._today.days, msgspec.msgpack.encode(verdict))
        self._write("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?)", values)

    def passed(self, pipeline: int) -> dict[str, int] | None:
        """Return which jobs of a pipeline passed, by name; None where that was not kept."""
        query = "SELECT jobs FROM passed WHERE gitlab = ? AND pipeline = ?"
        return self._value(query, (self._gitlab, pipeline), dict[str, int])

    def keep_passed(self, pipeline: int, jobs: dict[str, int]) -> None:
        """Keep which jobs of a pipeline passed, when it will not change any more."""
        values = (self._gitlab, pipeline, self._today.days, msgspec.msgpack.encode(jobs))
        self._write("INSERT OR REPLACE INTO passed VALUES (?, ?, ?, ?)", values)

    def _opened(self) -> sqlite3.Connection | None:
        if self.path is None:
            self.fault = (
                "nothing was kept for the next time: set HOME or XDG_CACHE_HOME to a folder that can be written"
            )
            return None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # evidence of logs is for the user's eyes only
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            file = sqlite3.connect(self.path, timeout=_BUSY, isolation_level=None)
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = NORMAL")
            file.executescript(_TABLES)
            for table in ("verdicts", "passed"):
                file.execute(f"DELETE FROM {table} WHERE used < ?", (self._today.days - _KEPT_DAYS,))  # noqa: S608
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)
            return None
        return file

    def _value(self, query: str, values: Iterable[object], form: type[_T]) -> _T | None:
        if self._file is None:
            return None
        try:
            row = self._file.execute(query, tuple(values)).fetchone()
            return msgspec.msgpack.decode(row[0], type=form) if row else None
        except (sqlite3.Error, msgspec.MsgspecError):
            return None

    def _write(self, query: str, values: Iterable[object]) -> None:
        if self._file is None:
            return
        try:
            self._file.execute(query, tuple(values))
        except sqlite3.Error as error:
            self._give_up(error)
            with suppress(sqlite3.Error):
                self._file.close()
            self._file = None

    def _give_up(self, error: Exception) -> None:
        why = error.strerror if isinstance(error, OSError) else str(error)
        self.fault = f"what was read is not kept for the next time ({why}): mend or delete {self.path}"
