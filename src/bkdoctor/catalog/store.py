"""The catalogue in one file: what was read from folders of patterns, kept where it is read in a few milliseconds.

Beside it stands what looks for its literals, in compiled form; that file fits one kind of machine. The file's name is a
hash of every pattern file's name, size and time of change, so that a change makes another file; it is written aside and
moved into place, so that two processes may do it at once. Without a folder for it, or when it cannot be written, the
patterns are read each time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from bkdoctor import __version__
from bkdoctor.catalog.catalog import Catalog, Index, builtin_name, load
from bkdoctor.catalog.entry import Entry
from bkdoctor.catalog.expressions import Expressions
from bkdoctor.catalog.kept import write
from bkdoctor.catalog.pattern import Recipe
from bkdoctor.catalog.template import Type
from bkdoctor.digests import blake2b
from bkdoctor.trace.finder import Searcher, fingerprint

if TYPE_CHECKING:
    from pathlib import Path

_FORMAT = "2"


class _Packed(msgspec.Struct, frozen=True):
    paths: list[str]
    patterns: list[msgspec.Raw]
    recipes: dict[str, Recipe]
    types: dict[str, Type]
    index: Index
    finder: str
    """Names the compiled form of the literals."""


def load_stored(folders: Sequence[Path], *, builtin: bool, cache: str | os.PathLike[str] | None) -> Catalog:
    """Return the catalogue of these folders, from its file in `cache` if there is one, which else is written.

    Raises what `load` raises.
    """
    if cache is None:
        return load(folders, builtin=builtin)
    name = fingerprint_of(folders, builtin=builtin)
    path = os.path.join(cache, f"catalog-{name}.msgpack")
    expressions = Expressions(os.path.join(cache, f"expressions-{name}.bin"))
    packed = _read(path)
    if packed is None:
        catalog = load(folders, builtin=builtin, expressions=expressions)
        finder = fingerprint(catalog.literals)
        write(path, _pack(catalog, finder))
    else:
        catalog, finder = _unpacked(packed, expressions), packed.finder
    catalog.searcher = _stored_searcher(catalog.literals, os.path.join(cache, f"finder-{finder}.hs"))
    return catalog


def _read(path: str) -> _Packed | None:
    with contextlib.suppress(OSError, msgspec.MsgspecError), open(path, "rb") as file:
        return msgspec.msgpack.decode(file.read(), type=_Packed)
    return None


def _stored_searcher(literals: list[str], path: str) -> Searcher:
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return Searcher(literals, file.read())
    searcher = Searcher(literals)
    if compiled := searcher.dump():
        write(path, compiled)
    return searcher


def fingerprint_of(folders: Sequence[Path], *, builtin: bool) -> str:
    """Return what changes with every change of these patterns or of bkdoctor's version."""
    digest = blake2b(f"{_FORMAT} {__version__} {builtin}".encode(), digest_size=12)
    for folder in (builtin_name(), *map(os.fspath, folders)):
        digest.update(os.fsencode(os.path.abspath(folder)))
        for name, stat in sorted(_files(folder, 3)):
            digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _files(folder: str, depth: int) -> Iterator[tuple[str, os.stat_result]]:
    """Yield path and state of every TOML file below a folder; a folder that is not there has none."""
    with contextlib.suppress(OSError), os.scandir(folder) as found:
        for item in found:
            if item.name.endswith(".toml"):
                yield item.path, item.stat()
            elif depth > 1 and item.is_dir():
                yield from _files(item.path, depth - 1)


def _pack(catalog: Catalog, finder: str) -> bytes:
    entries = catalog.entries.values()
    return msgspec.msgpack.encode(
        _Packed(
            paths=[os.fspath(e.file) for e in entries],
            patterns=[msgspec.Raw(msgspec.msgpack.encode(e.pattern)) for e in entries],
            recipes={f"{method}/{section}": recipe for (method, section), recipe in catalog.recipes.items()},
            types=catalog.types,
            index=catalog.index,
            finder=finder,
        )
    )


def _unpacked(packed: _Packed, expressions: Expressions) -> Catalog:
    read = zip(packed.paths, packed.patterns, strict=True)
    entries = [Entry(path, raw, packed.types, expressions) for path, raw in read]
    recipes = {(key.partition("/")[0], key.partition("/")[2]): recipe for key, recipe in packed.recipes.items()}
    return Catalog({e.id: e for e in entries}, recipes, packed.types, packed.index, expressions)
