"""The network, by httpx: requests from calls, and answers or errors from what comes back."""

from __future__ import annotations

import time
from typing import Any

import httpx

from rocket_learning.call import Answer, Call
from rocket_learning.errors import NetworkError, RequestTimeoutError, TransportError
from rocket_learning.settings import Settings

MAX_ANSWER_BYTES = 64 * 1024 * 1024


def options(settings: Settings) -> dict[str, Any]:
    """How both of httpx' clients are made."""
    return {"headers": settings.headers, "timeout": settings.timeout_s, "follow_redirects": False}


def request_of(client: httpx.Client | httpx.AsyncClient, call: Call[Any], url: str) -> httpx.Request:
    return client.build_request(
        call.method, url, params=call.query or None, content=call.body, headers=call.headers
    )


class Reading:
    """An answer while it comes, within bounds: a server that only ever sends a little more is too late."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._started_s = time.perf_counter()
        self._body = bytearray()

    def add(self, chunk: bytes) -> None:
        """Raises TransportError where the answer takes too long or gets too large."""
        self._body += chunk
        if len(self._body) > MAX_ANSWER_BYTES:
            raise NetworkError(f"the answer has more than {MAX_ANSWER_BYTES:,} bytes")
        if time.perf_counter() - self._started_s > self._timeout_s:
            raise RequestTimeoutError("the answer didn't end in time")

    def answer(self, response: httpx.Response) -> Answer:
        """The whole of it."""
        elapsed_ms = (time.perf_counter() - self._started_s) * 1000
        return Answer(response.status_code, response.headers, bytes(self._body), elapsed_ms)


def transport_error(error: httpx.RequestError | TransportError) -> TransportError:
    """The same error in this package's words."""
    if isinstance(error, TransportError):
        return error
    kind = RequestTimeoutError if isinstance(error, httpx.TimeoutException) else NetworkError
    made = kind(str(error) or type(error).__name__)
    made.__cause__ = error
    return made
