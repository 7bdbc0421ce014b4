"""From a Report, or a Story of many, to text: one module for each output, found by its name.

A module of this package whose name does not start with an underscore is an output and has a function `render` of the
form `Render`. One whose documents cannot follow each other in one file has `render_all`, of the form `RenderAll`, as
well. Nothing else knows which outputs there are.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, cast

import msgspec

from bkdoctor.errors import UsageError
from bkdoctor.model import Report

if TYPE_CHECKING:
    from bkdoctor.fleet import Scan
    from bkdoctor.story import Story


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the reader's place can show; an output uses what concerns it."""

    width: int = 80
    """Columns of the terminal."""
    colour: bool = False
    links: bool = False
    """Whether the terminal makes links of OSC 8 sequences."""
    verbose: bool = False
    """Show everything: further findings in full, a line for a job that passed."""


class Render(Protocol):
    """What each output's module has under the name `render`."""

    def __call__(self, report: Report, options: Options = ..., /) -> str:
        """Return the text to write as it is: empty, or ended by one newline."""


class RenderAll(Protocol):
    """What an output's module has under the name `render_all` where several reports are one document."""

    def __call__(self, reports: Sequence[Report], options: Options = ..., /) -> str:
        """Return the whole document, also where there is no report."""


def formats() -> list[str]:
    """Return the names of the outputs, without importing them."""
    import pkgutil

    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def load(name: str) -> Render:
    """Return the `render` of the output `name`.

    Raises:
        UsageError: there is no such output.
    """
    return cast("Render", _module(name).render)


def texts(name: str, reports: Iterable[Report], options: Options) -> Iterator[str]:
    """Yield what to write of these reports in the output `name`: a text for each as it comes, or one for all.

    Raises:
        UsageError: there is no such output.
    """
    module = _module(name)
    if whole := cast("RenderAll | None", getattr(module, "render_all", None)):
        yield whole(list(reports), options)
    else:
        for report in reports:
            yield module.render(report, options)


def _module(name: str) -> ModuleType:
    module = f"{__name__}.{name}"
    try:
        if name.isidentifier() and not name.startswith("_"):
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
    raise UsageError(f"--format {name}: there is no such format. Choose one of {', '.join(formats())}.")


def story_text(name: str, story: Story, options: Options) -> str:
    """Return what to write of a story: what `_story_NAME` makes of it, else its jobs' reports one after the other.

    Raises:
        UsageError: there is no such output.
    """
    from importlib.util import find_spec

    module = f"{__name__}._story_{name}"
    if find_spec(module):
        return cast("str", importlib.import_module(module).render(story, options))
    return "".join(texts(name, [job.report for job in story.jobs], options))


def scan_text(name: str, scan: Scan, options: Options) -> str:
    """Return what to write of a scan: what `_scan_NAME` makes of it. Raises UsageError if there is none."""
    check_scan(name)
    return cast("str", importlib.import_module(f"{__name__}._scan_{name}").render(scan, options))


def check_scan(name: str) -> None:
    """Raise UsageError where there is no such output of a scan."""
    import pkgutil

    found = (module.name for module in pkgutil.iter_modules(__path__) if module.name.startswith("_scan_"))
    known = sorted({name.removeprefix("_scan_") for name in found} - {"words"})
    if name not in known:
        raise UsageError(f"--format {name}: scan has no such format. Choose one of {', '.join(known)}.")
