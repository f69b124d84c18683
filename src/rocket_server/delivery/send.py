"""Calls receivers: one try of one delivery, bounded in time and memory whatever the receiver does."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from yarl import URL

from rocket_server import __version__
from rocket_server.delivery import answers, signing
from rocket_server.delivery.failures import failure
from rocket_server.delivery.guard import Network, destination
from rocket_server.delivery.model import ANSWER_BYTES, Outcome, Target
from rocket_server.delivery.resolver import Forbidden, GuardedResolver
from rocket_server.delivery.settings import RESERVED_HEADERS

USER_AGENT: Final = f"Rocket-Learning-Rewards/{__version__}"

_ANSWER_S: Final = 2.0  # for which the body of an answer is waited for, once its status is known
_IDLE_S: Final = 4.0  # shorter than what common servers keep an idle connection for
_STALE_TRIES: Final = 3
_MAX_LINE_BYTES: Final = 8 * 1024
_MAX_HEADERS: Final = 100
_READ_BYTES: Final = 4 * 1024


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    duration_ms: int
    text: str
    retry_after_s: float | None


class Sender:
    """Sends deliveries over connections of its own. To be made inside a running loop, and closed.

    `connections` bounds the deliveries in flight, and the connections that wait for another one. Addresses
    are refused as `guard.refusal` has it, unless `allow_private` or one of `allowed_cidrs` lets them pass.
    """

    def __init__(self, *, allow_private: bool, allowed_cidrs: Sequence[Network], connections: int) -> None:
        self._slots = asyncio.Semaphore(connections)
        self._idle = _Idle(connections)
        self._resolver = GuardedResolver(allow_private, allowed_cidrs)
        self._place = lru_cache(maxsize=4096)(self._place_of)
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_reuseconn.append(self._reused)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, resolver=self._resolver, use_dns_cache=False, keepalive_timeout=_IDLE_S
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            read_bufsize=_READ_BYTES,
            max_line_size=_MAX_LINE_BYTES,
            max_field_size=_MAX_LINE_BYTES,
            max_headers=_MAX_HEADERS,
            skip_auto_headers=("Accept", "Accept-Encoding"),
            trace_configs=[tracing],
        )

    async def send(self, target: Target, delivery_id: str, body: bytes) -> Outcome:
        """Try one delivery within the target's time-out; what became of it, whatever that is."""
        async with self._slots:
            started_at = datetime.now(UTC)
            started = time.monotonic()
            try:
                answer = await self._call(target, delivery_id, body, started_at, started)
            except Exception as error:
                code, sentence = failure(error, target.timeout_ms)
                return Outcome(started_at, _ms_since(started), None, code, sentence)
            return Outcome(
                started_at, answer.duration_ms, answer.status, None, answer.text, answer.retry_after_s
            )

    async def close(self) -> None:
        """Close all connections; deliveries in flight fail."""
        await self._session.close()
        await self._resolver.close()

    async def _call(
        self, target: Target, delivery_id: str, body: bytes, started_at: datetime, started: float
    ) -> _Answer:
        url, why = self._place(target.url or "")
        if why is not None:
            raise Forbidden(why)
        headers = headers_of(target, delivery_id, int(started_at.timestamp()), body)
        until = asyncio.get_running_loop().time() + target.timeout_ms / 1000
        async with asyncio.timeout_at(until):
            response = await self._answered(target.method, url, headers, body)
        duration_ms = _ms_since(started)
        content = await self._content(response, until)
        return _Answer(
            response.status,
            duration_ms,
            answers.text(content, response.headers.get("Content-Encoding")),
            answers.retry_after_s(response.headers.get("Retry-After"), started_at),
        )

    async def _answered(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes
    ) -> aiohttp.ClientResponse:
        """The response once its status and headers are there.

        A receiver may close an idle connection in the moment in which we use it. That says nothing about
        whether it takes deliveries, so another connection is used then; the `webhook-id` stays.
        """
        for _ in range(_STALE_TRIES - 1):
            connection = SimpleNamespace(reused=False)
            try:
                return await self._request(method, url, headers, body, connection)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionResetError) as error:
                if not connection.reused or isinstance(error, aiohttp.ClientConnectorError):
                    raise
        return await self._request(method, url, headers, body, SimpleNamespace(reused=False))

    async def _request(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes, connection: SimpleNamespace
    ) -> aiohttp.ClientResponse:
        if not self._idle.leave():
            headers = {**headers, "Connection": "close"}
        return await self._session.request(
            method, url, data=body, headers=headers, allow_redirects=False, trace_request_ctx=connection
        )

    async def _content(self, response: aiohttp.ClientResponse, until: float) -> bytes:
        """The beginning of an answer's body, one byte more than is kept where there is more.

        Whatever goes wrong here, the status has decided. Unless the body ended within these bytes, the
        connection is closed.
        """
        content = bytearray()
        stream = response.content
        until = min(until, asyncio.get_running_loop().time() + _ANSWER_S)
        try:
            async with asyncio.timeout_at(until):
                while len(content) <= ANSWER_BYTES:
                    chunk = await stream.read(ANSWER_BYTES + 1 - len(content))
                    if not chunk:
                        break
                    content += chunk
        except (TimeoutError, aiohttp.ClientError, aiohttp.http_exceptions.HttpProcessingError, OSError):
            pass
        finally:
            if stream.at_eof():
                response.release()
            else:
                response.close()
        return bytes(content)

    async def _reused(self, session: aiohttp.ClientSession, context: SimpleNamespace, params: Any) -> None:
        context.trace_request_ctx.reused = True
        self._idle.take()

    def _place_of(self, url: str) -> tuple[URL, str | None]:
        """A URL to call as it stands, and why it can't be where its host is an address that is refused."""
        found = destination(url)
        why = None if found.address is None else self._resolver.refusal(found.address)
        return URL(found.url, encoded=True), why


class _Idle:
    """Bounds the connections that wait for another delivery, which are never more than are counted here."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._left: deque[float] = deque()  # when each may have begun to wait, the oldest first

    def leave(self) -> bool:
        """Whether one more may be left waiting after its delivery."""
        now = time.monotonic()
        while self._left and self._left[0] < now - 2 * _IDLE_S:  # the client looks once in _IDLE_S
            self._left.popleft()
        if len(self._left) >= self._most:
            return False
        self._left.append(now)
        return True

    def take(self) -> None:
        """One that waited is used again."""
        if self._left:
            self._left.popleft()


def headers_of(target: Target, delivery_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of one try at `timestamp`, in Unix seconds.

    `X-Signature` is by the oldest secret: a receiver that knows one secret only keeps working until that is
    retired. Raises InvalidPayload for a secret of another form.
    """
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "identity",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
    }
    if target.secrets:
        headers["X-Signature"] = signing.sign(target.secrets[0], body)
        headers["webhook-signature"] = signing.signature_header(target.secrets, delivery_id, timestamp, body)
    for name, value in target.headers.items():
        if name.lower() not in RESERVED_HEADERS:
            headers[name] = value
    return headers


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
