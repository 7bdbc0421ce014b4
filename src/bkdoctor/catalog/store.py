"""The catalogue in one file: what was read from folders of patterns, kept where it is read in a few milliseconds.

That of bkdoctor's own patterns is in the wheel. Of other folders it is in the user's cache folder: its name is a hash
of every pattern file's name, size and time of change, so that a change makes another file; it is written aside and
moved into place, so that two processes may do it at once. Beside it stands what was compiled for this kind of machine:
what looks for the literals, and regular expressions. Where nothing can be written, all is read and compiled each time.
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
from bkdoctor.catalog.pattern import Recipe
from bkdoctor.catalog.template import Type
from bkdoctor.digests import blake2b
from bkdoctor.kept import write
from bkdoctor.trace.finder import Searcher, fingerprint

if TYPE_CHECKING:
    from pathlib import Path

_FORMAT = "3"
PACKAGED = "catalog.msgpack"
"""The file in the wheel's folder of patterns."""
_INSTALLING = 600
"""Seconds that writing the files of a wheel may take."""


class _Packed(msgspec.Struct, frozen=True):
    paths: list[str]
    patterns: list[msgspec.Raw]
    recipes: dict[str, Recipe]
    types: dict[str, Type]
    index: Index
    finder: str
    """Names the compiled form of the literals."""


def load_stored(folders: Sequence[Path], *, builtin: bool, cache: str | os.PathLike[str] | None) -> Catalog:
    """Return the catalogue of these folders, from its file if there is one; else it is written in `cache`.

    Raises what `load` raises.
    """
    packed = _read(os.path.join(builtin_name(), PACKAGED)) if builtin and not folders and _is_packaged() else None
    if cache is None:
        return load(folders, builtin=builtin) if packed is None else _unpacked(packed, Expressions())
    name = f"packaged-{__version__}" if packed is not None else fingerprint_of(folders, builtin=builtin)
    path = os.path.join(cache, f"catalog-{name}.msgpack")
    expressions = Expressions(os.path.join(cache, f"expressions-{name}.bin"))
    packed = packed or _read(path)
    if packed is None:
        catalog = load(folders, builtin=builtin, expressions=expressions)
        finder = fingerprint(catalog.literals)
        write(path, _pack(catalog, finder))
    else:
        catalog, finder = _unpacked(packed, expressions), packed.finder
    catalog.searcher = Searcher(catalog.literals, os.path.join(cache, f"finder-{finder}.hs"))
    return catalog


def packaged() -> bytes:
    """Return what the wheel holds as PACKAGED. Raises PatternError."""
    catalog = load((), builtin=True)
    return _pack(catalog, fingerprint(catalog.literals))


def _is_packaged() -> bool:
    """Whether the wheel's catalogue is that of the files beside it: none was changed since they were installed."""
    with contextlib.suppress(OSError):
        made = os.stat(os.path.join(builtin_name(), PACKAGED)).st_mtime
        return all(stat.st_mtime < made + _INSTALLING for _, stat in _files(builtin_name(), 3))
    return False


def _read(path: str) -> _Packed | None:
    with contextlib.suppress(OSError, msgspec.MsgspecError), open(path, "rb") as file:
        return msgspec.msgpack.decode(file.read(), type=_Packed)
    return None


def fingerprint_of(folders: Sequence[Path], *, builtin: bool) -> str:
    """Return what changes with the patterns, with bkdoctor's version, and with what is compiled beside the patterns."""
    # a checkout has other marks of structure under the same version
    digest = blake2b(f"{_FORMAT} {__version__} {builtin} {fingerprint(())}".encode(), digest_size=12)
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
            paths=[_shortened(os.fspath(e.file)) for e in entries],
            patterns=[msgspec.Raw(msgspec.msgpack.encode(e.pattern)) for e in entries],
            recipes={f"{method}/{section}": recipe for (method, section), recipe in catalog.recipes.items()},
            types=catalog.types,
            index=catalog.index,
            finder=finder,
        )
    )


def _shortened(path: str) -> str:
    """Return the path of one of our own patterns within their folder; the catalogue's file may be moved with it."""
    return os.path.relpath(path, builtin_name()) if path.startswith(builtin_name() + os.sep) else path


def _unpacked(packed: _Packed, expressions: Expressions) -> Catalog:
    own, read = builtin_name(), zip(packed.paths, packed.patterns, strict=True)
    entries = [Entry(os.path.join(own, path), raw, packed.types, expressions) for path, raw in read]
    recipes = {(key.partition("/")[0], key.partition("/")[2]): recipe for key, recipe in packed.recipes.items()}
    return Catalog({e.id: e for e in entries}, recipes, packed.types, packed.index, expressions)
