"""The blocks of a trace that stand by themselves: step dumps, Dockerfile excerpts, service logs and daemon logs."""

import re

from bkdoctor.trace.builds import Builds
from bkdoctor.trace.layout import Block, Layout, Span
from bkdoctor.trace.log import Line, Log

_EXCERPT_HEAD = re.compile(r"^\s*(?P<file>[^\s:]+):(?P<line>\d+)\s*$")
_RULE = re.compile(r"^\s*-{20,}\s*$")
_POINTED = re.compile(r"^\s*(?P<line>\d+) \|\s+>>> (?P<text>.*)$")
_DUMP_NAME = re.compile(r"^ ?> (?P<name>.*)")
_DAEMON_LOG = "========== log =========="
_SERVICE = re.compile(r"\*\*\* WARNING: Service \S+ probably didn't start properly")


class Blocks:
    """Finds blocks; fed with lines in order."""

    def __init__(self, log: Log, layout: Layout, builds: Builds) -> None:
        self.log = log
        self.out = layout
        self.builds = builds
        self._dump_start: int | None = None
        self._dump_name = ""
        self._rule: int | None = None
        self._excerpt_start: int | None = None
        self._service_start: int | None = None

    @property
    def in_dump(self) -> bool:
        """Whether the line before was part of a step dump."""
        return self._dump_start is not None

    @property
    def waits(self) -> bool:
        """Whether the next line with text matters whatever it says: the one behind `------`."""
        return self._rule is not None and self._dump_start is None

    @property
    def busy(self) -> bool:
        """Whether a line may be part of a block, or end one."""
        started = (self._rule, self._dump_start, self._excerpt_start, self._service_start)
        return any(line is not None for line in started)

    def take(self, line: Line) -> bool:
        """Return whether a line is part of a block."""
        text, number = line.text, line.number
        if self._service_start is not None:
            if text.strip("* \t") == "" and "*********" in text:
                self.out.services.append(Span(self._service_start, number + 1))
                self._service_start = None
            return True
        if _SERVICE.search(text):
            self._service_start = number
            return True
        if _DAEMON_LOG in text:
            self.end_daemon_log(number)
            self.out.daemon_logs.append(Span(number + 1, self.out.end))
            return True
        return self._dump(text, number) or self._excerpt(text, number)

    def _dump(self, text: str, number: int) -> bool:
        stripped = text.strip()
        if stripped == "------":
            if self._dump_start is not None:
                self._end_dump(number)
            self._rule = number
            return True
        if self._dump_start is not None:
            return True
        match = _DUMP_NAME.match(text)
        if match and self._rule is not None:
            self._dump_start = number
            self._dump_name = match["name"].strip().rstrip(":").strip()
            return True
        self._rule = None
        return False

    def _end_dump(self, stop: int) -> None:
        start = self._dump_start or stop
        self.out.dumps.append(Block(Span(start, stop), self.builds.named(self._dump_name, start)))
        self._dump_start = None

    def _excerpt(self, text: str, number: int) -> bool:
        if self._excerpt_start is not None:
            if _RULE.match(text):
                self.out.excerpts.append(Span(self._excerpt_start, number + 1))
                self._excerpt_start = None
            elif (match := _POINTED.match(text)) and self.out.dockerfile_line is None:
                self.out.dockerfile_line, self.out.pointed = int(match["line"]), match["text"].strip()
            return True
        if _RULE.match(text) and self.log.line(max(1, number - 1)).text.strip():
            head = _EXCERPT_HEAD.match(self.log.line(number - 1).text) if number > 1 else None
            if head:
                self._excerpt_start = number
                self.out.dockerfile, self.out.dockerfile_line = head["file"], None
                return True
        return False

    def end_daemon_log(self, stop: int) -> None:
        """End a daemon's log that is printed to its end: another follows, or the script goes on."""
        if self.out.daemon_logs and self.out.daemon_logs[-1].stop == self.out.end:
            self.out.daemon_logs[-1] = Span(self.out.daemon_logs[-1].start, stop)

    def interrupt(self, stop: int) -> None:
        """End what is open: the lines from `stop` on are not known."""
        if self._dump_start is not None:
            self._end_dump(stop)
        if self._service_start is not None:
            self.out.services.append(Span(self._service_start, stop))
        self._rule = self._excerpt_start = self._service_start = None

    def close(self) -> None:
        """End what is still open at the end of the trace."""
        self.interrupt(self.out.end)
        if self.out.daemon_logs:
            script = self.out.section_at(self.out.daemon_logs[-1].start)
            self.end_daemon_log(script.stop if script else self.out.final or self.out.end)
