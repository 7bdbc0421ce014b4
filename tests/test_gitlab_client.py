"""fetch_job against a server that answers like GitLab, and against one that does not."""

import errno
import socket
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import logs
from bkdoctor.errors import GitLabError, InputError
from bkdoctor.gitlab.address import parse_base
from bkdoctor.gitlab.client import FetchedJob, fetch_job
from bkdoctor.gitlab.connection import Limits
from bkdoctor.gitlab.credentials import Token
from bkdoctor.gitlab.target import Target

from .gitlab_double import TOKEN, Fault, GitLabDouble, write_certificate

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html; charset=utf-8"}
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*PROXIES, *(name.upper() for name in PROXIES), "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def gitlab() -> Iterator[GitLabDouble]:
    with GitLabDouble() as double:
        double.add_job("group/sub/app", 12, trace=b"line 1\nline 2\n", failure_reason="script_failure")
        yield double


class Naps(list[float]):
    """A sleep that only notes how long it would have been."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def limits(naps: Naps | None = None, **changes: Any) -> Limits:
    return Limits(**{"connect_timeout": 2.0, "read_timeout": 2.0, "sleep": Naps() if naps is None else naps, **changes})


def target(url: str, **changes: Any) -> Target:
    known: dict[str, Any] = {
        "base": parse_base(url, "url"),
        "project": "group/sub/app",
        "job_id": 12,
        "name": "12",
        "token": Token(TOKEN, "private", "GITLAB_TOKEN"),
    }
    return Target(**known | changes)


def trace_of(fetched: FetchedJob) -> bytes:
    return fetched.trace.read(0, fetched.trace.size)


def fetch(double: GitLabDouble, *, max_bytes: int = 1 << 20, **changes: Any) -> FetchedJob:
    return fetch_job(target(double.url, **changes), max_bytes=max_bytes, limits=limits())


def refusal(double: GitLabDouble | str, naps: Naps | None = None, **changes: Any) -> str:
    """The error's text: one line, without a token."""
    url = double if isinstance(double, str) else double.url
    bounds = limits(naps, **changes.pop("limits", {}))
    with pytest.raises(GitLabError) as caught:
        fetch_job(target(url, **changes), limits=bounds)
    text = str(caught.value)
    assert "\n" not in text
    assert TOKEN not in text
    assert caught.value.exit_status == 5
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return text


def test_a_failed_job(gitlab: GitLabDouble) -> None:
    gitlab.add_job(
        "group/sub/app",
        12,
        trace=b"line 1\nline 2\n",
        failure_reason="script_failure",
        runner={"id": 3, "description": "docker-1"},
        runner_manager={"version": "18.5.0~pre.12.gabc"},
    )
    fetched = fetch(gitlab)
    assert trace_of(fetched) == b"line 1\nline 2\n"
    assert fetched.finished
    assert not fetched.cut
    assert fetched.notes == ()
    facts = fetched.facts
    assert (facts.job, facts.stage, facts.ref, facts.project) == ("build", "test", "main", "group/sub/app")
    assert (facts.status, facts.failure_reason, facts.exit_code) == ("failed", "script_failure", None)
    assert (facts.runner, facts.runner_name) == ("18.5.0", "docker-1")
    assert facts.web_url == f"{gitlab.url}/group/sub/app/-/jobs/12"
    assert (fetched.source.name, fetched.source.job_id, fetched.source.url) == ("12", 12, facts.web_url)


def test_the_log_knows_its_runner_better_than_the_api(gitlab: GitLabDouble) -> None:
    now = {"runner": {"description": "renamed"}, "runner_manager": {"version": "19.0.0"}}
    gitlab.add_job("group/sub/app", 12, trace=b"Running with gitlab-runner 18.5.0 (bda84871)\n", **now)
    facts = fetch(gitlab).facts
    assert (facts.runner, facts.runner_name) == (None, None)


