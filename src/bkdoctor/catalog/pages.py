"""From the catalogue to the files that are generated from it: the JSON Schema and the index of patterns."""

import json
from collections.abc import Iterator
from inspect import cleandoc

import msgspec

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.pattern import Pattern

_HEAD = """\
# Patterns

<!-- Written by `make bless` from the pattern files. -->

One failure, one file: `FAMILY/ID.toml`. How to add one stands in [CONTRIBUTING.md](../CONTRIBUTING.md), the format in
[docs/patterns.md](../docs/patterns.md) and [schema.json](schema.json). `recipes/` holds configuration that many
patterns share, `vocabulary.toml` the types of placeholders.
"""


def schema_text() -> str:
    """Return the JSON Schema of a pattern file."""
    schema = msgspec.json.schema(Pattern)
    for part in schema["$defs"].values():
        # msgspec before 0.23 gives docstrings with the indents of the source
        if "description" in part:
            part["description"] = cleandoc(part["description"])
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "bkdoctor pattern", **schema}
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def index_text(catalog: Catalog) -> str:
    """Return the index of all patterns by family, as Markdown."""
    return _HEAD + "".join(_family(catalog, family) for family in _families(catalog))


def _families(catalog: Catalog) -> list[str]:
    return sorted({entry.family for entry in catalog.entries.values()})


def _family(catalog: Catalog, family: str) -> str:
    return f"\n## {family}\n\n| id | what failed | who can change it |\n| --- | --- | --- |\n" + "".join(
        _rows(catalog, family)
    )


def _rows(catalog: Catalog, family: str) -> Iterator[str]:
    for entry in sorted(catalog.entries.values(), key=lambda e: e.id):
        if entry.family == family:
            title = entry.pattern.title.replace("|", "\\|")
            yield f"| [{entry.id}]({family}/{entry.id}.toml) | {title} | {entry.pattern.owner} |\n"
