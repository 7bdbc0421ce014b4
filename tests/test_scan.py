"""The command `scan`: every failed build of a window, none read twice, whatever GitLab refuses is said."""

import csv
import io
import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bkdoctor.errors import UsageError
from bkdoctor.fleet import Case, CauseCount, Cluster, Count, Gone, Period, Scan, Totals
from bkdoctor.gitlab import fetching
from bkdoctor.gitlab.connection import Limits
from bkdoctor.scan.window import Window, iso, window_of
from tests import traces
from tests.bot_cases import APPARMOR, APPARMOR_ID, PACKAGE, PACKAGE_ID, PASSED, UNKNOWN
from tests.commands import Answer, Cli
from tests.gitlab_double import TOKEN, Fault
from tests.gitlab_routes_bot import BotGitLab

APP, TOOLS, DEEP, ELSEWHERE = "team/app", "team/tools", "team/deep/web", "others/app"
LINT = traces.job("$ ./lint.sh\nthe third verse does not rhyme", image="alpine:3.22").encode()


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[BotGitLab]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    limits = Limits(sleep=lambda _: None, read_timeout=2, patience=fetching.PATIENCE)
    original = fetching.opener
    monkeypatch.setattr("bkdoctor.scan.telling.opener", lambda spot: original(spot, limits))
    with BotGitLab() as double:
        double.tokens[TOKEN] = {"read_api"}
        double.groups["team"] = 5
        for project in (APP, TOOLS, DEEP, ELSEWHERE):
            double.project_id(project)
        monkeypatch.setenv("GITLAB_HOST", double.url)
        yield double
        assert not double.writes, "this command only reads"


def ago(**length: float) -> str:
    return iso(datetime.now(UTC) - timedelta(**length))


def failed(
    gitlab: BotGitLab,
    number: int,
    trace: bytes | None = APPARMOR,
    *,
    project: str = APP,
    ended: str = "",
    **fields: Any,
) -> None:
    """Add a failed job that ended two hours ago, in a pipeline of its own."""
    ended = ended or ago(hours=2)
    pipeline = fields.pop("pipeline", 1000 + number)
    if pipeline not in gitlab.pipelines:
        gitlab.add_pipeline(project, pipeline)
    known = {"name": "build", "created_at": ended, "finished_at": ended, "duration": 120.0}
    known |= {"runner": {"id": 1, "description": "runner-21"}, "commit": {"id": "a" * 40}}
    gitlab.add_pipeline_job(project, pipeline, number, trace, **(known | fields))


def scanned(cli: Cli, *words: str, status: int = 0) -> dict[str, Any]:
    return told(cli("scan", *(words or ("team",)), "-f", "json"), status)


def told(answer: Answer, status: int = 0) -> dict[str, Any]:
    assert (answer.status, answer.err) == (status, "")
    loaded: dict[str, Any] = json.loads(answer.out)
    return loaded


def asked(gitlab: BotGitLab, route: str) -> list[str]:
    return [seen.path for seen in gitlab.seen if seen.route == route]


def causes(made: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(cause["cause"], cause["jobs"], cause["projects"]) for cause in made["causes"]]


# what is counted


def test_a_group_s_failed_builds_are_ranked_by_cause(cli: Cli, gitlab: BotGitLab) -> None:
    for number in range(10, 15):
        failed(gitlab, number, project=(APP, TOOLS)[number % 2])
    for number in range(20, 22):
        failed(gitlab, number, PACKAGE, project=DEEP)
    failed(gitlab, 30, LINT, name="unit tests")
    failed(gitlab, 40, project=ELSEWHERE)
    made = scanned(cli)
    assert causes(made) == [(APPARMOR_ID, 5, 2), (PACKAGE_ID, 2, 1)]
    assert (made["schema"], made["kind"], made["path"], made["missing"]) == ("bkdoctor.scan/1", "group", "team", [])
    assert made["totals"] == {
        "projects": 3, "failed": 8, "builds": 7, "builds_before": 0, "minutes": 14.0, "unknown": 0, "flaky": 0, "unread": 0,
    }  # fmt: skip
    assert {job["project"] for job in made["jobs"]} == {APP, TOOLS, DEEP}
    assert made["causes"][0]["minutes"] == 10.0
    assert (made["projects"][0]["name"], made["projects"][0]["jobs"]) == (APP, 3)


