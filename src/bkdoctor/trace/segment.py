"""From a Log to its Layout: sections, commands, builds, steps, dumps, chains, service and daemon logs.

A state machine fed with lines in order; it needs the lines that carry a marker of its own and ignores all others.
"""

import re

from bkdoctor.trace import builders, clean
from bkdoctor.trace.blocks import Blocks
from bkdoctor.trace.builds import Builds
from bkdoctor.trace.layout import Command, Layout, Section
from bkdoctor.trace.log import Line, Log

_TITLES = {
    "Resolving secrets": "resolve_secrets",
    'Preparing the "': "prepare_executor",
    "Preparing environment": "prepare_script",
    "Getting source from Git repository": "get_sources",
    "Deleting all tracked and untracked files": "clear_worktree",
    "Restoring cache": "restore_cache",
    "Downloading artifacts": "download_artifacts",
    'Executing "step_script" stage': "step_script",
    'Executing "build_script" stage': "step_script",
    'Executing "after_script" stage': "after_script",
    "Running after_script": "after_script",
    "Running after script": "after_script",
    "Saving cache for successful job": "archive_cache",
    "Saving cache for failed job": "archive_cache_on_failure",
    "Uploading artifacts for successful job": "upload_artifacts_on_success",
    "Uploading artifacts for failed job": "upload_artifacts_on_failure",
    "Cleaning up file based variables": "cleanup_file_variables",
    "Cleaning up project directory and file based variables": "cleanup_file_variables",
}
_FAILED = re.compile(r"(?:^|\s)ERROR: (?:[Jj]ob|Build) failed\b")
_CHAIN = re.compile(r"^\s*(?:ERROR|error|Error): |^\s*(?:failed to (?:build|solve)\b|error building image: )")
_LIMIT = re.compile(r"^Job's log exceeded limit of \d+")


def segment(log: Log) -> Layout:
    """Return the structure of a trace."""
    return _Segmenter(log).run()


class _Segmenter:
    def __init__(self, log: Log) -> None:
        self.log = log
        self.out = Layout(end=len(log) + 1)
        self.has_markers = b"section_start:" in log.raw
        self.green = b"\x1b[32;1m$ " in log.raw
        self.open: list[Section] = []
        self.builds = Builds(self.out)
        self.blocks = Blocks(log, self.out, self.builds)

    def run(self) -> Layout:
        for number in self.log.numbers():
            if self.has_markers:
                self._markers(number)
            line = self.log.line(number)
            if line.text.strip():
                self._feed(line)
        self.blocks.close()
        self.builds.end_region(self.out.end - 1)
        self.out.index()
        return self.out

    def _markers(self, number: int) -> None:
        raw = self.log.joined(number)
        if b"section_" not in raw:
            return
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

    def _feed(self, line: Line) -> None:
        text, number = line.text, line.number
        if self._runner_line(line) or self.blocks.take(line):
            return
        found = builders.announcement(text)
        if found:
            self.builds.announce(found, number)
        elif self.builds.begun and _CHAIN.match(text) and not self.blocks.in_dump:
            self.out.chains.append(number)
            if text.lstrip().startswith(("error building image", "ERROR", "error", "Error")):
                self.builds.fail_region(number)

    def _runner_line(self, line: Line) -> bool:
        text, number = line.text, line.number
        if text.startswith("Running with gitlab-runner") or "Running with gitlab-runner " in text[:60]:
            self.out.has_runner = True
        elif not self.has_markers and (name := _title(text)):
            self._titled(name, number)
        elif self._is_command(line):
            self._command(line)
        elif _FAILED.search(text) or text.strip() == "Job succeeded":
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

    def _is_command(self, line: Line) -> bool:
        if not line.text.startswith("$ "):
            return False
        return not self.green or b"\x1b[32;1m$ " in self.log.joined(line.number)

    def _command(self, line: Line) -> None:
        if not self.has_markers and self.out.has_runner and not self._current_is_script():
            self._titled("step_script", line.number)
        self.builds.end_region(line.number - 1)
        self.builds.forget()
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


def _title(text: str) -> str | None:
    for title, name in _TITLES.items():
        if text.startswith(title):
            return name
    return None
