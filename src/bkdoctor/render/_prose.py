"""From the Markdown of summaries and explanations to blocks and spans, and from those to Markdown that is safe to post.

Known are paragraphs, lists, fenced blocks, code spans, `**strong**` and links; everything else is text. Whatever stands
outside a code span or a fenced block comes out as text and nothing else, wherever it came from.
"""

import re
from typing import Literal, NamedTuple

from bkdoctor.text import code_span, fence, strip_controls


class Span(NamedTuple):
    """A stretch of a paragraph."""

    kind: Literal["text", "code", "strong"]
    text: str


class Block(NamedTuple):
    """A paragraph, an item of a list or a fenced block."""

    kind: Literal["paragraph", "item", "code"]
    spans: tuple[Span, ...] = ()
    marker: str = ""
    """Of an item: `-` or `1.`."""
    depth: int = 0
    text: str = ""
    """Of a fenced block."""
    language: str = ""


_FENCE = re.compile(r"\s{0,3}(?P<fence>`{3,}|~{3,})\s*(?P<language>[\w-]*)[^`]*$")
_ITEM = re.compile(r"(?P<indent>\s*)(?P<marker>[-*+]|\d{1,3}[.)])\s+(?P<text>\S.*)")
_TICKS = re.compile("`+")
_INLINE = re.compile(
    r"\*\*(?P<strong>[^*\s](?:[^*]{0,300}[^*\s])?)\*\*"
    r"|(?<!!)\[(?P<label>[^\[\]]{1,300})\]\((?P<url>[^()\s]{1,1000})\)"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])"
)


def parse(text: str) -> list[Block]:
    """Return the blocks of a Markdown text."""
    blocks: list[Block] = []
    lines = strip_controls(text).expandtabs(4).split("\n")
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
        elif opened := _FENCE.match(lines[at]):
            end = _end_of_fence(lines, at + 1, opened["fence"])
            blocks.append(Block("code", text="\n".join(lines[at + 1 : end]), language=opened["language"]))
            at = end + 1
        else:
            end = _end_of_paragraph(lines, at + 1)
            blocks.append(_paragraph(lines[at:end], blocks[-1] if blocks else None))
            at = end
    return blocks


def _end_of_fence(lines: list[str], at: int, opening: str) -> int:
    while at < len(lines) and not (lines[at].strip().startswith(opening) and not lines[at].strip().strip(opening[0])):
        at += 1
    return at


def _end_of_paragraph(lines: list[str], at: int) -> int:
    while at < len(lines) and lines[at].strip() and not _FENCE.match(lines[at]) and not _ITEM.match(lines[at]):
        at += 1
    return at


