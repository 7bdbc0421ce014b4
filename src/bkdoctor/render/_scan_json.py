"""From a Scan to JSON: the document `bkdoctor.scan/1` in one line."""

from bkdoctor.fleet import Scan
from bkdoctor.render import Options
from bkdoctor.render._document import to_json


def render(scan: Scan, options: Options = Options()) -> str:  # noqa: ARG001, B008  (frozen; JSON has no options)
    """Return the scan as one line of JSON and a newline."""
    return to_json(scan)
