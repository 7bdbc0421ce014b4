"""The structure of a trace: sections, commands, builds with their steps, and the blocks that print a failure again.

A `Layout` answers where a line stands; it is made by `segment` and holds spans of line numbers, never lines.
"""

from bisect import bisect_right
from typing import NamedTuple

import msgspec

from bkdoctor.model import Place
from bkdoctor.trace.builders import Status, Title
from bkdoctor.trace.log import Line

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
    _prefixed: dict[str, list[Step]] = {}
    _regions: list[Step] = []

    def index(self) -> None:
        """Prepare the look-ups; called once, when all steps are known."""
        for step in self.steps:
            if step.kind == "buildkit":
                self._prefixed.setdefault(step.id, []).append(step)
            else:
                self._regions.append(step)

    def section_at(self, number: int) -> Section | None:
        """Return the innermost section that holds a line."""
        found = None
        for section in self.sections:
            if section.start > number:
                break
            if number < section.stop and (found is None or section.start >= found.start):
                found = section
        return found

    def build_at(self, number: int) -> int:
        """Return the index of the build that is under way at a line, -1 before the first."""
        return bisect_right(self.builds, number) - 1

    def step_at(self, line: Line) -> Step | None:
        """Return the step that a line belongs to: by its `#7`, by the block it stands in, or by its region."""
        text = line.text.lstrip()
        if text.startswith("#"):
            candidates = self._prefixed.get(text.split(" ", 1)[0], [])
            build = self.build_at(line.number)
            for step in candidates:
                if step.build == build:
                    return step
        for block in self.dumps:
            if line.number in block.span:
                return block.step
        for step in reversed(self._regions):
            if step.first <= line.number <= step.last:
                return step
        return None

    def place_at(self, line: Line) -> Place | None:
        """Return what kind of text a line is; None where a log without runner lines does not tell."""
        number = line.number
        if any(number in span for span in self.services) or line.body.startswith("[service:"):
            return "service"
        if any(number in span for span in self.daemon_logs):
            return "daemon-log"
        if any(number in block.span for block in self.dumps) or any(number in s for s in self.excerpts):
            return "dump"
        if number in self.chains:
            return "chain"
        if self.step_at(line) is not None:
            return "step"
        section = self.section_at(number)
        if section is None:
            return "runner" if self.final == number else None
        return "script" if is_script(section.name) else "runner"

    def in_excerpt(self, number: int) -> bool:
        """Whether a line is the Dockerfile itself, shown around the failing instruction."""
        return any(number in span for span in self.excerpts)

    def failed_section(self) -> Section | None:
        """Return the section in which the job failed: the last one that is not clean-up."""
        candidates = [s for s in self.sections if s.name not in CLEANUP_SECTIONS and not _is_user(s.name)]
        return candidates[-1] if candidates else None

    def last_command(self) -> Command | None:
        """Return the last command of the job's script: with `set -e`, the one that ended it."""
        commands = [c for c in self.commands if c.section != "after_script"]
        return commands[-1] if commands else None


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