def _paragraph(lines: list[str], before: Block | None) -> Block:
    if item := _ITEM.match(lines[0]):
        text = " ".join([item["text"], *map(str.strip, lines[1:])])
        marker = item["marker"] if item["marker"][0].isdigit() else "-"
        deepest = before.depth + 1 if before and before.kind == "item" else 0
        return Block("item", tuple(parse_line(text)), marker, min(len(item["indent"]) // 2, deepest, 3))
    return Block("paragraph", tuple(parse_line(" ".join(map(str.strip, lines)))))


def parse_line(text: str) -> list[Span]:
    """Return the spans of one line of Markdown."""
    spans: list[Span] = []
    runs = list(_TICKS.finditer(text))
    position = index = 0
    while index < len(runs):
        length = len(runs[index][0])
        closing = next((n for n in range(index + 1, len(runs)) if len(runs[n][0]) == length), None)
        if closing is None:
            index += 1
            continue
        spans += _text_spans(text[position : runs[index].start()])
        spans.append(Span("code", _unpad(text[runs[index].end() : runs[closing].start()])))
        position = runs[closing].end()
        index = closing + 1
    return _merged(spans + _text_spans(text[position:]))


def _unpad(code: str) -> str:
    return code[1:-1] if len(code) > 2 and code[0] == code[-1] == " " and code.strip() else code


def _text_spans(text: str) -> list[Span]:
    spans: list[Span] = []
    position = 0
    for match in _INLINE.finditer(text):
        spans.append(Span("text", text[position : match.start()] + (match["escaped"] or "")))
        if match["strong"]:
            spans.append(Span("strong", match["strong"]))
        elif match["url"]:
            spans += [Span("text", f"{match['label']} ("), Span("code", match["url"]), Span("text", ")")]
        position = match.end()
    return _merged([*spans, Span("text", text[position:])])


def _merged(spans: list[Span]) -> list[Span]:
    """Join neighbouring text: what is alive only as a whole (`\\@` and `all`) must be seen as a whole."""
    merged: list[Span] = []
    for span in spans:
        if merged and merged[-1].kind == span.kind == "text":
            merged[-1] = Span("text", merged[-1].text + span.text)
        elif span.text:
            merged.append(span)
    return merged


def plain(text: str) -> str:
    """Return a Markdown text without any markup; a blank line stands between its blocks."""
    blocks = (block.text if block.kind == "code" else "".join(s.text for s in block.spans) for block in parse(text))
    return "\n\n".join(blocks)


# --- to Markdown --------------------------------------------------------------------------------------------------

_WORDS = re.compile(r"(\s+)")
# References, mentions, addresses, entities and math, as GitLab finds them in text; commits are found by their hex
_ALIVE = re.compile(
    r"""[@#!~%&$^]["'\w(\[{<&]|\$|://|(?i:www\.|mailto:|xmpp:)|(?<![\w-])(?=[a-f]{0,40}\d)[0-9a-f]{7,40}(?![\w-])"""
)
_SPECIAL = re.compile(r"[\\*\[\]~]|<(?=[A-Za-z/!?])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_STARTS = frozenset("#>+-=/:|{~")
"""What begins a block or a quick action where it begins a line; so does a number with a dot."""
_NUMBER_START = re.compile(r"(\d{1,9})([.)])(?=\s|$)")


def to_markdown(text: str) -> str:
    """Return a Markdown text such that nothing in it outside code is more than text; see the module's docstring."""
    out: list[str] = []
    before: Block | None = None
    for block in parse(text):
        if before is not None:
            out.append("\n" if before.kind == block.kind == "item" else "\n\n")
        out.append(_block(block))
        before = block
    return "".join(out)


def starts_with_prose(text: str) -> bool:
    """Tell whether a Markdown text begins with a paragraph, which may follow other words in their line."""
    return parse(text)[:1] == [] or parse(text)[0].kind == "paragraph"


def line_to_markdown(text: str) -> str:
    """The same for one line, which may stand anywhere in a line but at its beginning after blanks."""
    return _line(parse_line(" ".join(strip_controls(text).split())))


def _block(block: Block) -> str:
    if block.kind == "code":
        return fence(block.text, block.language)
    line = _line(block.spans)
    return f"{'  ' * block.depth}{block.marker} {line}" if block.kind == "item" else line


def _line(spans: tuple[Span, ...] | list[Span]) -> str:
    out = ""
    for span in spans:
        piece = code_span(span.text) if span.kind == "code" else _escape(span.text)
        if span.kind == "strong":
            piece = f"**{piece}**" if piece[:1].isalnum() and piece[-1:].isalnum() else piece
        out += (" " if out.endswith("`") and piece.startswith("`") else "") + piece
    return _escape_start(out.strip())


def _escape_start(line: str) -> str:
    return (
        f"\\{line}"
        if line[:1] in _STARTS
        else _NUMBER_START.sub(r"\1\\\2", line, count=1)
        if line[:1].isdigit()
        else line
    )


def _escape(text: str) -> str:
    """Escape what is Markdown; a word that GitLab would act on becomes a code span."""
    return "".join(_word(part) for part in _WORDS.split(text.replace("`", "'")))


def _word(word: str) -> str:
    if not _ALIVE.search(word):
        return _SPECIAL.sub(r"\\\g<0>", word)
    bare = word.rstrip(".,;:)")
    return code_span(bare) + word[len(bare) :]