def test_requests_are_two_and_carry_the_path_encoded_and_the_token(gitlab: GitLabDouble) -> None:
    fetch(gitlab)
    paths = [seen.path for seen in gitlab.seen]
    job = "/api/v4/projects/group%2Fsub%2Fapp/jobs/12"
    assert paths == [job, f"{job}/trace"]
    assert [seen.secrets for seen in gitlab.seen] == [[TOKEN], [TOKEN]]


def test_an_oauth_token_is_sent_as_bearer(gitlab: GitLabDouble) -> None:
    fetch(gitlab, token=Token(TOKEN, "oauth", "OAUTH_TOKEN"))
    assert gitlab.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert "private-token" not in gitlab.seen[0].headers


def test_a_numeric_project_learns_its_path_from_the_job(gitlab: GitLabDouble) -> None:
    fetched = fetch(gitlab, project=str(gitlab.numbers["group/sub/app"]))
    assert fetched.facts.project == "group/sub/app"


def test_a_gitlab_below_a_path() -> None:
    with GitLabDouble(root="/git/lab") as double:
        double.add_job("group/sub/app", 12, trace=b"x\n")
        assert trace_of(fetch(double)) == b"x\n"
        assert fetch(double, project="71").facts.project == "group/sub/app"


def test_exit_code_if_the_api_has_it(gitlab: GitLabDouble) -> None:
    gitlab.add_job("group/sub/app", 12, trace=b"x\n", exit_code=137)
    assert fetch(gitlab).facts.exit_code == 137


def test_fields_of_another_type_are_not_known(gitlab: GitLabDouble) -> None:
    odd: dict[str, Any] = {
        "name": None,
        "stage": 3,
        "runner": [],
        "runner_manager": None,
        "web_url": "javascript:x",
        "exit_code": "1",
    }
    gitlab.add_job("group/sub/app", 12, trace=b"x\n", **odd)
    facts = fetch(gitlab).facts
    known = (facts.job, facts.stage, facts.runner, facts.web_url, facts.exit_code)
    assert known == (None, None, None, None, None)


def test_a_public_project_needs_no_token(gitlab: GitLabDouble) -> None:
    gitlab.public.add("group/sub/app")
    assert trace_of(fetch(gitlab, token=None))
    assert not any(seen.secrets for seen in gitlab.seen)


