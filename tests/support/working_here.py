"""A worker in this process, and ways to wait for what it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from rocket_server.config.settings import Settings
from rocket_server.configuration.snapshot import Configurations
from rocket_server.db.pool import Database
from rocket_server.delivery.send import GuardedSender
from rocket_server.worker.ports import NoPlugins, Plugins
from rocket_server.worker.worker import Worker

PATIENCE_S = 60


@asynccontextmanager
async def working(db: Database, plugins: Plugins | None = None, **changes: Any) -> AsyncIterator[Worker]:
    """A worker that runs while the block does, and then stops well."""
    plain = {"allow_private_webhooks": True, "webhook_retry_base_s": 0.1}
    settings = replace(Settings(), **(plain | changes))
    sender = GuardedSender(allow_private=True, allowed_cidrs=(), connections=settings.worker_concurrency)
    worker = Worker(settings, db, sender, plugins or NoPlugins(), Configurations())
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await asyncio.wait_for(running, PATIENCE_S)
        await sender.close()


async def until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - what is waited for happens in other threads and processes
            await asyncio.sleep(0.02)


async def until_rows(db: Database, query: str, *arguments: Any, count: int = 0) -> list[dict[str, Any]]:
    """Wait until a query has so many rows; these."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            async with db.connection() as conn:
                found = [dict(row) for row in await conn.fetch(query, *arguments)]
            if len(found) == count:
                return found
            await asyncio.sleep(0.05)
