"""From a Report to JSON: the document `bkdoctor.report/1` in one line, for programs."""

import msgspec
from msgspec.structs import replace

from bkdoctor.model import Report
from bkdoctor.render import Options
from bkdoctor.render._document import to_json


def render(report: Report, options: Options = Options()) -> str:  # noqa: ARG001, B008  (frozen; JSON has no options)
    """Return the report as one line of JSON and a newline."""
    return to_json(without_edits(report))


def without_edits(report: Report) -> Report:
    """Return the report without the edits: they are for `apply`, which works on values of this process."""
    plain = [
        replace(finding, fixes=tuple(replace(fix, edit=msgspec.UNSET) for fix in finding.fixes))
        for finding in report.findings
    ]
    return replace(report, findings=tuple(plain))
