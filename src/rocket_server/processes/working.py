"""Runs a delivery worker in this process, until a signal asks it to stop.

As `python -m rocket_server.processes.working [DATA_DIR]` it is the child of a supervisor: standard input
brings the database's URL in one line, and its end means that the supervisor is gone, which stops the worker
too. With DATA_DIR the database is the embedded one there, which this process then holds as well.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import structlog
import uvloop
from prometheus_client import start_http_server

from rocket_server import descriptors, logs
from rocket_server.config.settings import Settings
from rocket_server.configuration.snapshot import Configurations
from rocket_server.db import embedded
from rocket_server.db.embedded import EmbeddedServer
from rocket_server.db.migrate import check_schema
from rocket_server.db.pool import open_database
from rocket_server.delivery.send import GuardedSender
from rocket_server.errors import ConfigurationError, Unavailable
from rocket_server.plugins import dispatch
from rocket_server.plugins.discovery import discover
from rocket_server.worker.plugins import InstalledPlugins
from rocket_server.worker.worker import Worker

log = structlog.get_logger(__name__)

# Claims and settlements go by index, on connections of their own. Each kind of background work has one or two
# pieces at once and a look beside them; connections are opened when they are needed.
_CLAIMING = 8
_GENERAL = 20


def run(
    settings: Settings,
    database_url: str,
    *,
    on_ready: Callable[[], None] = lambda: None,
    lifeline: int | None = None,
) -> None:
    """Deliver until SIGINT or SIGTERM, then let end what is in flight.

    With `lifeline`, the end of that file stops the worker as a signal does. Raises ConfigurationError where
    the database isn't at this release's schema, Unavailable where it can't be reached.
    """
    descriptors.raise_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(settings, database_url, on_ready, lifeline))


async def _work(
    settings: Settings, database_url: str, on_ready: Callable[[], None], lifeline: int | None
) -> None:
    await check_schema(database_url)
    database = await open_database(
        database_url, general_size=_GENERAL, ingest_size=_CLAIMING, timeout_s=settings.database_timeout_s
    )
    sender = GuardedSender(
        allow_private=settings.allow_private_webhooks,
        allowed_cidrs=settings.webhook_allowed_cidrs,
        connections=settings.worker_concurrency,
    )
    found = await discover(settings, os.environ)
    plugins = InstalledPlugins(found)
    try:
        _expose_metrics(settings)
        configurations = Configurations(settings.moodle_activities, dispatch.subscriptions(found))
        worker = Worker(settings, database, sender, plugins, configurations)
        _stop_when_asked(worker, lifeline)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        log.info("worker_ready", concurrency=settings.worker_concurrency)
        on_ready()
        await worker.run()
        log.info("worker_stopped")
    finally:
        await plugins.close()
        await sender.close()
        await database.close()


def _expose_metrics(settings: Settings) -> None:
    """Answer scrapes from a thread, where that is wanted. A second worker on a host can't have the port."""
    if settings.worker_metrics_port:
        try:
            start_http_server(settings.worker_metrics_port, settings.host)
        except OSError as error:
            log.warning("metrics_not_exposed", port=settings.worker_metrics_port, reason=str(error))


def _stop_when_asked(worker: Worker, lifeline: int | None) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, worker.stop)
    if lifeline is not None:

        def on_input() -> None:
            if not os.read(lifeline, 1024):
                loop.remove_reader(lifeline)
                worker.stop()

        loop.add_reader(lifeline, on_input)


def main() -> int:
    """A supervisor's child: see the module. 1 where it can't work."""
    data_dir = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    settings = Settings.from_environ(os.environ)
    logs.configure(settings.log_level, settings.log_format)
    database_url = sys.stdin.readline().strip()
    if not database_url:  # the supervisor has given up
        return 0
    held: EmbeddedServer | None = None
    try:
        if data_dir is not None:
            held = embedded.start(data_dir)
        run(settings, database_url, lifeline=sys.stdin.fileno())
    except (ConfigurationError, Unavailable) as error:
        print(f"rocket: {error}", file=sys.stderr)  # noqa: T201
        return 1
    finally:
        if held is not None:
            held.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
