"""The story of a pipeline that was just told -> the note of its merge request, once: `bkdoctor pipeline --note`.

In a job of that pipeline (`templates/diagnose.yml`) the environment tells what the API does not: the merge request of a
fork's pipeline, and that the pipeline still runs for this job alone.
"""

from collections.abc import Mapping

from bkdoctor.bot.config import Config
from bkdoctor.bot.handle import handle
from bkdoctor.bot.newest import Inside
from bkdoctor.bot.task import Task
from bkdoctor.errors import GitLabError
from bkdoctor.gitlab.target import Spot
from bkdoctor.jobs.telling import Teller
from bkdoctor.story import Story


def keep_note(story: Story, teller: Teller, spot: Spot, env: Mapping[str, str]) -> str:
    """Make, edit or resolve the note as the bot does, and return what was done. Raises GitLabError."""
    if spot.token is None:
        raise GitLabError(f"no note was written, {_why_no_token(env)}")
    pipeline, own = story.pipeline, own_job(env)
    here = own[0] == pipeline.id
    task = Task(
        project_id=pipeline.project_id,
        pipeline_id=pipeline.id,
        sha=pipeline.sha,
        ref=pipeline.ref or "",
        status=pipeline.status,
        mr_iid=story.merge_request or (_number(env, "CI_MERGE_REQUEST_IID") if here else None),
        mr_project_id=story.merge_request_project or (_number(env, "CI_MERGE_REQUEST_PROJECT_ID") if here else None),
    )
    read = {job.job.id: job for job in story.jobs if not job.unread}
    inside = Inside(pipeline=pipeline.id if here else 0, job=own[1] if here else "", reports=read)
    with teller.open() as api:
        return handle(task, api, Config(jobs=teller.words), teller.catalog, inside=inside).in_words()


def own_job(env: Mapping[str, str]) -> tuple[int, str]:
    """Return the pipeline and the name of the job that this runs in; 0 and nothing outside of CI."""
    return _number(env, "CI_PIPELINE_ID") or 0, env.get("CI_JOB_NAME", "")


def _number(env: Mapping[str, str], name: str) -> int | None:
    value = env.get(name, "").strip()
    return int(value) if value.isascii() and value.isdecimal() else None


def _why_no_token(env: Mapping[str, str]) -> str:
    source, target = (env.get(f"CI_MERGE_REQUEST_{which}PROJECT_ID", "") for which in ("SOURCE_", ""))
    if source and target and source != target:
        return (
            "since a pipeline in a fork has no token of the project that the merge request goes into: "
            "let the bot write it, or start a pipeline for the merge request in that project"
        )
    return "since that needs a token: set GITLAB_TOKEN to one with the scope api"
