"""The network, by httpx: requests from calls, and answers or errors from what comes back."""

from __future__ import annotations

import time
from typing import Any

import httpx

from rocket_learning.call import Answer, Call
from rocket_learning.errors import NetworkError, RequestTimeoutError, TransportError
from rocket_learning.settings import Settings


def options(settings: Settings) -> dict[str, Any]:
    """How both of httpx' clients are made."""
    return {"headers": settings.headers, "timeout": settings.timeout_s, "follow_redirects": False}


def request_of(client: httpx.Client | httpx.AsyncClient, call: Call[Any], url: str) -> httpx.Request:
    return client.build_request(
        call.method, url, params=call.query or None, content=call.body, headers=call.headers
    )


def answer_of(response: httpx.Response, started_s: float) -> Answer:
    """An answer whose body was read; `started_s` is of `time.perf_counter`."""
    elapsed_ms = (time.perf_counter() - started_s) * 1000
    return Answer(response.status_code, response.headers, response.content, elapsed_ms)


def transport_error(error: httpx.RequestError) -> TransportError:
    """The same error in this package's words."""
    kind = RequestTimeoutError if isinstance(error, httpx.TimeoutException) else NetworkError
    made = kind(str(error) or type(error).__name__)
    made.__cause__ = error
    return made
