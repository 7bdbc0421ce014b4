"""`bkdoctor patterns new`: from a log of an unknown failure to the draft of a pattern file."""

import json
import re
from pathlib import Path

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.comparing import baseline_of_file
from bkdoctor.diagnosis.baseline import Baseline
from bkdoctor.diagnosis.blame import Blame
from bkdoctor.diagnosis.unknown import Reading
from bkdoctor.diagnosis.verdict import outcome
from bkdoctor.errors import InputError, UsageError
from bkdoctor.model import Facts
from bkdoctor.reading import open_log
from bkdoctor.redact import redact_lines
from bkdoctor.text import shorten, strip_controls
from bkdoctor.trace.log import Log
from bkdoctor.trace.segment import segment

_NAME = re.compile(r"(?P<family>[a-z0-9]+(?:-[a-z0-9]+)*)/(?P<id>[a-z0-9]+(?:-[a-z0-9]+)*)")
_WORDS = re.compile(r"[^\W\d_]{3,}")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_LONGEST = 300
"""Characters of the decisive line that become a template."""
_NO_QUOTES = "' ' '"
_VALUES = re.compile(
    r"""(?P<url>https?://[^\s"'`<>]+)
    |(?<![\w./-])(?P<image>[\w-]+(?:\.[\w-]+)+(?::\d+)?/[\w./-]+(?::[\w.-]+)?(?:@sha256:[0-9a-f]+)?)
    |\b(?P<digest>[0-9a-f]{12,64})\b
    |(?<![\w<:])(?P<path>(?:/[\w.+@-]+){2,})
    |(?<![\w.:<-])(?P<version>\d+(?:\.\d+){1,3})(?![\w.-])
    |(?<![\w.:<-])(?P<number>\d+)(?![\w.-])""",
    re.VERBOSE,
)
"""What varies from job to job, by the name that a placeholder gets."""
_TYPES = {"digest": "hex", "number": "int"}
_AROUND = 4
"""Lines of the baseline before and after the one that looks most alike."""

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
{captures}
[[example]]
{negative}"""

_NO_NEGATIVE = """\
# TODO: a log that looks alike and is another failure, and why
match = false
why   = "TODO"
log = '''
TODO
'''
"""
_NEGATIVE = """\
match = false
why   = "The same job when it passed."
log = '''
{log}
'''
"""


def scaffold(name: str, source: str, folder: Path, known: Catalog, baseline: str | None = None) -> Path:
    """Write the draft of pattern `name` (FAMILY/ID) into `folder`, with the log's decisive lines as its example.

    `source` is a log's file, `-` is standard input; `known` has the patterns that there are; `baseline` is the log of
    the same job when it passed, which becomes the example that must be left alone.

    Raises:
        UsageError: the name is not FAMILY/ID, or there is such a pattern already.
        InputError: a log cannot be read or shows no failure to draft from, or the draft cannot be written.
    """
    match = _NAME.fullmatch(name)
    if match is None or match["family"] == "recipes":
        raise UsageError(f"{name}: write the name as FAMILY/ID in small letters, for example run/apt-mirror-down.")
    path = folder / match["family"] / f"{match['id']}.toml"
    if path.exists() or known.get(match["id"]):
        raise UsageError(f"{name}: there is such a pattern already. Add an example to it, or choose another id.")
    draft = _draft(source, baseline)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(draft, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. Choose another folder with --to.") from error
    return path


def _draft(source: str, baseline: str | None) -> str:
    passed = baseline_of_file(baseline) if baseline is not None else None
    lines, decisive = _worth_reading(source, passed)
    line, values = template(decisive)
    pairs = ", ".join(f"{key} = {json.dumps(value)}" for key, value in values.items())
    return _DRAFT.format(
        line=_quoted(line),
        log="\n".join(map(_literal, lines)),
        captures=f"captures = {{ {pairs} }}\n" if pairs else "",
        negative=_NEGATIVE.format(log="\n".join(_looks_alike(baseline, decisive))) if baseline else _NO_NEGATIVE,
    )


def _worth_reading(source: str, baseline: Baseline | None) -> tuple[list[str], str]:
    """Return the lines of the excerpt, and the one among them that reads like the first error."""
    with open_log(source) as opened:
        log = Log(opened.source)
        layout = segment(log)
        if outcome(log, layout, Facts()) == "passed":
            raise InputError(f"{source}: this job passed. Give the log of one that failed.")
        reading = Reading(log, layout, Blame(layout), baseline)
        numbers = reading.excerpt()
        texts = redact_lines([log.line(n).text for n in numbers])
        bodies = redact_lines([log.line(n).body.strip() for n in numbers])
        said = {n: body for n, body in zip(numbers, bodies, strict=True) if _LETTERS.search(body)}
        if not said:
            raise InputError(f"{source}: nothing in it reads like a failure. Give the log of the failed job.")
        return texts, said.get(reading.decisive or 0, next(iter(said.values())))


def _looks_alike(source: str, decisive: str) -> list[str]:
    """Return the lines of a log around the one that has most words in common with the decisive one, and its end."""
    wanted = set(_WORDS.findall(decisive))
    with open_log(source) as opened:
        log = Log(opened.source)
        numbers = [n for n in log.numbers() if log.line(n).text.strip()]
        alike = [len(wanted.intersection(_WORDS.findall(log.line(n).body))) for n in numbers]
        # where nothing looks alike, the end tells most
        best = max(range(len(numbers)), key=lambda n: (alike[n], n))
        chosen = numbers[max(0, best - _AROUND) : best + _AROUND + 1]
        texts = redact_lines([log.line(n).text for n in dict.fromkeys((*chosen, numbers[-1]))])
    return [_literal(text) for text in texts]


def _literal(text: str) -> str:
    """Return a line as it can stand in a TOML literal: without control characters and three quotes in a row."""
    return strip_controls(text).replace("'''", _NO_QUOTES)


def template(text: str) -> tuple[str, dict[str, str]]:
    """Return a line as a template, in which what varies from job to job has a name, and the values by name."""
    values: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        kind = match.lastgroup or "text"
        count = sum(name.rstrip("0123456789") == kind for name in values) + 1
        name = f"{kind}{count if count > 1 else ''}"
        values[name] = match[0]
        return f"<{name}:{_TYPES.get(kind, kind)}>"

    text = shorten(_literal(text), _LONGEST).removesuffix("…").strip().replace("<", "<lt>")
    text = _VALUES.sub(named, text)
    return text.replace("[REDACTED]", "<...>").replace(_NO_QUOTES, "<...>"), values


def _quoted(text: str) -> str:
    if "'" not in text:
        return f"'{text}'"
    return f"'''{text}'''" if not text.endswith("'") else f"'''{text}<end>'''"
