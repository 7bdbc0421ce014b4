"""What the page says -> HTML without scripts: the form, what was wrong with it, and the report."""

from functools import cache
from html import escape
from importlib.resources import files

from bkdoctor.render import html
from bkdoctor.web.order import Answer
from bkdoctor.web.settings import Settings

STYLE = "bkdoctor.css"
HEADERS = {
    # no page of ours has a script, and nothing of a log can become one
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # a page of GitLab need not know where its reader came from
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_TITLE = "Why did the image build fail?"


@cache
def style() -> str:
    """Return the style sheet of all pages."""
    own = files("bkdoctor.web").joinpath("form.css").read_text(encoding="utf-8")
    return f"{html.style()}\n{own}"


def form_page(settings: Settings, error: str = "") -> str:
    """Return the page with the form; `error` is a sentence about the last one."""
    told = f'<p class="error" role="alert">{escape(error)}</p>' if error else ""
    main = f"""<h1>{_TITLE}</h1>
<p>bkdoctor reads the log of a container image build in GitLab CI and says what failed, why, and what to change in
which file.</p>
{told}
<form method="post" action="." enctype="multipart/form-data">
{_text()}
{_file(settings)}
{_job(settings)}
{_KUBERNETES}
<p><button type="submit">Diagnose</button></p>
</form>
<p class="about">Nothing of a log is stored. What looks like a password or a token is masked in the answer.</p>"""
    return _page(f"Error: {_TITLE}" if error else _TITLE, main)


def report_page(answer: Answer) -> str:
    """Return the page with a report."""
    another = '<p><a class="another" href=".">Diagnose another log</a></p>'
    return _page(answer.title, f"{answer.body}\n{another}")


def _text() -> str:
    return """<p><label for="text">Paste the log</label>
<span class="about" id="text-help">the whole of it, or the part that failed; timestamps and colours may stay</span>
<textarea id="text" name="text" rows="12" spellcheck="false" autocomplete="off" autocapitalize="off" dir="ltr"
aria-describedby="text-help"></textarea></p>"""


def _file(settings: Settings) -> str:
    size = settings.max_bytes // (1024 * 1024)
    limit = f"up to {size} MiB" if size else f"up to {settings.max_bytes} bytes"
    return f"""<p><label for="file">Or a file</label>
<span class="about" id="file-help">chosen, or dropped on the field; {limit}</span>
<input id="file" name="file" type="file" aria-describedby="file-help"></p>"""


def _job(settings: Settings) -> str:
    if settings.gitlab is None:
        return ""
    url = escape(settings.gitlab.base.url)
    return f"""<p><label for="job">Or a job of {url}</label>
<span class="about" id="job-help">the address of the failed job's page</span>
<input id="job" name="job" type="url" inputmode="url" maxlength="1000" autocomplete="off"
placeholder="{url}/group/app/-/jobs/12345" aria-describedby="job-help"></p>"""


_KUBERNETES = """<p><label for="kubernetes">Kubernetes version of the runner's cluster</label>
<span class="about" id="kubernetes-help">if there is one and you know it: some fixes depend on it, and no log tells
it</span>
<input id="kubernetes" name="kubernetes" type="text" inputmode="decimal" maxlength="20" placeholder="1.30"
autocomplete="off" aria-describedby="kubernetes-help"></p>"""


def _page(title: str, main: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} - bkdoctor</title>
<link rel="stylesheet" href="{STYLE}">
</head>
<body>
<main>
{main}
</main>
</body>
</html>
"""
