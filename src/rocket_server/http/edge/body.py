"""Reads a request's body when its handler asks for it: after the credential was found, bounded, unpacked."""

from __future__ import annotations

import codecs
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.exceptions import HTTPException

from rocket_server.config.settings import Settings
from rocket_server.decoding import MAX_EVENT_PARTS, decode, has_more_parts
from rocket_server.errors import ClientGone, InvalidPayload, RocketError, UnsupportedMediaType
from rocket_server.http.edge.context import RequestContext, address_block
from rocket_server.http.edge.policies import Policy, Scope
from rocket_server.http.edge.room import Hold, Room
from rocket_server.http.edge.unpack import Unpacker, too_large

# Of a batch: sixty values, and twenty-five objects and lists, for each event of the largest.
MAX_VALUES = 600_000
MAX_CONTAINERS = 250_000
MAX_PARTS = 150_000  # values, objects and lists of any other body that a handler decodes, such as rules
_FEW_BYTES = 64 * 1024

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class BodyRefused(HTTPException):
    """Carries an error of ours through the framework, which takes others for faults of parsing."""

    def __init__(self, error: RocketError) -> None:
        super().__init__(error.status)
        self.error = error


@dataclass(frozen=True, slots=True)
class Bodies:
    """What all bodies of a process share."""

    max_expanded_bytes: int
    room: Room
    unpacker: Unpacker = field(default_factory=Unpacker)

    @classmethod
    def of(cls, settings: Settings) -> Bodies:
        """As set. The room always has place for four of the largest bodies, packed and unpacked."""
        largest = max(settings.max_batch_bytes, settings.max_body_bytes)
        least = 4 * (largest + min(largest, settings.max_expanded_bytes))
        return cls(settings.max_expanded_bytes, Room(max(settings.max_buffered_bytes, least)))


