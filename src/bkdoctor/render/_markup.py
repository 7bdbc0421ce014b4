"""From texts of a report to HTML in which they can be nothing but text; the tags are ours.

In go strings without control characters (`_words.clean`), out comes markup to put into a page's body. It has no styles
and no scripts of its own, only classes, so that a strict Content-Security-Policy holds for it.
"""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

from bkdoctor.render._prose import Block, Span, parse, parse_line
from bkdoctor.render._words import safe_url


def element(tag: str, content: str, **attributes: str | None) -> str:
    """Return an element around markup; attribute values are text, None leaves one out, `class_` is `class`."""
    words = [f' {name.rstrip("_").replace("_", "-")}="{escape(v)}"' for name, v in attributes.items() if v is not None]
    return f"<{tag}{''.join(words)}>{content}</{tag}>"


def text(value: str) -> str:
    """Return text as markup."""
    return escape(value)


def link(url: str | None, content: str) -> str:
    """Return markup as a link, or as it is where the address is not a plain web address."""
    good = safe_url(url)
    return element("a", content, href=good, rel="noopener noreferrer") if good else content


def line(markdown: str) -> str:
    """Return one line of Markdown as markup without blocks."""
    return _spans(parse_line(" ".join(markdown.split())))


def prose(markdown: str) -> str:
    """Return Markdown as paragraphs, lists and blocks of code."""
    parts: list[str] = []
    for is_item, group in groupby(parse(markdown), lambda block: block.kind == "item"):
        blocks = list(group)
        parts += [_list(blocks)] if is_item else map(_block, blocks)
    return "".join(parts)


def code(source: str, label: str) -> str:
    """Return a block of code, which a keyboard can scroll; `label` says what it is."""
    return element("pre", element("code", escape(source.strip("\n"))), tabindex="0", role="region", aria_label=label)


def diff(source: str, label: str) -> str:
    """Return a diff, its added and dropped lines marked."""
    kinds = {"+": "added", "-": "dropped", "@": "place"}
    lines = (element("span", escape(row), class_=kinds.get(row[:1])) for row in source.strip("\n").split("\n"))
    return element(
        "pre", element("code", "\n".join(lines)), class_="diff", tabindex="0", role="region", aria_label=label
    )


def rows(pairs: Iterable[tuple[str, str]]) -> str:
    """Return names (text) and values (markup) as a list of terms."""
    return element("dl", "".join(f"{element('dt', escape(name))}{element('dd', value)}" for name, value in pairs))


def log_lines(lines: Sequence[tuple[int, str, bool]], url: str | None, caption: str) -> str:
    """Return lines of a log with their numbers, which lead to the job's page at `url`; the decisive ones are marked."""
    out = []
    for number, content, decisive in lines:
        anchor = link(f"{url}#L{number}" if url else None, str(number))
        mark = element("mark", escape(content)) if decisive else escape(content)
        out.append(
            element(
                "tr",
                f"{element('th', anchor, scope='row')}{element('td', mark)}",
                class_="decisive" if decisive else None,
            )
        )
    return element("table", f"{element('caption', escape(caption))}{element('tbody', ''.join(out))}", class_="log")


def _block(block: Block) -> str:
    return code(block.text, "code") if block.kind == "code" else element("p", _spans(block.spans))


def _list(items: list[Block]) -> str:
    """Return items as lists in lists, as deep as each stands."""
    tag = "ol" if items[0].marker[0].isdigit() else "ul"
    depth, out, at = items[0].depth, "", 0
    while at < len(items):
        below = at + 1
        while below < len(items) and items[below].depth > depth:
            below += 1
        inner = _list(items[at + 1 : below]) if below > at + 1 else ""
        out += element("li", _spans(items[at].spans) + inner)
        at = below
    return element(tag, out)


def _spans(spans: Sequence[Span]) -> str:
    tags = {"code": "code", "strong": "strong"}
    return "".join(
        element(tags[span.kind], escape(span.text)) if span.kind in tags else escape(span.text) for span in spans
    )
