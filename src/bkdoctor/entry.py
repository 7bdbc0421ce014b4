"""The program's start: an ordinary `bkdoctor log FILE` is understood here, all else is the command line's (`cli`).

Importing what reads every command line takes as long as a diagnosis: typer is left out where two words say it all.
"""

import gc
import os
import sys
from typing import TypedDict

from bkdoctor.guard import guarded


class _Options(TypedDict, total=False):
    format_: str
    kubernetes: str
    no_color: bool
    verbose: bool


_VALUES = {"--format": "format_", "-f": "format_", "--kubernetes": "kubernetes"}
_FLAGS = {"--no-color": "no_color", "--verbose": "verbose", "-v": "verbose"}


def main() -> None:
    """Run bkdoctor."""
    _import_msgspec()
    # looking for circles among what imports make takes longer than they are worth in a short life
    gc.set_threshold(50_000, 20, 100)
    understood = ordinary(sys.argv[1:]) if "_BKDOCTOR_COMPLETE" not in os.environ else None
    if understood is None:
        from bkdoctor.cli import main as command_line

        command_line()
    else:
        names, options = understood
        guarded(lambda: _leave(_diagnose(names, options), at_once=len(names) == 1))


def _leave(status: int, *, at_once: bool) -> None:
    """Exit; `at_once` where no process or file is left behind, since taking all modules apart takes long."""
    if not at_once:
        sys.exit(status)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _import_msgspec() -> None:
    """Import msgspec without typing_extensions, which it can do without: that imports inspect and ast."""
    if "typing_extensions" in sys.modules:
        return
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    try:
        import msgspec  # noqa: F401
    finally:
        del sys.modules["typing_extensions"]


def ordinary(arguments: list[str]) -> tuple[list[str], _Options] | None:
    """Return the logs and options of `log FILE...`, or of no command at all, in their plainest form; else None."""
    names: list[str] = []
    options: _Options = {}
    named = arguments[:1] == ["log"]
    words = iter(arguments[1:] if named else arguments)
    for word in words:
        if named and (word == "-" or not word.startswith("-")):
            names.append(word)
        elif word in _FLAGS:
            options[_FLAGS[word]] = True  # type: ignore[literal-required]
        elif word in _VALUES and (value := next(words, "-")) and not value.startswith("-"):
            options[_VALUES[word]] = value  # type: ignore[literal-required]
        else:
            return None
    names = names if named else ["-"]
    return (names, options) if names and all(names) else None


def _diagnose(names: list[str], options: _Options) -> int:
    from bkdoctor.session import Session

    session = Session.of(
        options.get("format_", "terminal"),
        options.get("kubernetes"),
        options.get("no_color", False),
        options.get("verbose", False),
        None,
    )
    return session.logs(names)
