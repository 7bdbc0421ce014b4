"""`bkdoctor patterns new`: from a log of an unknown failure to the draft of a pattern file."""

import re
from pathlib import Path

from bkdoctor.bounded import read_bounded
from bkdoctor.catalog.catalog import load
from bkdoctor.diagnosis import unknown
from bkdoctor.diagnosis.blame import Blame
from bkdoctor.errors import InputError, UsageError
from bkdoctor.redact import redact_lines
from bkdoctor.trace.log import Log
from bkdoctor.trace.segment import segment

_NAME = re.compile(r"(?P<family>[a-z0-9]+(?:-[a-z0-9]+)*)/(?P<id>[a-z0-9]+(?:-[a-z0-9]+)*)")
_LIMIT = 16 * 1024 * 1024
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
{lines}
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


def scaffold(name: str, source: Path, folder: Path) -> Path:
    """Write the draft of pattern `name` (FAMILY/ID) into `folder`, with the log's decisive lines as its example.

    Raises:
        UsageError: the name is not FAMILY/ID, or there is such a pattern already.
        InputError: the log cannot be read or shows no failure to draft from.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise UsageError(f"{name}: write the name as FAMILY/ID in small letters, for example run/apt-mirror-down.")
    path = folder / match["family"] / f"{match['id']}.toml"
    if path.exists() or match["id"] in load([]).entries:
        raise UsageError(f"{name}: there is such a pattern already. Add an example to it, or choose another id.")
    lines, decisive = _worth_reading(source)
    path.parent.mkdir(parents=True, exist_ok=True)
    templates = ",\n".join(f"  {_quoted(template(text))}" for text in decisive)
    path.write_text(_DRAFT.format(lines=templates, log="\n".join(lines)), encoding="utf-8")
    return path


def _worth_reading(source: Path) -> tuple[list[str], list[str]]:
    """Return the lines of the excerpt, and the bodies of those that read like the first error."""
    try:
        with source.open("rb") as file:
            raw = read_bounded(iter(lambda: file.read(1 << 20), b""), _LIMIT).data
    except OSError as error:
        raise InputError(f"{source}: {error.strerror}. Give a log with --from.") from error
    log = Log(raw)
    layout = segment(log)
    blame = Blame(layout)
    errors = [n for n in unknown.failing_lines(log, layout, blame) if unknown.is_error(log.line(n).body)]
    numbers = unknown.excerpt(log, layout, blame)
    if not numbers:
        raise InputError(f"{source}: nothing in it reads like a failure. Give the log of the failed job.")
    texts = redact_lines([log.line(n).text.replace("'''", "' ' '") for n in numbers])
    decisive = redact_lines([log.line(n).body.strip() for n in (errors or numbers)[:1]])
    return texts, decisive


def template(text: str) -> str:
    """Return a line as a template: what varies from job to job becomes a placeholder."""
    text = text.replace("<", "<lt>")
    for pattern, placeholder in _VALUES:
        count = 0

        def named(_match: re.Match[str], placeholder: str = placeholder) -> str:
            nonlocal count
            count += 1
            name, _, kind = placeholder.partition(":")
            return f"<{name}{count if count > 1 else ''}:{kind}>"

        text = pattern.sub(named, text)
    return text


def _quoted(text: str) -> str:
    if "'" not in text:
        return f"'{text}'"
    return f"'''{text}'''" if not text.endswith("'") else f"'''{text}<end>'''"
