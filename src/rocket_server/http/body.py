"""Reads a request's body, bounded in size and time, unpacked where it is gzipped."""

from __future__ import annotations

import asyncio
import codecs
import zlib
from typing import Any

import msgspec

from rocket_server.errors import InvalidPayload, PayloadTooLarge, UnsupportedMediaType

_TIME_TO_SEND_S = 60
_GZIP = 16 + zlib.MAX_WBITS


class ClientGone(Exception):
    """The client went away before it had sent its body."""


async def read_body(receive: Any, *, encoding: bytes | None, length: bytes | None, limit: int) -> bytes:
    """The body, at most `limit` bytes of it as sent and as unpacked. Raises PayloadTooLarge beyond that."""
    if length is not None and length.isdigit() and int(length) > limit:
        raise too_large(limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise ClientGone
    if message.get("more_body"):
        body = await _rest(receive, body, limit)
    if len(body) > limit:
        raise too_large(limit)
    if encoding is None or encoding == b"identity":
        return body
    if encoding not in (b"gzip", b"x-gzip"):
        raise UnsupportedMediaType(
            f"Content-Encoding {encoding.decode('latin-1')!r} is not read here; send gzip or nothing.",
            {"field": "Content-Encoding", "expected": "gzip"},
        )
    return gunzip(body, limit)


async def _rest(receive: Any, first: bytes, limit: int) -> bytes:
    chunks, size = [first], len(first)
    try:
        async with asyncio.timeout(_TIME_TO_SEND_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
                if size > limit:
                    raise too_large(limit)
                if not message.get("more_body"):
                    return b"".join(chunks)
    except TimeoutError as error:
        raise InvalidPayload(f"The body did not arrive within {_TIME_TO_SEND_S} seconds.") from error


def gunzip(body: bytes, limit: int) -> bytes:
    """A gzipped body unpacked, one member or several. Raises PayloadTooLarge beyond `limit` bytes."""
    unpacked = bytearray()
    try:
        while body:
            unpacker = zlib.decompressobj(_GZIP)
            unpacked += unpacker.decompress(body, limit + 1 - len(unpacked))
            if len(unpacked) > limit:
                raise too_large(limit)
            if not unpacker.eof:
                raise InvalidPayload("The gzip body is cut off.", {"field": "Content-Encoding"})
            body = unpacker.unused_data
    except zlib.error as error:
        raise InvalidPayload(
            "The body is not gzip, as Content-Encoding says.", {"field": "Content-Encoding"}
        ) from error
    return bytes(unpacked)


def too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body is larger than {limit} bytes.", {"limit_bytes": limit})


def decode_json(body: bytes) -> Any:
    """A body of JSON. Raises InvalidPayload where it is empty, no JSON, not UTF-8 or nested beyond reason."""
    try:
        return msgspec.json.decode(body.removeprefix(codecs.BOM_UTF8))
    except (ValueError, RecursionError) as error:
        if not body.strip():
            raise InvalidPayload("The body is empty; send JSON.", {"expected": "JSON"}) from error
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidPayload(f"The body is not JSON: {reason}.", {"expected": "JSON"}) from error
