"""From markup to a page that needs nothing else: its style is inside, and a script if it has one; no network."""

import hashlib
from base64 import b64encode
from functools import cache
from importlib.resources import files

from bkdoctor.render._markup import element, text


@cache
def style() -> str:
    """Return the style sheet of a report's markup, light and dark, on a screen and on paper."""
    return files("bkdoctor.render").joinpath("page.css").read_text(encoding="utf-8")


def page(title: str, main: str, *, style_too: str = "", script: str = "") -> str:
    """Return a whole page; `title` is text, `main` the markup of its one main part.

    The policy in it forbids all that the page does not have. Should markup ever come out of a log, nothing happens.
    `style_too` stands behind the style sheet of a report; `script` is the only one that the policy lets run.
    """
    styles = style() + style_too
    runs = f"script-src '{_digest(script)}'; " if script else ""
    policy = f"default-src 'none'; style-src '{_digest(styles)}'; {runs}base-uri 'none'; form-action 'none'"
    head = [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{text(policy)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="referrer" content="no-referrer">',
        element("title", text(title)),
        element("style", styles),
    ]
    body = element("body", element("main", f"\n{main}\n") + (element("script", script) if script else ""))
    return "\n".join(["<!doctype html>", '<html lang="en">', "<head>", *head, "</head>", body, "</html>\n"])


def _digest(source: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(source.encode()).digest()).decode()}"
