"""Calls receivers: one try of one delivery, bounded in time and memory whatever the receiver does."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from rocket_server.delivery import answers
from rocket_server.delivery.connections import Connector, made_by_this_task
from rocket_server.delivery.failures import failure
from rocket_server.delivery.guard import Network, destination
from rocket_server.delivery.headers import headers_of
from rocket_server.delivery.model import ANSWER_BYTES, AttemptResult, Target
from rocket_server.delivery.resolver import Forbidden, GuardedResolver

_ANSWER_S: Final = 2.0  # for which the body of an answer is waited for, once its status is known
_STALE_TRIES: Final = 3
_LOST: Final = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionResetError)
MAX_LINE_BYTES: Final = 8 * 1024
MAX_HEADERS: Final = 100
_READ_BYTES: Final = 4 * 1024


class GuardedSender:
    """Sends deliveries over connections of its own. To be made inside a running loop, and closed.

    `connections` bounds the deliveries in flight, and the connections that are kept. Addresses are refused as
    `guard.refusal` has it, unless `allow_private` or one of `allowed_cidrs` lets them pass.
    """

    def __init__(self, *, allow_private: bool, allowed_cidrs: Sequence[Network], connections: int) -> None:
        self._slots = asyncio.Semaphore(connections)
        self._resolver = GuardedResolver(allow_private, allowed_cidrs)
        self._place = lru_cache(maxsize=4096)(self._place_of)
        self._session = aiohttp.ClientSession(
            connector=Connector(connections, resolver=self._resolver),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            read_bufsize=_READ_BYTES,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS,
            skip_auto_headers=("Accept",),
        )

    async def send(self, target: Target, delivery_id: str, body: bytes) -> AttemptResult:
        """Try one delivery within the target's time-out; what became of it, whatever that is."""
        async with self._slots:
            started_at = datetime.now(UTC)
            started = time.monotonic()
            try:
                url, why = self._place(target.url or "")
                if why is not None:
                    raise Forbidden(why)
                headers = headers_of(target, delivery_id, int(started_at.timestamp()), body)
                response = await self._answered(target, url, headers, body)
                duration_ms = _ms_since(started)
                content = await _content(response)
                received = response.headers
                return AttemptResult(
                    started_at,
                    duration_ms,
                    response.status,
                    None,
                    answers.text(content, received.get("Content-Encoding")),
                    answers.retry_after_s(received.get("Retry-After"), started_at),
                )
            except Exception as error:
                code, sentence = failure(error, target.timeout_ms)
                return AttemptResult(started_at, _ms_since(started), None, code, sentence)

    async def close(self) -> None:
        """Close all connections; deliveries in flight fail."""
        await self._session.close()
        await self._resolver.close()

    async def _answered(
        self, target: Target, url: URL, headers: Mapping[str, str], body: bytes
    ) -> aiohttp.ClientResponse:
        """The response once its status and headers are there.

        A receiver may close a kept connection in the moment in which it is used. That says nothing about
        whether it takes deliveries, so another connection is used then; the `webhook-id` stays.
        """
        made = made_by_this_task()
        timeout = _timeout(target.timeout_ms)
        until = time.monotonic() + target.timeout_ms / 1000
        tries = 1
        while True:
            try:
                return await self._session.request(
                    target.method, url, data=body, headers=headers, allow_redirects=False, timeout=timeout
                )
            except _LOST as error:
                was_kept = made_by_this_task() == made
                left_s = until - time.monotonic()
                if not was_kept or tries == _STALE_TRIES or left_s <= 0 or isinstance(error, TimeoutError):
                    raise
            tries += 1
            timeout = _timeout(round(left_s * 1000) or 1)

    def _place_of(self, url: str) -> tuple[URL, str | None]:
        """A URL to call as it stands, and why it can't be where its host is an address that is refused."""
        found = destination(url)
        why = None if found.address is None else self._resolver.refusal(found.address)
        return URL(found.url, encoded=True), why


@lru_cache(maxsize=1024)
def _timeout(total_ms: int) -> aiohttp.ClientTimeout:
    total_s = total_ms / 1000
    return aiohttp.ClientTimeout(total=total_s, ceil_threshold=total_s + 1)  # to the millisecond


async def _content(response: aiohttp.ClientResponse) -> bytes:
    """The beginning of an answer's body, one byte more than is kept where there is more.

    Whatever goes wrong here, the status has decided. Unless the body ended within these bytes, the
    connection is closed.
    """
    stream = response.content
    if stream.is_eof():
        content = stream.read_nowait(ANSWER_BYTES + 1)
    else:
        content = b""
        with contextlib.suppress(TimeoutError, aiohttp.ClientError, HttpProcessingError, OSError):
            async with asyncio.timeout(_ANSWER_S):
                while len(content) <= ANSWER_BYTES and not stream.at_eof():
                    content += await stream.read(ANSWER_BYTES + 1 - len(content))
    if not stream.at_eof():
        response.close()
    return content


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
