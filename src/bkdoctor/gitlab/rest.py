"""A path of GitLab's API -> its answer as a struct, or as the rows of all pages; writes are sent once.

Paths stand below `/api/v4` and are made of numbers and of parts that `part` has escaped. A struct names the fields
that are needed; whatever else GitLab sends is left alone.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec

from bkdoctor.errors import GitLabError
from bkdoctor.gitlab.connection import ONCE, Connection
from bkdoctor.gitlab.refusal import Asked

PAGE = 100
MAX_PAGES = 200
"""A bound, for an answer that never ends."""
_HIDDEN = frozenset({403, 404})
_CURSORS = frozenset({"cursor", "id_before", "page"})
"""What tells one page of a list from the next."""
_CONFLICT = 409
_MAX_TEXT = 1024 * 1024

_T = TypeVar("_T")


def part(text: str | int) -> str:
    """Return text as one part of a path."""
    return quote(str(text), safe="")


def get(connection: Connection, asked: Asked, path: str, form: type[_T], query: Mapping[str, Any] | None = None) -> _T:
    """Return one object. Raises GitLabError."""
    return _as(form, connection.read(asked, lambda: _json(connection, path, query)), asked)


def find(
    connection: Connection, asked: Asked, path: str, form: type[_T], query: Mapping[str, Any] | None = None
) -> _T | None:
    """Return one object, None where it does not exist or the token may not see it. Raises GitLabError."""
    answer = connection.read(asked, lambda: _unless_hidden(connection, path, query))
    return None if answer is None else _as(form, answer, asked)


def find_text(connection: Connection, asked: Asked, path: str, query: Mapping[str, Any]) -> str | None:
    """Return a file's text; None where it is not there, too large or no UTF-8. Raises GitLabError."""
    import gitlab.exceptions

    def call() -> str | None:
        try:
            response = connection.api.http_request("get", path, query_data=dict(query), streamed=True, **ONCE)
        except gitlab.exceptions.GitlabError as error:
            if error.response_code in _HIDDEN:
                return None
            raise
        with response:
            data = bytearray()
            for chunk in response.iter_content(64 * 1024):
                data += chunk
                if len(data) > _MAX_TEXT:
                    return None
        try:
            return data.decode()
        except UnicodeDecodeError:
            return None

    return connection.read(asked, call)


def rows(
    connection: Connection,
    asked: Asked,
    path: str,
    form: type[_T],
    query: Mapping[str, Any] | None = None,
    *,
    pages: int = MAX_PAGES,
) -> Iterator[_T]:
    """Yield the rows of a list, page by page. Raises GitLabError."""
    number = 1
    while number:
        wanted = {**(query or {}), "per_page": PAGE, "page": number}
        answer, more = connection.read(asked, lambda wanted=wanted: _page(connection, path, wanted))  # type: ignore[misc]
        yield from _as(list[form], answer, asked)  # type: ignore[valid-type]
        number = number + 1 if more and number < pages else 0


def keyset_rows(
    connection: Connection, asked: Asked, path: str, form: type[_T], query: Mapping[str, Any]
) -> Iterator[_T]:
    """Yield the rows of a list by descending number, however long it is and whatever is added meanwhile.

    Each page says where the next one starts; a GitLab that has no such pages numbers them. Raises GitLabError.
    """
    wanted = {**query, "pagination": "keyset", "order_by": "id", "sort": "desc", "per_page": PAGE}
    while wanted:
        answer, following = connection.read(asked, lambda wanted=wanted: _page_and_next(connection, path, wanted))  # type: ignore[misc]
        rows_ = _as(list[form], answer, asked)  # type: ignore[valid-type]
        yield from rows_
        # only what the address asks is taken of it: it may name another host than the one that is asked
        wanted = wanted | following if rows_ and following and following.items() - wanted.items() else {}


def send(
    connection: Connection,
    asked: Asked,
    verb: str,
    path: str,
    body: Mapping[str, Any],
    form: type[_T],
    *,
    busy: tuple[float, ...] = (),
) -> _T:
    """Create or change something and return what GitLab made of it. Raises GitLabError.

    `busy` are the seconds to wait before it is sent again after a conflict (409), which has changed nothing.
    """
    import gitlab.exceptions

    def call() -> Any:
        for pause in busy:
            try:
                return _response(connection, verb, path, None, body).json()
            except gitlab.exceptions.GitlabError as error:
                if error.response_code != _CONFLICT:
                    raise
            connection.pause(pause)
        return _response(connection, verb, path, None, body).json()

    return _as(form, connection.write(asked, call), asked)


def send_if_there(connection: Connection, asked: Asked, verb: str, path: str, body: Mapping[str, Any]) -> bool:
    """Change or delete something; False where it does not exist or the token may not do it. Raises GitLabError."""
    import gitlab.exceptions

    def call() -> bool:
        try:
            _response(connection, verb, path, None, body or None)
        except gitlab.exceptions.GitlabError as error:
            if error.response_code in _HIDDEN:
                return False
            raise
        return True

    return connection.write(asked, call)


def _unless_hidden(connection: Connection, path: str, query: Mapping[str, Any] | None) -> Any:
    import gitlab.exceptions

    try:
        return _json(connection, path, query)
    except gitlab.exceptions.GitlabError as error:
        if error.response_code in _HIDDEN:
            return None
        raise


def _json(connection: Connection, path: str, query: Mapping[str, Any] | None) -> Any:
    return _response(connection, "get", path, query).json()


def _page(connection: Connection, path: str, query: Mapping[str, Any]) -> tuple[Any, bool]:
    response = _response(connection, "get", path, query)
    # the address of the next page may name another host than the one that is asked
    return response.json(), "next" in response.links


def _page_and_next(connection: Connection, path: str, query: Mapping[str, Any]) -> tuple[Any, dict[str, str]]:
    response = _response(connection, "get", path, query)
    url = response.links.get("next", {}).get("url", "")
    return response.json(), {k: v for k, v in parse_qsl(urlsplit(url).query) if k in _CURSORS}


def _response(
    connection: Connection, verb: str, path: str, query: Mapping[str, Any] | None, body: Mapping[str, Any] | None = None
) -> Any:
    data = dict(body) if body is not None else None
    return connection.api.http_request(verb, path, query_data=dict(query or {}), post_data=data, **ONCE)


def _as(form: type[_T], answer: Any, asked: Asked) -> _T:
    try:
        return msgspec.convert(answer, form)
    except msgspec.ValidationError:
        # its text may quote what the server wrote
        raise GitLabError(f"GitLab describes {asked.thing} in a form that is not known: update bkdoctor") from None
