"""From what the command line asks for to reports on standard output and an exit status."""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from bkdoctor.bounded import Bounded, read_bounded
from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.store import load_stored
from bkdoctor.doctor import diagnose
from bkdoctor.errors import InputError, UsageError
from bkdoctor.model import Facts, Report, Source

MAX_BYTES = 256 * 1024 * 1024
"""A log larger than this is cut in the middle, which the report says."""
_CHUNK = 1024 * 1024
_EXIT_UNKNOWN = 3


@dataclass(frozen=True)
class Session:
    """One run of a command that diagnoses: how to show reports, and which patterns to use."""

    format: str
    facts: Facts
    colour: bool | None
    verbose: bool
    folders: tuple[Path, ...]

    @classmethod
    def of(
        cls, format_: str, kubernetes: str | None, no_color: bool, verbose: bool, patterns: list[Path] | None
    ) -> "Session":
        """Return the session for these options. Raises UsageError when one of them cannot be."""
        from bkdoctor.render import formats

        if format_ not in formats():
            raise UsageError(f"--format {format_}: there is no such format. Choose one of {', '.join(formats())}.")
        if kubernetes is not None and not re.fullmatch(r"v?\d+\.\d+(\.\d+)?", kubernetes):
            raise UsageError(f"--kubernetes {kubernetes}: not a version. Write it as X.Y, for example 1.30.")
        facts = Facts(kubernetes=kubernetes.lstrip("v") if kubernetes else None)
        return cls(format_, facts, False if no_color else None, verbose, user_folders(patterns))

    @cached_property
    def catalog(self) -> Catalog:
        """The patterns, read when the first log is diagnosed."""
        return catalog_of(self.folders)

    def logs(self, names: list[str]) -> int:
        """Diagnose logs from files, report each, and return the exit status for all of them."""
        statuses = []
        # a broken catalogue is no fault of the logs, and is told once
        _ = self.catalog
        for name in names:
            try:
                statuses.append(self._report(self._diagnose(read_log(name), _shown(name))))
            except InputError as error:
                if len(names) == 1:
                    raise
                sys.stderr.write(f"bkdoctor: {error}\n")
                statuses.append(error.exit_status)
        return max(statuses, key=[0, _EXIT_UNKNOWN, InputError.exit_status].index)

    def _diagnose(self, read: Bounded, name: str) -> Report:
        notes = [_cut_note(read)] if read.cut_at is not None else []
        known = self.facts
        if read.cut_at is not None:
            import msgspec

            known = msgspec.structs.replace(known, truncated="middle")
        return diagnose(read.data, self.catalog, known=known, source=Source(name=name), notes=notes, cut=read)

    def job(self, job: str, *, project: str | None, gitlab: str | None) -> int:
        """Diagnose a job of a GitLab, report it, and return the exit status. Raises GitLabError and UsageError."""
        from bkdoctor.gitlab.client import fetch_job
        from bkdoctor.gitlab.remote import git_remote_url
        from bkdoctor.gitlab.target import resolve_job
        from bkdoctor.trace.facts import merge

        target = resolve_job(job, project=project, gitlab=gitlab, env=os.environ, remote=git_remote_url)
        fetched = fetch_job(target)
        known = merge(fetched.facts, self.facts)
        cut = Bounded(data=b"", cut_at=fetched.cut_at, left_out_lines=fetched.left_out_lines)
        return self._report(
            diagnose(fetched.trace, self.catalog, known=known, source=fetched.source, notes=fetched.notes, cut=cut)
        )

    def _report(self, report: Report) -> int:
        from bkdoctor.render import Options, load

        terminal = sys.stdout.isatty()
        colour = terminal and "NO_COLOR" not in os.environ if self.colour is None else self.colour
        width = min(os.get_terminal_size().columns, 120) if terminal else 80
        options = Options(width=width, colour=colour, links=colour, verbose=self.verbose)
        sys.stdout.write(load(self.format)(report, options))
        sys.stdout.flush()
        return _EXIT_UNKNOWN if report.verdict in ("unknown", "empty") else 0


def catalog_of(folders: tuple[Path, ...]) -> Catalog:
    """Return bkdoctor's own patterns, unless BKDOCTOR_NO_BUILTIN=1 leaves them out, and those of `folders`."""
    return load_stored(folders, builtin=os.environ.get("BKDOCTOR_NO_BUILTIN") != "1", cache=cache_folder())


def cache_folder() -> Path | None:
    """Return the user's folder for what can be made again; None where there is no home to hold it."""
    base = os.environ.get("XDG_CACHE_HOME")
    if base and Path(base).is_absolute():
        return Path(base) / "bkdoctor"
    try:
        return Path.home() / ".cache" / "bkdoctor"
    except RuntimeError:
        return None


def user_folders(patterns: list[Path] | None) -> tuple[Path, ...]:
    """Return the folders of patterns that BKDOCTOR_PATTERNS and then the command line name."""
    named = [Path(p) for p in os.environ.get("BKDOCTOR_PATTERNS", "").split(os.pathsep) if p]
    return (*named, *(patterns or ()))


def _shown(name: str) -> str:
    # a name that is no UTF-8 can be opened, but not printed
    return "<stdin>" if name == "-" else os.fsencode(name).decode("utf-8", "replace")


def read_log(name: str) -> Bounded:
    """Read a file or standard input, at most MAX_BYTES of it. Raises InputError."""
    try:
        if name == "-":
            if sys.stdin.isatty():
                sys.stderr.write("Paste the log, then press Ctrl-D.\n")
            return read_bounded(_chunks(sys.stdin.buffer), MAX_BYTES)
        with Path(name).open("rb") as file:
            return read_bounded(_chunks(file), MAX_BYTES)
    except (OSError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or "cannot be read"
        raise InputError(f"{_shown(name)}: {reason}. Give a log file, or - and the log on standard input.") from error


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _cut_note(read: Bounded) -> str:
    return (
        f"The log is larger than {MAX_BYTES // (1024 * 1024)} MiB: {read.left_out} bytes in its middle were left out, "
        f"and {read.left_out_lines} lines are missing in the numbers behind them."
    )
