"""A merge request -> the pipeline that its story is told of, and why that one."""

from collections.abc import Callable

import msgspec

from bkdoctor.errors import GitLabError, NoLogError
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.family import Family, read_family
from bkdoctor.gitlab.merge_requests import MergeRequest, candidates, pipelines_of
from bkdoctor.gitlab.pipelines import CHILD
from bkdoctor.jobs.build_jobs import name_says_build
from bkdoctor.story import Pipeline

MAX_CANDIDATES = 6


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline with its jobs."""

    family: Family
    why: str
    missing: tuple[str, ...] = ()
    """Pipelines that could not be looked at."""


def choose(api: Connection, request: MergeRequest, words: str) -> Choice:
    """Return the newest pipeline of the head commit that holds a build job, else that failed, else the newest.

    Pipelines of the merge request go before those of its branch. `words` are those of the names of build jobs. Raises
    GitLabError.
    """
    roots = candidates(api, request)
    if not roots:
        return _of_older_commit(api, request)
    families, missing = _families(api, roots[:MAX_CANDIDATES])
    kinds: tuple[tuple[str, Callable[[Family], bool]], ...] = (
        (" that holds a build job", lambda family: _builds(family, words)),
        (" that holds a failed job", lambda family: bool(family.failed)),
        ("", lambda _: True),
    )
    for what, fits in kinds:
        if chosen := next((family for family in families if fits(family)), None):
            why = f"it is the newest pipeline of the head commit{what}{_beside(chosen.root, roots)}"
            return Choice(family=chosen, why=why, missing=tuple(missing))
    raise AssertionError("one pipeline at least could be read")


def _of_older_commit(api: Connection, request: MergeRequest) -> Choice:
    roots = [p for p in pipelines_of(api, request) if p.source != CHILD]
    if not roots:
        raise NoLogError(f"merge request {request.iid} has no pipeline: push a commit or start one in GitLab first")
    sha = roots[0].sha[:12]
    why = f"the head commit has no pipeline, and this is the newest of the merge request: it ran for commit {sha}"
    return Choice(family=read_family(api, roots[0]), why=why)


def _families(api: Connection, roots: list[Pipeline]) -> tuple[list[Family], list[str]]:
    """Read them all, and say which cannot be read. Raises GitLabError if none can."""
    families: list[Family] = []
    missing: list[str] = []
    refusal: GitLabError | None = None
    for root in roots:
        try:
            families.append(read_family(api, root))
        except GitLabError as error:
            refusal = refusal or error
            missing.append(f"pipeline {root.id} was not looked at: {error}")
            if not error.permanent:
                break
    if refusal and not families:
        raise refusal
    return families, missing


def _builds(family: Family, words: str) -> bool:
    return any(name_says_build(member.job.name, words) for member in family.members)


def _beside(chosen: Pipeline, roots: list[Pipeline]) -> str:
    others = [f"{p.id} ({p.source or 'unknown source'}, {p.status})" for p in roots if p.id != chosen.id]
    return f"; the commit has others: {', '.join(others[:MAX_CANDIDATES])}" if others else ""
