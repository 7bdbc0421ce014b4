"""`bkdoctor patterns check`: brings the catalogue's checks and the diagnosis together."""

import os
from collections.abc import Sequence
from pathlib import Path

from bkdoctor.catalog import catalog as rooms
from bkdoctor.catalog.check import check
from bkdoctor.doctor import diagnose
from bkdoctor.errors import InputError, PatternError, UsageError
from bkdoctor.model import Facts, Report


def check_catalog(names: Sequence[str], folders: Sequence[Path]) -> tuple[list[str], int]:
    """Check the patterns named by file, folder or id (all, if none is) in the whole catalogue.

    A file or folder outside the known folders of patterns is checked together with them.
    Returns the faults as text, and how many patterns were checked. Raises UsageError for a name that is no pattern.
    """
    known = [rooms.builtin_folder(), *folders]
    catalog, broken = load_tolerant([*folders, *(f for f in map(_folder_of, names) if f and not _is_among(f, known))])
    only = {i for name in names for i in _ids_of(name, catalog, broken)}
    chosen = only & catalog.entries.keys()
    faults = check(catalog, run, chosen, () if names else passing_logs()) if chosen or not names else []
    shown = [message for i, message in broken.items() if not names or i in only]
    return [*shown, *map(str, faults)], len(only) or len(catalog.entries) + len(broken)


def run(log: bytes, known: Facts, catalog: rooms.Catalog) -> Report:
    """Diagnose a log for the checks."""
    return diagnose(log, catalog, known=known)


def load_tolerant(folders: Sequence[Path]) -> tuple[rooms.Catalog, dict[str, str]]:
    """Return the catalogue without the files that are broken, and for each of those its id and what is wrong."""
    catalog = rooms.load([], builtin=False)
    broken: dict[str, str] = {}
    own = () if os.environ.get("BKDOCTOR_NO_BUILTIN") == "1" else (rooms.builtin_folder(),)
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder of patterns. Check --patterns and BKDOCTOR_PATTERNS.")
        catalog.types.update(rooms.types_of(folder))
    for folder in (*own, *folders):
        catalog.recipes.update(rooms.recipes_of(folder))
        for path in rooms.pattern_files(folder):
            try:
                entry = rooms.read_entry(path, catalog.types)
                list(entry.templates())
            except PatternError as error:
                broken[path.stem] = str(error)
                catalog.entries.pop(path.stem, None)
            else:
                catalog.entries[entry.id] = entry
                broken.pop(entry.id, None)
    return catalog, broken


def passing_logs() -> list[Path]:
    """Return the logs of passing jobs beside the sources; an installed package has none."""
    return sorted((rooms.builtin_folder().parent / "sample_logs" / "passing").glob("*.log"))


def _folder_of(name: str) -> Path | None:
    """Return the folder of patterns that holds the file or family `name`, or is `name`; None for an id."""
    path = Path(name)
    if path.is_file() and path.suffix == ".toml":
        return path.absolute().parent.parent
    if not path.is_dir():
        return None
    return path.absolute() if any(path.glob("*/*.toml")) else path.absolute().parent


def _is_among(folder: Path, known: Sequence[Path]) -> bool:
    return any(folder.resolve() == other.resolve() for other in known)


def _ids_of(name: str, catalog: rooms.Catalog, broken: dict[str, str]) -> list[str]:
    path = Path(name)
    if path.is_dir():
        found = [p.stem for p in (rooms.pattern_files(path) or sorted(path.glob("*.toml"))) if p.stem != "vocabulary"]
    else:
        pattern_id = path.stem if name.endswith(".toml") else name.rpartition("/")[2]
        found = [catalog.aliases.get(pattern_id, pattern_id)]
    missing = [i for i in found if i not in catalog.entries and i not in broken]
    if missing or not found or (name.endswith(".toml") and not path.is_file()):
        raise UsageError(f"{name}: no such pattern. Give the path of its file, or its id (`bkdoctor patterns list`).")
    return found
