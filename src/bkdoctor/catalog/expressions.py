"""The catalogue's regular expressions, which stay compiled from one run to the next.

The `regex` package parses in Python, and a log may need a thousand expressions. What it compiles can be pickled; that
form is kept in marshal's, which runs nothing when it is read, for one version of the package and of Python, with a
checksum. Without a file, or when it does not fit, everything is compiled as it is needed.
"""

from __future__ import annotations

import copyreg
import marshal
import os
import sys
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bkdoctor import kept as files
from bkdoctor.digests import blake2b

if TYPE_CHECKING:
    from collections.abc import Callable

    import regex

_DIGEST = 16
_MOST = 5_000
"""Expressions in one file; ours are two thousand."""


class Expressions:
    """Compiles expressions, and remembers in a file at `path` what it compiled."""

    def __init__(self, path: str | None = None) -> None:
        self._path = path
        self._new: dict[str, bytes] = {}

    def compiled(self, text: str) -> regex.Pattern[str]:
        """Return an expression for the `regex` package. Raises regex.error if it is none."""
        import regex

        kept = self._kept.get(text)
        if kept is not None:
            with suppress(LookupError, TypeError, ValueError, EOFError, RuntimeError, regex.error):
                return self._make(*marshal.loads(kept))  # noqa: S302  # whole, and from a folder of the user's own
        pattern = regex.compile(text)
        if self._path is not None:
            # a version of the package that pickles in another way is no reason to fail: nothing is kept of it
            with suppress(LookupError, TypeError, ValueError):
                self._new[text] = marshal.dumps(_parts(pattern)[1])
        return pattern

    @property
    def is_kept(self) -> bool:
        """Whether a run before this one kept something."""
        return self._path is not None and os.path.exists(self._path)

    def keep(self) -> None:
        """Add to the file what was compiled since; where it cannot be written, all is compiled the next time."""
        if not self._new or self._path is None:
            return
        kept = _read(self._path) | self._new
        self._new = {}
        if len(kept) <= _MOST:
            data = marshal.dumps((_version(), kept))
            files.write(self._path, blake2b(data, digest_size=_DIGEST).digest() + data)

    @cached_property
    def _kept(self) -> dict[str, bytes]:
        return _read(self._path) if self._path is not None else {}

    @cached_property
    def _make(self) -> Callable[..., regex.Pattern[str]]:
        """What a pickled pattern is made with."""
        import regex

        return _parts(regex.compile(""))[0]


def _parts(pattern: regex.Pattern[str]) -> tuple[Callable[..., regex.Pattern[str]], Any]:
    """Return what pickling a pattern keeps of it: a function, and what it is called with."""
    reduced: Any = copyreg.dispatch_table[type(pattern)](pattern)
    return reduced[0], reduced[1]


def _read(path: str) -> dict[str, bytes]:
    try:
        with open(path, "rb") as file:
            stored = file.read()
    except OSError:
        return {}
    data = stored[_DIGEST:]
    if blake2b(data, digest_size=_DIGEST).digest() != stored[:_DIGEST]:
        return {}
    version, kept = marshal.loads(data)  # noqa: S302  # the same
    return kept if version == _version() else {}


def _version() -> tuple[str, str, str, str]:
    import regex

    return regex.__version__, sys.version, sys.byteorder, os.name
