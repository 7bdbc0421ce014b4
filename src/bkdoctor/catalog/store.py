"""The catalogue in one file: what was read from folders of patterns, kept where it is read in a few milliseconds.

Beside it stands what looks for its literals, in compiled form; that file fits one kind of machine. The file's name is a
hash of every pattern file's name, size and time of change, so that a change makes another file; it is written aside and
moved into place, so that two processes may do it at once. Without a folder for it, or when it cannot be written, the
patterns are read each time.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from bkdoctor import __version__
from bkdoctor.catalog.catalog import Catalog, Index, builtin_folder, load
from bkdoctor.catalog.entry import Entry
from bkdoctor.catalog.pattern import Recipe
from bkdoctor.catalog.template import Type
from bkdoctor.trace.finder import Searcher, fingerprint

_FORMAT = "1"
_KEPT = 4
"""Files that stay in the folder: of other versions and other sets of patterns."""


class _Packed(msgspec.Struct, frozen=True):
    paths: list[str]
    patterns: list[msgspec.Raw]
    recipes: dict[str, Recipe]
    types: dict[str, Type]
    index: Index


def load_stored(folders: Sequence[Path], *, builtin: bool, cache: Path | None) -> Catalog:
    """Return the catalogue of these folders, from its file in `cache` if there is one, which else is written.

    Raises what `load` raises.
    """
    if cache is None:
        return load(folders, builtin=builtin)
    path = cache / f"catalog-{_fingerprint(folders, builtin)}.msgpack"
    catalog = _read(path)
    if catalog is None:
        catalog = load(folders, builtin=builtin)
        _write(path, _pack(catalog))
    catalog.searcher = _stored_searcher(catalog.literals, cache)
    return catalog


def _read(path: Path) -> Catalog | None:
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return _unpack(path.read_bytes())
    return None


def _stored_searcher(literals: list[str], cache: Path) -> Searcher:
    path = cache / f"finder-{fingerprint(literals)}.hs"
    with contextlib.suppress(OSError):
        return Searcher(literals, path.read_bytes())
    searcher = Searcher(literals)
    if compiled := searcher.dump():
        _write(path, compiled)
    return searcher


def _fingerprint(folders: Sequence[Path], builtin: bool) -> str:
    digest = hashlib.blake2b(f"{_FORMAT} {__version__} {builtin}".encode(), digest_size=12)
    for folder in (builtin_folder(), *folders):
        digest.update(os.fsencode(folder.absolute()))
        for name, stat in sorted(_files(os.fspath(folder), 3)):
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


def _pack(catalog: Catalog) -> bytes:
    entries = catalog.entries.values()
    return msgspec.msgpack.encode(
        _Packed(
            paths=[os.fspath(e.file) for e in entries],
            patterns=[msgspec.Raw(msgspec.msgpack.encode(e.pattern)) for e in entries],
            recipes={f"{method}/{section}": recipe for (method, section), recipe in catalog.recipes.items()},
            types=catalog.types,
            index=catalog.index,
        )
    )


def _unpack(data: bytes) -> Catalog:
    packed = msgspec.msgpack.decode(data, type=_Packed)
    entries = [Entry(p, raw, packed.types) for p, raw in zip(packed.paths, packed.patterns, strict=True)]
    recipes = {(key.partition("/")[0], key.partition("/")[2]): recipe for key, recipe in packed.recipes.items()}
    return Catalog({e.id: e for e in entries}, recipes, packed.types, packed.index)


def _write(path: Path, data: bytes) -> None:
    """Write a file at once, and remove old ones of its kind; where that cannot be, all is read again the next time."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    kind = f"{path.name.partition('-')[0]}-*{path.suffix}"
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            aside.write_bytes(data)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        others = sorted(path.parent.glob(kind), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in others[_KEPT:]:
            old.unlink(missing_ok=True)
