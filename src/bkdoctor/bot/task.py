"""What the receiver hands to the worker (Task), and what the worker hands back for the ledger (Record).

Both are stored as JSON between processes and versions: fields may be added with a default, never renamed or removed.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import msgspec

Outcome = Literal["noted", "updated", "resolved", "unchanged", "silenced", "status", "stale", "nothing"]
"""What became of the note; `stale`: a newer pipeline counts, `nothing`: there was nothing to say."""

Hold = Callable[[str], AbstractContextManager[object]]
"""Gives a context in which this worker is alone at the merge request `PROJECT!IID`; it raises where another one is."""


def nobody_else(_name: str) -> AbstractContextManager[object]:
    """Hold nothing: there is no other worker."""
    return nullcontext()


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline that changed: diagnose what counts for its merge request now."""

    project_id: int
    pipeline_id: int
    """As the event named it; may be a child pipeline."""
    sha: str
    ref: str
    """Branch, tag or `refs/merge-requests/N/head|merge|train`; may be empty where the event does not tell it."""
    status: str
    mr_iid: int | None = None
    """Merge request, if the event names it."""
    mr_project_id: int | None = None
    """Project of that merge request, where it is another than the pipeline's (a fork's); None: the same."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What was done for a task; goes into the ledger, the log and the metrics."""

    outcome: Outcome
    project_id: int
    pipeline_id: int
    """The pipeline that counted, which may be another than the task's; the task's own if none did."""
    mr_iid: int | None = None
    discussion_id: str = ""
    patterns: tuple[str, ...] = ()
    """The pattern of each failed build job's first finding, `unknown` where nothing is known."""
    reason: str = ""
    """Why nothing was written, in words."""

    def in_words(self) -> str:
        """Return what was done, where and why, in one line."""
        what = f"{self.outcome}: pipeline {self.pipeline_id} of project {self.project_id}"
        request = f", merge request {self.mr_iid}" if self.mr_iid else ""
        return f"{what}{request}{f' ({self.reason})' if self.reason else ''}"
