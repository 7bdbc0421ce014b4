"""From a Log to its Layout: sections, commands, builds, steps, dumps, chains, service and daemon logs.

A state machine fed with the lines that carry a mark (`marks`), in order, and with the few that it asks for itself.
"""

import re

from bkdoctor.trace import builders, clean
from bkdoctor.trace.blocks import Blocks
from bkdoctor.trace.builders import Announcement
from bkdoctor.trace.builds import Builds
from bkdoctor.trace.layout import Command, Layout, Section, Span, Step
from bkdoctor.trace.log import Line, Log
from bkdoctor.trace.marks import TITLES
from bkdoctor.trace.surveyor import MOST_MARKED

_KNOWN = 20_000
"""Headings that are remembered."""
_FAILED = re.compile(r"(?:^|\s)ERROR: (?:[Jj]ob|Build) failed\b")
_FAILED_WORDS = ("ERROR: Job failed", "ERROR: job failed", "ERROR: Build failed")
_OWN_WORDS = re.compile(
    r"^\s*(?:(?:ERROR|Error): failed to |error: failed to (?:build|solve)\b"
    r"|(?:ERROR|error|Error): (?:error building |building at |Service |while running )"
    r"|(?:ERROR|error|Error)(?:: | )(?:response from daemon|during connect)|error building "
    r"|failed to (?:build|solve)\b)",
)
"""What a builder that does not mark its output says of its own; any other `error:` is the program's in its step."""
_SNAPSHOT = "Taking snapshot of"
_BUILT = re.compile(r"Successfully (?:built [0-9a-f]{12}|tagged \S+)\s*$")
"""How the classic builder ends; pip says the first of packages."""
_FIRST_SNAPSHOT = "Initializing snapshotter"
_CHAIN = re.compile(
    r"^\s*(?:ERROR|error|Error): |^\s*(?:(?:target \S+: )?failed to (?:build|solve)\b|error building image: )"
)
_LIMIT = re.compile(r"^Job's log exceeded limit of \d+")


def segment(log: Log) -> Layout:
    """Return the structure of a trace."""
    return _Segmenter(log).run()


