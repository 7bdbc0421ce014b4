"""Writes every generated file, or with --check says which are not current.

Generated are the schema and the index of the patterns, the notes beside the sample logs, and the README's picture.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from bkdoctor.catalog.catalog import Catalog, load
from bkdoctor.catalog.pages import index_text, schema_text
from bkdoctor.doctor import diagnose
from bkdoctor.model import Facts, Source
from bkdoctor.render import load as load_render

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "sample_logs"


def generated(catalog: Catalog) -> Iterator[tuple[Path, str]]:
    """Yield each generated file and what it must hold."""
    yield ROOT / "patterns" / "schema.json", schema_text()
    yield ROOT / "patterns" / "README.md", index_text(catalog)
    for log in sample_logs():
        yield log.with_suffix(".md"), note(log, catalog)


def sample_logs() -> list[Path]:
    """Return the sample logs that have a note beside them: all but those of passing jobs."""
    return sorted(p for p in SAMPLES.glob("*/*.log") if p.parent.name != "passing")


def note(log: Path, catalog: Catalog) -> str:
    """Return the note for a sample log, as the webhook bot would post it."""
    known = Facts(job="build-image", web_url="https://gitlab.example.com/team/app/-/jobs/4242")
    report = diagnose(log.read_bytes(), catalog, known=known, source=Source(name=log.name))
    return load_render("markdown")(report)


def main() -> int:
    """Write the files, or only compare them; 1 if one is not current."""
    check = "--check" in sys.argv
    stale = []
    for path, text in generated(load([])):
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(path)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{'not current' if check else 'wrote'}: {path.relative_to(ROOT)}")  # noqa: T201
    if stale and check:
        print("Run make bless and look at the diff.")  # noqa: T201
    return int(bool(stale and check))


if __name__ == "__main__":
    sys.exit(main())
