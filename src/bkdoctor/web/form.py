"""The body of the page's form -> Form. It is taken apart in memory: no part of it goes to a disk."""

import msgspec
from python_multipart.exceptions import ParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from bkdoctor.web.body import RefusedError

_FIELDS = frozenset({"text", "file", "job", "kubernetes"})
_MAX_PARTS = 12
_SHORT = 2000
"""Bytes of a field that is no log."""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody sent; empty where a field was."""

    text: bytes = b""
    """The pasted log, its lines ended as in a file."""
    file: bytes = b""
    job: str = ""
    kubernetes: str = ""


class _Collector:
    """Collects the parts as the parser calls."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, bytearray]] = []
        self._header = ""
        self._value = bytearray()
        self._name = ""

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._add_to_header,
            "on_header_value": self._add_to_value,
            "on_header_end": self._end_of_header,
            "on_headers_finished": self._end_of_headers,
            "on_part_data": self._data,
        }

    def _begin(self) -> None:
        self._name = ""

    def _add_to_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end].decode("latin-1")

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_of_header(self) -> None:
        if self._header.lower() == "content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._name = options.get(b"name", b"").decode("latin-1")
        self._header, self._value = "", bytearray()

    def _end_of_headers(self) -> None:
        if len(self.parts) == _MAX_PARTS:
            raise RefusedError(400, "form", "the form has more fields than the page")
        self.parts.append((self._name, bytearray()))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1][1].extend(memoryview(data)[start:end])


def read_form(body: bytes, content_type: str) -> Form:
    """Return what is in the form's body. Raises RefusedError."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise RefusedError(415, "form", "this is not the page's form, which is multipart/form-data")
    found = _Collector()
    try:
        parser = MultipartParser(boundary, found.callbacks())  # type: ignore[arg-type]
        parser.write(body)
        parser.finalize()
    except ParseError:
        raise RefusedError(400, "form", "the form is not whole") from None
    parts = {name: bytes(data) for name, data in found.parts if name in _FIELDS}
    return Form(
        # browsers end the lines of a text field as mail does
        text=parts.get("text", b"").replace(b"\r\n", b"\n"),
        file=parts.get("file", b""),
        **{name: parts.get(name, b"")[:_SHORT].decode("utf-8", "replace").strip() for name in ("job", "kubernetes")},
    )
