"""From Reports to JUnit XML for GitLab's test tab: each log is a suite with one test, `image build`.

The test has the same name in every pipeline, so that GitLab tells one that failed before from one that fails now. What
cannot be judged (an empty log, a part of one without an end) is skipped.
"""

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from bkdoctor.model import Report
from bkdoctor.render import Options, html, terminal
from bkdoctor.render import _words as words
from bkdoctor.render._place import UNKNOWN, sources
from bkdoctor.text import one_line, strip_controls

TEST = "image build"
_NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report, options: Options = Options()) -> str:  # noqa: B008  (frozen)
    """Return the document of one report; a test that passed for a job that did."""
    return render_all([report], options)


def render_all(reports: Sequence[Report], options: Options = Options()) -> str:  # noqa: B008  (frozen)
    """Return one document for these reports."""
    root = Element("testsuites")
    for report, name in zip(reports, sources(list(reports)), strict=True):
        _suite(root, report, _clean(name), options)
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(root: Element, report: Report, name: str, options: Options) -> None:
    failed = report.verdict == "diagnosed" or (report.verdict == "unknown" and bool(report.signature))
    skipped = not failed and report.verdict != "passed"
    counts = {"tests": "1", "failures": str(int(failed)), "errors": "0", "skipped": str(int(skipped))}
    suite = SubElement(root, "testsuite", {"name": name, **counts})
    case = SubElement(suite, "testcase", {"name": TEST, "classname": name})
    message = one_line(_clean(html.title(report)))
    if failed:
        main = words.split_findings(report)[0]
        failure = SubElement(case, "failure", {"message": message, "type": _clean(main.id) if main else UNKNOWN})
        failure.text = _clean(terminal.render(report, Options(verbose=options.verbose)))
    elif skipped:
        SubElement(case, "skipped", {"message": message})


def _clean(text: str) -> str:
    """XML has no way to write control characters, nor some others."""
    return _NO_XML.sub("\ufffd", strip_controls(text))
