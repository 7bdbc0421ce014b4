"""From a Scan to CSV: a row for each failed build, for a spreadsheet that takes no cell for a formula."""

import csv
import io

from bkdoctor.fleet import Case, Scan
from bkdoctor.render import Options
from bkdoctor.render import _words as words
from bkdoctor.text import one_line

COLUMNS = (
    "ended", "project", "job", "name", "stage", "ref", "cause", "title", "owner", "transient", "signature", "minutes",
    "passed_as", "runner", "image", "method", "executor", "pipeline", "url", "unread",
)  # fmt: skip
"""The names of the columns; more may be added behind them."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula, in full width too."""


def render(scan: Scan, options: Options = Options()) -> str:  # noqa: ARG001, B008  (frozen; CSV has no options)
    """Return a line of column names, and one for each failed build, the newest first."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for case in scan.jobs:
        writer.writerow(_cell(value) for value in _row(case))
    return out.getvalue()


def _row(case: Case) -> tuple[object, ...]:
    return (
        case.ended, case.project, case.id, case.name, case.stage, case.ref, case.cause, case.title, case.owner,
        "yes" if case.transient else "no", case.signature, case.minutes, case.passed_as, case.runner, case.image,
        case.method, case.executor, case.pipeline_id, words.safe_url(case.web_url), case.unread,
    )  # fmt: skip


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = one_line(value)
    # an apostrophe in front is what spreadsheets take for "this is text"
    return f"'{text}" if text.lstrip().startswith(_FORMULAS) or value.startswith(_FORMULAS) else text
