"""From a Story to Markdown: a note for people, short first; like the note of one job it is inert."""

from collections.abc import Iterator

from bkdoctor.render import Options, markdown
from bkdoctor.render import _words as words
from bkdoctor.render._groups import names, parts_of
from bkdoctor.story import Story
from bkdoctor.text import code_span, shorten

_MAX_NOTES = 20
_LONGEST = 1_000


def render(story: Story, options: Options = Options()) -> str:  # noqa: ARG001, B008  (frozen)
    """Return the note."""
    return markdown.fit(_parts(story))


def _parts(story: Story) -> Iterator[str]:
    if story.missing:
        yield f"**This is only a part**: {words.what_is_missing(story.missing)}. What is missing is named at the end."
    if not story.jobs:
        yield "**No job failed**" if not story.missing else "**No failed job is known**"
    yield from parts_of(story.groups)
    if others := story.others:
        yield f"Failed for no known reason, and builds no image: {names(others)}"
    if story.unread:
        yield f"Failed, and the log could not be read: {names(story.unread)}"
    yield _about(story)
    for heading, texts in (("About this answer", story.notes), ("Missing", story.missing)):
        if texts:
            items = "\n".join(f"- {code_span(shorten(text, _LONGEST))}" for text in texts[:_MAX_NOTES])
            more = len(texts) - _MAX_NOTES
            yield f"**{heading}**\n\n{items}" + (f"\n\nAnd {more} more." if more > 0 else "")


def _about(story: Story) -> str:
    pipeline = story.pipeline
    url = words.safe_url(pipeline.web_url)
    name = f"[pipeline {pipeline.id}]({url})" if url else f"pipeline {pipeline.id}"
    # in code spans, or GitLab would note a mention at the commit
    text = f"From {name} ({code_span(pipeline.status or '?')}), commit {code_span(pipeline.sha[:12] or '?')}."
    return f"{text} Why this one: {code_span(story.chosen)}." if story.chosen else text
