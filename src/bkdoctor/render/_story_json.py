"""From a Story to JSON: the document `bkdoctor.story/1` in one line, which holds the report of each job."""

from msgspec.structs import replace

from bkdoctor.render import Options
from bkdoctor.render._document import to_json
from bkdoctor.render.json import without_edits
from bkdoctor.story import Story


def render(story: Story, options: Options = Options()) -> str:  # noqa: ARG001, B008  (frozen; JSON has no options)
    """Return the story as one line of JSON and a newline."""
    jobs = tuple(replace(job, report=without_edits(job.report)) for job in story.jobs)
    return to_json(replace(story, jobs=jobs))
