"""Settings -> the routes of the page: the form at its address, the report as the answer to it, and the style sheet."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bkdoctor.web import pages
from bkdoctor.web.body import RefusedError, read_body
from bkdoctor.web.diagnosing import Slots, diagnose
from bkdoctor.web.form import read_form
from bkdoctor.web.order import order_of
from bkdoctor.web.settings import Settings

_OWN = frozenset({"same-origin", "none"})
"""Values of Sec-Fetch-Site: a form of this page, or somebody who typed the address."""
_RETRY_AFTER = "30"

Handler = Callable[[Request], Awaitable[Response]]


def create_app(settings: Settings) -> Starlette:
    """Return an application that is the page and nothing else."""

    async def refused(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return _html(pages.form_page(settings, "There is no such page: this is the one there is."), status)

    return Starlette(routes=page_routes(settings), exception_handlers={404: refused, 405: refused})


def page_routes(settings: Settings) -> list[Route]:
    """Return the routes at `/`, for an application of their own or for another's."""
    page = _Page(settings)
    return [
        Route("/", page.show, methods=["GET"], include_in_schema=False),
        Route("/", page.answer, methods=["POST"], include_in_schema=False),
        Route(f"/{pages.STYLE}", page.style, methods=["GET"], include_in_schema=False),
    ]


class _Page:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._diagnoses, self._uploads = Slots(settings.at_once), Slots(settings.uploads)

    async def show(self, request: Request) -> Response:
        try:
            self._check_host(request)
        except RefusedError as refused:
            return self._refused(refused)
        return _html(pages.form_page(self._settings))

    async def style(self, _: Request) -> Response:
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "max-age=3600"}
        return Response(pages.style(), media_type="text/css", headers=headers)

    async def answer(self, request: Request) -> Response:
        try:
            self._check_host(request)
            _check_origin(request)
            with self._uploads.taken():
                body = await read_body(request, self._settings.max_bytes, self._settings.upload_seconds)
            order, log = order_of(read_form(body, request.headers.get("content-type", "")), self._settings)
            del body
            with self._diagnoses.taken():
                answer = await diagnose(order, log)
        except RefusedError as refused:
            return self._refused(refused)
        if answer.error:
            return _html(pages.form_page(self._settings, answer.error), answer.status)
        return _html(pages.report_page(answer))

    def _check_host(self, request: Request) -> None:
        # a name that somebody else has made for this address would let his pages read ours
        name = request.headers.get("host", "").lower()
        host = name if name.endswith("]") else name.rsplit(":", 1)[0]
        if host not in self._settings.hosts:
            why = "This page does not answer to that name: whoever runs it can allow it."
            raise RefusedError(421, "host", why)

    def _refused(self, refused: RefusedError) -> Response:
        text = str(refused)
        error = f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
        headers = {"Retry-After": _RETRY_AFTER} if refused.status == 503 else {}
        return _html(pages.form_page(self._settings, error), refused.status, headers)


def _check_origin(request: Request) -> None:
    """Refuse a form that another site's page sends: it would spend our time, and ask GitLab in our name."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    foreign = site not in _OWN if site is not None else origin is not None and not _is_host(origin, request)
    if foreign:
        raise RefusedError(403, "origin", "A page of another site sent this form: open this page and use its own.")


def _is_host(origin: str, request: Request) -> bool:
    try:
        return urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
    except ValueError:
        return False


def _html(page: str, status: int = 200, more: dict[str, str] | None = None) -> Response:
    return Response(page, status, media_type="text/html", headers=pages.HEADERS | (more or {}))
