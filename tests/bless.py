"""Writes every generated file, or with --check says which are not current.

Generated are the schema and the index of the patterns, the catalogue's pages, the page of `migrate`, the notes beside the
sample logs, and the README's picture. A page or note whose pattern or log is gone is removed.
"""

import io
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from bkdoctor.catalog.catalog import Catalog, load
from bkdoctor.catalog.pages import index_text, schema_text
from bkdoctor.doctor import diagnose
from bkdoctor.handbook import pages
from bkdoctor.migrate.page import migration_page
from bkdoctor.model import Facts, Source
from bkdoctor.render import Options
from bkdoctor.render import load as load_render
from bkdoctor.text import shorten
from bkdoctor.trace.log import Log

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "sample_logs"
CATALOGUE = ROOT / "docs" / "catalogue"
DEMO = SAMPLES / "rootless" / "rootless-apparmor-denies-mount.log"
_WIDTH = 92
_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="A failed job and its answer">
<style>
.{unique_id}-matrix {{ font: {char_height}px "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace; line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g></g></svg>
"""  # rich's own template loads a font from the web, which nobody's README may


def generated(catalog: Catalog) -> Iterator[tuple[Path, str]]:
    """Yield each generated file and what it must hold."""
    yield ROOT / "patterns" / "schema.json", schema_text()
    yield ROOT / "patterns" / "README.md", index_text(catalog)
    for name, text in pages(catalog):
        yield CATALOGUE / name, text
    for log in sample_logs():
        yield log.with_suffix(".md"), note(log, catalog)
    yield ROOT / "docs" / "migrate.md", migration_page()
    yield ROOT / "docs" / "demo.svg", picture(catalog)


def stale(current: Iterable[Path]) -> list[Path]:
    """Return the pages and notes that stand there and are not generated any more."""
    written = [*CATALOGUE.glob("*.md"), *(p for p in SAMPLES.glob("*/*.md") if p.name != "README.md")]
    return sorted(set(written) - set(current))


def sample_logs() -> list[Path]:
    """Return the sample logs that have a note beside them: all but those of passing jobs."""
    return sorted(p for p in SAMPLES.glob("*/*.log") if p.parent.name != "passing")


def note(log: Path, catalog: Catalog) -> str:
    """Return the note for a sample log, as the webhook bot would post it."""
    known = Facts(job="build-image", web_url="https://gitlab.example.com/team/app/-/jobs/4242")
    report = diagnose(log.read_bytes(), catalog, known=known, source=Source(name=log.name))
    return load_render("markdown")(report)


def picture(catalog: Catalog) -> str:
    """Return the README's picture as SVG: the end of the demo's log, then the answer up to its first fix."""
    from rich.console import Console
    from rich.text import Text

    raw = DEMO.read_bytes()
    report = diagnose(raw, catalog, known=Facts(kubernetes="1.31"), source=Source(name="job.log"))
    answer = load_render("terminal")(report, Options(width=_WIDTH, colour=True))
    first = re.split(r"\n(?:\x1b\[[\d;]*m)*(?:Fix 2:|Evidence)", answer)[0].rstrip("\n")
    log = Log(raw)
    tail = [log.line(n).text.rstrip() for n in log.numbers() if log.line(n).text.strip()][-8:]
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), _environ={})
    console.print(Text("$ tail job.log", style="bold"))
    console.print(*(Text(shorten(line, _WIDTH), style="dim") for line in tail), sep="\n")
    console.print(Text("\n$ bkdoctor log --kubernetes 1.31 job.log", style="bold"))
    console.print(Text.from_ansi(first))
    console.print(Text("\n… then the other fix, the evidence, the pages to read", style="dim"))
    svg = console.export_svg(title="bkdoctor", unique_id="demo", code_format=_SVG)
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


def _same(path: Path, text: str) -> bool:
    """Whether a file holds this text; of a picture only its words count, since rich's drawing changes with its version."""
    found = path.read_text(encoding="utf-8")
    if path.suffix == ".svg":
        return _words(found) == _words(text)
    return found == text


def _words(svg: str) -> list[str]:
    return re.sub(r"<style.*?</style>|<[^>]*>", " ", svg, flags=re.DOTALL).split()


def main() -> int:
    """Write the files, or only compare them; 1 if one is not current."""
    check = "--check" in sys.argv
    faults = []
    files = dict(generated(load([])))
    for path, text in files.items():
        if not path.is_file() or not _same(path, text):
            faults.append(f"{'not current' if check else 'wrote'}: {path.relative_to(ROOT)}")
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    for path in stale(files):
        faults.append(f"{'not generated any more' if check else 'removed'}: {path.relative_to(ROOT)}")
        if not check:
            path.unlink()
    print(*faults, sep="\n", end="\n" if faults else "")  # noqa: T201
    if faults and check:
        print("Run make bless and look at the diff.")  # noqa: T201
    return int(bool(faults and check))


if __name__ == "__main__":
    sys.exit(main())
