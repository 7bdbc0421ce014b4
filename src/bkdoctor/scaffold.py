"""`bkdoctor patterns new`: from a log of an unknown failure to the draft of a pattern file."""

import re
from pathlib import Path

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.diagnosis import unknown
from bkdoctor.diagnosis.blame import Blame
from bkdoctor.diagnosis.verdict import outcome
from bkdoctor.errors import InputError, UsageError
from bkdoctor.model import Facts
from bkdoctor.reading import open_log
from bkdoctor.redact import redact_lines
from bkdoctor.text import shorten, strip_controls
from bkdoctor.trace.log import Log
from bkdoctor.trace.segment import segment

_NAME = re.compile(r"(?P<family>[a-z0-9]+(?:-[a-z0-9]+)*)/(?P<id>[a-z0-9]+(?:-[a-z0-9]+)*)")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_LONGEST = 300
"""Characters of the decisive line that become a template."""
_NO_QUOTES = "' ' '"
_VALUES = (
    (re.compile(r"https?://[^\s\"'<>]+"), "url:url"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "digest:hex"),
    (re.compile(r"(?<![\w<:])(?:/[\w.+@-]+){2,}"), "path:path"),
    (re.compile(r"(?<![\w.:<-])\d+(?![\w.-])"), "number:int"),
)

_DRAFT = """\
#:schema ../schema.json
# TODO: say in `title` what failed, and choose role, phase and owner (patterns/schema.json lists the values).
title      = "TODO"
role       = "cause"
phase      = "build"
owner      = "author"
confidence = "medium"

[match]
# TODO: keep the line that decides; name what varies (<name:type>, types in patterns/vocabulary.toml).
lines = [
  {line},
]

[explain]
summary = "TODO: one sentence with this log's values."
cause   = \"\"\"
TODO: why it happens, in at most six lines.
\"\"\"
references = ["https://docs.gitlab.com/"]

[[fix]]
title   = "TODO"
file    = ".gitlab-ci.yml"
snippet = \"\"\"
<job>:
  variables:
    TODO: "value"
\"\"\"

[[example]]
log = '''
{log}
'''
# TODO: captures = {{ name = "value" }} for every <name> above

[[example]]
# TODO: a log that looks alike and is another failure, and why
match = false
why   = "TODO"
log = '''
TODO
'''
"""


def scaffold(name: str, source: str, folder: Path, known: Catalog) -> Path:
    """Write the draft of pattern `name` (FAMILY/ID) into `folder`, with the log's decisive lines as its example.

    `source` is a log's file, `-` is standard input; `known` has the patterns that there are.

    Raises:
        UsageError: the name is not FAMILY/ID, or there is such a pattern already.
        InputError: the log cannot be read or shows no failure to draft from, or the draft cannot be written.
    """
    match = _NAME.fullmatch(name)
    if match is None or match["family"] == "recipes":
        raise UsageError(f"{name}: write the name as FAMILY/ID in small letters, for example run/apt-mirror-down.")
    path = folder / match["family"] / f"{match['id']}.toml"
    if path.exists() or known.get(match["id"]):
        raise UsageError(f"{name}: there is such a pattern already. Add an example to it, or choose another id.")
    lines, decisive = _worth_reading(source)
    draft = _DRAFT.format(line=_quoted(template(decisive)), log="\n".join(map(_literal, lines)))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(draft, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. Choose another folder with --to.") from error
    return path


def _worth_reading(source: str) -> tuple[list[str], str]:
    """Return the lines of the excerpt, and the one among them that reads like the first error."""
    with open_log(source) as opened:
        return _worth_reading_in(Log(opened.source), source)


def _worth_reading_in(log: Log, source: str) -> tuple[list[str], str]:
    layout = segment(log)
    if outcome(log, layout, Facts()) == "passed":
        raise InputError(f"{source}: this job passed. Give the log of one that failed.")
    numbers = unknown.excerpt(log, layout, Blame(layout))
    texts = redact_lines([log.line(n).text for n in numbers])
    bodies = redact_lines([log.line(n).body.strip() for n in numbers])
    said = [body for body in bodies if _LETTERS.search(body)]
    if not said:
        raise InputError(f"{source}: nothing in it reads like a failure. Give the log of the failed job.")
    return texts, next((body for body in said if unknown.is_error(body)), said[0])


def _literal(text: str) -> str:
    """Return a line as it can stand in a TOML literal: without control characters and three quotes in a row."""
    return strip_controls(text).replace("'''", _NO_QUOTES)


def template(text: str) -> str:
    """Return a line as a template: what varies from job to job becomes a placeholder."""
    text = shorten(_literal(text), _LONGEST).removesuffix("…").strip().replace("<", "<lt>")
    for pattern, placeholder in _VALUES:
        count = 0

        def named(_match: re.Match[str], placeholder: str = placeholder) -> str:
            nonlocal count
            count += 1
            name, _, kind = placeholder.partition(":")
            return f"<{name}{count if count > 1 else ''}:{kind}>"

        text = pattern.sub(named, text)
    return text.replace("[REDACTED]", "<...>").replace(_NO_QUOTES, "<...>")


def _quoted(text: str) -> str:
    if "'" not in text:
        return f"'{text}'"
    return f"'''{text}'''" if not text.endswith("'") else f"'''{text}<end>'''"