def test_a_project_alone(cli: Cli, gitlab: BotGitLab) -> None:
    failed(gitlab, 10)
    failed(gitlab, 11, project=TOOLS)
    for name in (APP, f"{gitlab.url}/{APP}", f"{gitlab.url}/{APP}/-/pipelines", str(gitlab.project_id(APP))):
        made = scanned(cli, name)
        assert (made["kind"], made["path"], len(made["jobs"])) == ("project", APP, 1)


@pytest.mark.parametrize("form", ["{url}/groups/team/-/settings/ci_cd", "{url}/team"])
def test_a_group_by_its_address(cli: Cli, gitlab: BotGitLab, form: str) -> None:
    failed(gitlab, 10)
    assert len(scanned(cli, form.format(url=gitlab.url))["jobs"]) == 1


def test_only_the_window_counts_and_the_one_before_tells_what_is_new(cli: Cli, gitlab: BotGitLab) -> None:
    failed(gitlab, 10, PACKAGE, ended=ago(days=30))
    failed(gitlab, 20, UNKNOWN, ended=ago(days=10))
    failed(gitlab, 21, ended=ago(days=9))
    failed(gitlab, 30, ended=ago(days=3))
    failed(gitlab, 31, PACKAGE, ended=ago(days=1))
    made = scanned(cli)
    found = {cause["cause"]: (cause["jobs"], cause["jobs_before"], cause["new"]) for cause in made["causes"]}
    assert found == {APPARMOR_ID: (1, 1, False), PACKAGE_ID: (1, 0, True)}
    assert [(one["cause"], one["jobs_before"]) for one in made["gone"]] == [("unknown", 1)]
    assert made["totals"]["builds_before"] == 2
    assert not any("/jobs/10/" in path for path in asked(gitlab, "trace")), "too old to be read"
    assert sum(period["jobs"] for period in made["periods"]) == 2
    assert len(made["periods"]) in (7, 8)


def test_without_the_window_before_nothing_is_called_new(cli: Cli, gitlab: BotGitLab) -> None:
    failed(gitlab, 10, ended=ago(days=9))
    failed(gitlab, 11)
    made = scanned(cli, "team", "--no-compare")
    assert (made["before"], made["totals"]["builds_before"]) == (None, None)
    assert (made["causes"][0]["jobs_before"], made["causes"][0]["new"]) == (None, False)
    assert len(asked(gitlab, "trace")) == 1
    assert "before" not in cli("scan", "team", "--no-compare").out


def test_a_job_that_waited_long_is_found_by_when_it_ended(cli: Cli, gitlab: BotGitLab) -> None:
    failed(gitlab, 10, created_at=ago(hours=30), ended=ago(hours=20))
    assert len(scanned(cli, "team", "--since", "24h")["jobs"]) == 1