class _Segmenter:
    def __init__(self, log: Log) -> None:
        self.log = log
        self.out = Layout(end=len(log) + 1)
        self.has_markers = log.survey.has_sections
        self.green = log.survey.green
        self.open: list[Section] = []
        self.builds = Builds(self.out)
        self.blocks = Blocks(log, self.out, self.builds)
        self.headings: dict[bytes, Announcement | None] = {}
        self.repeated: dict[bytes, Step] = {}
        """Headings since the last line that was something else, of steps of which there is nothing else to learn."""

    def run(self) -> Layout:
        self.fed = 0
        unread = self.log.survey.unread
        if unread is not None:
            self._read(0, MOST_MARKED)
            self.blocks.interrupt(unread[0])
            self.builds.end_region(unread[0] - 1)
            self.out.unread = Span(*unread)
            self.fed = unread[1] - 1
        self._read(MOST_MARKED if unread else 0, None)
        self._feed_until(self.out.end)
        self.blocks.close()
        self.builds.end_region(self.out.end - 1)
        self.out.index()
        return self.out

    def _read(self, first: int, stop: int | None) -> None:
        """Take in the marked lines of the survey from one up to, not including, another."""
        survey, repeated = self.log.survey, self.repeated
        for number, raw in zip(survey.marked_numbers[first:stop], survey.marked_bytes[first:stop], strict=True):
            if raw in repeated:
                repeated[raw].last = self.fed = number
                continue
            if self.blocks.waits:
                self._feed_until(number)
            if raw is None:
                self._take(self.log.head_of(number), self.log.joined(self.log.head_of(number)))
            elif raw[:1] != b"#" or b"section_" in raw or not self._is_repeated(raw, number):
                self._take(number, raw)

    def _is_repeated(self, raw: bytes, number: int) -> bool:
        """Take in a heading that was there before and can mean nothing else, which in long builds most lines are."""
        found = self.headings.get(raw)
        if found is None and len(self.headings) < _KNOWN:
            found = self.headings[raw] = builders.heading(self.log.made(number, raw).text)
        if found is None or self.blocks.busy:
            return False
        step = self.builds.announce(found, number)
        if not builders.may_restart(found.id):
            self.repeated[raw] = step
        else:
            self.repeated.clear()
        self.fed = number
        return True

    def _feed_until(self, stop: int) -> None:
        """Feed the lines behind the last one for as long as what it began depends on them."""
        number = self.log.next(self.fed) if self.blocks.waits else None
        while number is not None and number < stop and self.blocks.waits:
            self._take(number, self.log.joined(number))
            number = self.log.next(number)

    def _take(self, number: int, raw: bytes) -> None:
        if number <= self.fed:
            return
        self.fed = number
        self.repeated.clear()
        if self.has_markers and b"section_" in raw:
            self._markers(number, raw)
        line = self.log.made(number, raw)
        if line.text.strip():
            self._feed(line, raw)

    def _markers(self, number: int, raw: bytes) -> None:
        for match in clean.MARKER.finditer(raw):
            name = match["name"].decode()
            if match["kind"] == b"start":
                self.builds.end_region(number - 1)
                section = Section(name, number, self.out.end)
                self.out.sections.append(section)
                self.open.append(section)
            else:
                self._end_section(name, number)

    def _end_section(self, name: str, number: int) -> None:
        """Close the section; an end whose section is not open is dropped, as GitLab does."""
        for index in range(len(self.open) - 1, -1, -1):
            if self.open[index].name == name:
                for section in self.open[index:]:
                    section.stop = max(number, section.start + 1)
                del self.open[index:]
                self.builds.end_region(number - 1)
                return

    def _feed(self, line: Line, raw: bytes) -> None:
        text, number = line.text, line.number
        if self._runner_line(line, raw) or self.blocks.take(line):
            return
        found = builders.announcement(text)
        if found:
            self.builds.announce(found, number)
        elif self.builds.in_region and self._ends_step(text, number):
            self.builds.end_region(number, finished=True)
        elif self._is_chain(text):
            self.out.chains.append(number)
            self.builds.fail_region()

    def _ends_step(self, text: str, number: int) -> bool:
        return (_SNAPSHOT in text and not self._is_first_snapshot(number)) or _BUILT.match(text) is not None

    def _is_first_snapshot(self, number: int) -> bool:
        """Whether kaniko takes the snapshot of the base image, which it does behind the heading of the first RUN."""
        before = self.log.line(number - 1).text if number > 1 else ""
        found = builders.announcement(before)
        return _FIRST_SNAPSHOT in before or bool(found and found.title and found.title.instruction == "RUN")

    def _is_chain(self, text: str) -> bool:
        if not self.builds.begun or self.blocks.in_dump or not _CHAIN.match(text):
            return False
        return not self.builds.in_region or _OWN_WORDS.match(text) is not None

    def _runner_line(self, line: Line, raw: bytes) -> bool:
        text, number = line.text, line.number
        if text.startswith("Running with gitlab-runner") or "Running with gitlab-runner " in text[:60]:
            self.out.has_runner = True
        elif not self.has_markers and (name := _title(text)):
            self._titled(name, number)
        elif text.startswith("$ ") and (b"\x1b[32;1m$ " in raw or not (self.green or self.builds.runs_scripts)):
            self._command(line)
        elif _says_failed(text) or text.strip() == "Job succeeded":
            self._final(line)
        elif _LIMIT.match(text):
            self.out.cut_by_limit = number
        else:
            return False
        return True

    def _titled(self, name: str, number: int) -> None:
        for section in self.open:
            section.stop = number
        self.builds.end_region(number - 1)
        self.out.has_runner = True
        self.open = [Section(name, number, self.out.end)]
        self.out.sections.append(self.open[0])

    def _command(self, line: Line) -> None:
        if not self.has_markers and self.out.has_runner and not self._current_is_script():
            self._titled("step_script", line.number)
        self.builds.end_region(line.number - 1)
        self.builds.forget()
        self.blocks.end_daemon_log(line.number)
        current = self.open[-1].name if self.open else None
        self.out.commands.append(Command(line.number, line.text[2:].strip(), current))

    def _current_is_script(self) -> bool:
        return bool(self.open) and self.open[-1].name in ("step_script", "after_script")

    def _final(self, line: Line) -> None:
        """The runner's word on how the job ended; a later one stands, since a test may print the same."""
        self.out.final = line.number
        self.out.succeeded = line.text.strip() == "Job succeeded"
        if not self.has_markers and self.open:
            self.open[-1].stop = line.number
            self.open = []
        self.builds.end_region(line.number - 1)


def _says_failed(text: str) -> bool:
    # lines may be long, and looking for a word costs a tenth of trying the expression at each blank
    return "ERROR: " in text and any(word in text for word in _FAILED_WORDS) and _FAILED.search(text) is not None


def _title(text: str) -> str | None:
    for title, name in TITLES.items():
        if text.startswith(title):
            return name
    return None
