"""`bkdoctor patterns check`: brings the catalogue's checks and the diagnosis together."""

from collections.abc import Sequence
from pathlib import Path

from bkdoctor.catalog import catalog as rooms
from bkdoctor.catalog.check import check
from bkdoctor.doctor import diagnose
from bkdoctor.errors import PatternError, UsageError
from bkdoctor.model import Facts, Report


def check_catalog(names: Sequence[str], folders: Sequence[Path]) -> tuple[list[str], int]:
    """Check the patterns named by file or id (all, if none is) in the whole catalogue.

    Returns the faults as text, and how many patterns were checked. Raises UsageError for a name that is no pattern.
    """
    catalog, broken = load_tolerant(folders)
    only = [_id_of(name, catalog, broken) for name in names]

    def run(log: bytes, known: Facts) -> Report:
        return diagnose(log, catalog, known=known)

    faults = check(catalog, run, [i for i in only if i in catalog.entries], () if names else passing_logs())
    shown = [str(f) for f in faults] + [m for i, m in broken.items() if not only or i in only]
    return shown, len(only) or len(catalog.entries)


def load_tolerant(folders: Sequence[Path]) -> tuple[rooms.Catalog, dict[str, str]]:
    """Return the catalogue without the files that are broken, and for each of those its id and what is wrong."""
    catalog = rooms.load([], builtin=False)
    broken: dict[str, str] = {}
    for folder in (rooms.builtin_folder(), *folders):
        catalog.types.update(rooms.types_of(folder))
        catalog.recipes.update(rooms.recipes_of(folder))
        for path in rooms.pattern_files(folder):
            try:
                entry = rooms.read_entry(path, catalog.types)
                entry.validate()
            except PatternError as error:
                broken[path.stem] = str(error)
            else:
                catalog.entries[entry.id] = entry
    return catalog, broken


def passing_logs() -> list[Path]:
    """Return the logs of passing jobs beside the sources; an installed package has none."""
    return sorted((rooms.builtin_folder().parent / "sample_logs" / "passing").glob("*.log"))


def _id_of(name: str, catalog: rooms.Catalog, broken: dict[str, str]) -> str:
    pattern_id = Path(name).stem if name.endswith(".toml") else name
    if pattern_id not in catalog.entries and pattern_id not in broken:
        raise UsageError(f"{name}: no such pattern. Give the path of its file, or its id (`bkdoctor patterns list`).")
    return pattern_id