@pytest.mark.parametrize("hours", [-11, 13])
def test_times_may_stand_in_any_zone(cli: Cli, gitlab: BotGitLab, hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    for number, length in ((10, 30), (11, 23), (12, 1)):
        time = (datetime.now(UTC) - timedelta(hours=length)).astimezone(zone).isoformat(timespec="milliseconds")
        failed(gitlab, number, ended=time)
    made = scanned(cli, "team", "--since", "24h")
    assert [job["id"] for job in made["jobs"]] == [12, 11]
    assert made["totals"]["builds_before"] == 1
    assert all(job["ended"].endswith("Z") for job in made["jobs"])
    assert made["jobs"][0]["ended"] >= ago(hours=2)


def test_the_list_is_read_no_further_than_the_window(cli: Cli, gitlab: BotGitLab) -> None:
    for number in range(1, 351):
        failed(gitlab, number, LINT, name="unit tests", ended=ago(days=400 - number), pipeline=7)
    for number in range(400, 410):
        failed(gitlab, number)
    assert len(scanned(cli, APP)["jobs"]) == 10
    assert len(asked(gitlab, "project jobs")) == 1


def test_long_lists_are_read_page_by_page(cli: Cli, gitlab: BotGitLab) -> None:
    for number in range(1, 251):
        failed(gitlab, number, pipeline=7)
    assert len(scanned(cli, APP)["jobs"]) == 250
    assert len(asked(gitlab, "project jobs")) == 3


def test_jobs_that_passed_when_run_again_are_flaky(cli: Cli, gitlab: BotGitLab) -> None:
    failed(gitlab, 10, pipeline=7)
    failed(gitlab, 11, pipeline=7, name="build-arm")
    gitlab.add_pipeline_job(APP, 7, 12, PASSED, name="build", status="success")
    made = scanned(cli)
    assert {job["id"]: job["passed_as"] for job in made["jobs"]} == {10: 12, 11: None}
    assert (made["totals"]["flaky"], made["causes"][0]["flaky"]) == (1, 1)
    gitlab.add_pipeline_job(APP, 7, 13, PASSED, name="build-arm", status="success")
    assert scanned(cli)["totals"]["flaky"] == 2
    gitlab.seen.clear()
    assert scanned(cli)["totals"]["flaky"] == 2
    assert not asked(gitlab, "pipeline jobs"), "what passed stays so"


def test_a_cause_clusters_on_a_runner_only_if_others_do_not(cli: Cli, gitlab: BotGitLab) -> None:
    other: dict[str, Any] = {"runner": {"id": 2, "description": "runner-3"}}
    for number in range(10, 14):
        failed(gitlab, number, PACKAGE.replace(b"runner-21", b"runner-bad"), **other)
    for number in range(20, 30):
        failed(gitlab, number)
    by_cause = {cause["cause"]: cause["clusters"] for cause in scanned(cli)["causes"]}
    found = {(one["kind"], one["name"], one["jobs"]) for one in by_cause[PACKAGE_ID]}
    assert found == {("runner", "runner-bad", 4), ("image", "docker:27-cli", 4)}
    assert by_cause[APPARMOR_ID] == [], "most of all failures stand there"


def test_unknown_failures_are_clustered_by_signature(cli: Cli, gitlab: BotGitLab) -> None:
    other = traces.job("$ docker build .\nno coal is left in the tender").encode()
    for number, trace in enumerate((UNKNOWN, other, UNKNOWN), 10):
        failed(gitlab, number, trace)
    made = scanned(cli, status=3)
    assert [(cause["cause"], cause["jobs"]) for cause in made["causes"]] == [("unknown", 2), ("unknown", 1)]
    assert any("plutonium" in line for line in made["causes"][0]["lines"])
    out = cli("scan", "team").out
    assert "no coal is left" in out
    assert made["causes"][0]["signature"] in out


def test_projects_that_have_no_jobs_or_are_archived_are_not_asked(cli: Cli, gitlab: BotGitLab) -> None:
    failed(gitlab, 10)
    gitlab.without_jobs.add(TOOLS)
    gitlab.archived.add(DEEP)
    assert scanned(cli)["missing"] == []
    assert len(asked(gitlab, "project jobs")) == 1


def test_nothing_failed(cli: Cli, gitlab: BotGitLab) -> None:
    made = scanned(cli)
    assert (made["jobs"], made["causes"]) == ([], [])
    assert cli("scan", "team").out.startswith("team: no build failed\n")
    assert cli("scan", "team", "-f", "csv").out.count("\n") == 1


# what is kept


def test_no_trace_is_read_twice(cli: Cli, gitlab: BotGitLab) -> None:
    for number, trace in enumerate((APPARMOR, PACKAGE, UNKNOWN, LINT), 10):
        failed(gitlab, number, trace, ended=ago(days=3))
    failed(gitlab, 20, None, erased_at="2026-10-01T00:00:00Z", ended=ago(days=3))
    first = scanned(cli, status=5)
    gitlab.seen.clear()
    second = scanned(cli, status=5)
    assert {**second, "since": "", "until": "", "before": "", "periods": []} == {
        **first, "since": "", "until": "", "before": "", "periods": [],
    }  # fmt: skip
    assert not asked(gitlab, "trace")
    assert not asked(gitlab, "job")
    assert not asked(gitlab, "pipeline jobs"), "nobody runs them again after days"


def test_a_new_job_alone_is_read(cli: Cli, gitlab: BotGitLab) -> None:
    failed(gitlab, 10)
    scanned(cli)
    failed(gitlab, 11)
    gitlab.seen.clear()
    assert len(scanned(cli)["jobs"]) == 2
    assert [path.split("/jobs/")[1] for path in asked(gitlab, "trace")] == ["11/trace"]
    assert not asked(gitlab, "job"), "the list has told it all"


def test_other_patterns_and_other_names_judge_again(cli: Cli, gitlab: BotGitLab, tmp_path: Path) -> None:
    failed(gitlab, 10, UNKNOWN)
    assert causes(scanned(cli, status=3))[0][0] == "unknown"
    folder = tmp_path / "own" / "run"
    folder.mkdir(parents=True)
    (folder / "no-plutonium.toml").write_text(
        'title = "No plutonium"\nrole = "cause"\nphase = "build"\nowner = "author"\nconfidence = "high"\n'
        "[match]\nlines = ['the flux capacitor is out of plutonium']\n"
        '[explain]\nsummary = "It is out."\ncause = "It is out."\nreferences = ["https://docs.example.com/"]\n'
        '[[fix]]\ntitle = "Get some"\nfile = "source"\nsnippet = \'plutonium\'\nrisk = "safe"\n'
    )
    assert causes(scanned(cli, "team", "--patterns", str(folder.parent)))[0][0] == "no-plutonium"
    assert len(asked(gitlab, "trace")) == 2
    scanned(cli, "team", "--patterns", str(folder.parent), "--jobs", "artifact")
    assert len(asked(gitlab, "trace")) == 3


def test_two_gitlabs_are_two(cli: Cli, gitlab: BotGitLab, tmp_path: Path) -> None:
    failed(gitlab, 10)
    scanned(cli)
    file = sqlite3.connect(tmp_path / "cache" / "bkdoctor" / "scans.sqlite3")
    file.execute("UPDATE verdicts SET gitlab = 'https://gitlab.example.com'")
    file.commit()
    scanned(cli)
    assert len(asked(gitlab, "trace")) == 2


def test_what_is_kept_holds_no_secret_and_is_the_user_s_alone(cli: Cli, gitlab: BotGitLab, tmp_path: Path) -> None:
    secret = "glpat-" + "a1b2c3d4e5f6g7h8i9j0"
    failed(
        gitlab, 10, traces.job(f"$ docker build .\nthe flux {secret} is out of plutonium").encode(), name=f"b {secret}"
    )
    answer = cli("scan", "team", "-f", "json")
    assert secret not in answer.out
    files = list((tmp_path / "cache" / "bkdoctor").glob("scans.sqlite3*"))
    assert files
    for file in files:
        assert secret.encode() not in file.read_bytes()
    assert (tmp_path / "cache" / "bkdoctor" / "scans.sqlite3").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("broken", ["no database", "a folder"])
def test_a_file_that_cannot_be_used_is_told_and_harms_nothing(
    cli: Cli, gitlab: BotGitLab, tmp_path: Path, broken: str
) -> None:
    failed(gitlab, 10)
    file = tmp_path / "cache" / "bkdoctor" / "scans.sqlite3"
    if broken == "a folder":
        file.mkdir(parents=True)
    else:
        file.parent.mkdir(parents=True)
        file.write_bytes(b"not a database " * 100)
    made = scanned(cli)
    assert len(made["jobs"]) == 1
    assert str(file) in made["notes"][0]


def test_an_interrupt_keeps_all_that_was_fetched(cli: Cli, gitlab: BotGitLab, tmp_path: Path) -> None:
    def interrupting() -> Iterator[bytes]:
        os.kill(os.getpid(), signal.SIGINT)
        yield APPARMOR

    for number in range(10, 60):
        failed(gitlab, number)
    gitlab.jobs[APP, 50].trace = interrupting
    answer = cli("scan", APP, "-f", "json")
    made = json.loads(answer.out)
    assert answer.status == 5
    assert "Ctrl-C again" in answer.err
    fetched = len(asked(gitlab, "trace"))
    assert 10 <= len(made["jobs"]) == fetched < 50
    assert any("run the same command again to go on" in text and str(tmp_path) in text for text in made["missing"])
    gitlab.jobs[APP, 50].trace = APPARMOR
    assert len(scanned(cli, APP)["jobs"]) == 50
    paths = asked(gitlab, "trace")
    assert len(paths) == len(set(paths)) == 50


# what GitLab refuses


def test_a_project_that_refuses_takes_nothing_else_away(cli: Cli, gitlab: BotGitLab) -> None:
    failed(gitlab, 10)
    failed(gitlab, 11, project=TOOLS)
    gitlab.hidden.add(gitlab.project_id(TOOLS))
    made = scanned(cli, status=5)
    assert len(made["jobs"]) == 1
    assert len(made["missing"]) == 1
    assert made["missing"][0].startswith(f"the failed jobs of {TOOLS} are not all known: ")
    out = " ".join(cli("scan", "team").out.split())
    assert "as far as it could be read" in out
    assert f"the failed jobs of {TOOLS} are not all known" in out


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(body=b"x" * 100, reset=True)])
def test_a_page_that_fails(cli: Cli, gitlab: BotGitLab, fault: Fault) -> None:
    for number in range(1, 151):
        failed(gitlab, number, pipeline=7)
    gitlab.fail(fault, route="project jobs", path="cursor", times=9)
    made = scanned(cli, APP, status=5)
    assert len(made["jobs"]) == 100
    assert len(made["missing"]) == 1


