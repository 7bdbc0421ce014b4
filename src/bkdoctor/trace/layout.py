"""The structure of a trace: sections, commands, builds with their steps, and the blocks that print a failure again.

A `Layout` answers where a line stands; it is made by `segment` and holds spans of line numbers, never lines.
"""

import re
from bisect import bisect_right
from typing import NamedTuple

import msgspec

from bkdoctor.model import Place
from bkdoctor.trace.builders import Status, Title
from bkdoctor.trace.log import Line
from bkdoctor.trace.nesting import Nesting, holds, nesting

_TIMED = re.compile(r"\d\.\d{1,3} $")
"""The end of what a builder puts before what a step prints."""

SCRIPT_SECTIONS = frozenset({"step_script", "build_script", "after_script", "concrete"})
CLEANUP_SECTIONS = frozenset(
    {"after_script", "archive_cache_on_failure", "upload_artifacts_on_failure", "cleanup_file_variables"}
)
"""What the runner does after the job has failed: never the place of the failure while another section is."""


class Span(NamedTuple):
    """Lines from `start` up to, not including, `stop`."""

    start: int
    stop: int

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self.start <= number < self.stop


class Section(msgspec.Struct):
    """A section of the runner; `stop` is the line after its last."""

    name: str
    start: int
    stop: int


class Command(msgspec.Struct):
    """A line of the job's script as the runner echoes it."""

    line: int
    text: str
    section: str | None


class Step(msgspec.Struct):
    """A build step; a BuildKit vertex."""

    id: str
    kind: str
    build: int
    title: Title
    first: int
    last: int
    status: Status = "running"
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether the builder said that this step failed."""
        return self.status == "error"

    @property
    def finished(self) -> bool:
        """Whether the builder said that this step went well."""
        return self.status in ("done", "cached")


class Block(NamedTuple):
    """Lines in which a builder prints a failure again, and the step that they are about."""

    span: Span
    step: Step | None


class Layout(msgspec.Struct):
    """Where everything stands in one trace."""

    sections: list[Section] = []
    commands: list[Command] = []
    steps: list[Step] = []
    builds: list[int] = []
    """The line at which each build begins."""
    dumps: list[Block] = []
    excerpts: list[Span] = []
    chains: list[int] = []
    daemon_logs: list[Span] = []
    services: list[Span] = []
    dockerfile: str | None = None
    dockerfile_line: int | None = None
    pointed: str = ""
    """The failing instruction as the Dockerfile excerpt shows it, its first line."""
    has_runner: bool = False
    end: int = 1
    final: int | None = None
    """The line in which the runner says how the job ended."""
    succeeded: bool | None = None
    cut_by_limit: int | None = None
    unread: Span | None = None
    """Lines in the middle whose marks were too many to be looked at."""
    named_late: bool = False
    """Whether steps whose output is printed again were looked for among the last ones only."""
    _prefixed: dict[tuple[str, int], Step] = {}
    _dumped: dict[tuple[int, str], list[Block]] = {}
    _regions: list[Step] = []
    _region_at: Nesting | None = None
    _section_at: Nesting | None = None

    def index(self) -> None:
        """Prepare the look-ups; called once, when all steps are known."""
        for step in self.steps:
            if step.kind == "buildkit":
                self._prefixed.setdefault((step.id, step.build), step)
            else:
                self._regions.append(step)
        for block in self.dumps:
            if block.step is not None:
                self._dumped.setdefault((block.step.first, block.step.id), []).append(block)
        self._regions.sort(key=lambda step: step.first)
        self._region_at = nesting([(step.first, step.last + 1) for step in self._regions])

    def dumps_of(self, step: Step) -> list[Block]:
        """Return where a builder prints again what a step printed."""
        return [block for block in self._dumped.get((step.first, step.id), ()) if block.step is step]

    def section_at(self, number: int) -> Section | None:
        """Return the innermost section that holds a line; asked for only when all sections are known."""
        if self._section_at is None:
            self._section_at = nesting([(section.start, section.stop) for section in self.sections])
        index = self._section_at.at(number)
        return self.sections[index] if index >= 0 else None

    def build_at(self, number: int) -> int:
        """Return the index of the build that is under way at a line, -1 before the first."""
        return bisect_right(self.builds, number) - 1

    def step_at(self, line: Line) -> Step | None:
        """Return the step that a line belongs to: by its `#7`, by the block it stands in, or by its region."""
        text = line.text.lstrip()
        if text.startswith("#"):
            prefixed = self._prefixed.get((text.split(" ", 1)[0], self.build_at(line.number)))
            if prefixed is not None:
                return prefixed
        dump = self.dump_at(line.number)
        if dump is not None:
            return dump.step
        index = self._region_at.at(line.number) if self._region_at is not None else -1
        return self._regions[index] if index >= 0 else None

    def place_at(self, line: Line) -> Place | None:
        """Return what kind of text a line is; None where a log without runner lines does not tell."""
        number = line.number
        if _one_holds(self.services, number) or line.body.startswith("[service:"):
            return "service"
        if _one_holds(self.daemon_logs, number):
            return "daemon-log"
        if self.dump_at(number) is not None or self.in_excerpt(number):
            return "dump"
        if holds(self.chains, number):
            return "chain"
        if self.step_at(line) is not None:
            return "step"
        if self.final == number:
            return "runner"
        section = self.section_at(number)
        if section is None:
            return "dump" if _TIMED.search(line.text[: line.prefix]) else None
        return "script" if is_script(section.name) else "runner"

    def in_excerpt(self, number: int) -> bool:
        """Whether a line is the Dockerfile itself, shown around the failing instruction."""
        return _one_holds(self.excerpts, number)

    def dump_at(self, number: int) -> Block | None:
        """Return the block in which a builder prints a step's output again, if a line is part of one."""
        index = bisect_right(self.dumps, number, key=lambda block: block.span.start) - 1
        return self.dumps[index] if index >= 0 and number in self.dumps[index].span else None

    def is_command(self, number: int) -> bool:
        """Whether a line is a command of the job's script as the runner echoes it."""
        index = bisect_right(self.commands, number, key=lambda command: command.line) - 1
        return index >= 0 and self.commands[index].line == number

    def failed_section(self) -> Section | None:
        """Return the section in which the job failed: the last one that is not clean-up."""
        candidates = [s for s in self.sections if s.name not in CLEANUP_SECTIONS and not _is_user(s.name)]
        return candidates[-1] if candidates else None

    def last_command(self) -> Command | None:
        """Return the last command of the job's script: with `set -e`, the one that ended it."""
        commands = [c for c in self.commands if c.section != "after_script"]
        return commands[-1] if commands else None


def _one_holds(spans: list[Span], number: int) -> bool:
    """Whether one of some spans, which follow each other, holds a line."""
    index = bisect_right(spans, number, key=lambda span: span.start) - 1
    return index >= 0 and number in spans[index]


def is_script(name: str) -> bool:
    """Whether a section holds what the job's own script printed."""
    return name in SCRIPT_SECTIONS or name.startswith(("step_", "section_script_step")) or _is_user(name)


_RUNNER_SECTIONS = frozenset(
    "resolve_secrets prepare_executor prepare_script get_sources clear_worktree restore_cache download_artifacts "
    "step_script build_script after_script archive_cache archive_cache_on_failure upload_artifacts_on_success "
    "upload_artifacts_on_failure cleanup_file_variables concrete".split()
)


def _is_user(name: str) -> bool:
    return name not in _RUNNER_SECTIONS and not name.startswith("step_")
