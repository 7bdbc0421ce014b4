"""From a Catalog to its faults: what each pattern file must prove before it may speak to a user.

Checks that need a diagnosis are given the function that makes one, since this room comes before that one.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.entry import Entry
from bkdoctor.catalog.examples import check_examples
from bkdoctor.catalog.snippets import check_snippets
from bkdoctor.errors import PatternError
from bkdoctor.model import Facts, Report

Diagnose = Callable[[bytes, Facts], Report]

_SEE = re.compile(r"\bsee ([a-z0-9]+(?:-[a-z0-9]+)+)")
_KEBAB = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SHORTEST_LITERAL = 4


class Fault(NamedTuple):
    """One thing that is wrong with one pattern."""

    id: str
    message: str

    def __str__(self) -> str:
        return f"{self.id}: {self.message}"


def check(catalog: Catalog, run: Diagnose, only: Iterable[str] = (), passing: Iterable[Path] = ()) -> list[Fault]:
    """Return the faults of the patterns named in `only` (all, if none is), then of the passing logs.

    `run` diagnoses a log with the whole catalogue; `passing` are logs of jobs that passed, on which it must be silent.
    """
    chosen = [catalog.entries[i] for i in only] or list(catalog.entries.values())
    faults = [Fault(entry.id, message) for entry in chosen for message in _check_one(entry, catalog, run)]
    faults += [Fault(i, message) for i, message in _circles(catalog)]
    return faults + [fault for path in passing for fault in _check_silence(path, run)]


def _check_one(entry: Entry, catalog: Catalog, run: Diagnose) -> Iterator[str]:
    if not _KEBAB.fullmatch(entry.id):
        yield f"the file's name is the id and must be kebab-case: rename {entry.path}"
    try:
        entry.validate()
    except PatternError as error:
        yield str(error)
        return
    yield from _check_match(entry)
    yield from _check_references(entry, catalog)
    yield from check_snippets(entry, catalog)
    yield from check_examples(entry, run)


def _check_match(entry: Entry) -> Iterator[str]:
    match = entry.pattern.match
    if not match.lines and not match.facts:
        yield "[match] needs `lines` or `facts`"
    for template in entry.templates():
        if len(template.literal.strip()) < SHORTEST_LITERAL:
            yield f"{template.source!r} has no literal of {SHORTEST_LITERAL} characters or more to prefilter by"


def _check_references(entry: Entry, catalog: Catalog) -> Iterator[str]:
    pattern = entry.pattern
    for key, specs in (("masks", pattern.masks), ("yields_to", pattern.yields_to)):
        for spec in specs:
            if not any(catalog.covers(spec, other) for other in catalog.entries.values()):
                yield f"{key} names {spec!r}, which is no pattern: mend or remove it"
    texts = [pattern.explain.summary, pattern.explain.cause, *(e.why or "" for e in pattern.example)]
    texts += [fix.note or "" for fix in pattern.fix]
    for name in {n for text in texts for n in _SEE.findall(text)}:
        if catalog.get(name) is None:
            yield f'the text says "see {name}", which is no pattern: mend or remove it'


def _circles(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Yield each pattern that masks one by which it is masked."""
    edges = {e.id: set(_masked_by(e, catalog)) for e in catalog.entries.values()}
    for start in edges:
        seen: set[str] = set()
        todo = list(edges[start])
        while todo:
            node = todo.pop()
            if node == start:
                yield start, "masks and yields_to go in a circle through this pattern: break it"
                break
            if node not in seen:
                seen.add(node)
                todo.extend(edges[node])


def _masked_by(entry: Entry, catalog: Catalog) -> Iterator[str]:
    """Yield the ids of the patterns that `entry` masks, said by either side."""
    for other in catalog.entries.values():
        if other is entry:
            continue
        if any(catalog.covers(s, other) for s in entry.pattern.masks) or any(
            catalog.covers(s, entry) for s in other.pattern.yields_to
        ):
            yield other.id


def _check_silence(path: Path, run: Diagnose) -> Iterator[Fault]:
    report = run(path.read_bytes(), Facts())
    for finding in report.findings:
        line = finding.evidence[0].text if finding.evidence else ""
        yield Fault(finding.id, f"speaks on a job that passed, {path.name}: {line!r}")
