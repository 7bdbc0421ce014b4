"""The receiver over HTTP: what is stored, ignored, refused and counted, and that 202 means stored."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi import FastAPI

from bkdoctor.bot import receiver
from bkdoctor.bot.config import Config
from bkdoctor.bot.database import Database, DatabaseError
from bkdoctor.bot.receiver import MAX_BODY, create_app
from bkdoctor.bot.store import Event, Store
from bkdoctor.errors import UsageError
from tests.bot_setting import SECRET, config, encoded, job_hook, pipeline_hook
from tests.test_bot_security import KEY, signature


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Store]:
    database = Database(f"sqlite:///{tmp_path}/bot.db")
    yield Store(database)
    database.close()


class Web:
    """The app, asked over ASGI."""

    def __init__(self, store: Store, **configured: Any) -> None:
        self.config: Config = config(**configured)
        self.app: FastAPI = create_app(self.config, store)

    def post(self, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        return asyncio.run(self.send("POST", "/webhook", content=body, headers=headers or {"X-Gitlab-Token": SECRET}))

    def get(self, path: str) -> httpx.Response:
        return asyncio.run(self.send("GET", path))

    async def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bot.example.com") as client:
            return await client.request(method, path, **more)

    def counted(self, result: str, reason: str = "") -> bool:
        return f'bkdoctor_events_total{{reason="{reason}",result="{result}"}} 1.0' in self.get("/metrics").text


@pytest.fixture
def web(ledger: Store) -> Web:
    return Web(ledger)


@pytest.mark.parametrize("hook", [pipeline_hook(), job_hook()], ids=["pipeline", "job"])
def test_an_event_is_stored_before_it_is_acknowledged(web: Web, ledger: Store, hook: object) -> None:
    answer = web.post(encoded(hook))
    assert answer.status_code == 202
    assert answer.json()["new"] is True
    assert ledger.waiting()[0] == 1
    assert web.counted("stored")


def test_an_event_that_comes_again_is_acknowledged_and_counted_apart(web: Web, ledger: Store) -> None:
    web.post(encoded(pipeline_hook()))
    assert web.post(encoded(pipeline_hook())).json()["new"] is False
    assert web.counted("stored")
    assert web.counted("duplicate")


@pytest.mark.parametrize(("payload", "why"), [
    ({"object_kind": "push"}, "other event"), (pipeline_hook(attributes={"status": "running"}), "not finished"),
])  # fmt: skip
def test_an_event_that_asks_for_nothing_is_no_fault(web: Web, ledger: Store, payload: object, why: str) -> None:
    assert web.post(encoded(payload)).status_code == 204
    assert ledger.waiting()[0] == 0
    assert web.counted("ignored", why)


@pytest.mark.parametrize(("body", "status", "reason"), [
    (b"{", 400, "body"), (b'"pipeline"', 400, "body"), (b'{"object_kind": "pipeline"}', 422, "body"),
    (b" " * (MAX_BODY + 1), 413, "too large"),
])  # fmt: skip
def test_what_cannot_be_used_is_refused(web: Web, body: bytes, status: int, reason: str) -> None:
    assert web.post(body).status_code == status
    assert web.counted("refused", reason)


@pytest.mark.parametrize("headers", [{}, {"X-Gitlab-Token": "wrong"}, {"X-Gitlab-Token": ""}])
def test_a_wrong_token_is_refused(web: Web, ledger: Store, headers: dict[str, str]) -> None:
    answer = web.post(encoded(pipeline_hook()), {"Content-Type": "application/json"} | headers)
    assert answer.status_code == 401
    assert web.counted("refused", "token")
    assert ledger.waiting()[0] == 0


def test_a_body_of_no_known_length_is_read_no_further_than_it_may_be(web: Web) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b" " * 65536

    assert web.post(endless()).status_code == 413
    # httpx's transport reads all of it beforehand; what counts is that the app asks for no more
    assert sent <= 1000


@pytest.mark.parametrize("length", ["99999999999", "9" * 5000, "-1", "many"])
def test_a_length_that_cannot_be_is_refused(web: Web, length: str) -> None:
    assert web.post(b"{}", {"X-Gitlab-Token": SECRET, "Content-Length": length}).status_code == 413


def test_a_body_that_comes_too_slowly_is_refused(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "_BODY_SECONDS", 0.05)
    messages: list[Any] = []

    async def stall() -> Any:
        await asyncio.sleep(5)

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/webhook", "raw_path": b"/webhook",
        "query_string": b"", "headers": [(b"x-gitlab-token", SECRET.encode())], "scheme": "http",
        "server": ("bot.example.com", 80), "client": ("127.0.0.1", 1), "root_path": "",
    }  # fmt: skip
    asyncio.run(web.app(scope, stall, send))
    assert messages[0]["status"] == 408


def test_a_signed_event_is_taken_and_an_old_or_unsigned_one_is_not(ledger: Store) -> None:
    web = Web(ledger, webhook_secret="", signing_key=KEY)
    body = encoded(pipeline_hook())
    assert web.post(body, signature(body)).status_code == 202
    assert web.post(body, signature(body, at=1_700_000_000)).status_code == 401
    assert web.post(body, {"X-Gitlab-Token": SECRET}).status_code == 401


def test_token_and_signature_must_both_be_right_where_both_are_configured(ledger: Store) -> None:
    web = Web(ledger, signing_key=KEY)
    body = encoded(pipeline_hook())
    assert web.post(body, signature(body)).status_code == 401
    assert web.post(body, {"X-Gitlab-Token": SECRET}).status_code == 401
    assert web.post(body, signature(body) | {"X-Gitlab-Token": SECRET}).status_code == 202


def test_without_a_secret_it_does_not_start(ledger: Store) -> None:
    with pytest.raises(UsageError, match="BKDOCTOR_WEBHOOK_SECRET"):
        Web(ledger, webhook_secret="")


class Broken(Store):
    """A ledger whose database is gone."""

    def __init__(self) -> None:
        pass

    def add(self, events: Sequence[Event]) -> list[bool]:
        raise DatabaseError("the database cannot be used (OperationalError)")

    def waiting(self) -> tuple[int, float]:
        raise DatabaseError("the database cannot be used (OperationalError)")


def test_nothing_is_acknowledged_without_the_database() -> None:
    web = Web(Broken())
    assert web.post(encoded(pipeline_hook())).status_code == 503
    assert web.get("/healthz").status_code == 200
    assert web.get("/readyz").status_code == 503
    assert web.get("/metrics").status_code == 503


def test_it_tells_that_it_is_alive_and_ready(web: Web) -> None:
    assert web.get("/healthz").json() == web.get("/readyz").json() == {"status": "ok"}


class Slow(Store):
    """A ledger that takes its time, and counts its transactions."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def add(self, events: Sequence[Event]) -> list[bool]:
        import time

        self.batches.append(len(events))
        time.sleep(0.05)
        return [True] * len(events)


