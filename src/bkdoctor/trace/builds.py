"""From announcements of steps to the builds and steps of a Layout."""

import re

from bkdoctor.trace import builders
from bkdoctor.trace.builders import Announcement
from bkdoctor.trace.layout import Layout, Step

_PRINTS_COMMANDS = re.compile(r"\b(?:yarn|bunx?|npm|npx|pnpm|lerna|turbo)\b")
LAST_NAMED = 50
"""Steps among which the one is looked for whose output is printed again, where that was done MOST_NAMED times."""
MOST_NAMED = 100


class Builds:
    """Follows the steps of the builds in a trace; fed with what each line announces, in order."""

    def __init__(self, layout: Layout) -> None:
        self.out = layout
        self._steps: dict[str, Step] = {}
        self._begun = False
        self._region: Step | None = None

    @property
    def begun(self) -> bool:
        """Whether a build has begun since the script's last command did."""
        return self._begun

    @property
    def in_region(self) -> bool:
        """Whether a step is under way whose output carries no mark of its own."""
        return self._region is not None

    @property
    def runs_scripts(self) -> bool:
        """Whether the open region's step calls a package manager that prints scripts as a shell would: `$ tsc`."""
        return self._region is not None and _PRINTS_COMMANDS.search(self._region.title.text) is not None

    def forget(self) -> None:
        """A command of the script begins: the numbers of the next build are its own."""
        self._steps = {}
        self._begun = False

    def announce(self, found: Announcement, number: int) -> Step:
        """Take in what a line says about a step, and return that."""
        self._begun = True
        key = found.id if found.kind != "kaniko" else f"{found.id}@{number}"
        if self._is_new_build(found):
            self.out.builds.append(number)
            self._steps = {}
        step = self._steps.get(key)
        if step is None:
            title = found.title or builders.title_of("")
            build = len(self.out.builds) - 1
            step = Step(found.id, found.kind, build, title, number, number)
            self._steps[key] = step
            self.out.steps.append(step)
            if found.kind in ("classic", "buildah", "kaniko"):
                self.end_region(number - 1, finished=True)
                self._region = step
        step.last = number
        if found.status and found.status != "running":
            step.status = found.status
            step.error = found.detail
        return step

    def _is_new_build(self, found: Announcement) -> bool:
        if not self.out.builds or not self._steps:
            return True
        known = self._steps.get(found.id)
        if found.kind == "buildkit":
            return _restarts(known, found) if known else self._begins_again(found)
        return found.kind in ("classic", "buildah") and found.id == "Step 1" and known is not None

    def _begins_again(self, found: Announcement) -> bool:
        """Whether a heading for #0 or #1 comes behind higher numbers: the beginning of the build before is cut off."""
        first = builders.may_restart(found.id) and found.title is not None
        return first and not all(map(builders.may_restart, self._steps))

    def end_region(self, last: int, *, finished: bool = False) -> None:
        """End the step that reaches from its heading to whatever comes next, at the line `last`."""
        if self._region is not None:
            self._region.last = max(self._region.first, last)
            if finished and self._region.status == "running":
                self._region.status = "done"
            self._region = None

    def fail_region(self) -> None:
        """The builder says that the step under way failed."""
        if self._region is not None:
            self._region.status = "error"

    def named(self, name: str, number: int) -> Step:
        """Return the step of that name, failed ones first; a pasted dump may be all there is of its step."""
        steps = self.out.steps
        if len(self.out.dumps) >= MOST_NAMED and len(steps) > LAST_NAMED:
            self.out.named_late, steps = True, steps[-LAST_NAMED:]
        known = [s for s in reversed(steps) if _has_name(s, name)]
        for step in sorted(known, key=lambda s: not s.failed):
            if step.status == "running":
                step.status = "error"
            return step
        if not self.out.builds:
            self.out.builds.append(number)
        build = len(self.out.builds) - 1
        step = Step(name, "dump", build, builders.title_of(name), number, number, "error")
        self.out.steps.append(step)
        return step


def _has_name(step: Step, name: str) -> bool:
    title = step.title.name
    return bool(title) and (title.startswith(name[:60]) or name.startswith(title))


def _restarts(known: Step, found: Announcement) -> bool:
    """Whether a heading for #0 or #1 begins another build: its first step was over, or has another name.

    A step that boots a builder prints lines of its own (`#1 pulling image ...`) that are no headings.
    """
    if not builders.may_restart(found.id) or found.title is None or not known.title.name:
        return False
    return known.status != "running" or (found.title.name.startswith("[") and found.title.name != known.title.name)
