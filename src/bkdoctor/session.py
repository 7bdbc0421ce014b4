"""From what the command line asks for to reports on standard output and an exit status."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.store import load_stored
from bkdoctor.doctor import diagnose
from bkdoctor.errors import EXIT_UNKNOWN, InputError, UsageError
from bkdoctor.model import Facts, Report, Source
from bkdoctor.reading import open_log, shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bkdoctor.bounded import Bounded
    from bkdoctor.comparing import Compared
    from bkdoctor.diagnosis.baseline import Baseline
    from bkdoctor.fleet import Scan
    from bkdoctor.gitlab.target import Target
    from bkdoctor.render import Options
    from bkdoctor.story import Story
    from bkdoctor.trace.source import Source as TraceSource
    from bkdoctor.trace.spool import Spooled


class Session(msgspec.Struct, frozen=True, dict=True):
    """One run of a command that diagnoses: how to show reports, and which patterns to use."""

    format: str
    facts: Facts
    colour: bool | None
    verbose: bool
    folders: tuple[Path, ...]
    baseline: str | None = None
    """What to compare failed jobs with: a file; for a job of a GitLab, a job or `auto` as well."""

    @classmethod
    def of(
        cls,
        format_: str,
        kubernetes: str | None,
        no_color: bool,
        verbose: bool,
        patterns: list[Path] | None,
        baseline: str | None = None,
    ) -> Session:
        """Return the session for these options. Raises UsageError when one of them cannot be."""
        from bkdoctor.render import load

        load(format_)
        if kubernetes is not None and not re.fullmatch(r"v?\d+\.\d+(\.\d+)?", kubernetes):
            raise UsageError(f"--kubernetes {kubernetes}: not a version. Write it as X.Y, for example 1.30.")
        if baseline == "-":
            raise UsageError("--baseline -: standard input is for the failed log. Give the log of the job that passed.")
        facts = Facts(kubernetes=kubernetes.lstrip("v") if kubernetes else None)
        return cls(format_, facts, False if no_color else None, verbose, user_folders(patterns), baseline)

    @cached_property
    def catalog(self) -> Catalog:
        """The patterns, read when the first log is diagnosed."""
        return catalog_of(self.folders)

    @cached_property
    def compared(self) -> Baseline | None:
        """The baseline in a file, read once for all logs. Raises InputError."""
        if self.baseline is None:
            return None
        from bkdoctor.comparing import baseline_of_file

        return baseline_of_file(self.baseline)

    def logs(self, names: list[str]) -> int:
        """Diagnose logs from files, report each, and return the exit status for all of them."""
        # a broken catalogue is no fault of the logs, and is told once
        _ = self.catalog, self.compared
        if len(names) == 1:
            return self.show([self.report_of(names[0])])
        unread: list[InputError] = []
        status = self.show(self._reports(names, unread))
        return InputError.exit_status if unread else status

    def _reports(self, names: list[str], unread: list[InputError]) -> Iterator[Report]:
        """Yield the report of each log; one that cannot be read is told, and added to `unread`."""
        from bkdoctor.many import Progress, processes_for, reports

        processes, progress = processes_for(names), Progress(len(names))
        progress.show(0)
        diagnose_one = self.report_of if processes == 1 else msgspec.structs.replace(self).report_of
        for done, result in enumerate(reports(names, diagnose_one, processes), 1):
            progress.hide()
            if isinstance(result, InputError):
                sys.stderr.write(f"bkdoctor: {result}\n")
                unread.append(result)
            else:
                yield result
            progress.show(done)

    def report_of(self, name: str, learn: Callable[[Report], Facts | None] | None = None) -> Report:
        """Return the report for the log in a file. Raises InputError.

        `learn` may tell from a first report facts that the log does not hold: then it is read again with them.
        """
        with open_log(name) as opened:
            report = self._diagnose(opened, shown(name), self.facts)
            learnt = learn(report) if learn is not None else None
            return report if learnt is None else self._diagnose(opened, shown(name), learnt)

    def _diagnose(self, opened: Spooled, name: str, known: Facts) -> Report:
        cut = opened.cut
        if cut is not None:
            known = msgspec.structs.replace(known, truncated="middle")
        notes = [_cut_note(cut)] if cut is not None else []
        report = diagnose(
            opened.source, self.catalog, known=known, source=Source(name=name), notes=notes, cut=cut,
            baseline=self.compared,
        )  # fmt: skip
        self.catalog.keep()
        return report

    def preflight(self, name: str) -> int:
        """Explain the preflight whose output a file holds, and return the exit status. Raises InputError."""
        with open_log(name) as opened:
            return self._preflight(opened.source, self.facts, Source(name=shown(name)), opened.cut)

    def preflight_of_job(self, target: Target) -> int:
        """Explain the preflight in a job's log, and return the exit status. Raises GitLabError and InputError."""
        from bkdoctor.gitlab.client import fetch_job
        from bkdoctor.trace.facts import merge

        fetched = fetch_job(target)
        return self._preflight(fetched.trace, merge(fetched.facts, self.facts), fetched.source, fetched.cut)

    def _preflight(self, trace: TraceSource, known: Facts, source: Source, cut: Bounded | None) -> int:
        from bkdoctor.preflight.answer import explain, without_findings

        report = explain(trace, self.catalog, known=known, source=source, cut=cut)
        if report.findings or self.format not in ("terminal", "markdown"):
            return self.show([report])
        sys.stdout.write(without_findings(report))
        return 0 if report.verdict == "passed" else EXIT_UNKNOWN

    def job(self, job: str, *, project: str | None, gitlab: str | None) -> int:
        """Diagnose a job of a GitLab, report it, and return the exit status. Raises GitLabError and UsageError."""
        return self.show([self.report_of_job(self.target(job, project=project, gitlab=gitlab))])

    def target(self, job: str, *, project: str | None, gitlab: str | None) -> Target:
        """Find out which job is meant, on which GitLab. Raises UsageError."""
        from bkdoctor.gitlab.remote import git_remote_url
        from bkdoctor.gitlab.target import resolve_job

        return resolve_job(job, project=project, gitlab=gitlab, env=os.environ, remote=git_remote_url)

    def report_of_job(self, target: Target) -> Report:
        """Return the report for a job of a GitLab. Raises GitLabError."""
        from bkdoctor.gitlab.client import fetch_job
        from bkdoctor.trace.facts import merge

        fetched = fetch_job(target)
        known = merge(fetched.facts, self.facts)
        compared = self._compared_job(target, known)
        report = diagnose(
            fetched.trace, self.catalog, known=known, source=fetched.source, notes=(*fetched.notes, *compared.notes),
            cut=fetched.cut, baseline=compared.baseline,
        )  # fmt: skip
        self.catalog.keep()
        return report

    def _compared_job(self, target: Target, failed: Facts) -> Compared:
        from bkdoctor.comparing import Compared, baseline_of_job

        if self.baseline is None or failed.status == "success":
            return Compared()

        def resolve(job: str) -> Target:
            # a number means a job of the same project; an address says itself where it leads
            if "://" in job:
                return self.target(job, project=None, gitlab=None)
            return self.target(job, project=target.project, gitlab=target.base.url)

        return baseline_of_job(self.baseline, target, failed, resolve)

    def show(self, reports: Iterable[Report]) -> int:
        """Write reports to standard output and return the exit status for them."""
        from bkdoctor.render import texts

        known = True

        def judged() -> Iterator[Report]:
            nonlocal known
            for report in reports:
                known = known and report.verdict not in ("unknown", "empty")
                yield report

        for text in texts(self.format, judged(), self._options()):
            sys.stdout.write(text)
            sys.stdout.flush()
        return 0 if known else EXIT_UNKNOWN

    def write_story(self, story: Story) -> None:
        """Write the story of a pipeline to standard output."""
        from bkdoctor.render import story_text

        sys.stdout.write(story_text(self.format, story, self._options()))
        sys.stdout.flush()

    def write_scan(self, scan: Scan, format_: str) -> None:
        """Write a scan to standard output."""
        from bkdoctor.render import scan_text

        sys.stdout.write(scan_text(format_, scan, self._options()))
        sys.stdout.flush()

    def _options(self) -> Options:
        from bkdoctor.render import Options

        terminal = sys.stdout.isatty()
        colour = terminal and "NO_COLOR" not in os.environ if self.colour is None else self.colour
        width = min(os.get_terminal_size().columns, 120) if terminal else 80
        return Options(width=width, colour=colour, links=colour, verbose=self.verbose)


