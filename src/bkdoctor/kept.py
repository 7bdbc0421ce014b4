"""Files that can be made again, in the user's cache folder: written at once, so that two processes may do it."""

import contextlib
import os

_KEPT = 4
"""Files that stay in the folder: of other versions and other sets of patterns."""


def write(path: str, data: bytes) -> None:
    """Write a file named KIND-..., and remove old ones of its kind; where that cannot be, nothing is written."""
    folder, name = os.path.split(path)
    aside = f"{path}.{os.getpid()}"
    kind, suffix = f"{name.partition('-')[0]}-", os.path.splitext(name)[1]
    with contextlib.suppress(OSError):
        os.makedirs(folder, exist_ok=True)
        try:
            with open(aside, "wb") as file:
                file.write(data)
            os.replace(aside, path)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(aside)
        with os.scandir(folder) as found:
            alike = [item for item in found if item.name.startswith(kind) and item.name.endswith(suffix)]
        for old in sorted(alike, key=lambda item: item.stat().st_mtime, reverse=True)[_KEPT:]:
            os.unlink(old.path)
