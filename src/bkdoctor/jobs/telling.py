"""A pipeline or a merge request -> the story of its failed jobs: fetched side by side, diagnosed, grouped by cause.

Whatever cannot be read is said in the story, which holds everything that was.
"""

from collections.abc import Callable, Iterator

import msgspec
from msgspec.structs import replace

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.errors import EXIT_UNKNOWN, GitLabError
from bkdoctor.gitlab.connection import Connection
from bkdoctor.gitlab.family import Family, Member, passed_beside, passed_in, read_family
from bkdoctor.gitlab.fetching import Fetched, Open, Wanted, fetch_all, opener
from bkdoctor.gitlab.merge_requests import get_merge_request
from bkdoctor.gitlab.pipelines import get_pipeline
from bkdoctor.gitlab.target import Spot
from bkdoctor.jobs.build_jobs import WORDS, checked
from bkdoctor.jobs.causes import group_for_story
from bkdoctor.jobs.choosing import choose
from bkdoctor.jobs.reading import by_fields, diagnosed
from bkdoctor.many import Progress
from bkdoctor.model import Facts
from bkdoctor.story import UNKNOWN, Cause, Group, JobReport, Story, answer

MAX_FAILED = 500
"""Failed jobs of one pipeline whose logs are read."""


class Teller(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed to tell a story."""

    open: Open
    catalog: Catalog
    known: Facts = Facts()
    """What is in no log."""
    words: str = WORDS
    """Regular expression for the names of build jobs."""
    own: tuple[int, str] = (0, "")
    """The pipeline and the name of the job that asks, which is none of those that are told of."""
    progress: Callable[[int], Progress] = Progress
    """Makes what shows how many logs of so many are read."""


def teller_of(spot: Spot, catalog: Catalog, known: Facts, words: str | None, own: tuple[int, str] = (0, "")) -> Teller:
    """Return a teller that asks where `spot` is, and shows on a terminal how far it is. Raises UsageError."""
    return Teller(open=opener(spot), catalog=catalog, known=known, words=checked(words), own=own)


def exit_status(story: Story) -> int:
    """Return 5 where something could not be read, else 3 where a job failed for an unknown reason, else 0."""
    if story.missing:
        return GitLabError.exit_status
    return EXIT_UNKNOWN if story.verdict == "unknown" else 0


def tell_pipeline(teller: Teller, spot: Spot, number: int) -> Story:
    """Return the story of a pipeline. Raises GitLabError if nothing of it can be read."""
    with teller.open() as api:
        family = read_family(api, get_pipeline(api, spot.project, number))
        return _told(teller, api, spot, family)


def tell_merge_request(teller: Teller, spot: Spot, iid: int) -> Story:
    """Return the story of the pipeline that counts for a merge request. Raises GitLabError as above."""
    with teller.open() as api:
        request = get_merge_request(api, spot.project, iid)
        choice = choose(api, request, teller.words)
        story = _told(teller, api, spot, choice.family)
    return replace(
        story,
        merge_request=iid,
        merge_request_project=request.project_id,
        chosen=choice.why,
        missing=(*choice.missing, *story.missing),
    )


def _told(teller: Teller, api: Connection, spot: Spot, family: Family) -> Story:
    failed = (m for m in family.failed if (m.pipeline_id, m.job.name) != teller.own)
    members = sorted(failed, key=lambda m: (m.retried, bool(m.job.allow_failure), m.job.id))
    missing = list(family.missing)
    if len(members) > MAX_FAILED:
        missing.append(f"only {MAX_FAILED} of {len(members)} failed jobs were read")
    passed = _passed(api, family, members, missing)
    jobs: list[JobReport] = []
    for member, report in _reports(teller, members[:MAX_FAILED], missing):
        jobs.append(
            replace(
                report,
                project_id=member.project_id,
                pipeline_id=member.pipeline_id,
                retried=member.retried,
                passed_as=passed(member),
            )
        )
    # a log that was not read is no unknown failure: nobody has looked
    groups = group_for_story(tuple(job for job in jobs if answer(job.report) or (job.build and not job.unread)))
    unknown = any(group.cause == UNKNOWN for group in groups) or (bool(jobs) and not groups)
    root = family.root
    running = () if root.finished else (f"the pipeline has not ended ({root.status}): more jobs may fail",)
    return Story(
        verdict="unknown" if unknown else "diagnosed" if members else "passed",
        gitlab=spot.base.url,
        project=spot.project,
        pipeline=root,
        causes=tuple(_cause(group) for group in groups),
        jobs=tuple(jobs),
        notes=(*spot.notes, *running),
        missing=tuple(missing),
    )


def _passed(
    api: Connection, family: Family, failed: list[Member], missing: list[str]
) -> Callable[[Member], int | None]:
    """Return what tells of a failed job which other attempt of it passed."""
    within = passed_in(family)
    asked = [m for m in failed if m.pipeline_id == family.root.id and (m.pipeline_id, m.job.name) not in within]
    beside: dict[str, int] = {}
    try:
        beside = passed_beside(api, family) if asked else {}
    except GitLabError as error:
        missing.append(f"whether these jobs passed in another pipeline of the commit is not known: {error}")

    def passed(member: Member) -> int | None:
        found = within.get((member.pipeline_id, member.job.name))
        return beside.get(member.job.name) if found is None and member.pipeline_id == family.root.id else found

    return passed


def _reports(teller: Teller, members: list[Member], missing: list[str]) -> Iterator[tuple[Member, JobReport]]:
    """Yield each job with its report, those without a log first; an interrupt ends it with what was read."""
    wanted: list[Member] = []
    for member in members:
        if member.trigger:
            yield member, by_fields(member.job, teller.catalog, teller.words, ("a trigger job has no log",))
        else:
            wanted.append(member)
    progress = teller.progress(len(wanted))
    progress.show(0)
    fetched = fetch_all(teller.open, (Wanted(project_id=m.project_id, job=m.job) for m in wanted))
    done = 0
    try:
        for member, one in zip(wanted, fetched, strict=True):
            report = _report(teller, member, one, missing)
            done += 1
            progress.show(done)
            yield member, report
    except KeyboardInterrupt:
        missing.append(f"it was interrupted when {len(wanted) - done} failed jobs were not read: run it again")
    progress.hide()


def _report(teller: Teller, member: Member, one: Fetched, missing: list[str]) -> JobReport:
    if isinstance(one.log, GitLabError):
        missing.append(f"job {member.job.name} ({member.job.id}) was not read: {one.log}")
        return replace(by_fields(member.job, teller.catalog, teller.words, (str(one.log),)), unread=str(one.log))
    return diagnosed(member.job, one.log, teller.catalog, teller.words, known=teller.known)


def _cause(group: Group) -> Cause:
    finding = group.finding
    return Cause(
        cause=group.cause,
        title=finding.title if finding else None,
        owner=finding.owner if finding else None,
        transient=bool(finding and finding.transient),
        signature=group.jobs[0].report.signature,
        jobs=tuple(job.job.id for job in group.jobs),
    )
