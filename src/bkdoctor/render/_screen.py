"""From titles, prose, snippets and log lines to the text of a terminal page, by rich.

Import it only to render: it imports rich. Everything given to it must be free of control characters.
"""

import io
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from bkdoctor.render import Options
from bkdoctor.render import _words as words
from bkdoctor.render._prose import Span, parse, parse_line
from bkdoctor.text import LANGUAGES, one_line

STYLES = {
    "title": "bold red",
    "heading": "bold",
    "code": "cyan",
    "strong": "bold",
    "faint": "dim",
    "caution": "yellow",
    "decisive": "bold red",
    "url": "blue",
}
_MAX_NOTES = 20


class Screen:
    """A page that is written from top to bottom."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._out = io.StringIO()
        self._console = Console(
            file=self._out,
            width=max(options.width, 40),
            height=100,
            force_terminal=options.colour or options.links,
            color_system="standard" if options.colour or options.links else None,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
            _environ={},
        )

    def text(self) -> str:
        """Return the page, ended by one newline."""
        lines = (line.rstrip() for line in self._out.getvalue().split("\n"))
        return "\n".join(lines).strip("\n") + "\n"

    def title(self, text: str) -> None:
        """Write what failed."""
        self._console.print(self._spans(parse_line(one_line(text)), "title"))
        self.blank()

    def heading(self, text: str) -> None:
        """Write the name of a part, after a blank line."""
        self.blank()
        self._console.print(self._spans(parse_line(one_line(text)), "heading"))

    def rule(self, text: str) -> None:
        """Write what separates one finding from the next."""
        self.blank()
        self._console.print(Text(f"{text} ".ljust(self._console.width, "-"), self._style("faint")))
        self.blank()

    def blank(self) -> None:
        """Write an empty line, unless there is one."""
        if self._out.getvalue() and not self._out.getvalue().endswith("\n\n"):
            self._console.line()

    def line(self, text: str) -> None:
        """Write a line that is never wrapped."""
        self._console.print(Text(one_line(text)), soft_wrap=True)

    def prose(self, markdown: str, indent: int = 0) -> None:
        """Write paragraphs, lists and code blocks."""
        last = None
        for block in parse(markdown):
            if last and not (last == block.kind == "item"):
                self.blank()
            last = block.kind
            if block.kind == "code":
                self.snippet(block.text, block.language)
            elif block.kind == "item":
                grid = Table.grid(padding=(0, 1, 0, 0))
                grid.add_row(Text(block.marker), self._spans(block.spans))
                self._padded(grid, indent + 2 * block.depth)
            else:
                self._padded(self._spans(block.spans), indent)

    def prose_text(self, text: str, indent: int = 0, style: str = "") -> None:
        """Write a paragraph that is no Markdown."""
        self._padded(Text(one_line(text), self._style(style)), indent)

    def rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Write names and values in two columns."""
        self.blank()
        grid = Table.grid(padding=(0, 2, 0, 0))
        for name, value in rows:
            grid.add_row(Text(name, self._style("strong")), Text(one_line(value), overflow="fold"))
        self._padded(grid, 2)

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: int) -> None:
        """Write rows of text under headings; the first columns hold numbers, as many as `numbers` says."""
        self.blank()
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for number, heading in enumerate(headings):
            name = Text(heading, self._style("faint"))
            table.add_column(name, justify="right" if number < numbers else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(one_line(cell), overflow="fold") for cell in row))
        self._padded(table, 2)

    def notes(self, heading: str, texts: Sequence[str]) -> None:
        """Write what is to be known of the answer itself; of many only the first, unless all shall be shown."""
        if not texts:
            return
        self.heading(heading)
        shown = texts if self._options.verbose else texts[:_MAX_NOTES]
        for text in shown:
            self.prose_text(f"- {text}", indent=2)
        if len(shown) < len(texts):
            self.prose_text(f"- and {len(texts) - len(shown)} more; option -v shows them", indent=2)

    def snippet(self, code: str, language: str) -> None:
        """Write code as it is between blank lines: not wrapped, not indented, not framed."""
        self.blank()
        self._console.print(self._highlighted(code.expandtabs(8).strip("\n"), language), soft_wrap=True)
        self.blank()

    def log(self, lines: Sequence[tuple[int, str, bool]], url: str | None) -> None:
        """Write lines of the log with their numbers, the decisive ones marked."""
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column()
        grid.add_column(justify="right")
        grid.add_column(overflow="fold")
        for number, text, decisive in lines:
            style = self._style("decisive" if decisive else "")
            link = self._link(f"{url}#L{number}") if url else ""
            shown = text.replace("\n", " ").expandtabs(8)
            grid.add_row(
                Text(">" if decisive else "", style),
                Text(str(number), link or self._style("faint")),
                Text(shown, style),
            )
        self._padded(grid, 1)

    def address(self, url: str) -> None:
        """Write an address in a line of its own, not wrapped."""
        line = Text("  ").append(one_line(url), self._link(url) or self._style("url"))
        self._console.print(line, soft_wrap=True)

    def _padded(self, content: Text | Table, indent: int) -> None:
        self._console.print(Padding(content, (0, 0, 0, indent), expand=False))

    def _style(self, name: str) -> str:
        return STYLES[name] if name and self._options.colour else ""

    def _link(self, url: str) -> Style | str:
        good = words.safe_url(url)
        return Style(link=good) if self._options.links and good else ""

    def _spans(self, spans: Sequence[Span], base: str = "") -> Text:
        text = Text(style=self._style(base), overflow="fold")
        for span in spans:
            if span.kind == "code":
                ticks = "" if self._options.colour else "`"
                text.append(f"{ticks}{span.text}{ticks}", self._style("code"))
            else:
                text.append(span.text, self._style("strong" if span.kind == "strong" else ""))
        return text

    def _highlighted(self, code: str, language: str) -> Text:
        if not self._options.colour or language not in LANGUAGES or language == "text":
            return Text(code)
        from rich.syntax import Syntax

        return Syntax(code, language, theme="ansi_dark", background_color="default").highlight(code)