def test_a_page_of_projects_that_fails(cli: Cli, gitlab: BotGitLab) -> None:
    for number in range(150):
        gitlab.project_id(f"team/x{number}")
    failed(gitlab, 10)
    gitlab.fail(Fault(status=502), route="group projects", path="page=2")
    made = scanned(cli, status=5)
    assert (len(made["jobs"]), len(made["missing"])) == (1, 1)


@pytest.mark.parametrize("fault", [Fault(status=503), Fault(status=403), Fault(body=b"x" * 100, reset=True)])
def test_a_trace_that_cannot_be_read_is_asked_for_the_next_time(cli: Cli, gitlab: BotGitLab, fault: Fault) -> None:
    for number in range(10, 16):
        failed(gitlab, number)
    gitlab.fail(fault, route="trace", path="/jobs/12/", times=3)
    made = scanned(cli, status=5)
    assert len(made["jobs"]) == 5
    assert len(made["missing"]) == 1
    gitlab.fail(Fault(), times=0)
    gitlab._faults.clear()
    gitlab.seen.clear()
    assert len(scanned(cli)["jobs"]) == 6
    assert len(asked(gitlab, "trace")) == 1


def test_erased_logs_are_counted_once_and_told_in_one_sentence(cli: Cli, gitlab: BotGitLab) -> None:
    failed(gitlab, 10)
    for number in range(20, 50):
        failed(gitlab, number, None, name="build", erased_at="2026-10-01T00:00:00Z")
    made = scanned(cli, status=5)
    assert (made["totals"]["unread"], made["totals"]["builds"]) == (30, 31)
    assert len(made["missing"]) == 1
    assert made["missing"][0].endswith("(and 29 more like this)")


