"""The page to paste a log into: what it takes and refuses, its headers, its limits; over HTTP and as a process."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from bkdoctor.errors import UsageError
from bkdoctor.gitlab.address import parse_base
from bkdoctor.gitlab.allowed import Allowed
from bkdoctor.gitlab.credentials import Token
from bkdoctor.gitlab.target import Target
from bkdoctor.web import diagnosing, routes
from bkdoctor.web.form import Form, read_form
from bkdoctor.web.listen import listen
from bkdoctor.web.order import Answer, Order, order_of
from bkdoctor.web.settings import Settings
from tests.bot_cases import APP, APPARMOR, one_failed
from tests.bot_process import Bot, running
from tests.commands import Cli
from tests.gitlab_double import TOKEN
from tests.gitlab_routes_bot import BotGitLab
from tests.web_setting import form, page

BASE = "https://gitlab.example.com/root"


def settings(**fields: Any) -> Settings:
    token = Token("a-token", "private", "GITLAB_TOKEN")
    gitlab = Target(base=parse_base(BASE, "url"), project="", job_id=0, name="", token=token)
    return Settings(**{"gitlab": gitlab} | fields)


class Diagnoses:
    """Stands in for the process; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Order, bytes]] = []

    async def __call__(self, order: Order, log: bytes) -> Answer:
        self.asked.append((order, log))
        return Answer(title="A failure", body="<p>A body</p>")


@pytest.fixture
def diagnoses(monkeypatch: pytest.MonkeyPatch) -> Diagnoses:
    stand_in = Diagnoses()
    monkeypatch.setattr(routes, "diagnose", stand_in)
    return stand_in


@pytest.fixture
def web(diagnoses: Diagnoses) -> TestClient:
    return TestClient(routes.create_app(settings()), base_url="http://localhost")


# --- what is taken ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "log"),
    [
        ({"text": "one\r\ntwo\r\n"}, b"one\ntwo\n"),
        ({"file": b"one\r\ntwo\0\xff"}, b"one\r\ntwo\0\xff"),
        ({"text": "</textarea><script>"}, b"</textarea><script>"),
    ],
)
def test_a_log_is_diagnosed_as_it_was_sent(
    web: TestClient, diagnoses: Diagnoses, fields: dict[str, Any], log: bytes
) -> None:
    answer = web.post("/", files=form(**fields))
    assert answer.status_code == 200
    assert "<p>A body</p>" in answer.text
    assert [sent for _, sent in diagnoses.asked] == [log]


@pytest.mark.parametrize("base", [BASE, BASE.replace("https", "http"), BASE.removeprefix("https://")])
def test_a_job_is_asked_of_the_configured_gitlab(web: TestClient, diagnoses: Diagnoses, base: str) -> None:
    web.post("/", files=form(job=f" {base}/group/app/-/jobs/12#L3 ", kubernetes="v1.30"))
    ((order, log),) = diagnoses.asked
    assert order.target is not None
    assert (order.target.project, order.target.job_id, order.target.base.url) == ("group/app", 12, BASE)
    assert (order.kubernetes, log) == ("1.30", b"")


@pytest.mark.parametrize(
    "job",
    [
        "https://gitlab.example.org/group/app/-/jobs/12",
        "https://gitlab.example.com.evil.example/root/group/app/-/jobs/12",
        "https://gitlab.example.com@evil.example/root/group/app/-/jobs/12",
        "https://gitlab.example.com:444/root/group/app/-/jobs/12",
        "https://gitlab.example.com/elsewhere/group/app/-/jobs/12",
        "12", "file:///etc/passwd", "javascript:alert(1)", BASE, "\0", "https://[",
    ],
)  # fmt: skip
def test_no_other_address_is_asked(web: TestClient, diagnoses: Diagnoses, job: str) -> None:
    answer = web.post("/", files=form(job=job))
    assert answer.status_code == 400
    assert f"not the address of a job on {BASE}" in answer.text
    assert not diagnoses.asked


def test_without_a_gitlab_jobs_are_neither_offered_nor_read(diagnoses: Diagnoses) -> None:
    web = TestClient(routes.create_app(Settings()), base_url="http://localhost")
    assert 'name="job"' not in web.get("/").text
    assert "reads no jobs" in web.post("/", files=form(job=f"{BASE}/a/b/-/jobs/1")).text
    assert not diagnoses.asked


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "Nothing is given"),
        ({"text": " \r\n "}, "Nothing is given"),
        ({"text": "a", "file": b"b"}, "give only one"),
        ({"text": "a", "kubernetes": "<b>"}, "write it as X.Y"),
    ],
)
def test_a_form_that_says_too_little_or_too_much_is_explained(
    web: TestClient, diagnoses: Diagnoses, fields: dict[str, Any], says: str
) -> None:
    answer = web.post("/", files=form(**fields))
    assert answer.status_code == 400
    assert says in answer.text
    assert 'role="alert"' in answer.text
    assert not diagnoses.asked


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"text=a", "application/x-www-form-urlencoded", 415),
        (b"{}", "application/json", 415),
        (b"a", "multipart/form-data", 415),
        (b"a", "", 415),
        (b"nothing", "multipart/form-data; boundary=x", 400),
        (b"--x\r\n", "multipart/form-data; boundary=x", 400),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n", "multipart/form-data; boundary=x", 400),
        (b"--x\r\n\r\na\r\n" * 20 + b"--x--\r\n", "multipart/form-data; boundary=x", 400),
        (b"--x\r\nA" + b"b" * 100_000 + b": c\r\n\r\n--x--", "multipart/form-data; boundary=x", 400),
    ],
)
def test_what_is_no_form_of_this_page_is_refused(web: TestClient, body: bytes, kind: str, status: int) -> None:
    assert web.post("/", content=body, headers={"Content-Type": kind}).status_code == status


