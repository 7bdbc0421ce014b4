"""A number or a commit -> the merge requests that it means, their pipelines and their diffs."""

from typing import Any

import msgspec

from bkdoctor.gitlab import rest
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.pipelines import CHILD, asked_for
from bkdoctor.gitlab.refusal import Asked
from bkdoctor.story import Pipeline

OPEN = frozenset({"opened", "locked"})
_MAX_PARENTS = 5
"""Merge results whose parents are asked for."""
_OF_MERGE = ("/merge", "/train")


class MergeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the API says of a merge request."""

    iid: int
    project_id: int
    """The project that holds it, into which it is merged."""
    state: str = "opened"
    sha: str | None = None
    """Its head commit."""
    source_branch: str = ""
    source_project_id: int | None = None
    head_pipeline: Pipeline | None = None

    @property
    def path(self) -> str:
        """Where the API keeps it."""
        return f"/projects/{self.project_id}/merge_requests/{self.iid}"


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """The three commits between which a diff stands."""

    base_commit_sha: str
    head_commit_sha: str
    start_commit_sha: str


class FileDiff(msgspec.Struct, frozen=True, kw_only=True):
    """A changed file."""

    old_path: str
    new_path: str
    diff: str = ""
    deleted_file: bool = False


class _Commit(msgspec.Struct, frozen=True):
    parent_ids: tuple[str, ...] = ()


def find_merge_request(api: Connection, project: int, iid: int) -> MergeRequest | None:
    """Return a merge request; None where the token does not see it."""
    asked = asked_for(project, f"merge request {iid}")
    return rest.find(api, asked, f"/projects/{project}/merge_requests/{iid}", MergeRequest)


def get_merge_request(api: Connection, project: str, iid: int) -> MergeRequest:
    """Return a merge request of a project that is named by path or number. Raises GitLabError."""
    asked = Asked(thing=f"merge request {iid} of project {project}", project=project)
    return rest.get(api, asked, f"/projects/{rest.part(project)}/merge_requests/{iid}", MergeRequest)


def merge_requests_of_commit(api: Connection, project: int, sha: str) -> list[MergeRequest]:
    """Return the merge requests into this project that hold a commit."""
    asked = asked_for(project, "the merge requests of a commit")
    path = f"/projects/{project}/repository/commits/{rest.part(sha)}/merge_requests"
    found = rest.find(api, asked, path, list[MergeRequest], {"per_page": rest.PAGE})
    return found or []


def pipelines_of(api: Connection, request: MergeRequest) -> list[Pipeline]:
    """Return the latest pipelines of a merge request, the newest first; those of a fork name its project."""
    asked = asked_for(request.project_id, f"the pipelines of merge request {request.iid}")
    found = rest.rows(api, asked, f"{request.path}/pipelines", Pipeline, pages=1)
    placed = [p if p.project_id else msgspec.structs.replace(p, project_id=request.project_id) for p in found]
    return sorted(placed, key=lambda pipeline: -pipeline.id)


def parents_of(api: Connection, project: int, sha: str) -> tuple[str, ...]:
    """Return the parents of a commit; none where the commit is not to be seen."""
    asked = asked_for(project, "a commit")
    found = rest.find(api, asked, f"/projects/{project}/repository/commits/{rest.part(sha)}", _Commit)
    return found.parent_ids if found else ()


def candidates(api: Connection, request: MergeRequest) -> list[Pipeline]:
    """Return the root pipelines of the head commit: those of the merge request, then those of the branch."""
    roots = [p for p in pipelines_of(api, request) if p.source != CHILD]
    of_head = [p for p in roots if p.sha == request.sha]
    merged = [p for p in roots if p.sha != request.sha and (p.ref or "").endswith(_OF_MERGE)]
    of_head += [p for p in merged[:_MAX_PARENTS] if _merges_head(api, request, p)]
    return sorted(of_head, key=lambda p: (not p.of_merge_request, -p.id))


def _merges_head(api: Connection, request: MergeRequest, pipeline: Pipeline) -> bool:
    # it runs on a commit of GitLab's own that merges the head commit into the target
    if request.head_pipeline is not None and request.head_pipeline.id == pipeline.id:
        return True
    return bool(request.sha) and request.sha in parents_of(api, pipeline.project_id, pipeline.sha)


def latest_version(api: Connection, request: MergeRequest) -> Version | None:
    """Return the commits of the newest diff."""
    asked = asked_for(request.project_id, f"the versions of merge request {request.iid}")
    return next(iter(rest.rows(api, asked, f"{request.path}/versions", Version, pages=1)), None)


def diffs_of(api: Connection, request: MergeRequest) -> list[FileDiff]:
    """Return the changed files, as far as GitLab shows their diffs."""
    asked = asked_for(request.project_id, f"the changes of merge request {request.iid}")
    return list(rest.rows(api, asked, f"{request.path}/diffs", FileDiff, pages=10))


def position_of(version: Version, file: FileDiff, new_line: int, old_line: int | None) -> dict[str, Any]:
    """Return the position of a line of the diff, as a discussion names it; a line that is not new has an old number."""
    place = {
        "position_type": "text",
        "base_sha": version.base_commit_sha,
        "head_sha": version.head_commit_sha,
        "start_sha": version.start_commit_sha,
        "old_path": file.old_path,
        "new_path": file.new_path,
        "new_line": new_line,
    }
    return place if old_line is None else place | {"old_line": old_line}
