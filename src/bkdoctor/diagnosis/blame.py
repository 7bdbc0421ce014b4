"""Which lines can hold the cause: a weight for each, from the structure of the job.

A step that ended well, a command that was followed by another, a section that the runner left behind, a try that the
tool repeats or does without: what was printed there was survived.
"""

from enum import IntEnum

from bkdoctor.diagnosis.overcome import is_overcome
from bkdoctor.model import Place
from bkdoctor.trace.builders import is_survivable
from bkdoctor.trace.layout import CLEANUP_SECTIONS, Layout, Step
from bkdoctor.trace.log import Line


class Weight(IntEnum):
    """How likely a line is to hold the cause."""

    INNOCENT = 0
    POSSIBLE = 1
    LIKELY = 2
    DECISIVE = 3


class Blame:
    """Weighs lines; made once for a trace."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.section = layout.failed_section()
        self.command = layout.last_command() if layout.has_runner else None
        self.last_build = len(layout.builds) - 1
        self.builds_something = any(not is_survivable(s.title.name) for s in layout.steps) or bool(layout.chains)
        self.failing = self._failing_steps()
        self._failing_ids = frozenset(map(id, self.failing))
        self.good_build = self._good_build()
        self.went_on = self._went_on()

    def _failing_steps(self) -> list[Step]:
        """Return the steps that ended the last build, without those whose failure a build survives."""
        failed = [s for s in self.layout.steps if s.failed and not is_survivable(s.title.name)]
        if not failed:
            return self._pointed_step()
        last = max(s.build for s in failed)
        return [] if self._survived(last) else [s for s in failed if s.build == last]

    def _survived(self, build: int) -> bool:
        """Whether a build came after this one, and no builder said that it failed."""
        layout = self.layout
        later = any(s.build > build and s.failed and not is_survivable(s.title.name) for s in layout.steps)
        return build < self.last_build and not later and all(layout.build_at(n) <= build for n in layout.chains)

    def _pointed_step(self) -> list[Step]:
        """Return the step that the Dockerfile excerpt points at: BuildKit 0.17 may leave it CANCELED or say nothing."""
        pointed = self.layout.pointed
        open_ = [s for s in self.layout.steps if not s.finished and s.build == self.last_build]
        return [s for s in open_ if pointed and s.title.text.startswith(pointed.rstrip("\\ "))][-1:]

    def _good_build(self) -> int:
        """Return the line at which the last build began that ended well, 0 if none did."""
        failed = {s.build for s in self.layout.steps if s.failed and not is_survivable(s.title.name)}
        failed |= {self.layout.build_at(n) for n in self.layout.chains} | {s.build for s in self.failing}
        good = {s.build for s in self.layout.steps if s.finished and s.build not in failed}
        return self.layout.builds[max(good)] if good and not self.failing else 0

    def _went_on(self) -> int:
        """Return the line at which a piece of a log shows its first step if others came before it, 0 if none did."""
        first = self.layout.steps[0] if self.layout.steps else None
        return first.first if first and first.kind in ("classic", "buildah") and first.id != "Step 1" else 0

    @property
    def failing_step(self) -> Step | None:
        """The step that ended the build, if a builder named one."""
        return self.failing[0] if self.failing else None

    def weigh(self, line: Line, place: Place | None, step: Step | None) -> Weight:
        """Return how likely this line is to hold the cause."""
        if step is not None and is_survivable(step.title.name):
            return Weight.INNOCENT if self.builds_something else Weight.POSSIBLE
        if place == "service":
            return Weight.LIKELY if self._before_end(line.number) else Weight.INNOCENT
        if self._left_behind(line.number) or is_overcome(line.body):
            return Weight.INNOCENT
        if place in ("dump", "step") and step is not None:
            return self._weigh_step(step)
        if place == "chain":
            return Weight.INNOCENT if self._survived(self.layout.build_at(line.number)) else Weight.DECISIVE
        if place == "daemon-log":
            return Weight.DECISIVE
        early = place is None and line.number < self.went_on
        if early or self._before_failing_run(line.number) or self._before_good_build(line):
            return Weight.INNOCENT
        return Weight.LIKELY

    def _before_good_build(self, line: Line) -> bool:
        """Whether the script went on to a build that ended well; what a client warns of may count later."""
        return line.number < self.good_build and not line.body.startswith("WARNING")

    def _before_failing_run(self, number: int) -> bool:
        """Whether a line outside of steps came before a build that went as far as a command that failed."""
        step = self.failing_step
        if step is None or step.title.instruction != "RUN" or number >= self.layout.builds[step.build]:
            return False
        return step.kind == "dump" or "did not complete" in step.error or "executor failed running" in step.error

    def _weigh_step(self, step: Step) -> Weight:
        if id(step) in self._failing_ids:
            return Weight.DECISIVE
        if step.finished or self.failing or step.build < self.last_build:
            return Weight.INNOCENT
        return Weight.POSSIBLE if step.status == "canceled" else Weight.LIKELY

    def _before_end(self, number: int) -> bool:
        return self.section is None or number < self.section.stop

    def _left_behind(self, number: int) -> bool:
        """Whether a line belongs to a section or command that was over when the job failed, or to the clean-up."""
        if number == self.layout.final:
            return False
        section = self.layout.section_at(number)
        if section is not None and section.name == "after_script":
            return True
        if section is not None and self.section is not None:
            if section.name in CLEANUP_SECTIONS and section.name != self.section.name:
                return True
            if section.stop <= self.section.start:
                return True
        command = self.command
        return (
            command is not None
            and command.section != "after_script"
            and number < command.line
            and (section is not None and section.name == command.section)
        )