def test_the_parts_of_a_form_may_come_in_any_order() -> None:
    parts = {"job": b"a", "file": b"\r\n--y\r\n", "other": b"c", "text": b""}
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"; filename="<script>"\r\n\r\n%s\r\n' % (name.encode(), data)
        for name, data in parts.items()
    )
    assert read_form(body + b"--x--\r\n", "multipart/form-data; boundary=x") == Form(job="a", file=b"\r\n--y\r\n")


def test_an_order_does_not_show_the_token() -> None:
    order, _ = order_of(Form(job=f"{BASE}/a/b/-/jobs/1"), settings())
    assert "a-token" not in repr(order)


# --- who is answered, and with what headers --------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_page_answers_to_its_own_names_only(web: TestClient, diagnoses: Diagnoses, method: str) -> None:
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        assert web.request(method, "/", files=form(text="a"), headers={"Host": host}).status_code == 200
    asked = len(diagnoses.asked)
    for host in ("evil.example", "localhost.evil.example", "evil.example:8000", ""):
        assert web.request(method, "/", files=form(text="a"), headers={"Host": host}).status_code == 421
    assert len(diagnoses.asked) == asked


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "http://localhost:81"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({}, 200),
    ],
)
def test_a_form_of_another_site_is_refused(
    web: TestClient, diagnoses: Diagnoses, headers: dict[str, str], status: int
) -> None:
    assert web.post("/", files=form(text="a"), headers=headers).status_code == status
    assert len(diagnoses.asked) == (status == 200)


def test_every_page_forbids_scripts_frames_and_storing(web: TestClient) -> None:
    for answer in (web.get("/"), web.post("/", files=form(text="a")), web.post("/", files=form()), web.get("/x")):
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert policy == [
            "default-src 'none'", "style-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
        ]  # fmt: skip
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "<script" not in answer.text
        assert " style=" not in answer.text
        assert "set-cookie" not in answer.headers
    assert web.get("/x").status_code == 404
    assert web.put("/").status_code == 405
    assert web.get("/bkdoctor.css").headers["Content-Type"] == "text/css; charset=utf-8"


# --- limits ----------------------------------------------------------------------------------------------------------


def test_a_form_that_is_too_large_is_refused(diagnoses: Diagnoses) -> None:
    web = TestClient(routes.create_app(settings(max_bytes=2048)), base_url="http://localhost")
    answer = web.post("/", files=form(text="a" * 3000))
    assert answer.status_code == 413
    assert "2048 bytes" in answer.text


def test_more_at_once_than_are_allowed_are_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    reached, open_ = threading.Semaphore(0), threading.Event()

    async def slow(_: Order, __: bytes) -> Answer:
        import asyncio

        reached.release()
        while not open_.is_set():
            await asyncio.sleep(0.01)
        return Answer(title="t", body="b")

    monkeypatch.setattr(routes, "diagnose", slow)
    with TestClient(routes.create_app(settings(at_once=1)), base_url="http://localhost") as web:
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(web.post, "/", files=form(text="a"))
            assert reached.acquire(timeout=30)
            busy = web.post("/", files=form(text="b"))
            assert (busy.status_code, busy.headers["Retry-After"]) == (503, "30")
            assert "try again in a minute" in busy.text
            assert web.get("/").status_code == 200
            open_.set()
            assert first.result(30).status_code == 200
        assert web.post("/", files=form(text="c")).status_code == 200


@pytest.mark.parametrize(
    ("code", "status", "says"),
    [("import time; time.sleep(60)", 504, "took more than"), ("raise SystemExit(1)", 500, "without an answer")],
)
def test_a_diagnosis_that_does_not_end_or_dies_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, status: int, says: str
) -> None:
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nexec python3 -c "{code}"\n')
    program.chmod(0o755)
    monkeypatch.setattr(diagnosing.sys, "executable", str(program))  # type: ignore[attr-defined]
    monkeypatch.setattr(diagnosing, "_GRACE", 0.5)
    web = TestClient(routes.create_app(settings(seconds=0.5)), base_url="http://localhost")
    answer = web.post("/", files=form(text="a"))
    assert answer.status_code == status
    assert says in answer.text


