"""What the pages for people say is so: commands run, links lead somewhere, the format's page names every key."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from bkdoctor import checking
from bkdoctor.catalog import pattern as form
from bkdoctor.catalog.catalog import Catalog
from bkdoctor.catalog.check import check_one
from bkdoctor.catalog.entry import Entry
from bkdoctor.errors import BkdoctorError
from bkdoctor.model import Facts, Finding, Fix, Report
from bkdoctor.render import formats
from bkdoctor.story import Cause, Job, JobReport, Pipeline, Story
from tests.catalogs import ours

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PATTERNS = (ROOT / "docs" / "patterns.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("docs/catalogue/*.md"),
    ROOT / "patterns" / "README.md",
]

_FENCE = re.compile(r"^(?P<ticks>`{3,})(?P<language>\w*)\n(?P<body>.*?)^(?P=ticks)$", re.MULTILINE | re.DOTALL)
_ASKS_GITLAB = re.compile("bkdoctor (?:job|pipeline|mr|scan) ")
_LINK = re.compile(r"(?<!\\)\]\((?P<target>[^()\s]+)\)")
COMMANDS = [
    shlex.join(shlex.split(line, comments=True)).replace("'<'", "<")
    for fence in _FENCE.finditer(README)
    if fence["language"] == "sh"
    for line in fence["body"].splitlines()
]

UNKNOWN = """\
#7 [2/3] RUN ./our-proxy --connect
#7 0.412 our-proxy: cannot reach the upstream, giving up (code 17)
#7 ERROR: process "/bin/sh -c ./our-proxy --connect" did not complete successfully: exit code: 17
------
 > [2/3] RUN ./our-proxy --connect:
0.412 our-proxy: cannot reach the upstream, giving up (code 17)
------
ERROR: failed to solve: process "/bin/sh -c ./our-proxy --connect" did not complete successfully: exit code: 17
ERROR: Job failed: exit code 1
"""


def run(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command line of the README in a shell, as a reader would."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("BKDOCTOR_", "GITLAB_", "CI_"))}
    environment |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the README's commands name: the sample logs, and a log of the reader's own."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "sample_logs").symlink_to(ROOT / "sample_logs")
    (folder / "job.log").write_text(UNKNOWN)
    return folder


def test_the_first_screen_shows_the_two_commands_and_the_picture() -> None:
    screen = "\n".join(README.splitlines()[:40])
    assert "make demo" in screen
    assert "make test" in screen
    assert "](docs/demo.svg)" in screen


def test_the_commands_run(folder: Path) -> None:
    """In the order of the page, since a later one may need what an earlier one wrote."""
    assert len(COMMANDS) > 8
    for command in COMMANDS:
        assert command.startswith("bkdoctor ")
        if _ASKS_GITLAB.match(command):
            continue
        done = run(command, folder)
        # The draft of a pattern has TODOs, which its check tells.
        expected = {1} if "patterns check" in command else {0, 3} if command.endswith("job.log") else {0}
        assert done.returncode in expected, f"{command}: {done.returncode}\n{done.stderr}"
        assert done.stdout, command


@pytest.mark.parametrize("command", [c for c in COMMANDS if _ASKS_GITLAB.match(c)])
def test_commands_that_ask_gitlab_are_understood(command: str, folder: Path) -> None:
    """They are refused by their host, which does not exist, and not by the command line."""
    done = run(command.replace("gitlab.example.com", "gitlab.invalid") + " --gitlab https://gitlab.invalid", folder)
    assert done.returncode == 5, done.stderr


def test_the_options_exist(folder: Path) -> None:
    commands = ("", "log", "pipeline", "scan", "fix", "migrate", "lint", "preflight")
    shown = run("; ".join(f"bkdoctor {command} --help" for command in commands), folder).stdout
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", README)) - {"--from", "--to"}
    assert len(options) > 4
    for option in options:
        assert option in shown, option


def test_every_output_is_told() -> None:
    outputs = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    option = next(line for line in README.splitlines() if line.startswith("| `--format`"))
    assert set(re.findall(r"`([a-z]+)`", option)) == set(formats())
    table = outputs.partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `([a-z]+)` \|", table, re.MULTILINE)) == formats()


def test_every_exit_status_is_told() -> None:
    import bkdoctor.bot.database  # noqa: F401  # its error has a status of its own

    def statuses(kind: type[BkdoctorError]) -> set[int]:
        return {kind.exit_status}.union(*(statuses(k) for k in kind.__subclasses__()))

    for text in (README, ARCHITECTURE):
        told = {int(n) for n in re.findall(r"^\| (\d) \|", text, re.MULTILINE)}
        assert told == statuses(BkdoctorError) | {0, 3}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for match in _LINK.finditer(text):
        target, _, anchor = match["target"].partition("#")
        if re.match(r"[a-z]+://", target):
            continue
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{page.name}: {match['target']}"
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path), f"{page.name}: {match['target']}"


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitLab and GitHub give to a page's headings."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def keys_of(kind: type[msgspec.Struct]) -> set[str]:
    """Return the keys of a struct as they are written; what is left unset is for the program alone."""
    return {field.encode_name for field in msgspec.structs.fields(kind) if field.default is not msgspec.UNSET}


TABLES = [form.Match, form.Condition, form.StepTest, form.Explain, form.FixSpec, form.Command, form.Replace]
TABLES += [form.Pattern, form.Example, form.RegexLine, form.Recipe]


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_the_format_names_every_key(kind: type[msgspec.Struct]) -> None:
    for key in keys_of(kind):
        assert re.search(rf"`(?:\[+)?{key}(?:\]+)?[`\s]|{key} = ", PATTERNS), f"docs/patterns.md does not tell {key}"


def test_the_format_names_every_value_and_type() -> None:
    from bkdoctor import model

    lists: list[Any] = [model.Role, model.Phase, model.Owner, model.Confidence, model.Risk, model.Place, form.Scope]
    for values in (*map(get_args, lists), get_args(form.File), form.METHODS, form.SECTIONS, ours().types):
        for value in values:
            assert f"`{value}`" in PATTERNS, f"docs/patterns.md does not tell {value}"


@pytest.mark.parametrize(
    "kind", [Report, Finding, Fix, Facts, Story, JobReport, Job, Cause, Pipeline], ids=lambda kind: kind.__name__
)
def test_the_report_is_told_whole(kind: type[msgspec.Struct]) -> None:
    for key in keys_of(kind):
        assert f"`{key}`" in ARCHITECTURE, f"docs/architecture.md does not tell {key}"


def test_the_pattern_that_is_shown_passes_every_check() -> None:
    (shown,) = (m["body"] for m in _FENCE.finditer(PATTERNS) if m["language"] == "toml")
    catalog = ours()
    real = catalog.entries["local-dockerfile-is-file"]
    entry = Entry(Path("patterns") / real.path, form.read_pattern(shown, "docs/patterns.md"), catalog.types)
    changed = Catalog(catalog.entries | {real.id: entry}, catalog.recipes, catalog.types)
    assert entry.pattern.title == real.pattern.title
    assert check_one(entry, changed, checking.run) == []
