"""Clients that talk to a function instead of a server, the blocking and the async one by one interface."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from rocket_learning import AsyncRocketClient, RetryPolicy, RocketClient

Handler = Callable[[httpx.Request], httpx.Response]

AT_ONCE = RetryPolicy(base_delay_s=0, max_retry_after_s=0)
KINDS = ("blocking", "async")


def call(kind: str, handler: Handler, name: str, arguments: dict[str, Any], **options: Any) -> Any:
    """Makes a call such as `users.get_balance` with a new client of this kind."""
    chosen = {"api_key": "rk_test_key", "base_url": "http://rocket.test", "retry": AT_ONCE, **options}
    transport = httpx.MockTransport(handler)
    if kind == "blocking":
        with RocketClient(**chosen, transport=transport) as client:
            return _method(client, name)(**arguments)

    async def run() -> Any:
        async with AsyncRocketClient(**chosen, transport=transport) as client:
            return await _method(client, name)(**arguments)

    return asyncio.run(run())


def _method(client: Any, name: str) -> Any:
    for part in name.split("."):
        client = getattr(client, part)
    return client
