"""A task -> the merge requests that it is about: from the ref, the event, then the commit."""

import re
from typing import NamedTuple

from bkdoctor.bot.task import Task
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.merge_requests import OPEN, merge_requests_of_commit

_REF = re.compile(r"refs/merge-requests/(?P<iid>[1-9][0-9]{0,17})/")
_MAX = 5
"""Merge requests of one branch, into different targets, that get a note."""


class Key(NamedTuple):
    """A merge request and the project that it belongs to."""

    project: int
    iid: int


def merge_requests_of(api: Connection, task: Task) -> list[Key]:
    """Return which merge requests are meant, whether or not the token sees them. Raises GitLabError."""
    named = _REF.match(task.ref)
    iid = int(named["iid"]) if named else task.mr_iid
    if iid is None:
        return _of_commit(api, task)
    return [Key(project=task.mr_project_id or task.project_id, iid=iid)]


def _of_commit(api: Connection, task: Task) -> list[Key]:
    holding = merge_requests_of_commit(api, task.project_id, task.sha)
    opened = [request for request in holding if request.state in OPEN]
    # a commit is in many merge requests, but its pipeline was made for one branch
    mine = [r for r in opened if (r.source_branch == task.ref if task.ref else r.sha == task.sha)]
    mine = [r for r in mine if r.source_project_id in (None, task.project_id)]
    return [Key(project=r.project_id, iid=r.iid) for r in mine[:_MAX]]
