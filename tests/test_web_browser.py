"""The page in Chromium: hostile logs do nothing, no script is needed, and it is legible wherever it is read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import traces
from tests.browser import Browser
from tests.web_setting import page

MARK = "no space left on device"
HOSTILE = {
    "script": "<script>document.title = 'owned'</script>",
    "end of everything": "</textarea></td></table></article></main></body></html><script>document.title='owned'</script>",
    "attribute": '"><img src=x onerror="document.title=\'owned\'"><svg onload=alert(1)>',
    "entities": "&lt;script&gt;&#60;script&#62;&quot;",
    "style": "<style>body{display:none}</style><link rel=stylesheet href=//evil.example/x.css>",
    "elsewhere": "<meta http-equiv=refresh content='0;url=//evil.example'><base href=//evil.example>",
    "form": "<form action=//evil.example><button>send</button></form>",
    "link": "[click](javascript:alert(1)) ![](http://evil.example/x.png) http://evil.example",
    "right to left": "\u202e\u2066gnp.exe\u2069\u202c \u05d0\u05d1 \u200f",
    "ansi": "\x1b[31;1m\x1b]8;;http://evil.example\x07red\x1b]8;;\x07\x1b[2J\x1b[0m",
    "controls": "\0\0nul\0 \x08\x08bell\x07 \x7f \x9b31m",
    "long line": "x" * 1_000_000,
    "no text": "\ud800".encode("utf-8", "surrogatepass").decode("latin-1") + "\ufffe\U0010ffff",
}


def hostile(value: str) -> str:
    """A failed job's log that shows the value in evidence, in the step's name, in its command and in the job's image."""
    short = value[:300].replace("\n", " ")
    return traces.job(
        f"$ docker build {short}\n#5 [2/3] RUN {short}\n#5 1.2 {value}\n#5 1.3 {value} {MARK}\n"
        f"#5 ERROR: {value}: {MARK}",
        image=short.split()[0][:80] or "image",
    )


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("page")
    with page(folder, XDG_CACHE_HOME=str(folder)) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser"), width=390, height=844) as one:
        one.without_scripts()
        yield one


def sent(browser: Browser, url: str, log: str, tmp_path: Path) -> str:
    """Send a log as a file; return the text of the page that answers."""
    file = tmp_path / "job.log"
    file.write_text(log, encoding="utf-8", errors="replace")
    browser.open(url)
    browser.choose("#file", file)
    browser.submit()
    return str(browser.run("document.body.innerText"))


@pytest.mark.parametrize("what", HOSTILE)
def test_no_text_of_a_log_acts(browser: Browser, url: str, tmp_path: Path, what: str) -> None:
    text = sent(browser, url, hostile(HOSTILE[what]), tmp_path)
    assert "The disk is full" in text
    assert browser.run("document.title").startswith("The disk is full")
    assert browser.asked_for == [url, f"{url}bkdoctor.css"]
    foreign = "script, style, img, svg, base, iframe, object, form, meta[http-equiv], [onerror], [onload], [style]"
    assert browser.run(f"document.querySelectorAll({foreign!r}).length") == 0
    links = browser.run("[...document.links].map(a => a.protocol + a.host)")
    assert not [link for link in links if "evil" in link or not link.startswith("http")]
    assert not [c for c in text if c in "\0\x1b\u202e\u2066\u200f\x9b"]
    assert browser.run("document.documentElement.scrollWidth") <= 390


def test_scripts_that_may_run_find_none(url: str, tmp_path: Path) -> None:
    with Browser(tmp_path) as browser:
        assert "The disk is full" in sent(browser, url, hostile(HOSTILE["script"]), tmp_path)
        assert browser.run("document.title").startswith("The disk is full")
        # and the policy would not let one run
        browser.events.clear()
        browser.run("document.body.append(Object.assign(document.createElement('script'), {textContent: 'a = 1'}))")
        assert browser.run("typeof a") == "undefined"


def test_a_log_is_pasted_without_scripts(browser: Browser, url: str) -> None:
    log = hostile("</textarea><b>bold")
    browser.open(url)
    browser.run(f"document.querySelector('#text').value = {_quoted(log)}")
    browser.submit()
    text = browser.run("document.body.innerText")
    assert "The disk is full" in text
    assert "</textarea><b>bold" in text


def test_an_empty_form_says_what_to_give(browser: Browser, url: str) -> None:
    browser.open(url)
    browser.submit()
    assert "give a pasted log or a file" in browser.run("document.querySelector('[role=alert]').innerText")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [320, 1280])
def test_text_stands_out_and_fits(url: str, tmp_path: Path, dark: bool, width: int) -> None:
    with Browser(tmp_path, dark=dark, width=width, height=800) as browser:
        browser.open(url)
        assert_legible(browser, width, dark)
        sent(browser, url, hostile("a" * 500), tmp_path)
        assert_legible(browser, width, dark)


def test_every_field_has_a_name_and_is_reached_by_keyboard(browser: Browser, url: str) -> None:
    browser.open(url)
    assert browser.run("document.documentElement.lang") == "en"
    fields = "[...document.querySelectorAll('input, textarea, button')]"
    assert browser.run(f"{fields}.every(f => f.labels.length == 1 || f.tagName == 'BUTTON')")
    assert browser.run(f"{fields}.every(f => f.tabIndex == 0)")
    assert browser.run("document.querySelectorAll('h1').length") == 1


def assert_legible(browser: Browser, width: int, dark: bool) -> None:
    assert browser.run("document.documentElement.scrollWidth") <= width
    pairs: list[list[Any]] = browser.run(_COLOURS)
    assert pairs
    paper = _luminance(browser.run("getComputedStyle(document.body).backgroundColor"))
    assert (paper < 0.2) == dark
    for text, ink, ground in pairs:
        light, deep = sorted((_luminance(ink), _luminance(ground)), reverse=True)
        assert (light + 0.05) / (deep + 0.05) >= 4.5, f"{text}: {ink} on {ground}"


_COLOURS = """
[...document.querySelectorAll('main *')].filter(e => [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()))
  .map(e => {
    let under = e;
    while (under && getComputedStyle(under).backgroundColor == 'rgba(0, 0, 0, 0)') under = under.parentElement;
    return [e.innerText.slice(0, 40), getComputedStyle(e).color, getComputedStyle(under || document.body).backgroundColor];
  })
"""
"""Of each piece of text its colour and that of its ground."""


def _luminance(colour: str) -> float:
    parts = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _quoted(text: str) -> str:
    import json

    return json.dumps(text)
