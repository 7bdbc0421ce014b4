"""A pipeline without a merge request -> a commit status that says what failed, if that is configured."""

import re

from bkdoctor.bot.config import Config
from bkdoctor.bot.newest import Standing
from bkdoctor.bot.task import Record
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.statuses import MAX_TEXT, Status, status_of, write_status
from bkdoctor.jobs.causes import cause_of
from bkdoctor.redact import redact
from bkdoctor.render import _words as words
from bkdoctor.story import UNKNOWN, answer
from bkdoctor.text import one_line, shorten


def report_status(api: Connection, standing: Standing, config: Config) -> Record:
    """Write what is known as a status of the pipeline, unless it stands there already. Raises GitLabError."""
    pipeline = standing.pipeline
    causes = tuple(cause_of(job.report) for job in standing.failed)
    record = Record(outcome="nothing", project_id=pipeline.project_id, pipeline_id=pipeline.id, patterns=causes)
    present = status_of(api, pipeline)
    wanted = _wanted(standing, config, present)
    if wanted is None:
        return _with(record, reason="nothing to say of this pipeline")
    if present and (present.status, present.description) == (wanted.status, wanted.description):
        return _with(record, outcome="unchanged")
    if config.dry_run:
        import sys

        sys.stdout.write(f"status of pipeline {pipeline.id}: {wanted.status}: {wanted.description}\n")
    else:
        write_status(api, pipeline, wanted)
    return _with(record, outcome="status")


def _wanted(standing: Standing, config: Config, present: Status | None) -> Status | None:
    if standing.outcome == "passed":
        # a status that failed would keep the pipeline from passing
        text = "The image build passes"
        return Status(status="success", description=text) if present and present.status != "success" else None
    known = [job for job in standing.failed if cause_of(job.report) != UNKNOWN]
    job = next(iter(known or (standing.failed if config.note_unknown else ())), None)
    if job is None:
        return None
    finding = answer(job.report)
    title = re.sub(r"[`*]", "", one_line(finding.title)) if finding else "The cause is not known"
    more = f", and {len(standing.failed) - 1} more" if len(standing.failed) > 1 else ""
    url = words.job_url(job.report)
    link = f"{url}#L{finding.evidence[0].line}" if url and finding and finding.evidence else url
    return Status(
        # jobs that may fail do not fail the pipeline, and neither does what is said of them
        status="failed" if standing.pipeline.status == "failed" else "success",
        description=shorten(f"{title} (job {shorten(one_line(redact(job.job.name)), 60)}{more})", MAX_TEXT),
        target_url=link if link and len(link) <= MAX_TEXT else None,
    )


def _with(record: Record, **changes: object) -> Record:
    import msgspec

    return msgspec.structs.replace(record, **changes)
