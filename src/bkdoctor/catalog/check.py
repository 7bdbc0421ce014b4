"""From a Catalog to its faults: what each pattern file must prove before it may speak to a user.

Checks that need a diagnosis are given the function that makes one, since this room comes before that one.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.entry import Entry
from bkdoctor.catalog.examples import Diagnose, check_examples
from bkdoctor.catalog.passing import check_silence, common_literals
from bkdoctor.catalog.relations import check_relations, circles
from bkdoctor.catalog.snippets import check_snippets
from bkdoctor.errors import PatternError
from bkdoctor.model import Facts

SHORTEST_LITERAL = 4


class Fault(NamedTuple):
    """One thing that is wrong with one pattern."""

    id: str
    message: str

    def __str__(self) -> str:
        return f"{self.id}: {self.message}"


def check(catalog: Catalog, run: Diagnose, only: Collection[str] = (), passing: Sequence[Path] = ()) -> list[Fault]:
    """Return the faults of the patterns named in `only` (all, if none is).

    `run` diagnoses a log; `passing` are logs of jobs that passed, on which the catalogue must be silent.
    """
    chosen = set(only) or set(catalog.entries)
    broken = dict(_broken([e for e in catalog.entries.values() if e.id in chosen]))
    whole = Catalog({i: e for i, e in catalog.entries.items() if i not in broken}, catalog.recipes, catalog.types)
    faults = [Fault(i, message) for i, message in broken.items()]
    faults += [
        fault for entry in whole.entries.values() if entry.id in chosen for fault in check_one(entry, whole, run)
    ]
    return [f for f in (*faults, *check_whole(whole, run, passing)) if f.id in chosen]


def _broken(entries: Iterable[Entry]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        try:
            entry.validate()
        except PatternError as error:
            yield entry.id, str(error)


def check_whole(catalog: Catalog, run: Diagnose, passing: Sequence[Path] = ()) -> Iterator[Fault]:
    """Yield what only the patterns together can do wrong."""
    for found in (circles(catalog), common_literals(catalog, passing)):
        yield from (Fault(*fault) for fault in found)
    for path in passing:
        yield from (Fault(*fault) for fault in check_silence(path, lambda log: run(log, Facts(), catalog)))


def check_one(entry: Entry, catalog: Catalog, run: Diagnose) -> list[Fault]:
    """Return what is wrong with one pattern of a catalogue in which none is broken."""
    checks = (
        _check_todo("", msgspec.to_builtins(entry.pattern)),
        _check_match(entry),
        check_relations(entry, catalog),
        check_snippets(entry, catalog),
        check_examples(entry, catalog, run),
    )
    return [Fault(entry.id, message) for messages in checks for message in messages]


def _check_todo(key: str, value: object) -> Iterator[str]:
    """Yield the keys that still hold what `patterns new` wrote there."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _check_todo(f"{key}.{name}" if key else name, inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from _check_todo(f"{key} {number}", inner)
    elif isinstance(value, str) and (value.strip() == "TODO" or "TODO: " in value) and not key.startswith("match"):
        yield f"{key} is still to be written (TODO)"


def _check_match(entry: Entry) -> Iterator[str]:
    match = entry.pattern.match
    if not match.lines and not match.facts.get("failure_reason"):
        yield "[match] needs `lines`, or `facts` with a failure_reason"
    for name in match.facts:
        if name not in Facts.__struct_fields__:
            yield f"match.facts names {name!r}, which is no fact: mend or remove it"
    for template in entry.templates():
        if len(template.literal.strip()) < SHORTEST_LITERAL:
            yield f"{template.source!r} has no literal of {SHORTEST_LITERAL} characters or more to prefilter by"
