"""From what patterns say of each other to what is wrong with it: names of nothing, circles, a name used twice."""

import re
from collections.abc import Iterator

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.entry import Entry

_SEE = re.compile(r"\bsee `?([a-z0-9]+(?:-[a-z0-9]+)+)")
_KEBAB = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def check_relations(entry: Entry, catalog: Catalog) -> Iterator[str]:
    """Yield what is wrong with the names that a pattern has and gives."""
    pattern = entry.pattern
    if not _KEBAB.fullmatch(entry.id):
        yield f"the file's name is the id and must be kebab-case: rename {entry.path}"
    for alias in pattern.aliases:
        if alias in catalog.entries:
            yield f"aliases names {alias!r}, which is a pattern itself: choose another"
    for key, specs in (("masks", pattern.masks), ("yields_to", pattern.yields_to)):
        for spec in specs:
            if not any(catalog.covers(spec, other) for other in catalog.entries.values()):
                yield f"{key} names {spec!r}, which is no pattern: mend or remove it"
            elif catalog.covers(spec, entry) and not spec.endswith("/*"):
                yield f"{key} names {spec!r}, the pattern itself: remove it"
    texts = [pattern.explain.summary, pattern.explain.cause, *(e.why or "" for e in pattern.example)]
    texts += [fix.note or "" for fix in pattern.fix]
    for name in dict.fromkeys(n for text in texts for n in _SEE.findall(text)):
        if catalog.get(name) is None:
            yield f'the text says "see {name}", which is no pattern: mend or remove it'


def circles(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Yield each pattern that masks one by which it is masked, with the way back."""
    edges = {e.id: list(_masked_by(e, catalog)) for e in catalog.entries.values()}
    for start in edges:
        way = _way_back(start, edges)
        if way:
            yield start, f"masks and yields_to go in a circle: {' > '.join(way)}. Break it"


def _way_back(start: str, edges: dict[str, list[str]]) -> list[str]:
    """Return the shortest way along `edges` from `start` to itself, nothing if there is none."""
    came: dict[str, str] = {}
    todo = [start]
    for node in todo:
        for other in edges[node]:
            if other not in came:
                came[other] = node
                todo.append(other)
    way = [start] if start in came else []
    while way and (len(way) == 1 or way[-1] != start):
        way.append(came[way[-1]])
    return way[::-1]


def _masked_by(entry: Entry, catalog: Catalog) -> Iterator[str]:
    """Yield the ids of the patterns that `entry` masks, said by either side."""
    for other in catalog.entries.values():
        if other is entry:
            continue
        if any(catalog.covers(s, other) for s in entry.pattern.masks) or any(
            catalog.covers(s, entry) for s in other.pattern.yields_to
        ):
            yield other.id