def test_an_interrupt_at_the_list_says_how_much_was_not_asked(cli: Cli, gitlab: BotGitLab) -> None:
    for number in range(40):
        gitlab.project_id(f"team/x{number}")
    failed(gitlab, 10)
    original = gitlab._project_jobs

    def interrupting(*words: Any) -> Any:
        if len(asked(gitlab, "project jobs")) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return original(*words)

    gitlab.__dict__["_project_jobs"] = interrupting
    made = json.loads(cli("scan", "team", "-f", "json").out)
    assert any(text.endswith("projects were not asked") for text in made["missing"])
    assert len(asked(gitlab, "project jobs")) < 43


def test_a_job_that_no_runner_took_is_known_without_a_log(cli: Cli, gitlab: BotGitLab) -> None:
    failed(gitlab, 10, None, failure_reason="stuck_pending_no_matching_runners", runner=None, finished_at=None)
    assert causes(scanned(cli)) == [("job-stuck-no-runner", 1, 1)]


def test_a_rate_limit_is_kept_to(cli: Cli, gitlab: BotGitLab) -> None:
    for number in range(10, 20):
        failed(gitlab, number)
    gitlab.fail(Fault(status=429, headers={"Retry-After": "7"}), times=2, route="project jobs")
    gitlab.fail(Fault(status=429, headers={"Retry-After": "7"}), times=2, route="trace")
    assert len(scanned(cli)["jobs"]) == 10


def test_whether_it_passed_later_may_stay_unknown(cli: Cli, gitlab: BotGitLab) -> None:
    failed(gitlab, 10)
    gitlab.fail(Fault(status=500), route="pipeline jobs")
    made = scanned(cli, status=5)
    assert len(made["jobs"]) == 1
    assert made["missing"][0].startswith("whether jobs of pipeline 1010 passed later is not known: ")


@pytest.mark.parametrize("scopes", [{"read_user"}, set()])
def test_a_token_without_its_scope(cli: Cli, gitlab: BotGitLab, scopes: set[str]) -> None:
    gitlab.tokens[TOKEN] = scopes
    answer = cli("scan", "team")
    assert (answer.status, answer.out) == (5, "")
    assert "read_api" in answer.err
    assert TOKEN not in answer.err


