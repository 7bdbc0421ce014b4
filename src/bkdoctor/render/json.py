"""From a Report to JSON: the document `bkdoctor.report/1` in one line, for programs."""

import re
from typing import Any

import msgspec
from msgspec.structs import replace

from bkdoctor.model import Report
from bkdoctor.render import Options
from bkdoctor.text import INVISIBLE

# JSON need not escape these, but a terminal, a log viewer or JavaScript would act on them.
_ACTIVE = re.compile(f"[{INVISIBLE}\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def render(report: Report, options: Options = Options()) -> str:  # noqa: ARG001, B008  (frozen; JSON has no options)
    """Return the report as one line of JSON and a newline."""
    report = _without_edits(report)
    try:
        document = msgspec.json.encode(report)
    except UnicodeEncodeError:
        document = msgspec.json.encode(_without_surrogates(msgspec.to_builtins(report)))
    return _ACTIVE.sub(_escape, document.decode()) + "\n"


def _without_edits(report: Report) -> Report:
    """The edits are for `apply`, which works on values of this process."""
    plain = [
        replace(finding, fixes=tuple(replace(fix, edit=msgspec.UNSET) for fix in finding.fixes))
        for finding in report.findings
    ]
    return replace(report, findings=tuple(plain))


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("utf-16-be").hex("|", 2).join(("|", "")).replace("|", "\\u")


def _without_surrogates(value: Any) -> Any:
    """Halves of characters, which no UTF-8 can hold, become the replacement character."""
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value