def test_no_password_comes_from_netrc(gitlab: GitLabDouble, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    gitlab.public.add("group/sub/app")
    fetch(gitlab, token=None)
    assert not any(seen.secrets for seen in gitlab.seen)


def test_the_targets_notes_stay_first(gitlab: GitLabDouble) -> None:
    gitlab.add_job("group/sub/app", 12, trace=b"x\n", status="running")
    notes = fetch(gitlab, notes=("GITLAB_TOKEN was not sent",)).notes
    assert notes == ("GITLAB_TOKEN was not sent", "the job is still running: this is its log so far")


# jobs without an end, or without a log


def test_a_running_job_is_read_as_far_as_it_is(gitlab: GitLabDouble) -> None:
    gitlab.add_job("group/sub/app", 12, trace=b"so far\n", status="running")
    fetched = fetch(gitlab)
    assert trace_of(fetched) == b"so far\n"
    assert not fetched.finished
    assert "still running" in fetched.notes[0]


@pytest.mark.parametrize("trace", [None, b"", b"\n"])
def test_a_failure_that_needs_no_log(gitlab: GitLabDouble, trace: bytes | None) -> None:
    reason = "stuck_pending_no_matching_runners"
    gitlab.add_job("group/sub/app", 12, trace=trace, failure_reason=reason, runner=None)
    fetched = fetch(gitlab)
    assert trace_of(fetched).strip() == b""
    assert fetched.facts.failure_reason == reason
    assert fetched.finished
    assert "no log" in fetched.notes[0]


def test_an_erased_log_of_a_failure_that_needs_none(gitlab: GitLabDouble) -> None:
    fields = {"failure_reason": "runner_system_failure", "erased_at": "2025-01-31T10:00:00.000Z"}
    gitlab.add_job("group/sub/app", 12, trace=b"", **fields)
    fetched = fetch(gitlab)
    assert trace_of(fetched) == b""
    assert "erased on 2025-01-31" in fetched.notes[0]
    assert [seen.route for seen in gitlab.seen] == ["job"]


@pytest.mark.parametrize(
    ("fields", "words", "step"),
    [
        ({"erased_at": "2025-01-31T10:00:00Z"}, "was erased on 2025-01-31", "run the job again"),
        ({"status": "running"}, "no log yet", "again in a minute"),
        ({"status": "pending"}, "not started (pending)", "wait until a runner"),
        ({"status": "manual"}, "waits for somebody", "start it in GitLab"),
        ({"status": "canceled"}, "was canceled before", "run the job again"),
        ({"failure_reason": "script_failure"}, "has no log", "run the job again"),
        ({"status": "success"}, "has no log", "run the job again"),
    ],
)
def test_nothing_to_diagnose(gitlab: GitLabDouble, fields: dict[str, Any], words: str, step: str) -> None:
    gitlab.add_job("group/sub/app", 12, trace=b"", **fields)
    text = refusal(gitlab)
    assert words in text
    assert step in text
    assert "job 12 of group/sub/app" in text


# refusals


def test_a_wrong_token(gitlab: GitLabDouble) -> None:
    gitlab.tokens.clear()
    text = refusal(gitlab)
    assert "refused the token from GITLAB_TOKEN (401)" in text
    assert text.endswith("create one with the scope read_api and put it there")


def test_a_token_without_the_scope(gitlab: GitLabDouble) -> None:
    gitlab.tokens[TOKEN] = {"read_repository"}
    text = refusal(gitlab)
    assert "lacks a scope" in text
    assert "read_api" in text


def test_no_permission_for_the_log(gitlab: GitLabDouble) -> None:
    gitlab.fail(Fault(status=403, body=b'{"message":"403 Forbidden"}', headers=JSON), route="trace")
    text = refusal(gitlab)
    assert "read the log of job 12 of group/sub/app (403)" in text
    assert "Developer" in text


def test_no_such_job(gitlab: GitLabDouble) -> None:
    text = refusal(gitlab, job_id=13)
    assert "shows no job 13 of group/sub/app (404)" in text
    assert "read_api" in text


def test_no_such_project(gitlab: GitLabDouble) -> None:
    assert "shows no project group/other (404)" in refusal(gitlab, project="group/other")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_without_a_token_the_error_says_which_is_missing(gitlab: GitLabDouble, status: int) -> None:
    gitlab.fail(Fault(status=status, body=b'{"message":"no"}', headers=JSON))
    advice = "CI_JOB_TOKEN cannot read a job's log; set GITLAB_TOKEN"
    assert advice in refusal(gitlab, token=None, advice=advice)


def test_what_the_server_says_is_not_repeated(gitlab: GitLabDouble) -> None:
    body = b'{"message":"the token %s is bad\\nand so on"}' % TOKEN.encode()
    for status in (400, 401, 403, 404, 422, 429, 500):
        gitlab.fail(Fault(status=status, body=body, headers=JSON), times=1)
        assert "is bad" not in refusal(gitlab, limits={"tries": 1})


# faults that may pass


@pytest.mark.parametrize("route", ["job", "trace"])
def test_a_rate_limit_is_waited_for(gitlab: GitLabDouble, route: str) -> None:
    gitlab.fail(Fault(status=429, body=b"Retry later", headers={"Retry-After": "7"}), times=1, route=route)
    naps = Naps()
    assert trace_of(fetch_job(target(gitlab.url), limits=limits(naps)))
    assert naps == [7]


def test_a_rate_limit_that_takes_too_long(gitlab: GitLabDouble) -> None:
    gitlab.fail(Fault(status=429, body=b"Retry later", headers={"Retry-After": "3600"}))
    naps = Naps()
    assert "run the command again in 3600 seconds" in refusal(gitlab, naps)
    assert naps == []
    assert len(gitlab.seen) == 1


def test_rate_limits_without_end_use_up_the_patience(gitlab: GitLabDouble) -> None:
    gitlab.fail(Fault(status=429, headers={"Retry-After": "20"}))
    naps = Naps()
    assert "429" in refusal(gitlab, naps, limits={"tries": 9})
    assert naps == [20]


@pytest.mark.parametrize("header", ["soon", "-5", "1e9", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_rate_limit_with_a_header_that_is_no_number(gitlab: GitLabDouble, header: str) -> None:
    gitlab.fail(Fault(status=429, headers={"Retry-After": header}))
    assert "in a few minutes" in refusal(gitlab)


@pytest.mark.parametrize("status", [500, 502, 503, 522])
@pytest.mark.parametrize("route", ["job", "trace"])
def test_a_server_error_that_passes(gitlab: GitLabDouble, status: int, route: str) -> None:
    gitlab.fail(Fault(status=status, body=b"<html>oops", headers=HTML), times=2, route=route)
    assert trace_of(fetch(gitlab))


def test_a_server_error_that_stays(gitlab: GitLabDouble) -> None:
    gitlab.fail(Fault(status=502, body=b"<html>oops", headers=HTML))
    naps = Naps()
    assert "HTTP 502" in refusal(gitlab, naps)
    assert naps == [0.5, 1.0]
    assert len(gitlab.seen) == 3


def test_a_connection_that_breaks_in_the_log_and_then_does_not(gitlab: GitLabDouble) -> None:
    gitlab.fail(Fault(body=b"x" * 100_000, reset=True), times=1, route="trace")
    assert trace_of(fetch(gitlab)) == b"line 1\nline 2\n"


@pytest.mark.parametrize("route", ["job", "trace"])
def test_a_connection_that_always_breaks(gitlab: GitLabDouble, route: str) -> None:
    gitlab.fail(Fault(body=b"{" * 100_000, headers=JSON, reset=True), route=route)
    assert "broke off" in refusal(gitlab)


@pytest.mark.parametrize("route", ["job", "trace"])
def test_silence(gitlab: GitLabDouble, route: str) -> None:
    gitlab.fail(Fault(body=b"x" * 1000, stall=True), route=route)
    assert "did not answer within 0.1 seconds" in refusal(gitlab, limits={"read_timeout": 0.1, "tries": 2})


def test_a_log_that_never_ends(gitlab: GitLabDouble) -> None:
    def drops() -> Iterator[bytes]:
        while not gitlab.stopping.wait(0.02):
            yield b"again and again\n"

    gitlab.add_job("group/sub/app", 12, trace=drops)
    assert "did not answer within" in refusal(gitlab, limits={"log_timeout": 0.2, "tries": 2})


def test_a_body_that_is_not_what_its_encoding_says(gitlab: GitLabDouble) -> None:
    gitlab.fail(Fault(body=b"not gzip", headers={"Content-Encoding": "gzip"}), route="trace")
    assert "garbled" in refusal(gitlab)


# something else than GitLab


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        text = refusal(f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert "cannot be reached" in text
    assert "--gitlab" in text


def test_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert "cannot be resolved" in refusal("https://gitlab.example.com")


def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{unused.getsockname()[1]}")
        assert "HTTPS_PROXY" in refusal("https://gitlab.example.com")


@pytest.mark.parametrize("route", ["job", "trace"])
@pytest.mark.parametrize("status", [200, 403, 404])
def test_a_web_page(gitlab: GitLabDouble, route: str, status: int) -> None:
    gitlab.fail(Fault(status=status, body=b"<!DOCTYPE html><title>Hello", headers=HTML), route=route)
    text = refusal(gitlab)
    assert f"answers with a web page (HTTP {status})" in text
    assert "--gitlab" in text


@pytest.mark.parametrize("body", [b"[1]", b"{", b"null", b'"x"'])
def test_json_that_is_no_job(gitlab: GitLabDouble, body: bytes) -> None:
    gitlab.fail(Fault(body=body, headers=JSON), route="job")
    assert "something else than the GitLab API" in refusal(gitlab)


def test_a_sign_in_page(gitlab: GitLabDouble) -> None:
    gitlab.fail(Fault(status=302, headers={"Location": f"{gitlab.url}/users/sign_in", **HTML}))
    assert "wants a sign-in" in refusal(gitlab)


def test_redirects_in_a_circle(gitlab: GitLabDouble) -> None:
    gitlab.fail(Fault(status=302, headers={"Location": "/api/v4/projects/1/jobs/12"}))
    assert "redirects in a circle" in refusal(gitlab)
    assert len(gitlab.seen) < 10


# where a token goes


def test_a_moved_project_is_followed_on_the_same_host(gitlab: GitLabDouble) -> None:
    job = "/api/v4/projects/group%2Fsub%2Fapp/jobs/12"
    gitlab.fail(Fault(status=301, headers={"Location": f"{gitlab.url}{job}"}), times=1, route="job")
    gitlab.fail(Fault(status=301, headers={"Location": f"{job}/trace"}), times=1, route="trace")
    assert trace_of(fetch(gitlab, project="group/old")) == b"line 1\nline 2\n"
    assert [seen.secrets for seen in gitlab.seen] == [[TOKEN]] * 4


@pytest.mark.parametrize("kind", ["private", "oauth", None])
@pytest.mark.parametrize("route", ["job", "trace"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_leads_to_another_host(gitlab: GitLabDouble, kind: Any, route: str, status: int) -> None:
    gitlab.public.add("group/sub/app")
    with GitLabDouble() as other:
        gitlab.fail(Fault(status=status, headers={"Location": f"{other.url}/api/v4/x"}), route=route)
        text = refusal(gitlab, token=Token(TOKEN, kind, "GITLAB_TOKEN") if kind else None)
        assert other.seen == []
        assert f"redirects to {other.host}" in text
        assert f"--gitlab {other.url}" in text or f"--gitlab https://{other.host}" in text


@pytest.mark.parametrize(
    "location",
    [
        "//other.example.net/api/v4/x",
        "https://other.example.net\\@{host}/x",
        "http://{host}@other.example.net/x",
        "http://{host}.other.example.net/x",
        "http:\\\\other.example.net/x",
        "ftp://{host}/x",
        "https://other.example.net:bad/x",
        "http://[::1/x",
    ],
)
def test_a_location_that_tries_to_look_local(
    gitlab: GitLabDouble, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = socket.getaddrinfo

    def note(host: str, *rest: Any, **more: Any) -> Any:
        asked.append(host)
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", note)
    gitlab.fail(Fault(status=302, headers={"Location": location.format(host=gitlab.host)}), route="job", times=1)
    gitlab.fail(Fault(status=404, body=b"{}", headers=JSON))
    refusal(gitlab)
    assert set(asked) == {"127.0.0.1"}


# TLS


def test_a_certificate_that_nobody_trusts() -> None:
    with GitLabDouble(tls=True) as double:
        text = refusal(double)
        assert "is not trusted" in text
        assert "REQUESTS_CA_BUNDLE" in text
        assert "ssl_verify" in text
        assert double.seen == []


def test_a_certificate_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with GitLabDouble(tls=True) as double:
        double.add_job("group/sub/app", 12, trace=b"x\n")
        assert trace_of(fetch(double, verify=write_certificate(tmp_path))) == b"x\n"
        assert trace_of(fetch(double, verify=False)) == b"x\n"
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", write_certificate(tmp_path))
        assert trace_of(fetch(double)) == b"x\n"


def test_a_file_of_certificates_that_is_missing(tmp_path: Path) -> None:
    with GitLabDouble(tls=True) as double:
        text = refusal(double, verify=str(tmp_path / "none.pem"))
        assert "does not exist" in text


def test_a_certificate_for_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real("127.0.0.1", *rest, **more))
    with GitLabDouble(tls=True) as double:
        url = double.url.replace("127.0.0.1", "gitlab.example.com")
        assert "is for another name" in refusal(url, verify=write_certificate(tmp_path))


def test_tls_where_there_is_none(gitlab: GitLabDouble) -> None:
    text = refusal(gitlab.url.replace("http://", "https://"))
    assert "does not speak TLS" in text
    assert f"--gitlab http://{gitlab.host}" in text


# large traces


def test_a_huge_trace_is_cut_in_the_middle_and_streamed(gitlab: GitLabDouble) -> None:
    lines = 400_000  # 17 MB
    width = len(b"line 00000000 of a very long build log...\n")

    def stream() -> Iterator[bytes]:
        for start in range(0, lines, 1000):
            yield b"".join(b"line %08d of a very long build log...\n" % n for n in range(start, start + 1000))

    gitlab.add_job("group/sub/app", 12, trace=stream)
    fetch(gitlab, max_bytes=1000)  # imports and first use are not what is measured
    tracemalloc.start()
    fetched = fetch(gitlab, max_bytes=1 << 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 << 20
    trace, cut = trace_of(fetched), fetched.cut
    assert cut is not None and cut.cut_at is not None
    got = trace.splitlines()
    assert got[0].startswith(b"line 00000000")
    assert got[-1].startswith(b"line 00399999")
    assert len(trace) <= 1 << 20
    assert fetched.facts.truncated == "middle"
    assert len(got) + cut.left_out_lines == lines
    assert len(trace) + cut.left_out == lines * width
    assert str(cut.left_out) in fetched.notes[0]
    first_behind = trace[cut.cut_at :].split(b"\n", 1)[0]
    number = trace[: cut.cut_at].count(b"\n") + cut.left_out_lines
    assert first_behind.startswith(b"line %08d" % number)


MEMORY_OF_A_LARGE_TRACE = """
import re, sys
from bkdoctor.doctor import diagnose
from bkdoctor.gitlab.client import fetch_job
from bkdoctor.session import catalog_of
from tests.test_gitlab_client import limits, target
fetched = fetch_job(target(sys.argv[1]), limits=limits(read_timeout=60.0))
report = diagnose(fetched.trace, catalog_of(()), known=fetched.facts, cut=fetched.cut)
# ru_maxrss would begin with the size of the process that started this one
memory = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
print(fetched.trace.size, report.findings[0].id, memory)
"""


def test_a_large_trace_is_not_kept_in_memory(gitlab: GitLabDouble) -> None:
    pieces = list(logs.build(4_000_000))
    size = 15 * sum(map(len, pieces))
    gitlab.add_job("group/sub/app", 12, trace=lambda: iter(15 * pieces))
    command = [sys.executable, "-c", MEMORY_OF_A_LARGE_TRACE, gitlab.url]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=True)
    read, finding, memory = done.stdout.split()
    assert int(read) == size > 60_000_000
    assert finding == "native-compiler-missing"
    assert int(memory) < 150 * 1024


def test_no_room_for_a_trace_is_told(gitlab: GitLabDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    gitlab.add_job("group/sub/app", 12, trace=b"x" * 10_000_000)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(InputError, match=r"No space left on device\. Make room there, or"):
        fetch(gitlab, max_bytes=1 << 24)


# the whole


def test_importing_the_package_does_not_import_python_gitlab() -> None:
    code = (
        "import sys, bkdoctor.gitlab.client, bkdoctor.gitlab.target, bkdoctor.gitlab.remote; "
        "assert not {'gitlab', 'requests', 'urllib3'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
