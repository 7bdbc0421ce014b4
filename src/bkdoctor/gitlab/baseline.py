"""A Target of a job that failed -> the last job of the same name and ref that passed, with its log."""

from collections.abc import Iterator

import msgspec

from bkdoctor.errors import GitLabError
from bkdoctor.gitlab import rest
from bkdoctor.gitlab.client import FetchedJob, read_job
from bkdoctor.gitlab.connection import Connection, Limits
from bkdoctor.gitlab.refusal import Asked
from bkdoctor.gitlab.target import Target
from bkdoctor.model import Facts
from bkdoctor.story import Job, Pipeline

_PIPELINES = 10
"""Pipelines of the ref in which the job is looked for, the newest first, those that passed before the others."""


def fetch_passed(
    target: Target, failed: Facts, other: Target | None = None, *, limits: Limits | None = None
) -> FetchedJob:
    """Ask GitLab for a job that passed, `other` if it is given; GitLabError if there is none with a log."""
    asked = other or target
    with Connection(asked.base, asked.token, verify=asked.verify, advice=asked.advice, limits=limits) as connection:
        if other is None:
            number = _last_passed(connection, target, failed)
            asked = msgspec.structs.replace(target, job_id=number, name=f"job {number}", notes=())
        return read_job(connection, asked)


def _last_passed(connection: Connection, target: Target, failed: Facts) -> int:
    if not failed.job or not failed.ref:
        raise GitLabError("GitLab does not say the failed job's name and ref: name a job with --baseline JOB")
    for pipeline in _pipelines(connection, target, failed.ref):
        for job in _passed_jobs(connection, target, pipeline):
            if job.name == failed.job and job.id != target.job_id:
                return job.id
    raise GitLabError(
        f"no job {failed.job} of {failed.ref} passed in its last {_PIPELINES} pipelines: name one with --baseline JOB"
    )


def _pipelines(connection: Connection, target: Target, ref: str) -> Iterator[int]:
    asked = Asked(thing=f"the pipelines of {ref}", project=target.project)
    path = f"/projects/{rest.part(target.project)}/pipelines"
    query = {"ref": ref, "order_by": "id", "sort": "desc"}
    found = list(rest.rows(connection, asked, path, Pipeline, query, pages=1))
    # the job may have passed in a pipeline that failed elsewhere
    for pipeline in sorted(found, key=lambda pipeline: pipeline.status != "success")[:_PIPELINES]:
        yield pipeline.id


def _passed_jobs(connection: Connection, target: Target, pipeline: int) -> Iterator[Job]:
    asked = Asked(thing=f"the jobs of pipeline {pipeline}", project=target.project)
    path = f"/projects/{rest.part(target.project)}/pipelines/{pipeline}/jobs"
    return rest.rows(connection, asked, path, Job, {"scope": "success"}, pages=3)