def write_page(file: Path, scan: Scan) -> None:
    """Write the page of a scan to a file, at once: a page that is there is whole. Raises InputError."""
    from bkdoctor.render import Options, scan_text

    aside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        aside.write_text(scan_text("html", scan, Options()), encoding="utf-8")
        aside.replace(file)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}. Name another file, or make it writable.") from None
    finally:
        aside.unlink(missing_ok=True)


def catalog_of(folders: tuple[Path, ...]) -> Catalog:
    """Return bkdoctor's own patterns, unless BKDOCTOR_NO_BUILTIN=1 leaves them out, and those of `folders`."""
    return load_stored(folders, builtin=with_builtin(), cache=cache_folder())


def with_builtin() -> bool:
    """Say whether bkdoctor's own patterns are among those that are used."""
    return os.environ.get("BKDOCTOR_NO_BUILTIN") != "1"


def cache_folder() -> str | None:
    """Return the user's folder for what can be made again; None where there is no home to hold it."""
    base = os.environ.get("XDG_CACHE_HOME")
    if base and os.path.isabs(base):
        return os.path.join(base, "bkdoctor")
    home = os.path.expanduser("~")
    return os.path.join(home, ".cache", "bkdoctor") if os.path.isabs(home) else None


def user_folders(patterns: list[Path] | None) -> tuple[Path, ...]:
    """Return the folders of patterns that BKDOCTOR_PATTERNS and then the command line name."""
    named = [p for p in os.environ.get("BKDOCTOR_PATTERNS", "").split(os.pathsep) if p]
    if not named:
        return tuple(patterns or ())
    from pathlib import Path

    return (*map(Path, named), *(patterns or ()))


def _cut_note(cut: Bounded) -> str:
    return (
        f"The log is very large: {cut.left_out} bytes in its middle were left out, "
        f"and {cut.left_out_lines} lines are missing in the numbers behind them."
    )