def test_all_is_refused(cli: Cli, gitlab: BotGitLab) -> None:
    gitlab.fail(Fault(status=500), route="project jobs", times=99)
    answer = cli("scan", "team")
    assert (answer.status, answer.out) == (5, "")
    assert answer.err.count("\n") == 1
    assert "nowhere" in cli("scan", "nowhere").err


# what is asked for


@pytest.mark.parametrize("since", ["", "soon", "0d", "-1d", "9999d", "2999-01-01", "7 days"])
def test_what_is_no_window(cli: Cli, gitlab: BotGitLab, since: str) -> None:
    answer = cli("scan", "team", "--since", since)
    assert (answer.status, answer.out) == (2, "")
    assert not gitlab.seen


def test_wrong_words(cli: Cli, gitlab: BotGitLab) -> None:
    for words in (("-f", "sarif"), ("-f", "nope"), ("--jobs", "(")):
        assert cli("scan", "team", *words).status == 2
    assert cli("scan", "http://").status == 2
    assert cli("scan", "a b").status == 2
    assert cli("scan", "team", "--html", "missing/report.html").status == 4
    assert cli("scan", "team", "--html", ".").status == 4
    assert not gitlab.seen


@pytest.mark.parametrize(
    "kind", [Scan, Case, CauseCount, Cluster, Count, Gone, Period, Totals], ids=lambda kind: kind.__name__
)
def test_the_page_names_every_field(kind: type[msgspec.Struct]) -> None:
    page = (Path(__file__).parent.parent / "docs" / "scan.md").read_text(encoding="utf-8")
    assert not [name for name in kind.__struct_fields__ if f"`{name}`" not in page]


def test_windows() -> None:
    now = datetime(2026, 11, 29, 10, 30, tzinfo=UTC)
    assert window_of("36h", now).start == datetime(2026, 11, 27, 22, 30, tzinfo=UTC)
    assert window_of("2026-11-22", now).start == datetime(2026, 11, 22, tzinfo=UTC)
    assert window_of("2w", now).before == now - timedelta(days=28)
    assert len(window_of("7d", now).periods()) == 8
    assert len(window_of("24h", now).periods()) == 25
    assert len(window_of("365d", now).periods()) == 53
    exact = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC))
    assert [start.day for start in exact.periods()] == [1, 2, 3]
    with pytest.raises(UsageError, match="7d"):
        window_of("x", now)


# how it is shown


def test_the_csv_is_safe_to_open(cli: Cli, gitlab: BotGitLab) -> None:
    names = ['=HYPERLINK("http://evil.example")', "+1", "-1", "@SUM(A1)", 'a,"b"\nc', "\t=1", "plain"]
    for number, name in enumerate(names, 10):
        failed(gitlab, number, name=name, ref=name)
    answer = cli("scan", "team", "-f", "csv")
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert len(rows) == len(names)
    assert sorted(row["job"] for row in rows) == [str(n) for n in range(10, 17)]
    for row in rows:
        assert not [cell for cell in row.values() if cell.lstrip().startswith(("=", "+", "-", "@"))]
    assert {row["cause"] for row in rows} == {APPARMOR_ID}
    assert {row["url"] for row in rows} == {f"{gitlab.url}/{APP}/-/jobs/{n}" for n in range(10, 17)}


def test_the_terminal_shows_what_matters(cli: Cli, gitlab: BotGitLab) -> None:
    for number in range(10, 22):
        failed(gitlab, number, project=f"team/p{number}")
    answer = cli("scan", "team")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith("team: 12 builds failed, for 1 reason\n")
    assert "2 more; option -v shows them" in answer.out
    assert "team/p21" in cli("scan", "team", "-v").out


@pytest.mark.parametrize("form", ["terminal", "json", "csv", "html"])
def test_hostile_names_stay_names(cli: Cli, gitlab: BotGitLab, form: str) -> None:
    name = "build \x1b[31m <script>x</script>\u202e"
    failed(gitlab, 10, APPARMOR.replace(b"runner-21", b"r\x1b[31m\xe2\x80\xae1"), name=name, ref=name)
    out = cli("scan", "team", "-f", form).out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert form != "html" or "<script>x" not in out
