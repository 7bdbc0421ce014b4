"""From a Story to text for a terminal: what failed for what in a few lines, then each reason with its fixes, once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bkdoctor.redact import redact
from bkdoctor.render import Options, terminal
from bkdoctor.render import _words as words
from bkdoctor.story import Group, JobReport, Story
from bkdoctor.text import one_line, shorten

if TYPE_CHECKING:
    from bkdoctor.render._screen import Screen

_MAX_NAMES, _MAX_GROUPS = 10, 20


def render(story: Story, options: Options = Options()) -> str:  # noqa: B008  (frozen)
    """Return the story as a page of text; with `options.verbose`, every job by name and every group in full."""
    from bkdoctor.render._screen import Screen

    screen = Screen(options)
    screen.title(_title(story))
    _head(screen, story)
    groups = story.groups if options.verbose else story.groups[:_MAX_GROUPS]
    for number, group in enumerate(groups, 1):
        _overview(screen, group, number, options)
    _others(screen, story, options)
    for number, group in enumerate(groups, 1):
        _whole(screen, group, number, len(groups), options)
    if len(groups) < len(story.groups):
        screen.rule("")
        screen.prose_text(f"{len(story.groups) - len(groups)} more reasons; option -v shows them.", style="faint")
    screen.notes("About this answer", story.notes)
    screen.notes("Missing", story.missing)
    return screen.text()


def _title(story: Story) -> str:
    last = [job for job in story.jobs if not job.retried]
    before = words.counted(len(story.jobs) - len(last), "attempt")
    partial = ", as far as it could be read" if story.missing else ""
    if not story.jobs:
        what = "no job failed"
    elif not last:
        what = f"{before} failed, and the jobs were run again"
    else:
        again = f" and {before} before" if len(last) < len(story.jobs) else ""
        reasons = f", for {words.counted(len(story.groups), 'reason')}" if story.groups else ""
        what = f"{words.counted(len(last), 'job')} failed{again}{reasons}"
    return f"Pipeline {story.pipeline.id}: {what}{partial}"


def _head(screen: Screen, story: Story) -> None:
    pipeline = story.pipeline
    ref = f"{pipeline.ref}, " if pipeline.ref else ""
    source = f", {pipeline.source}" if pipeline.source else ""
    screen.prose_text(f"{ref}commit {pipeline.sha[:12] or 'not known'}, {pipeline.status}{source}", indent=2)
    if story.chosen:
        screen.prose_text(f"For merge request {story.merge_request}: {story.chosen}.", indent=2)
    if url := words.safe_url(pipeline.web_url):
        screen.address(url)
    if story.missing:
        screen.prose_text(
            f"Partial: {words.what_is_missing(story.missing)}; named at the end.", indent=2, style="caution"
        )


def _overview(screen: Screen, group: Group, number: int, options: Options) -> None:
    finding = group.finding
    screen.heading(f"{number}. {one_line(finding.title) if finding else words.unknown_title(group.jobs[0].report)}")
    screen.prose_text(_jobs(group.jobs, options), indent=3)
    if finding:
        fix = words.first_fix(finding)
        todo = f": {one_line(fix.title)}" if fix else ""
        retry = "; may pass when run again" if finding.transient else ""
        screen.prose_text(f"{words.OWNERS[finding.owner]} has to act{todo}{retry}", indent=3)


def _jobs(jobs: tuple[JobReport, ...], options: Options) -> str:
    shown = jobs if options.verbose else jobs[:_MAX_NAMES]
    more = f" and {len(jobs) - len(shown)} more" if len(shown) < len(jobs) else ""
    return f"{words.counted(len(jobs), 'job')}: {', '.join(_job(job) for job in shown)}{more}"


def _job(job: JobReport) -> str:
    marks = list(_marks(job))
    return f"{shorten(one_line(redact(job.job.name)), 100)} #{job.job.id}" + (f" ({', '.join(marks)})" if marks else "")


def _marks(job: JobReport) -> Iterator[str]:
    if job.job.allow_failure:
        yield "allowed to fail"
    if job.retried:
        yield "run again since"
    if job.passed_as is not None:
        yield f"flaky: passed as #{job.passed_as}"
    if job.unread:
        yield "log not read"


def _others(screen: Screen, story: Story, options: Options) -> None:
    for heading, jobs in (
        ("Failed for no known reason, and builds no image", story.others),
        ("Failed, and the log could not be read", story.unread),
    ):
        if jobs:
            screen.heading(heading)
            screen.prose_text(_jobs(jobs, options), indent=3)


def _whole(screen: Screen, group: Group, number: int, of: int, options: Options) -> None:
    """Write the report of the group's first job, and where the others are."""
    screen.rule(f"{number} of {of}" if of > 1 else "")
    terminal.body(screen, words.clean(group.jobs[0].report), verbose=options.verbose)
    urls = [words.job_url(job.report) for job in group.jobs[1 : None if options.verbose else 4]]
    if any(urls):
        screen.heading("The same in")
    for url in urls:
        if url:
            screen.address(url)
