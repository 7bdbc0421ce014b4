"""The one pass over a trace: both finders say the same, blocks may end anywhere, little is read and kept."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import logs
from bkdoctor.diagnosis import scan
from bkdoctor.diagnosis.scan import Candidates
from bkdoctor.doctor import diagnose
from bkdoctor.trace import clean, surveyor, unsplit
from bkdoctor.trace.finder import AhoCorasickFinder, Finder, HyperscanFinder, Most, Searcher, Seen
from bkdoctor.trace.log import Log
from bkdoctor.trace.segment import segment
from bkdoctor.trace.source import Source
from tests.catalogs import catalog, ours, pattern
from tests.properties import examples
from tests.reference import PlainCandidates, PlainLog, plain_segment
from tests.test_fast_path import PIECES
from tests.traces import timestamped

LITERALS = ["error: boom", "failed to push some refs", "failed to push", "buildx", "no such", "é"]
FAST, PLAIN = HyperscanFinder(LITERALS), AhoCorasickFinder(LITERALS)


def lines_of(text: bytes, seen: Seen) -> tuple[list[int], list[int], bool, bool, bool]:
    """What a finder says, marks by the lines they stand in."""
    marked = sorted({text.count(b"\n", 0, mark - 1) for mark in seen.marks})
    return sorted(seen.literals), marked, seen.continued, seen.controls, seen.dense


@examples(300)
@given(st.lists(st.one_of(PIECES, st.sampled_from([s.encode() for s in LITERALS])), max_size=30))
def test_both_finders_say_the_same(pieces: list[bytes]) -> None:
    text = b"\n" + b"".join(pieces) + b"\n"
    assert lines_of(text, FAST.scan(text)) == lines_of(text, PLAIN.scan(text))


@examples(300)
@given(
    st.lists(st.one_of(PIECES, st.sampled_from([s.encode() for s in LITERALS])), max_size=30),
    st.integers(0, 9), st.integers(0, 9), st.sampled_from([FAST, PLAIN]),
)  # fmt: skip
def test_a_finder_gives_all_or_none(pieces: list[bytes], literals: int, marks: int, finder: Finder) -> None:
    text = b"\n" + b"".join(pieces) + b"\n"
    every, seen = finder.scan(text), finder.scan(text, Most(literals, marks))
    assert seen.dense == (len(every.marks) > marks)
    assert seen.crowded == (len(every.literals) > literals)
    assert sorted(seen.literals) == ([] if seen.crowded else sorted(every.literals))
    assert sorted(seen.marks) == ([] if seen.dense else sorted(every.marks))
    assert seen[2:4] == every[2:4]


def test_a_finder_is_kept_and_one_that_does_not_fit_is_made_again() -> None:
    stored = FAST.dump()
    for kept in (stored, b"", b"something else", stored[:-100]):
        assert HyperscanFinder(LITERALS, kept).scan(b"\nerror: boom\n").literals == [0]


def test_without_hyperscan_all_is_found_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hyperscan", None)
    searcher = Searcher(LITERALS, str(tmp_path / "finder-x.hs"))
    assert isinstance(searcher.finder_for(10**9), AhoCorasickFinder)
    searcher.keep(compiling=True)
    assert not list(tmp_path.iterdir())


def test_what_looks_for_literals_is_kept_once_it_pays(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "finder-x.hs"
    small = Searcher(LITERALS, str(path))
    assert isinstance(small.finder_for(1000), AhoCorasickFinder)
    small.keep(compiling=False)
    assert not path.exists()
    large = Searcher(LITERALS, str(path))
    assert isinstance(large.finder_for(10**9), HyperscanFinder)
    large.keep(compiling=False)
    assert path.exists()
    assert isinstance(Searcher(LITERALS, str(path)).finder_for(1000), HyperscanFinder)
    path.unlink()
    Searcher(LITERALS, str(path)).keep(compiling=True)
    assert path.exists()


@examples(500)
@given(
    st.lists(st.one_of(PIECES.filter(lambda piece: piece != b"[0K"), st.sampled_from([b"x" * 50, b"error: boom", b"\n"]))),
    st.booleans(), st.integers(64, 600), st.integers(1, 4),
)  # fmt: skip
def test_blocks_may_end_anywhere_and_the_middle_of_long_lines_is_not_searched(
    pieces: list[bytes], stamped: bool, block: int, often: int
) -> None:
    raw = b"".join(pieces)
    if stamped:
        raw = timestamped(raw.decode("utf-8", "replace")).encode()
    with pytest.MonkeyPatch.context() as patch:
        # as they are, a line that is longer than a block is always one whose middle is not read
        patch.setattr(clean, "LONG", 64)
        patch.setattr(scan, "LONG", 64)
        patch.setattr(unsplit, "_WINDOW", 32)
        patch.setattr(surveyor, "BLOCK", block)
        patch.setattr(surveyor, "_OVERLAP", 39)
        patch.setattr(scan, "_OFTEN", often)
        patch.setattr(scan, "_VERY_OFTEN", often + 1)
        log, plain = Log(raw, Searcher(LITERALS)), PlainLog(raw)
        layout = segment(log)
        assert list(log.numbers()) == plain.numbers()
        assert [log.line(n) for n in log.numbers()] == [plain.line(n) for n in plain.numbers()]
        assert layout == plain_segment(plain)
        found, expected = Candidates(log, LITERALS), PlainCandidates(plain, LITERALS)
        assert {w: found.lines(w) for w in LITERALS} == {w: expected.lines(w) for w in LITERALS}


def test_a_line_that_is_longer_than_a_block_is_not_read_whole() -> None:
    assert clean.LONG <= surveyor.BLOCK
    assert unsplit._WINDOW == clean.LONG // 2


def test_a_block_that_begins_within_a_line_of_which_nothing_is_visible_shifts_no_line() -> None:
    log = Log(b"\x1b[2K" * 70_000 + b"\n" + b"no such buildx\nerror: boom\n" * 20, Searcher(LITERALS))
    assert Candidates(log, LITERALS).lines("error: boom") == list(range(3, 43, 2))
    candidates = Candidates(log, LITERALS)
    assert [candidates.lines(literal)[:1] for literal in ("no such", "buildx") * 20] == [[2]] * 40


@pytest.mark.parametrize("before", [b"\x1b", b"\x1b[3", b"\x1b]0;no", b"x"])
@pytest.mark.parametrize(
    "tail", [b"error: boom", b"1merror: boom", b"INFO[2022-02-18T03:28:31Z] RUN x", b"[0Kerror: boom"]
)
@pytest.mark.parametrize("timestamped", [b"2026-03-12T10:10:00.107313Z 00O ", b""])
def test_where_the_middle_of_a_line_is_missing_nothing_begins(before: bytes, tail: bytes, timestamped: bytes) -> None:
    head, half = timestamped + b"head " + b"\x1b[31" * 8000, clean.LONG // 2
    raw = head[:half] + b"x" * 50_000 + before + tail + b" " * (half - len(tail)) + b"\n"
    log, plain = Log(raw, Searcher(LITERALS)), PlainLog(raw)
    assert log.line(1) == plain.line(1)
    assert "..." in log.line(1).text
    assert segment(log) == plain_segment(plain)
    assert not segment(log).steps
    assert Candidates(log, LITERALS).lines("error: boom") == PlainCandidates(plain, LITERALS).lines("error: boom")


ESCAPES = re.compile(rb"\x1b+(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\r\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)")


@examples(500)
@given(
    st.lists(
        st.sampled_from(
            [*"\x1b[]m0;a \r\n\x07\\~!(B7é", "\x1b[", "section_", "s", "31", "\x1b[s", "\x1bs", "[38;5;9m", "\x1b[0m"]
        ),
        max_size=20,
    ),
    st.sampled_from([0, 1000]),
)
def test_escape_sequences_go_as_one_expression_has_it(pieces: list[str], often: int) -> None:
    block = "".join(pieces).encode()
    plain = ESCAPES.sub(b"", block.replace(b"section_", b"\x07section_")).replace(b"\x07", b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unsplit, "_OFTEN", often)
        patch.setattr(unsplit, "_SAMPLES", 1)
        assert unsplit.without_escapes(block) == plain


@pytest.mark.parametrize(
    "split",
    [
        b"er\x1b[31mror: bo\x1b[0mom", b"er\x1b]8;;https://example.com\x07ror: boom", b"noise\rerror: boom",
        b"\x1b]0;noise\rerror: boom",
        b"error:\x00 boom", b"\x1b[1merror: boom\x1b[0m\r", b"err\n2026-03-12T10:10:00.107313Z 00O+or: boom",
        b"error:section_end:1764164240:x\r\x1b[0Kboom",
    ],
)  # fmt: skip
def test_what_splits_a_literal_does_not_hide_it(split: bytes) -> None:
    raw = b"2026-03-12T10:10:00.107312Z 00O " + split + b"\n"
    log = Log(raw, Searcher(LITERALS))
    assert Candidates(log, LITERALS).lines("error: boom") == [1]


def test_only_marked_lines_are_cleaned(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = b"".join(logs.build(3_000_000, failure="end"))
    cleaned = 0
    plain = clean.clean

    def counting(joined: bytes, *, lost_escapes: bool = False) -> str:
        nonlocal cleaned
        cleaned += 1
        return plain(joined, lost_escapes=lost_escapes)

    monkeypatch.setattr(clean, "clean", counting)
    segment(Log(raw))
    assert cleaned < 100 < 20_000 < raw.count(b"\n")


def test_a_file_is_read_once_and_a_little(tmp_path: Path) -> None:
    path = tmp_path / "build.log"
    with path.open("wb") as target:
        logs.write(target, logs.build(20_000_000, failure="end"))
    read = 0

    class Counting(Source):
        def read(self, start: int, stop: int) -> bytes:
            nonlocal read
            data = super().read(start, stop)
            read += len(data)
            return data

    with path.open("rb") as file:
        report = diagnose(Counting(file), catalog(boom=pattern("lines = ['fatal error: <what>']")))
    assert [f.id for f in report.findings] == ["boom"]
    assert read < 1.5 * path.stat().st_size


@pytest.mark.parametrize("kind", ["build", "one-line", "carriage-returns", "vertices"])
def test_memory_does_not_grow_with_the_log(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "large.log"
    with path.open("wb") as file:
        logs.write(file, logs.build(60_000_000) if kind == "build" else logs.HOSTILE[kind](60_000_000))
    code = (
        "import re, sys; from bkdoctor.session import Session;"
        "Session.of('json', None, True, False, None).logs([sys.argv[1]]);"
        # ru_maxrss would begin with the size of the process that started this one
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) < 150 * 1024


def test_lines_that_go_on_cost_a_byte_each() -> None:
    log = Log(b"".join(logs.HOSTILE["continued-in-turn"](4_000_000)))
    kept = sum(map(sys.getsizeof, vars(log.index).values()))
    assert len(list(log.numbers())) == len(log) // 2 + 1
    assert kept < 1.2 * len(log)


def test_of_very_many_lines_with_literals_the_first_and_the_last_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bkdoctor.diagnosis.scan.MOST_IN_ALL", 30)
    log = Log(b"error: boom\n" * 20 + b"no such buildx\n" * 20, Searcher(LITERALS))
    candidates = Candidates(log, LITERALS)
    assert candidates.lines("error: boom") == list(range(1, 21))
    assert candidates.lines("no such") == list(range(21, 41))
    assert not candidates.cut
    assert candidates.lines("buildx") == [21, 22, 39, 40]
    assert candidates.cut


FORMS = [
    "#7 [1/2] RUN x",
    "#7 DONE 0.1s",
    "$ true",
    "Step 1/2 : RUN x",
    "\x1b[32;1m$ true\x1b[0;m",
    "\x01--------------------",
]


@examples(100)
@given(st.lists(st.tuples(st.sampled_from([*FORMS, "noise"]), st.integers(1, 40)), max_size=30), st.booleans())
def test_marks_of_the_middle_are_not_looked_for(runs: list[tuple[str, int]], stamped: bool) -> None:
    raw = "".join((f"{line}\n" * times) for line, times in runs)
    data = timestamped(raw).encode() if stamped else raw.encode()
    every = list(Log(data, Searcher(LITERALS)).survey.marked_numbers)
    made = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surveyor, "BLOCK", 300)
        patch.setattr(surveyor, "MOST_MARKED", 20)
        for dense in (10**9, 4):
            patch.setattr(surveyor, "DENSE", dense)
            out = Log(data, Searcher(LITERALS)).survey
            made.append((list(out.marked_numbers), out.marked_bytes, out.seen))
            first, behind = out.unread or (0, 0)
            assert set(every) - set(out.marked_numbers) == {n for n in every if first <= n < behind}
    assert made[0] == made[1]


def test_of_blocks_with_very_many_literals_the_first_and_the_last_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveyor, "BLOCK", 300)
    monkeypatch.setattr(surveyor, "CROWDED", 3)
    monkeypatch.setattr(surveyor, "_CROWDED_BLOCKS", 1)
    crowded = b"error: boom, failed to push some refs, no such buildx\n" * 20
    for raw, cut in (
        (crowded, True),
        (crowded[:54] + b"noise\n" * 99 + crowded[:54], False),
        (b"no such\n" * 99, False),
    ):
        log = Log(raw, Searcher(LITERALS))
        candidates = Candidates(log, LITERALS)
        every = [n for n, line in enumerate(raw.split(b"\n"), 1) if b"no such" in line]
        assert candidates.cut == cut
        if cut:
            found = candidates.lines("no such")
            assert found[0] == every[0]
            assert found[-1] == every[-1]
            assert 2 < len(found) < len(every)
        else:
            assert candidates.lines("no such") == every


def test_the_report_says_what_was_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bkdoctor.diagnosis.scan.MOST_IN_ALL", 1)
    monkeypatch.setattr(surveyor, "MOST_MARKED", 2)
    monkeypatch.setattr("bkdoctor.trace.segment.MOST_MARKED", 2)
    raw = "".join(f"#{n} [1/2] RUN make\n#{n} 0.1 error: boom no such\n" for n in range(9)) + "#8 ERROR: exit code: 2\n"
    two = catalog(boom=pattern("lines = ['error: <what>']"), such=pattern("lines = ['no such']"))
    report = diagnose(raw.encode(), two)
    assert [note.split(" ")[:2] for note in report.notes] == [["So", "many"], ["Lines", "4"]]
    assert report.findings[0].location.step == "[1/2] RUN make"


def test_the_catalogues_own_literals_are_found_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bkdoctor.diagnosis.scan.MOST_IN_ALL", 10**6)
    literals = ours().literals
    raw = "".join(f"#7 1.25 {literal} x\n" for literal in literals).encode()
    log = Log(raw, Searcher(literals))
    candidates = Candidates(log, literals)
    assert all(number in candidates.lines(literal) for number, literal in enumerate(literals, 1))


def test_the_report_says_which_steps_and_commands_were_left_out() -> None:
    steps = "".join(f"#{n} [{n}/99] RUN make\n#{n} ERROR: exit code: 2\n" for n in range(1, 99))
    dumps = "".join(f"------\n > [{n % 98 + 1}/99] RUN make:\nerror: boom\n------\n" for n in range(110))
    boom = catalog(boom=pattern("lines = ['error: <what>']"))
    assert diagnose((steps + dumps[:2000]).encode(), boom).notes == ()
    assert diagnose((steps + dumps).encode(), boom).notes == (
        "The output of more than 100 steps is printed again: "
        "which steps they are was looked for among the last 50 only.",
    )
    commands = "$ docker build .\n" * 1001 + "error: boom\n"
    assert diagnose(commands.encode(), boom).notes == (
        "Of 1001 commands the first and last 500 counted when fixes were chosen.",
    )