# --- the whole of it -------------------------------------------------------------------------------------------------


@pytest.fixture
def gitlab() -> Iterator[BotGitLab]:
    with BotGitLab() as double:
        one_failed(double)
        yield double


def test_a_log_and_a_job_over_the_real_process(gitlab: BotGitLab, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    kept = {"TMPDIR": str(tmp_path / "tmp"), "GITLAB_TOKEN": TOKEN}
    with page(tmp_path, "--gitlab", gitlab.url, **kept) as url:
        answer = httpx.post(url, files=form(file=APPARMOR + b"x\n" * 2_000_000), timeout=60)
        assert answer.status_code == 200
        assert "<h1>AppArmor blocks" in answer.text
        answer = httpx.post(url, files=form(job=f"{gitlab.url}/{APP}/-/jobs/12"), timeout=60)
        assert f'href="{gitlab.url}/{APP}/-/jobs/12#L11"' in answer.text
        answer = httpx.post(url, files=form(job=f"{gitlab.url}/{APP}/-/jobs/99"), timeout=60)
        assert answer.status_code == 502
        assert "shows no job 99" in unescape(answer.text)
    assert {seen.headers.get("private-token") for seen in gitlab.seen} == {TOKEN}
    # not even for the time of the diagnosis
    assert list((tmp_path / "tmp").iterdir()) == []
    text = (tmp_path / "web.log").read_text()
    assert TOKEN not in text
    assert "rootlesskit" not in text


@pytest.mark.parametrize("project", [APP.replace("/", "%2F"), "71"])
def test_a_project_that_is_not_allowed_is_not_read_by_any_of_its_names(gitlab: BotGitLab, project: str) -> None:
    job = f"{gitlab.url}/api/v4/projects/{project}/jobs/12"
    target = Target(
        base=parse_base(gitlab.url, "url"), project="", job_id=0, name="", token=Token(TOKEN, "private", "")
    )
    for denied, status in ((("team/*",), 404), (("71",), 404), (("other/*",), 200)):
        allowed = settings(gitlab=target, allowed=Allowed(denied=denied))
        web = TestClient(routes.create_app(allowed), base_url="http://localhost")
        assert web.post("/", files=form(job=job)).status_code == status


def test_the_bots_receiver_shows_the_page_when_it_is_switched_on(gitlab: BotGitLab, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bot.db"
    off = Bot(tmp_path, gitlab.url, url, "receive")
    on = Bot(tmp_path, gitlab.url, url, "receive", page=True, page_jobs=True, page_hosts=["bot.example.com"])
    with running(off, on):
        assert off.ready().ask("GET", "/") == 404
        on.ready()
        here = f"http://127.0.0.1:{on.port}/"
        answer = httpx.post(here, files=form(job=f"{gitlab.url}/{APP}/-/jobs/12"), timeout=60)
        assert "<h1>AppArmor blocks" in answer.text
        assert httpx.get(here, headers={"Host": "bot.example.com"}).status_code == 200
        assert httpx.get(here, headers={"Host": "evil.example"}).status_code == 421
        assert on.post({"object_kind": "push"}) == 204


def test_the_bots_page_reads_no_jobs_unless_that_is_switched_on_too(gitlab: BotGitLab, tmp_path: Path) -> None:
    bot = Bot(tmp_path, gitlab.url, f"sqlite:///{tmp_path}/bot.db", "receive", page=True)
    with running(bot):
        bot.ready()
        answer = httpx.post(f"http://127.0.0.1:{bot.port}/", files=form(job=f"{gitlab.url}/{APP}/-/jobs/12"))
        assert "reads no jobs" in answer.text
    assert not [seen for seen in gitlab.seen if seen.route == "trace"]


def test_without_the_extra_it_says_how_to_install_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    answer = cli("web")
    assert (answer.status, answer.out) == (2, "")
    assert "pip install 'bkdoctor[web]'" in answer.err


def test_a_port_that_is_taken_is_named(cli: Cli) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = cli("web", "--port", str(taken.getsockname()[1]))
    assert answer.status == 2
    assert "choose another --port" in answer.err


@pytest.mark.parametrize(("host", "port", "says"), [("192.0.2.1", 0, "--host"), ("no-such-host.invalid", 0, "--host")])
def test_an_address_that_is_none_of_this_machine_is_named(host: str, port: int, says: str) -> None:
    with pytest.raises(UsageError, match=f"choose another {says}"):
        listen(host, port)


def test_a_port_is_waited_for() -> None:
    taken = listen("127.0.0.1", 0)
    port = taken.getsockname()[1]
    threading.Timer(0.3, taken.close).start()
    listen("127.0.0.1", port, patience=20).close()
    listen("::1", 0).close()
