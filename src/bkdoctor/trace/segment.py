"""From a Log to its Layout: sections, commands, builds, steps, dumps, chains, service and daemon logs.

A state machine fed with lines in order; it needs the lines that carry a marker of its own and ignores all others.
"""

import re

from bkdoctor.trace import builders, clean
from bkdoctor.trace.builders import Announcement
from bkdoctor.trace.layout import Block, Command, Layout, Section, Span, Step
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
_EXCERPT_HEAD = re.compile(r"^\s*(?P<file>[^\s:]+):(?P<line>\d+)\s*$")
_RULE = re.compile(r"^\s*-{20,}\s*$")
_POINTED = re.compile(r"^\s*(?P<line>\d+) \|\s+>>> (?P<text>.*)$")
_DUMP_NAME = re.compile(r"^ ?> (?P<name>.*?):?\s*$")
_DAEMON_LOG = "========== log =========="
_SERVICE = re.compile(r"\*\*\* WARNING: Service \S+ probably didn't start properly")
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
        self.steps: dict[str, Step] = {}
        self.region: Step | None = None
        self.dump_start: int | None = None
        self.rule: int | None = None
        self.excerpt: int | None = None
        self.service_start: int | None = None

    def run(self) -> Layout:
        for number in self.log.numbers():
            if self.has_markers:
                self._markers(number)
            line = self.log.line(number)
            if line.text.strip():
                self._feed(line)
        self._close_blocks()
        self.out.index()
        return self.out

    def _markers(self, number: int) -> None:
        raw = self.log.joined(number)
        if b"section_" not in raw:
            return
        for match in clean.MARKER.finditer(raw):
            name = match["name"].decode()
            if match["kind"] == b"start":
                self._end_region(number - 1)
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
                self._end_region(number - 1)
                return

    def _feed(self, line: Line) -> None:
        text, number = line.text, line.number
        if self._runner_line(line) or self._blocks(line):
            return
        found = builders.announcement(text)
        if found:
            self._step(found, number)
        elif self._in_build() and _CHAIN.match(text) and self.dump_start is None:
            self.out.chains.append(number)
            if text.lstrip().startswith(("error building image", "ERROR", "error", "Error")):
                self._fail_region(number)

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
        self._end_region(number - 1)
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
        self._end_region(line.number - 1)
        self.steps = {}
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
        self._end_region(line.number - 1)

    def _blocks(self, line: Line) -> bool:
        """Handle dumps, Dockerfile excerpts, service and daemon logs; True if the line is part of one."""
        text, number = line.text, line.number
        if self.service_start is not None:
            if text.strip("* \t") == "" and "*********" in text:
                self.out.services.append(Span(self.service_start, number + 1))
                self.service_start = None
            return True
        if _SERVICE.search(text):
            self.service_start = number
            return True
        if _DAEMON_LOG in text:
            self._end_daemon_log(number)
            self.out.daemon_logs.append(Span(number + 1, self.out.end))
            return True
        return self._dump(text, number) or self._excerpt(text, number)

    def _dump(self, text: str, number: int) -> bool:
        stripped = text.strip()
        if stripped == "------":
            if self.dump_start is not None:
                self._end_dump(number)
            self.rule = number
            return True
        if self.dump_start is not None:
            return True
        match = _DUMP_NAME.match(text)
        if match and self.rule is not None:
            self.dump_start = number
            self.dump_name = match["name"].rstrip(":").strip()
            return True
        self.rule = None
        return False

    def _end_dump(self, stop: int) -> None:
        step = self._named(self.dump_name)
        self.out.dumps.append(Block(Span(self.dump_start or stop, stop), step))
        self.dump_start = None

    def _named(self, name: str) -> Step | None:
        """Find the step of that name; a pasted log may hold the dump alone, which then is all there is of the step."""
        for step in reversed(self.out.steps):
            if step.title.name.split("\n")[0].startswith(name[:60]) or name.startswith(step.title.name):
                if step.status in ("running", "done"):
                    step.status = "error" if step.status == "running" else step.status
                return step
        start = self.dump_start or 1
        if not self.out.builds:
            self.out.builds.append(start)
        build = len(self.out.builds) - 1
        step = Step(name, "dump", build, builders.title_of(name), start, start, "error")
        self.out.steps.append(step)
        return step

    def _excerpt(self, text: str, number: int) -> bool:
        if self.excerpt is not None:
            if _RULE.match(text):
                self.out.excerpts.append(Span(self.excerpt, number + 1))
                self.excerpt = None
            elif (match := _POINTED.match(text)) and self.out.dockerfile_line is None:
                self.out.dockerfile_line, self.out.pointed = int(match["line"]), match["text"].strip()
            return True
        if _RULE.match(text) and self.log.line(max(1, number - 1)).text.strip():
            head = _EXCERPT_HEAD.match(self.log.line(number - 1).text) if number > 1 else None
            if head:
                self.excerpt = number
                self.out.dockerfile, self.out.dockerfile_line = head["file"], None
                return True
        return False

    def _in_build(self) -> bool:
        return bool(self.out.builds)

    def _step(self, found: Announcement, number: int) -> None:
        key = found.id if found.kind != "kaniko" else f"{found.id}@{number}"
        if self._is_new_build(found):
            self.out.builds.append(number)
            self.steps = {}
        step = self.steps.get(key)
        if step is None:
            title = found.title or builders.title_of("")
            build = len(self.out.builds) - 1
            step = self.steps[key] = Step(found.id, found.kind, build, title, number, number)
            self.out.steps.append(step)
            if found.kind in ("classic", "buildah", "kaniko"):
                self._end_region(number - 1, finished=True)
                self.region = step
        step.last = number
        if found.status and found.status != "running":
            step.status, step.status_line = found.status, number
            step.error = found.detail

    def _is_new_build(self, found: Announcement) -> bool:
        if not self.out.builds or not self.steps:
            return True
        known = self.steps.get(found.id)
        if found.kind == "buildkit":
            return known is not None and _restarts(known, found)
        return found.kind in ("classic", "buildah") and found.id == "Step 1" and known is not None

    def _end_region(self, last: int, *, finished: bool = False) -> None:
        if self.region is not None:
            self.region.last = max(self.region.first, last)
            if finished and self.region.status == "running":
                self.region.status = "done"
            self.region = None

    def _fail_region(self, number: int) -> None:
        if self.region is not None:
            self.region.status, self.region.status_line = "error", number

    def _end_daemon_log(self, stop: int) -> None:
        if self.out.daemon_logs and self.out.daemon_logs[-1].stop == self.out.end:
            self.out.daemon_logs[-1] = Span(self.out.daemon_logs[-1].start, stop)

    def _close_blocks(self) -> None:
        if self.dump_start is not None:
            self._end_dump(self.out.end)
        if self.service_start is not None:
            self.out.services.append(Span(self.service_start, self.out.end))
        if self.out.daemon_logs:
            script = self.out.section_at(self.out.daemon_logs[-1].start)
            self._end_daemon_log(script.stop if script else self.out.final or self.out.end)
        if self.region is not None:
            self.region.last = self.out.end - 1


def _title(text: str) -> str | None:
    for title, name in _TITLES.items():
        if text.startswith(title):
            return name
    return None


def _restarts(known: Step, found: Announcement) -> bool:
    """Whether a heading for #0 or #1 begins another build: its first step was over, or has another name.

    A step that boots a builder prints lines of its own (`#1 pulling image ...`) that are no headings.
    """
    if found.id not in ("#0", "#1") or found.title is None or not known.title.name:
        return False
    return known.status != "running" or (found.title.name.startswith("[") and found.title.name != known.title.name)
