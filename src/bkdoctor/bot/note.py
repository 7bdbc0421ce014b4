"""Groups of failed jobs, or a pipeline that passed -> the text of the note: short first, whole below, and inert.

What comes from a log or a report is written by `bkdoctor.render`. The last line is the marker.
"""

from collections.abc import Iterable, Iterator, Mapping

from bkdoctor.bot.marker import Marker
from bkdoctor.render import _words as words
from bkdoctor.render import markdown
from bkdoctor.render._groups import MAX_GROUPS, parts_of, places, title_of
from bkdoctor.story import Group, Pipeline
from bkdoctor.text import code_span

LIMIT = 60_000
_LEFT_OUT = "The rest of this note is left out: it is too long. The jobs' logs have the whole of it."
_SILENCE = (
    "Wrong, or known already? A 👎 on this note or the reply `bkdoctor: ignore` silences it on this merge request, "
    "from the next pipeline on."
)
_SILENCED = "Also failed, and silenced on this merge request by a 👎 or a reply:"
_ONLY_SILENCED = "**The image build failed, for reasons that are silenced here**"


def failed(pipeline: Pipeline, groups: tuple[Group, ...], marker: Marker) -> str:
    """Return the note for jobs that failed; groups whose cause is silenced are only named."""
    shown = [g for g in groups if not marker.silences(g.key)]
    hidden = [g for g in groups if marker.silences(g.key)]
    head = [] if shown else [_ONLY_SILENCED]
    return _fit([*head, *parts_of(shown), *_hidden(hidden), _about(pipeline, _SILENCE if shown else "")], marker)


def passed(pipeline: Pipeline, marker: Marker, titles: Mapping[str, str]) -> str:
    """Return the note for a pipeline whose build jobs passed; `titles` are those of the patterns."""
    before = [markdown.title(titles[cause]) for cause in marker.causes[:MAX_GROUPS] if cause in titles]
    items = "".join(f"\n- {title}" for title in before)
    text = f" It failed before because of this:\n{items}" if before else ""
    return _fit([f"**The image build passes**\n\nNothing is left to do here.{text}", _about(pipeline, "")], marker)


def _fit(parts: Iterable[str], marker: Marker) -> str:
    """Join whole parts as long as they fit; the first always does, and so does the marker."""
    end = marker.line()
    room = LIMIT - len(end) - len(_LEFT_OUT) - 10
    note, left_out = "", False
    for part in parts:
        if len(note) + len(part) + 2 > room:
            left_out = True
        else:
            note += f"{part}\n\n"
    return f"{note}{_LEFT_OUT + _GAP if left_out else ''}{end}"


_GAP = "\n\n"


def _hidden(groups: list[Group]) -> Iterator[str]:
    if not groups:
        return
    names = [f"- {title_of(group)}: {places(group.jobs[:3])}" for group in groups[:MAX_GROUPS]]
    yield f"{_SILENCED}\n\n" + "\n".join(names)


def _about(pipeline: Pipeline, advice: str) -> str:
    url = words.safe_url(pipeline.web_url)
    name = f"[pipeline {pipeline.id}]({url})" if url else f"pipeline {pipeline.id}"
    # in a code span, or GitLab would note a mention at the commit
    text = f"From {name}, commit {code_span(pipeline.sha[:12] or '?')}."
    return f"{text} {advice}".strip()
