"""The page of a scan: whole by itself, hostile texts stay texts, and what Chromium makes of it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from bkdoctor.fleet import Case, Scan
from bkdoctor.gitlab.failures import Project, Root
from bkdoctor.render import Options, _plots, scan_text
from bkdoctor.scan import counting
from bkdoctor.scan.gather import Gathered
from bkdoctor.scan.missing import Missing
from bkdoctor.scan.window import Window, iso
from bkdoctor.session import write_page
from tests.browser import Browser

END = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
WINDOW = Window(END - timedelta(days=7), END)
SIGNATURE = "0123456789abcdef"
HOSTILE = (
    "</script></style></table><script>document.title='owned'</script><img src=//evil.example/x onerror=alert(1)>"
    '" onclick="x" <base href=//evil.example> javascript:alert(1) &lt;b&gt; \''
)


def case(number: int, cause: str, **fields: object) -> Case:
    known = {"project": f"team/p{number % 7}", "project_id": number % 7, "pipeline_id": number, "name": "build"}
    known |= {"stage": "build", "ref": "main", "minutes": float(number % 50), "runner": f"runner-{number % 5}"}
    known |= {"title": f"Title of {cause}", "web_url": f"https://gitlab.example.com/team/p/-/jobs/{number}"}
    known |= {"ended": iso(END - timedelta(minutes=number % 10_000)), "image": "docker:27-cli"}
    return Case(**(known | {"id": number, "cause": cause} | fields))  # type: ignore[arg-type]


def scan_of(cases: list[Case], missing: tuple[str, ...] = (), lines: tuple[str, ...] = ()) -> Scan:
    cases.sort(key=lambda one: one.ended, reverse=True)
    gathered = Gathered(
        root=Root(kind="group", path="team", projects=(Project(id=1),)),
        failed=len(cases),
        now=cases,
        before=[case(1, "cause-1")],
        lines={SIGNATURE: lines},
        missing=Missing(missing),
    )
    return counting.scan_of("https://gitlab.example.com", WINDOW, gathered, compared=True)


@cache
def small() -> Scan:
    cases = [case(number, f"cause-{int(number**0.5)}") for number in range(1, 200)]
    return scan_of(cases)


@cache
def hostile() -> Scan:
    names = dict.fromkeys(("project", "name", "ref", "runner", "image"), HOSTILE)
    known = case(1, "cause-1", **names, title=HOSTILE, web_url=f"https://gitlab.example.com/{HOSTILE}")
    unknown = case(2, "unknown", **names, title=None, signature=SIGNATURE, web_url="javascript:alert(1)")
    return scan_of([known, unknown], missing=(HOSTILE,), lines=(HOSTILE,))


def html(scan: Scan) -> str:
    return scan_text("html", scan, Options())


def test_the_page_asks_for_nothing_and_its_policy_says_so() -> None:
    page = html(small())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert "default-src &#x27;none&#x27;" in policy[1]
    assert "unsafe" not in policy[1]
    assert not re.findall(r"<(?:link|img|iframe|object|base|form)\b|\ssrc=|\son\w+=|\sstyle=|url\(", page)
    assert page.count("<script>") == 1


def test_hostile_texts_are_texts() -> None:
    page = html(hostile())
    assert page.count("<script>") == page.count("</script>") == 1
    assert "<img" not in page
    assert "<base" not in page
    assert 'href="javascript' not in page
    assert not re.search(r'<[^>]*" onclick="', page)


def test_long_lists_are_cut_and_say_of_how_many() -> None:
    cases = [case(number, f"cause-{number % 120}", runner=f"runner-{number % 90}") for number in range(1, 2001)]
    page = html(scan_of(cases))
    assert "80 more are not shown" in page
    assert "1,500 more are not shown" in page
    assert page.count("<tr>") < 700


def test_links_within_the_page_lead_somewhere() -> None:
    unknown = [case(n, "unknown", title=None, signature=f"{n % 40:016x}") for n in range(400)]
    scan = scan_of(unknown, missing=("something",), lines=())
    scan = replace(scan, causes=tuple(replace(cause, lines=("a line",)) for cause in scan.causes))
    page = html(scan)
    targets = re.findall(r'href="#([^"]+)"', page)
    assert len(targets) == 16
    assert not [target for target in targets if f' id="{target}"' not in page]
    assert "25 more are not shown" in page


@pytest.mark.parametrize(
    ("there", "elsewhere", "clusters"), [(30, 10, True), (3, 2, False), (12, 0, True), (12, 20, False)]
)
def test_what_chance_gives_is_no_cluster(there: int, elsewhere: int, clusters: bool) -> None:
    mine = [case(n, "cause-1", image=None, runner="bad" if n < there else "good") for n in range(there + elsewhere)]
    others = [case(1000 + n, "cause-2", image=None, runner=("bad", "good", "fair")[n % 3]) for n in range(90)]
    made = next(cause for cause in scan_of(mine + others).causes if cause.cause == "cause-1")
    assert [one.name for one in made.clusters] == (["bad"] if clusters else [])


def test_plots_add_up() -> None:
    scan = small()
    known = _plots.colours(["cause-1", "cause-2"])
    plot = _plots.columns(scan.periods, known, "label")
    assert plot.count("<g>") == len(scan.periods)
    assert sum(period.jobs for period in scan.periods) == len(scan.jobs) == 199
    widths = [float(w) for w in re.findall(r' width="([\d.]+)"', _plots.bar({"cause-1": 3, "x": 1, "y": 1}, 10, known))]
    assert widths == [30, 20]
    assert "<rect" not in _plots.columns([], known, "label")


def test_a_page_is_written_whole_or_not(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("old")
    write_page(file, small())
    assert file.read_text().endswith("</html>\n")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


# in a browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser"), width=390, height=844) as one:
        yield one


def opened(browser: Browser, scan: Scan, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_page(file, scan)
    browser.open(file.as_uri())


def column(browser: Browser, table: str, number: int) -> list[str]:
    cells = f"[...document.querySelector('#{table}').tBodies[0].rows].map(r => r.cells[{number}].textContent)"
    return [str(cell) for cell in browser.run(cells)]


def press(browser: Browser, table: str, number: int) -> None:
    browser.run(f"document.querySelectorAll('#{table} thead th')[{number}].querySelector('button').click()")


def test_a_click_on_a_head_sorts(browser: Browser, tmp_path: Path) -> None:
    opened(browser, small(), tmp_path)
    minutes = [float(cell.replace(",", "")) for cell in column(browser, "causes", 4)]
    press(browser, "causes", 4)
    shown = [float(cell.replace(",", "")) for cell in column(browser, "causes", 4)]
    assert shown == sorted(minutes, reverse=True) != minutes
    press(browser, "causes", 4)
    assert [float(cell.replace(",", "")) for cell in column(browser, "causes", 4)] == sorted(minutes)
    state = "document.querySelectorAll('#causes thead th')[4].getAttribute('aria-sort')"
    assert browser.run(state) == "ascending"
    press(browser, "causes", 0)
    assert column(browser, "causes", 0) == sorted(column(browser, "causes", 0))
    assert browser.run(state) is None


def test_a_keyboard_reaches_every_head(browser: Browser, tmp_path: Path) -> None:
    opened(browser, small(), tmp_path)
    heads = browser.run("document.querySelectorAll('th[data-sort]').length")
    assert heads > 10
    assert (
        browser.run("[...document.querySelectorAll('th[data-sort] button')].filter(b => b.tabIndex === 0).length")
        == heads
    )
    wide = "[...document.querySelectorAll('*')].filter(e => e.scrollWidth > e.clientWidth + 1 && e.tabIndex < 0)"
    scrolled = f"{wide}.filter(e => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)).length"
    assert browser.run(scrolled) == 0


@pytest.mark.parametrize("scan", [small, hostile], ids=["small", "hostile"])
def test_it_is_legible_where_it_is_narrow_and_asks_for_nothing(browser: Browser, tmp_path: Path, scan: object) -> None:
    opened(browser, scan(), tmp_path)  # type: ignore[operator]
    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert browser.asked_for == [(tmp_path / "report.html").as_uri()]
    assert browser.run("document.title").startswith("team: ")
    assert browser.run("document.querySelectorAll('script').length") == 1
    assert not [event for event in browser.events if "violat" in str(event) or "Refused" in str(event)]


def test_without_scripts_it_is_all_there(tmp_path: Path) -> None:
    with Browser(tmp_path) as browser:
        browser.without_scripts()
        opened(browser, small(), tmp_path)
        assert len(column(browser, "jobs", 0)) == 199
        assert browser.run("document.querySelectorAll('button').length") == 0
