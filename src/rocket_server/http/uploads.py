"""Files as requests bring them: as the body, or as a part of a form; handed on as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from rocket_server.errors import InvalidPayload, UnsupportedMediaType

_PLAIN: Final = frozenset(
    {
        "",
        "application/csv",
        "application/gzip",
        "application/octet-stream",
        "application/vnd.ms-excel",  # what Windows calls CSV
        "application/x-gzip",
        "text/csv",
        "text/plain",
        "text/tab-separated-values",
    }
)


def uploaded(request: Request) -> AsyncIterator[bytes]:
    """The bytes of the file in a request, packed as they may be. Raises UnsupportedMediaType at once, and
    InvalidPayload while they come where a form has no file, or more than one."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip"):
        raise UnsupportedMediaType(
            "Content-Encoding must be gzip or left out.", {"field": "Content-Encoding", "expected": "gzip"}
        )
    kind, options = parse_options_header(request.headers.get("content-type", "").encode("latin-1"))
    media_type = kind.decode("latin-1").lower()
    if media_type == "multipart/form-data":
        if encoding == "gzip":
            raise UnsupportedMediaType(
                "A form isn't taken packed; pack the file in it.", {"field": "Content-Encoding"}
            )
        boundary = options.get(b"boundary")
        if not boundary:
            raise InvalidPayload.field("Content-Type", "must have the form's boundary")
        return _of_form(request, boundary)
    if media_type not in _PLAIN:
        raise UnsupportedMediaType(
            "The body must be a CSV file: Content-Type: text/csv, or multipart/form-data.",
            {"field": "Content-Type", "expected": "text/csv"},
        )
    return request.stream()


async def _of_form(request: Request, boundary: bytes) -> AsyncIterator[bytes]:
    found = _File()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": found.begin,
                "on_header_field": found.name,
                "on_header_value": found.value,
                "on_header_end": found.end_header,
                "on_headers_finished": found.end_headers,
                "on_part_data": found.data,
            },
        )
        async for chunk in request.stream():
            parser.write(chunk)
            for part in found.take():
                yield part
        parser.finalize()
    except MultipartParseError as error:
        raise InvalidPayload.field("file", f"isn't in a form as Content-Type says: {error}") from error
    if found.files != 1:
        raise InvalidPayload.field("file", f"must be one file in the form; there are {found.files}")


class _File:
    """The content of the one part of a form that has a file's name; of other parts nothing is kept."""

    def __init__(self) -> None:
        self.files = 0
        self._parts: list[bytes] = []
        self._name = self._value = self._disposition = b""
        self._is_file = False

    def begin(self) -> None:
        self._disposition, self._is_file = b"", False

    def name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._is_file = b"filename" in options
        self.files += self._is_file

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file and self.files == 1:
            self._parts.append(data[start:end])

    def take(self) -> list[bytes]:
        """What came since the last time."""
        parts, self._parts = self._parts, []
        return parts
