"""The command line as a hostile user meets it: every input gets an answer or one line, and the exit status of design 3."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from bkdoctor import __version__
from bkdoctor.render import formats
from tests.commands import START, Cli, process
from tests.traces import job

KNOWN = job(
    "$ buildctl build --frontend dockerfile.v0 --local context=. --local dockerfile=a/Dockerfile\n"
    "error: invalid local: stat a/Dockerfile: not a directory"
)
UNKNOWN = job("$ make\nfrobnicate: error: no gizmo")
PASSED = job("$ make\nok", result="Job succeeded")
MINE = """\
title = "The gizmo is gone"
phase = "build"
owner = "author"
[match]
lines = ['frobnicate: error: no <what:word>']
[explain]
summary = "`<what>` is gone."
cause = "It is."
references = ["https://example.com"]
[[example]]
log = "frobnicate: error: no gizmo"
captures = { what = "gizmo" }
[[example]]
match = false
why = "another"
log = "frobnicate: fine"
"""


def write(name: str, text: str | bytes) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return name


def one_line(text: str) -> str:
    assert text.startswith("bkdoctor: "), text
    assert text.count("\n") == 1 and text.endswith("\n"), text
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize(("trace", "status"), [(KNOWN, 0), (UNKNOWN, 3), (PASSED, 0), ("", 3), ("\n\n", 3)])
@pytest.mark.parametrize("words", [(), ("log", "-"), ("log", "a.log")])
def test_exit_status_of_one_log(cli: Cli, trace: str, status: int, words: tuple[str, ...]) -> None:
    write("a.log", trace)
    answer = cli(*words, stdin=trace)
    assert (answer.status, answer.err) == (status, "")


def test_a_known_failure_is_answered(cli: Cli) -> None:
    answer = cli(stdin=KNOWN)
    assert "`--local`" in answer.out or "--local" in answer.out
    assert "--opt filename=Dockerfile" in answer.out
    assert "\x1b" not in answer.out, "no colours where it is no terminal"


def test_a_passed_job_says_nothing_much(cli: Cli) -> None:
    assert len(cli(stdin=PASSED).out.splitlines()) <= 2


def test_several_logs(cli: Cli) -> None:
    known, unknown, passed = write("k.log", KNOWN), write("u.log", UNKNOWN), write("p.log", PASSED)
    assert cli("log", known, passed).status == 0
    assert cli("log", known, unknown, passed).status == 3
    answer = cli("log", known, "nowhere.log", unknown, "-", "--format", "json", stdin=KNOWN)
    assert answer.status == 4
    reports = [json.loads(line) for line in answer.out.splitlines()]
    assert [r["source"]["name"] for r in reports] == ["k.log", "u.log", "<stdin>"]
    assert [r["verdict"] for r in reports] == ["diagnosed", "unknown", "diagnosed"]
    assert "nowhere.log: No such file" in one_line(answer.err)


def test_several_logs_are_one_page(cli: Cli) -> None:
    known, unknown = write("k.log", KNOWN), write("u.log", UNKNOWN)
    answer = cli("log", known, "nowhere.log", unknown, "--format", "html")
    assert answer.status == 4
    assert answer.out.count("<!doctype html>") == 1
    assert all(f"{name}.log: " in answer.out for name in "ku")
    assert "nowhere.log: No such file" in one_line(answer.err)
    assert cli("log", "nowhere.log", "--format", "html").out == ""


def test_the_help_names_every_output(cli: Cli) -> None:
    shown = " ".join(cli("log", "--help").out.replace("│", " ").split())
    assert f"One of {', '.join(formats())}." in shown


@pytest.mark.parametrize("name", ["nowhere.log", ".", "nowhere/a.log", "a\x1b[31m\nb"])
def test_what_cannot_be_read(cli: Cli, name: str) -> None:
    answer = cli("log", name)
    assert (answer.status, answer.out) == (4, "")
    assert "\x1b" not in one_line(answer.err)


def test_a_file_that_cannot_be_opened(cli: Cli) -> None:
    Path("a.log").symlink_to("a.log")  # a link to itself: root reads any other file
    assert "Too many levels of symbolic links" in one_line(cli("log", "a.log").err)


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 500,
        b"\x00" * 100_000,
        b"\xff\xfe\n" * 1000,
        b"x" * 3_000_000,
        b"\r" * 50_000,
        b"\x1b[" * 9999,
    ],
)
@pytest.mark.parametrize("form", formats())
def test_a_file_that_is_no_log(cli: Cli, data: bytes, form: str) -> None:
    answer = cli("log", write("a.bin", data), "--format", form)
    assert answer.status == 3
    assert answer.err == ""
    assert "\x00" not in answer.out


@pytest.mark.parametrize("words", [
    ("log", "a.log", "--format", "xml"), ("--format", "xml"), ("log", "a.log", "--kubernetes", "latest"),
    ("log", "a.log", "--kubernetes", "1"), ("log", "a.log", "--kubernetes", ""), ("log", "a.log", "--kubernetes", "1.30\n"),
    ("explain", "nothing-like-it"), ("snippet", "rootless", "nothing"), ("snippet", "nothing", "auth"),
    ("patterns", "show", "nothing-like-it"), ("patterns", "list", "nowhere"), ("patterns", "check", "nothing-like-it"),
    ("patterns", "check", "run/nothing.toml"), ("patterns", "new", "mine", "--from", "a.log"), ("a.log",),
])  # fmt: skip
def test_wrong_usage_is_one_line(cli: Cli, words: tuple[str, ...]) -> None:
    write("a.log", KNOWN)
    answer = cli(*words)
    assert (answer.status, answer.out) == (2, "")
    assert one_line(answer.err).rstrip().endswith((".", "?", "a.log"))


@pytest.mark.parametrize("words", [
    ("log",), ("nonsense",), ("log", "--nonsense"), ("job",), ("explain",), ("snippet", "rootless"), ("patterns", "nonsense"),
    ("patterns", "new", "run/x"), ("log", "a.log", "--format"),
])  # fmt: skip
def test_wrong_usage_that_typer_finds(cli: Cli, words: tuple[str, ...]) -> None:
    answer = cli(*words)
    assert (answer.status, answer.out) == (2, "")
    assert "Error" in answer.err
    assert "Traceback" not in answer.err


def test_an_unknown_name_brings_what_is_like_it(cli: Cli) -> None:
    assert "Did you mean dns-lookup-failed" in cli("explain", "dns-lookup").err
    assert "SECTION: auth, " in cli("snippet", "rootless", "autth").err
    assert f"Choose one of {', '.join(formats())}" in cli("--format", "xml").err
    assert "bkdoctor log a.log" in cli(write("a.log", KNOWN)).err


def test_version_and_help(cli: Cli) -> None:
    assert cli("--version").out == f"bkdoctor {__version__}\n"
    for words in (("-h",), ("--help",), ("log", "-h"), ("patterns", "check", "-h"), ("job", "--help")):
        answer = cli(*words)
        assert answer.status == 0
        assert "Usage: bkdoctor" in answer.out


def test_options_before_the_command_hold_for_it(cli: Cli) -> None:
    write("a.log", KNOWN)
    assert json.loads(cli("--format", "json", "log", "a.log").out)["verdict"] == "diagnosed"
    assert cli("--format", "json", "log", "a.log", "--format", "markdown").out.startswith("**")
    assert json.loads(cli("--kubernetes", "1.30", "log", "a.log", "-f", "json").out)["facts"]["kubernetes"] == "1.30"
    write("mine/run/mine-gone.toml", MINE)
    assert "The gizmo is gone" in cli("--patterns", "mine", "explain", "mine-gone").out


def test_json_is_one_document_a_line(cli: Cli) -> None:
    answer = cli("log", write("a.log", KNOWN), write("b.log", UNKNOWN), write("c.log", PASSED), "-f", "json")
    reports = [json.loads(line) for line in answer.out.splitlines()]
    assert [r["schema"] for r in reports] == ["bkdoctor.report/1"] * 3
    assert reports[1]["excerpt"]
    assert "excerpt" not in reports[2] or not reports[2]["excerpt"]


def test_kubernetes_is_a_fact(cli: Cli) -> None:
    for given, known in (("1.30", "1.30"), ("v1.29.4", "1.29.4")):
        answer = cli("log", "-", "-f", "json", "--kubernetes", given, stdin=UNKNOWN)
        assert json.loads(answer.out)["facts"]["kubernetes"] == known


def test_a_users_patterns(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    write("mine/run/mine-gone.toml", MINE)
    write("theirs/run/mine-gone.toml", MINE.replace("The gizmo is gone", "Theirs"))
    assert "The gizmo is gone" in cli("log", "-", "--patterns", "mine", stdin=UNKNOWN).out
    assert cli("log", "-", stdin=UNKNOWN).status == 3
    monkeypatch.setenv("BKDOCTOR_PATTERNS", os.pathsep.join(["mine", "", "theirs"]))
    assert "Theirs" in cli("log", "-", stdin=UNKNOWN).out
    assert "The gizmo is gone" in cli("log", "-", "--patterns", "mine", stdin=UNKNOWN).out
    monkeypatch.setenv("BKDOCTOR_PATTERNS", os.pathsep.join(["mine", "nowhere"]))
    answer = cli("log", "-", "nowhere.log", stdin=UNKNOWN)
    assert answer.status == 4
    assert "nowhere: no such folder of patterns" in one_line(answer.err)


def test_without_our_patterns(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BKDOCTOR_NO_BUILTIN", "1")
    answer = cli("log", "-", "-f", "json", stdin=KNOWN)
    report = json.loads(answer.out)
    assert (answer.status, report["verdict"]) == (3, "unknown")
    assert any("invalid local" in line["text"] for line in report["excerpt"])


def test_a_broken_pattern_is_one_line(cli: Cli) -> None:
    write("mine/run/mine-gone.toml", MINE.replace("title", "titel"))
    for words in (("log", "-", "-"), ("patterns", "list"), ("explain", "dns-lookup-failed")):
        answer = cli(*words, "--patterns", "mine", stdin=KNOWN)
        assert (answer.status, answer.out) == (4, "")
        assert "mine/run/mine-gone.toml: the top level: object contains unknown field `titel`" in one_line(answer.err)


def test_list_and_show(cli: Cli) -> None:
    listed = cli("patterns", "list").out
    assert len(listed.splitlines()) > 100
    assert all(
        line in listed for line in cli("patterns", "list", "rootless").out.splitlines() if "  author" not in line
    )
    shown = cli("patterns", "show", "dns-lookup-failed").out
    assert shown == cli("patterns", "show", "network/dns-lookup-failed.toml").out
    assert "[match]" in shown


def test_explain(cli: Cli) -> None:
    answer = cli("explain", "local-dockerfile-is-file")
    assert answer.status == 0
    assert "\x1b" not in answer.out
    order = ["What you see", "Why", "Fix 1", "Not to be confused with", "https://"]
    places = [answer.out.index(part) for part in order]
    assert places == sorted(places)


def test_snippet_prints_the_configuration_alone(cli: Cli) -> None:
    answer = cli("snippet", "rootless", "auth")
    assert answer.status == 0
    assert answer.out.startswith("build-image:\n")
    assert all(line.startswith("# ") for line in answer.err.splitlines())


def test_check_of_one_pattern(cli: Cli) -> None:
    answer = cli("patterns", "check", "buildkitd-flag-unknown", "buildkitd-start-slow")
    assert (answer.status, answer.out, answer.err) == (0, "2 patterns, 0 faults\n", "")


@pytest.mark.parametrize("words", [
    ("mine/run/mine-gone.toml",), ("mine/run",), ("mine",), ("mine-gone", "--patterns", "mine"),
    ("mine/run/mine-gone.toml", "--patterns", "mine"),
])  # fmt: skip
def test_check_of_a_users_folder(cli: Cli, words: tuple[str, ...]) -> None:
    write("mine/run/mine-gone.toml", MINE)
    answer = cli("patterns", "check", *words)
    assert (answer.status, answer.out, answer.err) == (0, "1 patterns, 0 faults\n", "")
    write("mine/run/mine-gone.toml", MINE.replace('what = "gizmo"', 'what = "widget"'))
    answer = cli("patterns", "check", *words)
    assert (answer.status, answer.out) == (1, "1 patterns, 1 faults\n")
    assert answer.err == "mine-gone: example 1 captures {'what': 'gizmo'}, not {'what': 'widget'}\n"
    write("mine/run/mine-gone.toml", MINE.replace("title", "titel"))
    answer = cli("patterns", "check", *words)
    assert answer.status == 1
    assert "mine/run/mine-gone.toml: the top level: object contains unknown field `titel`" in answer.err


def test_check_of_a_folder_with_types_and_recipes_of_its_own(cli: Cli) -> None:
    write("mine/vocabulary.toml", "[types.gizmo]\nabout = 'a gizmo'\npattern = 'g[a-z]+'\n")
    write("mine/recipes/buildx/special.toml", 'title = "T"\nfile = ".gitlab-ci.yml"\nsnippet = "a: b"\n')
    fix = '\n[[fix]]\ntitle = "T"\nfile = ".gitlab-ci.yml"\nrecipe = "special"\n'
    write("mine/run/mine-gone.toml", MINE.replace("<what:word>", "<what:gizmo>") + fix)
    answer = cli("patterns", "check", "mine")
    assert (answer.status, answer.out, answer.err) == (0, "1 patterns, 0 faults\n", "")
    assert cli("snippet", "buildx", "special", "--patterns", "mine").out == "a: b\n"


def test_new_writes_a_draft_that_can_be_checked(cli: Cli) -> None:
    answer = cli("patterns", "new", "run/mine-gone", "--from", write("a.log", UNKNOWN))
    assert answer.status == 0
    assert "bkdoctor patterns check patterns/run/mine-gone.toml" in answer.out
    answer = cli("patterns", "check", "patterns/run/mine-gone.toml")
    assert answer.status == 1
    assert "title is still to be written (TODO)" in answer.err
    again = cli("patterns", "new", "run/mine-gone", "--from", "a.log")
    assert (again.status, "already" in again.err) == (2, True)
    assert cli("patterns", "new", "run/other-gone", "--from", "-", "--to", "p", stdin=UNKNOWN).status == 0
    assert Path("p/run/other-gone.toml").is_file()


def test_completion(cli: Cli) -> None:
    # else typer asks which shell started the tests, and there may be none
    done = process("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"_BKDOCTOR_COMPLETE" in done.stdout
    words = process(COMP_WORDS="bkdoctor pat", COMP_CWORD="1", _BKDOCTOR_COMPLETE="complete_bash")
    assert words.stdout.strip() == b"patterns"


def test_no_colours_where_they_are_not_wanted(cli: Cli) -> None:
    log = write("a.log", KNOWN)
    assert b"\x1b" not in process("log", log, FORCE_COLOR="1").stdout
    terminal = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"
    for words, environment, coloured in (((), {}, True), (("--no-color",), {}, False), ((), {"NO_COLOR": "1"}, False)):
        done = subprocess.run(
            [START[0], "-c", terminal, *START, "log", log, *words], capture_output=True, timeout=60, check=True,
            env={**os.environ, "TERM": "xterm-256color", **environment}, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert (b"\x1b[" in done.stdout) is coloured, (words, environment)


def test_a_reader_that_goes_away_is_no_error(cli: Cli) -> None:
    running = subprocess.Popen([*START, "patterns", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    assert running.stderr.read() == b""
    running.wait(60)
    done = subprocess.run(
        ["sh", "-c", '"$@" | true', "sh", *START, "log", write("a.log", KNOWN * 50)], capture_output=True, check=True
    )
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_answer_that_cannot_be_written(cli: Cli) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*START, "log", write("a.log", KNOWN)], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 4
    assert "cannot be written" in one_line(done.stderr.decode())


def test_an_interrupt_ends_quietly(cli: Cli) -> None:
    running = subprocess.Popen(
        [*START, "log", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # a shell starts what runs in the background with SIGINT ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    time.sleep(1.5)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)
    assert (running.returncode, out, err) == (130, b"", b"")


@pytest.mark.parametrize("form", ["terminal", "json", "markdown"])
def test_names_and_terminals_that_are_not_utf8(cli: Cli, form: str) -> None:
    name = b"caf\xe9.log"
    try:
        Path(os.fsdecode(name)).write_text(KNOWN)
    except OSError:
        pytest.skip("this file system takes no such name")
    for environment in (
        {},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0"},
    ):
        done = process("log", name, "--format", form, stdin=b"", **environment)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"--opt filename=" in done.stdout
    missing = process("log", b"no\xe9.log")
    assert missing.returncode == 4
    assert b"No such file" in missing.stderr


def test_a_huge_log_is_cut_in_the_middle(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bkdoctor.reading.MAX_BYTES", 100_000)
    head, tail = KNOWN.split("error: ", 1)
    trace = head + "".join(f"line {n}\n" for n in range(50_000)) + "error: " + tail
    report = json.loads(cli("log", "-", "-f", "json", stdin=trace).out)
    decisive = report["findings"][0]["evidence"][0]
    assert trace.split("\n")[decisive["line"] - 1] == decisive["text"]
    assert report["facts"]["truncated"] == "middle"
    assert any("left out" in note for note in report["notes"])
