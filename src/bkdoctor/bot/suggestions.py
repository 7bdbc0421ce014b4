"""The causes that a note shows -> suggestions on lines of the merge request's diff, one for each cause that has one.

A suggestion needs a thread of its own, on lines that are in the diff; a fix for another file, or for lines that the
diff does not show, is in the note alone.
"""

import hashlib
import re
from pathlib import PurePosixPath

import msgspec

from bkdoctor.bot.marker import Marker, suggestion_line
from bkdoctor.bot.newest import Standing
from bkdoctor.bot.splicing import Replacement, replacement_in
from bkdoctor.bot.thread import Board
from bkdoctor.errors import GitLabError
from bkdoctor.fixes.result import Change, Refusal
from bkdoctor.gitlab import notes, rest
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.merge_requests import (
    FileDiff,
    MergeRequest,
    Version,
    diffs_of,
    latest_version,
    position_of,
)
from bkdoctor.gitlab.pipelines import asked_for
from bkdoctor.jobs.causes import group
from bkdoctor.mending import Judgement, Proposal, Wish, propose
from bkdoctor.mending_files import suits
from bkdoctor.model import Finding, Fix
from bkdoctor.redact import redact
from bkdoctor.render._prose import line_to_markdown
from bkdoctor.story import Group
from bkdoctor.text import strip_controls

_CI = ".gitlab-ci.yml"


class _ChangedFiles:
    """The files of a merge request's diff, as its head commit has them."""

    def __init__(self, api: Connection, request: MergeRequest) -> None:
        self._api = api
        self._project = request.source_project_id or request.project_id
        self._sha = request.sha or ""
        self.diffs = {d.new_path: d for d in diffs_of(api, request) if not d.deleted_file}
        self._read: dict[str, str | None] = {}

    def name_for(self, fix: Fix, finding: Finding) -> str | Refusal:
        wanted = finding.location.dockerfile if fix.file == "Dockerfile" else fix.file
        if wanted in self.diffs:
            return str(PurePosixPath(wanted))
        fitting = [name for name in self.diffs if suits(fix.file, name)]
        # the configuration has one name; another YAML file may be anything
        if len(fitting) != 1 or wanted == _CI:
            return Refusal(f"no file of the diff is the one that the fix is for ({fix.file})")
        return fitting[0]

    def read(self, path: str) -> str | None:
        if path not in self._read:
            asked = asked_for(self._project, "a file")
            self._read[path] = rest.find_text(
                self._api,
                asked,
                f"/projects/{self._project}/repository/files/{rest.part(path)}/raw",
                {"ref": self._sha},
            )
        return self._read[path]

    def whole(self) -> str | None:
        return None

    def judge(self, changes: tuple[Change, ...]) -> Judgement:
        del changes
        return Judgement()


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    file: FileDiff
    replacement: Replacement
    body: str


def suggest(api: Connection, request: MergeRequest, standing: Standing, board: Board, marker: Marker) -> None:
    """Make the suggestions that are missing, and resolve those whose cause is gone. Raises GitLabError."""
    groups = group(standing.failed) if marker.state == "failed" else ()
    shown = [g for g in groups if g.finding is not None and not marker.silences(g.key)]
    keys = {_key(g, fix): g for g in shown for fix in g.finding.fixes}  # type: ignore[union-attr]
    for old in board.suggestions:
        if old.key not in keys and not old.resolved:
            notes.resolve(api, request, old.discussion, resolved=True)
    present = {old.key for old in board.suggestions}
    answered = [g for key, g in keys.items() if key in present]
    missing = [g for g in shown if g not in answered]
    version = latest_version(api, request) if missing else None
    if version is None or version.head_commit_sha != request.sha:
        return
    files = _ChangedFiles(api, request)
    for g in missing:
        if wanted := _wanted(g, files):
            _make(api, request, version, wanted)


def _key(g: Group, fix: Fix) -> str:
    return hashlib.sha256(f"{g.cause}\n{fix.title}\n{fix.file}".encode(errors="replace")).hexdigest()[:16]


def _wanted(g: Group, files: _ChangedFiles) -> _Wanted | None:
    proposal = propose(g.jobs[0].report, files, Wish())
    # what is to be replaced by hand must not be applied by a click
    if not isinstance(proposal, Proposal) or len(proposal.changes) != 1 or proposal.examples:
        return None
    change = proposal.changes[0]
    file = files.diffs.get(change.path)
    replacement = replacement_in(change, file.diff) if file else None
    if file is None or replacement is None or not _is_plain(replacement.text):
        return None
    # the proposal's own fix has a diff now, but its title and file are the ones that the key is made of
    return _Wanted(file=file, replacement=replacement, body=_body(proposal, replacement, _key(g, proposal.fix)))


def _is_plain(text: str) -> bool:
    return text == strip_controls(text) == redact(text) and not re.search("`{3}|~{3}", text)


def _body(proposal: Proposal, replacement: Replacement, key: str) -> str:
    # sentences before the title are about fixes that could not be made
    own = proposal.words[proposal.words.index(f"{proposal.fix.title}.") :]
    words = " ".join(line_to_markdown(sentence) for sentence in own)
    block = f"```suggestion:-{replacement.above}+0\n{replacement.text}\n```"
    return f"{words}\n\n{block}\n\n{suggestion_line(key)}"


def _make(api: Connection, request: MergeRequest, version: Version, wanted: _Wanted) -> None:
    place = position_of(version, wanted.file, wanted.replacement.new_line, wanted.replacement.old_line)
    try:
        notes.create(api, request, wanted.body, place)
    except GitLabError as error:
        # GitLab does not take every line of a diff; the note says the same
        if not error.permanent:
            raise
