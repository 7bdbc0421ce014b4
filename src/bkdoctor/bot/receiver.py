"""GitLab's webhooks over HTTP -> events in the ledger; an answer of 202 means that the event is stored."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader

from bkdoctor import __version__
from bkdoctor.bot.config import Config
from bkdoctor.bot.database import DatabaseError
from bkdoctor.bot.events import BadBodyError, Ignored, read_event
from bkdoctor.bot.intake import FullError, Intake
from bkdoctor.bot.keeper import orphaned
from bkdoctor.bot.logs import say
from bkdoctor.bot.metrics import Counters
from bkdoctor.bot.missed import event_since
from bkdoctor.bot.openapi import ANSWERS, BODY
from bkdoctor.bot.security import refused_signature, refused_token
from bkdoctor.bot.store import Store
from bkdoctor.web.body import RefusedError, read_body
from bkdoctor.web.routes import page_routes
from bkdoctor.web.settings import LOOPBACK, Settings

MAX_BODY = 2 * 1024 * 1024
_BODY_SECONDS = 10.0
_BEAT_SECONDS = 5.0
_ROLE = "receiver"
_TOKEN = APIKeyHeader(name="X-Gitlab-Token", auto_error=False)


class Receiver:
    """What the routes share."""

    def __init__(self, config: Config, store: Store, name: str) -> None:
        self.config, self.store, self.name = config, store, name
        self.counters = Counters(store)
        self.intake = Intake(store.add)

    async def take(self, request: Request, token: str | None) -> Response:
        """Answer one webhook."""
        started = time.perf_counter()
        try:
            response, result, reason = await self._store(request, token)
        except RefusedError as refused:
            say("event refused", level=logging.WARNING, reason=refused.reason, status=refused.status)
            response, result, reason = _json(refused.status, {"error": str(refused)}), "refused", refused.reason
        self.counters.received.labels(result, reason).inc()
        if result == "stored":
            self.counters.acknowledged.observe(time.perf_counter() - started)
        return response

    async def _store(self, request: Request, token: str | None) -> tuple[Response, str, str]:
        body = await self._authentic_body(request, token)
        try:
            event = read_event(body, request.headers, self.config)
        except BadBodyError as bad:
            raise RefusedError(bad.status, "body", str(bad)) from None
        if isinstance(event, Ignored):
            return Response(status_code=204), "ignored", event.why
        try:
            new = await self.intake.add(event)
        except FullError:
            raise RefusedError(503, "busy", "too many events wait for the database") from None
        except DatabaseError as error:
            say(str(error), level=logging.ERROR, event=event.id)
            raise RefusedError(503, "database", "the event cannot be stored") from None
        say("event stored" if new else "event seen before", event=event.id, key=event.key, pipeline=event.pipeline_id)
        return _json(202, {"event": event.id, "new": new}), "stored" if new else "duplicate", ""

    async def _authentic_body(self, request: Request, token: str | None) -> bytes:
        if refused_token(token, self.config.webhook_secret):
            raise RefusedError(401, "token", "X-Gitlab-Token is missing or wrong")
        body = await read_body(request, MAX_BODY, _BODY_SECONDS)
        if refused_signature(request.headers, body, self.config.signing_key):
            raise RefusedError(401, "signature", "the webhook's signature is missing, wrong or old")
        return body


def create_app(config: Config, store: Store, name: str = "receiver") -> FastAPI:
    """Return the web application; `name` is the process's. Raises UsageError when no secret is configured."""
    config.require_secret()
    receiver = Receiver(config, store, name)
    app = FastAPI(
        title="bkdoctor bot",
        version=__version__,
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lambda _: _lifespan(receiver),
    )
    app.include_router(_routes(receiver))
    if config.page:
        app.router.routes.extend(page_routes(_page_settings(config)))
    return app


def _page_settings(config: Config) -> Settings:
    hosts = (*LOOPBACK, *(name.lower() for name in config.page_hosts))
    if not config.page_jobs:
        return Settings(hosts=hosts)
    return Settings(hosts=hosts, gitlab=config.gitlab(), allowed=config.allowed)


def _routes(receiver: Receiver) -> APIRouter:
    routes = APIRouter()

    @routes.post("/webhook", status_code=202, responses=ANSWERS, openapi_extra=BODY)
    async def webhook(request: Request, token: Annotated[str | None, Depends(_TOKEN)]) -> Response:
        """Take a Pipeline or Job event from GitLab; other events are ignored."""
        return await receiver.take(request, token)

    @routes.get("/healthz")
    async def alive() -> dict[str, str]:
        """Tell that the process answers."""
        return {"status": "ok"}

    @routes.get("/readyz", responses={503: {"description": "The database does not answer."}})
    async def ready() -> Response:
        """Tell whether events can be stored."""
        try:
            await asyncio.wait_for(run_in_threadpool(receiver.store.waiting), 5.0)
        except (DatabaseError, TimeoutError):
            return _json(503, {"status": "the database does not answer"})
        return _json(200, {"status": "ok"})

    @routes.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        """Tell what was counted."""
        try:
            page = await run_in_threadpool(receiver.counters.page)
        except DatabaseError:
            return _json(503, {"status": "the database does not answer"})
        return Response(page, media_type="text/plain; version=1.0.0; charset=utf-8")

    return routes


@contextlib.asynccontextmanager
async def _lifespan(receiver: Receiver) -> AsyncIterator[None]:
    await run_in_threadpool(_ask_for_what_was_missed, receiver)
    beating = asyncio.create_task(_beat(receiver))
    say("receiver starts", host=receiver.config.host, port=receiver.config.port)
    yield
    beating.cancel()
    say("receiver stops")


def _ask_for_what_was_missed(receiver: Receiver) -> None:
    last_heard = receiver.store.silence(_ROLE)
    if last_heard is not None:
        receiver.store.add([event_since(last_heard, receiver.name)])
    receiver.store.beat(receiver.name, _ROLE)


async def _beat(receiver: Receiver) -> None:
    """Say that the receiver lives, and end it with the process that started it."""
    beaten = time.monotonic()
    while not orphaned():
        await asyncio.sleep(1.0)
        if time.monotonic() - beaten >= _BEAT_SECONDS:
            beaten = time.monotonic()
            with contextlib.suppress(DatabaseError):
                await run_in_threadpool(receiver.store.beat, receiver.name, _ROLE)
    os.kill(os.getpid(), signal.SIGTERM)


def _json(status: int, content: dict[str, Any]) -> Response:
    return JSONResponse(content, status)