class Body:
    """A request's `receive`, whose first message is the whole body. One that its policy wants streamed comes
    in as many messages as the client's, counted and as it was sent."""

    __slots__ = (
        "_bodies",
        "_context",
        "_headers",
        "_hold",
        "_opened",
        "_policy",
        "_receive",
        "_scope",
        "_size",
    )

    def __init__(
        self,
        bodies: Bodies,
        policy: Policy,
        receive: Receive,
        scope: Scope,
        headers: dict[bytes, bytes],
        context: RequestContext,
    ) -> None:
        self._bodies = bodies
        self._policy = policy
        self._receive = receive
        self._scope = scope
        self._headers = headers
        self._context = context
        self._hold = Hold(bodies.room)
        self._size = 0
        self._opened = False

    async def __call__(self) -> Message:
        """Raises BodyRefused for a credential or a body that is refused, or a client that went away."""
        try:
            if not self._opened:
                self._opened = True
                await self._open()
                if not self._policy.streamed:
                    return {"type": "http.request", "body": await self._whole(), "more_body": False}
            return await self._next() if self._policy.streamed else await self._receive()
        except RocketError as error:
            raise BodyRefused(error) from error

    def end(self) -> None:
        """The request was answered."""
        self._hold.end()

    async def _open(self) -> None:
        """Before anything of the body is taken: may it be sent, and is it announced as too large."""
        if self._context.sender is None:
            await self._policy.authenticate(self._scope)
        limit = self._policy.max_body_bytes
        length = self._headers.get(b"content-length")
        if length is not None and length.isdigit() and int(length) > limit:
            raise too_large(limit)

    async def _whole(self) -> bytes:
        self._hold.sender = self._context.sender or address_block(self._context.address)
        encoding = self._headers.get(b"content-encoding")
        if encoding is not None:
            encoding = _known_encoding(encoding)
        body = await self._read()
        if encoding is not None:
            limit = min(self._policy.max_body_bytes, self._bodies.max_expanded_bytes)
            body = await self._bodies.unpacker.gunzip(body, limit, self._hold)
        most = self._policy.max_fields
        if most is not None and _is_read_by_the_framework(self._scope):
            refuse_more_parts(body, most)
        return body

    async def _read(self) -> bytes:
        chunks: list[bytes] = []
        while True:
            message = await self._next()
            chunk: bytes = message.get("body", b"")
            self._hold.take(len(chunk))
            chunks.append(chunk)
            if not message.get("more_body"):
                return chunk if len(chunks) == 1 else b"".join(chunks)

    async def _next(self) -> Message:
        """The client's next message, counted."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone("The client went away before it had sent its body.")
        self._size += len(message.get("body", b""))
        if self._size > self._policy.max_body_bytes:
            raise too_large(self._policy.max_body_bytes)
        return message


def _is_read_by_the_framework(scope: Scope) -> bool:
    """Whether a body is decoded and checked before its handler runs."""
    dependant = getattr(scope.get("route"), "dependant", None)
    return bool(dependant and dependant.body_params)


def _known_encoding(encoding: bytes) -> bytes | None:
    encoding = encoding.strip().lower()
    if encoding == b"identity":
        return None
    if encoding not in (b"gzip", b"x-gzip"):
        raise UnsupportedMediaType(
            f"Content-Encoding {encoding.decode('latin-1')!r} is not read here; send gzip or nothing.",
            {"field": "Content-Encoding", "expected": "gzip"},
        )
    return encoding


class _Batch(msgspec.Struct):
    events: list[msgspec.Raw]


def decode_json(body: bytes) -> Any:
    """A body of JSON. Raises InvalidPayload where it is empty, no JSON, not UTF-8, nested beyond reason, or
    of more parts than can be decoded in the time that one request may take from all others."""
    if len(body) > _FEW_BYTES:
        refuse_more_parts(body, MAX_PARTS)
    return _decoded(body, decode)


def decode_event(body: bytes | msgspec.Raw) -> Any:
    """One event of JSON, as `decode_json` does, but of no more parts than one event may have."""
    refuse_more_parts(body, MAX_EVENT_PARTS, "event")
    return _decoded(bytes(body), decode)


def refuse_more_parts(body: bytes | msgspec.Raw, most: int, what: str = "body") -> None:
    """Raise InvalidPayload for JSON of more than `most` values, objects and lists: decoding can't be
    interrupted, and all others wait for it."""
    if has_more_parts(body, most):
        raise InvalidPayload(
            f"The {what} has more than {most} values, objects and lists.", {"limit_parts": most}
        )


def split_batch(body: bytes) -> list[msgspec.Raw] | None:
    """The events of a batch, not yet decoded; None where it has no list of them. Raises as `decode_json`."""
    _check_parts(body)
    try:
        batch: _Batch = _decoded(body, _decode_batch)
    except msgspec.ValidationError:
        return None
    return batch.events


def split_list(body: bytes) -> list[msgspec.Raw] | None:
    """The same of a body that is itself a list."""
    _check_parts(body)
    try:
        found: list[msgspec.Raw] = _decoded(body, _decode_list)
    except msgspec.ValidationError:
        return None
    return found


_decode_batch = msgspec.json.Decoder(_Batch).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _decoded(body: bytes, decoder: Callable[[bytes], Any]) -> Any:
    try:
        return decoder(body.removeprefix(codecs.BOM_UTF8))
    except (ValueError, RecursionError) as error:
        if decoder in (_decode_batch, _decode_list) and isinstance(error, msgspec.ValidationError):
            raise
        if not body.strip():
            raise InvalidPayload("The body is empty; send JSON.", {"expected": "JSON"}) from error
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidPayload(f"The body is not JSON: {reason}.", {"expected": "JSON"}) from error


def _check_parts(body: bytes) -> None:
    """Five million empty lists in 16 MiB would take seconds to decode. Counting bytes takes milliseconds, and
    what is counted too much, in texts, is far from the bounds."""
    containers = body.count(b"{") + body.count(b"[")
    if containers > MAX_CONTAINERS or body.count(b",") > MAX_VALUES:
        raise InvalidPayload(
            f"The JSON has more than {MAX_VALUES} values, or {MAX_CONTAINERS} objects and lists. Split it.",
            {"limit_values": MAX_VALUES, "limit_containers": MAX_CONTAINERS},
        )
