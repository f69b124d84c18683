"""One worker: its loops, started together and stopped in an order that loses nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from rocket_server import jobs
from rocket_server.config.settings import Settings
from rocket_server.configuration.snapshot import Configurations
from rocket_server.db.pool import Database
from rocket_server.delivery.settle import Policy
from rocket_server.worker.chores import all_jobs
from rocket_server.worker.dispatch import Dispatcher
from rocket_server.worker.ports import Plugins, WebhookSender
from rocket_server.worker.settling import Settling

log = structlog.get_logger(__name__)

GRACE_S: Final = 30.0  # for deliveries that were in flight when the worker was asked to stop


class Worker:
    """Delivers and does the chores until `stop` is called."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        sender: WebhookSender,
        plugins: Plugins,
        configurations: Configurations,
    ) -> None:
        concurrency = settings.worker_concurrency
        self._settling = Settling(database, Policy.of(settings), size=2 * concurrency)
        self._dispatcher = Dispatcher(database, sender, plugins, self._settling, concurrency)
        self._jobs = all_jobs(database, self._settling, settings, configurations)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Claim nothing more. What is in flight may end, within GRACE_S."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until `stop`. Deliveries that don't end in time are sent again when their leases end."""
        dispatching = asyncio.create_task(self._dispatcher.run())
        settling = asyncio.create_task(self._settling.run())
        chores = asyncio.create_task(jobs.run_all(self._jobs))
        stopping = asyncio.create_task(self._stopping.wait())
        tasks = (dispatching, settling, chores, stopping)
        try:
            # A loop ends by itself only where there is a defect, and then the process had better end too.
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            chores.cancel()
            self._dispatcher.stop()
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    await asyncio.wait({dispatching})
                    await self._settling.finish()
            if self._dispatcher.in_flight:
                log.warning("deliveries_abandoned", deliveries=self._dispatcher.in_flight)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for result in ended:
            if isinstance(result, Exception):
                raise result