def test_events_that_come_together_share_a_transaction() -> None:
    store = Slow()
    web = Web(store)

    async def burst() -> list[int]:
        headers = {"X-Gitlab-Token": SECRET}
        bodies = [encoded(pipeline_hook(attributes={"id": n})) for n in range(1, 31)]
        sent = [web.send("POST", "/webhook", content=body, headers=headers) for body in bodies]
        return [answer.status_code for answer in await asyncio.gather(*sent)]

    assert asyncio.run(burst()) == [202] * 30
    assert len(store.batches) < 10
    assert sum(store.batches) == 30


def test_no_more_waits_than_memory_is_given_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bkdoctor.bot.intake.Intake.__init__.__defaults__", (3,))
    web = Web(Slow())

    async def burst() -> list[int]:
        headers = {"X-Gitlab-Token": SECRET}
        bodies = [encoded(pipeline_hook(attributes={"id": n})) for n in range(1, 31)]
        sent = [web.send("POST", "/webhook", content=body, headers=headers) for body in bodies]
        return [answer.status_code for answer in await asyncio.gather(*sent)]

    answers = asyncio.run(burst())
    assert set(answers) == {202, 503}


def test_workers_counts_are_shown(web: Web, ledger: Store) -> None:
    ledger.count({("bkdoctor_diagnosed_jobs", (("pattern", "dockerfile-syntax"),)): 2, ("bkdoctor_api_calls", ()): 9})
    ledger.count({("bkdoctor_event_to_note_seconds", (("le", "2.0"),)): 3})
    ledger.count({("bkdoctor_event_to_note_seconds", (("le", "sum"),)): 4.5})
    page = web.get("/metrics").text
    for line in (
        'bkdoctor_diagnosed_jobs_total{pattern="dockerfile-syntax"} 2.0', "bkdoctor_api_calls_total 9.0",
        'bkdoctor_event_to_note_seconds_bucket{le="1.0"} 0.0', 'bkdoctor_event_to_note_seconds_bucket{le="+Inf"} 3.0',
        "bkdoctor_event_to_note_seconds_sum 4.5", "bkdoctor_queue_age_seconds 0.0",
    ):  # fmt: skip
        assert line in page


def _app() -> FastAPI:
    import tempfile

    folder = tempfile.mkdtemp(prefix="bkdoctor-test-")
    return create_app(config(), Store(Database(f"sqlite:///{folder}/bot.db")))


schema = schemathesis.openapi.from_asgi("/openapi.json", _app())


@schema.parametrize()
def test_the_app_does_what_its_openapi_page_says(case: schemathesis.Case[Any]) -> None:
    case.headers["X-Gitlab-Token"] = SECRET
    case.call_and_validate()
