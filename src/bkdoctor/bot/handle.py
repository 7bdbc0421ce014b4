"""START HERE: a task -> the note of its merge request as the newest pipeline has it, and a Record of what was done.

What the event said is only the occasion: everything is read anew, so that events may come twice, late and in any
order, and a task that was begun and not finished is begun again.
"""

import sys

import msgspec

from bkdoctor.bot import note
from bkdoctor.bot.config import Config
from bkdoctor.bot.finding import merge_requests_of
from bkdoctor.bot.marker import Marker, State
from bkdoctor.bot.newest import Inside, Reader, Standing, newest
from bkdoctor.bot.silence import heard
from bkdoctor.bot.status import report_status
from bkdoctor.bot.task import Hold, Outcome, Record, Task, nobody_else
from bkdoctor.bot.thread import Board, look, publish
from bkdoctor.catalog.catalog import Catalog
from bkdoctor.gitlab import rest
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.merge_requests import OPEN, MergeRequest, candidates, find_merge_request
from bkdoctor.gitlab.pipelines import asked_for, pipelines_of_commit
from bkdoctor.jobs.causes import cause_of, group
from bkdoctor.model import Facts
from bkdoctor.story import UNKNOWN


class _Project(msgspec.Struct, frozen=True):
    path_with_namespace: str = ""


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the note shall say; `body` None: nothing."""

    outcome: Outcome
    marker: Marker
    body: str | None = None
    resolved: bool | None = None
    reason: str = ""


def handle(
    task: Task,
    api: Connection,
    config: Config,
    catalog: Catalog,
    hold: Hold = nobody_else,
    inside: Inside = Inside(),  # noqa: B008  (frozen)
) -> Record:
    """Do what the task asks for. Raises GitLabError, and what `hold` raises; whatever was written is found again."""
    keys = merge_requests_of(api, task)
    facts = Facts(kubernetes=config.kubernetes.lstrip("v") or None)
    reader = Reader(api=api, catalog=catalog, words=config.jobs, facts=facts, inside=inside)
    if not keys:
        return _without_merge_request(task, reader, config)
    records = []
    for key in keys:
        # events of one merge request may come under two keys: a branch does not tell its merge request
        with hold(f"{key.project}!{key.iid}"):
            request = find_merge_request(api, key.project, key.iid)
            hidden = "the token does not see the merge request"
            records.append(_handle(task, request, reader, config) if request else _nothing(task, hidden))
    return next((record for record in records if record.outcome not in ("nothing", "stale")), records[0])


def _without_merge_request(task: Task, reader: Reader, config: Config) -> Record:
    if config.without_mr == "nothing":
        return _nothing(task, "the pipeline has no merge request")
    standing = newest(pipelines_of_commit(reader.api, task.project_id, task.sha, task.ref), reader)
    if isinstance(standing, str):
        return _nothing(task, standing)
    if standing.outcome == "open":
        return _nothing(task, "the build jobs of the newest pipeline have not ended")
    return report_status(reader.api, standing, config)


def _handle(task: Task, request: MergeRequest, reader: Reader, config: Config) -> Record:
    if request.state not in OPEN:
        return _nothing(task, f"the merge request is {request.state}", request)
    if not _allowed(reader.api, task, request, config):
        return _nothing(task, "the merge request's project is not allowed", request)
    board = look(reader.api, request)
    known = board.thread.marker.jobs if board.thread else ()
    reader = msgspec.structs.replace(reader, known=known)
    standing = newest(candidates(reader.api, request), reader)
    if isinstance(standing, str):
        return _nothing(task, standing, request)
    before = heard(reader.api, request, board.thread, board.me) if board.thread else None
    plan = _plan(standing, before, config, task, reader.catalog)
    return _carry_out(plan, standing, request, board, reader.api, config)


def _allowed(api: Connection, task: Task, request: MergeRequest, config: Config) -> bool:
    # the event's own project was judged when it came in; a fork's event leads into another one
    if request.project_id == task.project_id or not (config.projects or config.denied):
        return True
    asked = asked_for(request.project_id, "the path")
    found = rest.find(api, asked, f"/projects/{request.project_id}", _Project)
    return found is not None and config.allows(request.project_id, found.path_with_namespace)


def _plan(standing: Standing, before: Marker | None, config: Config, task: Task, catalog: Catalog) -> _Plan:
    known = before or Marker()
    pipeline = standing.pipeline
    if standing.outcome == "open":
        reason = f"the build jobs of pipeline {pipeline.id} have not ended"
        return _Plan(outcome="stale" if pipeline.id != task.pipeline_id else "nothing", marker=known, reason=reason)
    if standing.outcome == "passed":
        if before is None:
            return _Plan(outcome="nothing", marker=known, reason="the build passes")
        marker = _marked(known, "passed", pipeline.id)
        entries = filter(None, map(catalog.get, known.causes))
        titles = {entry.id: entry.pattern.title for entry in entries}
        return _Plan(outcome="resolved", marker=marker, body=note.passed(pipeline, marker, titles), resolved=True)
    groups = group(standing.failed)
    causes = tuple(dict.fromkeys(g.key for g in groups))
    if before is None and {g.cause for g in groups} == {UNKNOWN} and not config.note_unknown:
        return _Plan(outcome="nothing", marker=known, reason="the cause is not known")
    shown = {g.cause for g in groups if not known.silences(g.key)}
    state: State = "silenced" if not shown else "unknown" if shown == {UNKNOWN} else "failed"
    jobs = tuple(dict.fromkeys(job.job.name for job in standing.failed))
    marker = msgspec.structs.replace(_marked(known, state, pipeline.id), causes=causes, jobs=jobs)
    # a thread that somebody resolved while the failure stands is left so
    resolved = True if state == "silenced" else False if known.state in ("passed", "silenced") else None
    outcome: Outcome = "silenced" if state == "silenced" else "updated"
    return _Plan(outcome=outcome, marker=marker, body=note.failed(pipeline, groups, marker), resolved=resolved)


def _marked(marker: Marker, state: State, pipeline: int) -> Marker:
    return msgspec.structs.replace(marker, state=state, pipeline=pipeline)


def _carry_out(
    plan: _Plan, standing: Standing, request: MergeRequest, board: Board, api: Connection, config: Config
) -> Record:
    record = Record(
        outcome=plan.outcome,
        project_id=request.project_id,
        pipeline_id=standing.pipeline.id,
        mr_iid=request.iid,
        discussion_id=board.thread.discussion if board.thread else "",
        patterns=tuple(cause_of(job.report) for job in standing.failed),
        reason=plan.reason,
    )
    if plan.body is None:
        return record
    if config.dry_run:
        sys.stdout.write(f"note for merge request {request.iid} of project {request.project_id}:\n\n{plan.body}\n\n")
        return record
    done, discussion = publish(api, request, board, plan.body, resolved=plan.resolved)
    if config.suggestions:
        from bkdoctor.bot.suggestions import suggest

        suggest(api, request, standing, board, plan.marker)
    outcome = done if done != "updated" else plan.outcome
    return msgspec.structs.replace(record, outcome=outcome, discussion_id=discussion)


def _nothing(task: Task, reason: str, request: MergeRequest | None = None) -> Record:
    return Record(
        outcome="nothing",
        project_id=request.project_id if request else task.project_id,
        pipeline_id=task.pipeline_id,
        mr_iid=request.iid if request else None,
        reason=reason,
    )
