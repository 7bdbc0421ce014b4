"""A plain, slow reading of a trace, to compare the fast one with: every line is cleaned, kept and looked at.

In goes a trace as bytes, out come the same Log, Layout and Report as bkdoctor makes, from lists of all lines. It shares
with the fast one what a single line says (`clean`, `builders`) and everything behind the Layout; it finds lines,
structure and literals in its own way.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from unittest import mock

from bkdoctor import doctor
from bkdoctor.trace import builders, clean, pasted
from bkdoctor.trace.builds import Builds
from bkdoctor.trace.layout import Block, Command, Layout, Section, Span
from bkdoctor.trace.log import Line
from bkdoctor.trace.segment import _OWN_WORDS
from bkdoctor.trace.source import Source


class PlainLog:
    """A trace: raw bytes, and where its lines start.

    `cut_at` is the offset at which the middle of a trace that was too large is missing, `left_out` how many line ends
    were there: they count in the numbers that are shown.
    """

    def __init__(self, raw: bytes, _searcher: object = None, *, cut_at: int | None = None, left_out: int = 0) -> None:
        raw = _bytes(pasted.without_mark(Source(raw)))
        plain, self.quote = pasted.plain(Source(raw))
        self.raw = _bytes(plain)
        self._cut_at = cut_at
        self._left_out = left_out
        raw = self.raw
        first = raw[: clean.HEADER_LENGTH * 8].lstrip(b"\n")
        self.timestamped = clean.is_timestamped(first)
        self.lost_escapes = b"[0K" in raw and b"\x1b" not in raw
        self._starts = _line_starts(raw)
        self._heads = self._find_heads()
        self._copied = _copied_numbers(raw, self._starts)
        self.line = lru_cache(maxsize=8192)(self._line)

    def __len__(self) -> int:
        """Return how many raw lines there are; an empty trace has none."""
        return len(self._starts) - 1

    def _find_heads(self) -> list[int]:
        """Return the numbers of the raw lines that begin a visible line."""
        numbers = range(1, len(self) + 1)
        if not self.timestamped:
            return list(numbers)
        return [n for n in numbers if n == 1 or not clean.continues(self.raw_line(n))]

    def raw_line(self, number: int) -> bytes:
        """Return the bytes of a raw line without its `\\n`."""
        end = self._starts[number]
        line = self.raw[self._starts[number - 1] : end]
        return line[:-1] if line.endswith(b"\n") else line

    def joined(self, number: int) -> bytes:
        """Return the bytes of a line and its continuations, without headers; markers and codes are still there."""
        stop = number + 1
        if self.timestamped:
            index = bisect_right(self._heads, number)
            stop = self._heads[index] if index < len(self._heads) else len(self) + 1
        region = b"\n".join(self.raw_line(n) for n in range(number, stop))
        if len(region) > clean.LONG:
            half = clean.LONG // 2
            return clean.shortened(
                region[:half], region[-2 * clean.LONG : -half], region[-half:], timestamped=self.timestamped
            )
        return clean.joined(region) if self.timestamped else region

    def _line(self, number: int) -> Line:
        text = clean.clean(self.joined(number), lost_escapes=self.lost_escapes)[self._copied.get(number, 0) :]
        return Line(number, text, clean.prefix_length(text))

    def numbers(self, start: int = 1, stop: int | None = None) -> list[int]:
        """Return the numbers of the visible lines from `start` up to, not including, `stop`."""
        first = bisect_right(self._heads, start - 1)
        last = bisect_right(self._heads, stop - 1) if stop is not None else len(self._heads)
        return self._heads[first:last]

    def head_of(self, number: int) -> int:
        """Return the number of the visible line that the raw line `number` is part of."""
        return self._heads[max(0, bisect_right(self._heads, number) - 1)]

    def number_at(self, offset: int) -> int:
        """Return the number of the raw line that holds the byte at `offset`."""
        return bisect_right(self._starts, offset)

    def shown_number(self, number: int) -> int:
        """Return the number that a line has in the whole trace."""
        behind = self._cut_at is not None and self._starts[number - 1] >= self._cut_at
        return number + self._left_out if behind else number

    def next(self, number: int) -> int | None:
        """Return the number of the visible line after `number`, None at the end."""
        index = bisect_right(self._heads, number)
        return self._heads[index] if index < len(self._heads) else None

    def ends(self, start: int, stop: int | None, count: int) -> list[int]:
        """Return the first and the last `count` numbers of visible lines in that range."""
        numbers = self.numbers(start, stop)
        return numbers if len(numbers) <= 2 * count else [*numbers[:count], *numbers[-count:]]

    def is_blank(self, start: int = 1) -> bool:
        """Whether no character from the line `start` on is visible."""
        return all(not self.line(n).text.strip() for n in self.numbers(start))

    @property
    def survey(self) -> "PlainLog":
        """What can be asked whether it holds a word."""
        return self

    @property
    def green(self) -> bool:
        """Whether commands are green, as the runner prints them."""
        return b"\x1b[32;1m$ " in self.raw

    def holds(self, word: bytes) -> bool:
        """Say whether the trace holds a word."""
        lines = (
            re.sub(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", b"", _CODES.sub(b"", self.joined(n))) for n in self.numbers()
        )
        return word in b"\n".join(lines)


def _bytes(source: Source) -> bytes:
    return source.read(0, source.size)


_CODES = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\r\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?")
_PASTE_LIMIT = 4 * 1024 * 1024
"""A log that somebody copied from a web page with its line numbers is not larger than this."""


def _copied_numbers(raw: bytes, starts: list[int]) -> dict[int, int]:
    """Return, for a log copied from GitLab's page with line numbers glued to the lines, how many digits each line has.

    The page gives section titles no number of their own line, so that the count goes on below them.
    """
    if len(raw) > _PASTE_LIMIT or not _looks_numbered(raw[:4096].split(b"\n")):
        return {}
    found: dict[int, int] = {}
    expected = 1
    for number in range(1, len(starts)):
        line = raw[starts[number - 1] : starts[number]]
        here = _number_at_start(line, expected)
        if here is not None:
            found[number] = len(str(here))
            expected = here + 1
        elif number == 1:
            expected = 2
    return found


def _number_at_start(line: bytes, expected: int) -> int | None:
    """Return the copied line number: the expected one, or a little more where lines were cut out."""
    if line.startswith(str(expected).encode()):
        return expected
    digits = line[: len(line) - len(line.lstrip(b"0123456789"))]
    found = int(digits) if 0 < len(digits) <= 6 else 0
    return found if expected < found < expected + 5_000 else None


def _looks_numbered(lines: list[bytes]) -> bool:
    expected, hits = 2, 0
    for line in lines[1:]:
        if line.startswith(str(expected).encode()):
            expected, hits = expected + 1, hits + 1
    return hits >= 5 and hits * 2 >= len(lines) - 1


def _line_starts(raw: bytes) -> list[int]:
    starts = [0]
    find = raw.find
    position = find(b"\n")
    while position >= 0:
        starts.append(position + 1)
        position = find(b"\n", position + 1)
    if starts[-1] != len(raw):
        starts.append(len(raw))
    return starts


_EXCERPT_HEAD = re.compile(r"^\s*(?P<file>[^\s:]+):(?P<line>\d+)\s*$")
_RULE = re.compile(r"^\s*-{20,}\s*$")
_POINTED = re.compile(r"^\s*(?P<line>\d+) \|\s+>>> (?P<text>.*)$")
_DUMP_NAME = re.compile(r"^ ?> (?P<name>.*?):?\s*$")
_DAEMON_LOG = "========== log =========="
_SERVICE = re.compile(r"\*\*\* WARNING: Service \S+ probably didn't start properly")


class Blocks:
    """Finds blocks; fed with lines in order."""

    def __init__(self, log: PlainLog, layout: Layout, builds: Builds) -> None:
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
            self._dump_name = match["name"].rstrip(":").strip()
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
        if self.out.daemon_logs and self.out.daemon_logs[-1].stop == self.out.end:
            self.out.daemon_logs[-1] = Span(self.out.daemon_logs[-1].start, stop)

    def close(self) -> None:
        """End what is still open at the end of the trace."""
        if self._dump_start is not None:
            self._end_dump(self.out.end)
        if self._service_start is not None:
            self.out.services.append(Span(self._service_start, self.out.end))
        if self.out.daemon_logs:
            script = self.out.section_at(self.out.daemon_logs[-1].start)
            self.end_daemon_log(script.stop if script else self.out.final or self.out.end)


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
_CHAIN = re.compile(
    r"^\s*(?:ERROR|error|Error): |^\s*(?:(?:target \S+: )?failed to (?:build|solve)\b|error building image: )"
)
_LIMIT = re.compile(r"^Job's log exceeded limit of \d+")


def plain_segment(log: PlainLog) -> Layout:
    """Return the structure of a trace."""
    return _Segmenter(log).run()


class _Segmenter:
    def __init__(self, log: PlainLog) -> None:
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
        elif self.builds.in_region and (
            ("Taking snapshot of" in text and not self._is_first_snapshot(number))
            or re.fullmatch(r"Successfully (?:built [0-9a-f]{12}|tagged \S+)\s*", text)
        ):
            self.builds.end_region(number, finished=True)
        elif (
            self.builds.begun
            and _CHAIN.match(text)
            and not self.blocks.in_dump
            and (not self.builds.in_region or _OWN_WORDS.match(text))
        ):
            self.out.chains.append(number)
            self.builds.fail_region()

    def _is_first_snapshot(self, number: int) -> bool:
        before = self.log.line(number - 1).text if number > 1 else ""
        return "Initializing snapshotter" in before or re.search(r"INFO\S*\s+RUN ", before) is not None

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


def _title(text: str) -> str | None:
    for title, name in _TITLES.items():
        if text.startswith(title):
            return name
    return None


class PlainCandidates(dict[str, list[int]]):
    """For each literal that occurs, the numbers of the lines whose text holds it."""

    cut = False

    def __init__(self, log: PlainLog, literals: Sequence[str]) -> None:
        numbers = log.numbers()
        texts = [log.line(n).text for n in numbers]
        whole = "\n".join(texts)
        for literal in literals:
            if literal in whole:
                self[literal] = [n for n, text in zip(numbers, texts, strict=True) if literal in text]

    def lines(self, literal: str) -> list[int]:
        """Return the lines of a literal, of very many the first and the last."""
        numbers = self.get(literal, [])
        return numbers if len(numbers) <= 400 else [*numbers[:200], *numbers[-200:]]

    def nearest(self, literal: str, here: int) -> Iterator[int]:
        """Yield them by how far they are from a line."""
        return iter(sorted(self.lines(literal), key=lambda number: abs(number - here)))


def all_of(_log: PlainLog, numbers: Sequence[int], _words: object, *, backwards: bool = False) -> Iterator[int]:
    """Yield all lines: none is left out before it was looked at."""
    return reversed(numbers) if backwards else iter(numbers)


@contextmanager
def reading_plainly() -> Iterator[None]:
    """Make `diagnose` read traces in the plain way."""
    with (
        mock.patch.object(doctor, "Log", PlainLog),
        mock.patch.object(doctor, "segment", plain_segment),
        mock.patch("bkdoctor.diagnosis.match.Candidates", PlainCandidates),
        mock.patch("bkdoctor.diagnosis.region.holding", all_of),
        mock.patch("bkdoctor.diagnosis.survived.holding", all_of),
    ):
        yield
