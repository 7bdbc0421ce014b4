"""The page: all of a report, inert whatever the log says, whole without network, legible for everybody."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bkdoctor.model import Evidence, Report
from bkdoctor.render.html import body, render, render_all, style, title

from .properties import examples
from .reports import (
    HOSTILE,
    JOB,
    apparmor,
    diagnosed,
    kaniko_hint,
    missing_package,
    silent,
    step_failed,
    unknown,
    with_strings,
)

TAGS = set(
    "html head meta title style body main nav article h1 h2 h3 h4 h5 h6 p ul ol li dl dt dd a code pre span strong mark "
    "table caption tbody tr th td details summary footer".split()
)
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "rel", "scope", "tabindex", "role", "aria-label",
}  # fmt: skip
CLASSES = set(
    "report diagnosed unknown passed empty verdict about summary condition log decisive diff added dropped place".split()
)
HREF = re.compile(
    r"#log-\d+|https://(?:gitlab\.example\.com/team/app/-/jobs/4711(?:#L\d+)?|docs\.gitlab\.com/\S*|kubernetes\.io/\S*|pkgs\.alpinelinux\.org/\S*)"
)
REPORTS = [
    diagnosed(), diagnosed(apparmor()), diagnosed(missing_package()), unknown(), unknown(step_failed()), unknown(kaniko_hint()),
    silent("passed"), silent("empty"),
]  # fmt: skip


class Page(HTMLParser):
    """Reads a page as a browser would, and refuses what is not ours."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.styles = ""
        self.policy = ""
        self.shown = ""
        self.feed(markup)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        values = {name: value or "" for name, value in attrs}
        assert values.keys() <= ATTRIBUTES, attrs
        assert set(values.get("class", "").split()) <= CLASSES, attrs
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if "href" in values:
            assert tag == "a"
            self.links.append(values["href"])
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"]
        self.ids += [values["id"]] if "id" in values else []
        self.open += [tag] if tag != "meta" else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["style"]:
            self.styles += data
        else:
            self.shown += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        assert decl == "doctype html"


@pytest.mark.parametrize("report", REPORTS)
def test_a_page_is_well_formed_and_whole(report: Report) -> None:
    page = Page(render(report))
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(page.headings))
    assert all(HREF.fullmatch(link) for link in page.links)
    assert title(report) in page.shown
    assert not re.search(r"@import|url\(|https?:", page.styles)


def test_the_page_says_all_that_the_report_says() -> None:
    report = diagnosed()
    shown = Page(render(report)).shown
    for finding in report.findings:
        assert finding.title in shown
        for evidence in finding.evidence:
            assert evidence.text in shown
        for fix in finding.fixes:
            assert fix.title in shown
            assert (fix.diff or fix.snippet) in shown
    assert "Runner: k8s-builds" in shown
    assert report.signature
    assert report.signature in shown


def test_lines_lead_to_the_jobs_page() -> None:
    assert f"{JOB}#L47" in Page(render(diagnosed())).links
    assert not [link for link in Page(render(diagnosed(web_url=None))).links if link.startswith(JOB)]


def test_the_decisive_line_is_marked_by_more_than_colour() -> None:
    assert re.search(
        r'<tr class="decisive"><th scope="row">.{0,200}47.{0,40}</th><td><mark>\[rootlesskit:child \] error',
        render(diagnosed()),
    )


def assert_inert(page: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", page)
    read = Page(page)
    assert all(HREF.fullmatch(link) for link in read.links), read.links
    assert read.styles.strip() == style().strip()
    page.encode()


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        "</style><script>alert(1)</script>",
        "\"'><img src=x onerror=alert(1)>",
        "<!-- <![CDATA[ ]]> --> </title></pre></code></td></table></article></main></body></html><h1>x</h1>",
        "javascript:alert(1) data:text/html,<script> &lt;script&gt; &#60;b&#62;",
        "[a](javascript:alert(1)) ![x](https://evil.example/x.png) [b](https://evil.example/?q=\"onclick=) **<b>**",
        "",
    ],
)  # fmt: skip
def test_hostile_text_stays_text(report: Report, text: str) -> None:
    assert_inert(render(with_strings(report, text)))
    assert_inert(render_all([with_strings(report, text)] * 2))


@given(st.text(alphabet=st.sampled_from(list("<>&\"'`*[]()-#\n \t/=ab1:;\\!\x1b\u202e")), max_size=60))
@examples(150)
def test_no_text_is_markup(text: str) -> None:
    report = with_strings(diagnosed(missing_package()), text)
    assert_inert(render(report))


def test_hostile_evidence_is_shown_as_it_is() -> None:
    line = "<script>alert('x')</script> &amp; \"</td>"
    report = unknown()
    report = msgspec.structs.replace(report, excerpt=(Evidence(3, line),))
    assert line in Page(render(report)).shown


def test_the_policy_allows_the_style_and_nothing_else() -> None:
    page = Page(render(diagnosed()))
    digest = base64.b64encode(hashlib.sha256(page.styles.encode()).digest()).decode()
    assert page.policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_several_reports_are_one_page_with_a_list() -> None:
    text = render_all(REPORTS)
    page = Page(text)
    assert text.count("<!doctype") == text.count("<main") == 1
    assert page.headings.count(1) == 1
    assert page.ids == [f"log-{n}" for n in range(1, len(REPORTS) + 1)]
    assert [link for link in page.links if link.startswith("#")] == [f"#{name}" for name in page.ids]
    assert Page(render_all([])).headings == [1]


def test_a_body_stands_in_another_page() -> None:
    inside = Page(body(diagnosed(), level=3, anchor="job-12"))
    assert min(inside.headings) == 3
    assert inside.ids == ["job-12"]
    assert not {"html", "body", "style", "main"} & set(re.findall(r"<(\w+)", body(diagnosed())))


PAIRS = re.compile(r"--(?P<name>\w+): light-dark\((?P<light>#\w{6}), (?P<dark>#\w{6})\)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(scheme: str) -> None:
    colours = {m["name"]: m[scheme] for m in PAIRS.finditer(style())}
    for ground in ("paper", "panel", "mark"):
        for ink in ("ink", "faint", "link", "bad", "good", "caution"):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
