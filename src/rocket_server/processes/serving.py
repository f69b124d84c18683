"""Runs the server in this process: uvicorn on a socket that is given, until a signal asks it to stop.

As `python -m rocket_server.processes.serving LISTEN READY [DATA_DIR]` it is the child of a supervisor: LISTEN
is the file descriptor of the listening socket, READY that of a pipe which gets one byte when requests are
answered, and standard input brings the database's URL in one line. The end of standard input means that the
supervisor is gone, and stops the server too. With DATA_DIR the database is the embedded one there, which this
process then holds as well: where the supervisor was killed, it stops with the last server.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import structlog
import uvicorn
import uvloop

from rocket_server import descriptors, logs
from rocket_server.app import create_app
from rocket_server.config.settings import Settings
from rocket_server.db import embedded
from rocket_server.db.embedded import EmbeddedServer
from rocket_server.db.migrate import check_schema
from rocket_server.errors import ConfigurationError, Unavailable
from rocket_server.http.edge.connections import Connections
from rocket_server.http.edge.limits import Limits
from rocket_server.http.edge.protocol import BoundedProtocol

log = structlog.get_logger(__name__)

BACKLOG = 2048  # connections that wait to be accepted
_ACCEPTED = 8  # connections in each turn of the loop
_SWITCH_S = 0.001  # after which a thread that computes beside the loop lets the loop go on
GRACE_S = 30  # for requests that were accepted before the signal


class Server(uvicorn.Server):
    """Uvicorn that says when it answers requests, and whose clean stop looks like one."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but it doesn't raise the signal again after the stop."""
        handled = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run(
    settings: Settings,
    database_url: str,
    listening: socket.socket,
    *,
    on_ready: Callable[[], None] = lambda: None,
    lifeline: int | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then finish what was accepted.

    With `lifeline`, the end of that file stops the server as a signal does. Raises ConfigurationError where
    the database isn't at this release's schema, Unavailable where it can't be reached.
    """
    asyncio.run(check_schema(database_url))
    sys.setswitchinterval(_SWITCH_S)
    connections = Connections(Limits.of(settings, descriptors.raise_limit()))
    server = Server(
        uvicorn.Config(
            create_app(settings, database_url),
            loop="uvloop",
            http=cast(Any, partial(BoundedProtocol, all_connections=connections)),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # the gate reads them, from trusted proxies only
            timeout_graceful_shutdown=GRACE_S,
            backlog=BACKLOG,
        ),
        on_ready,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(server, listening, lifeline))
    if not server.started:
        raise Unavailable("The server could not start; the lines above say why.")


def main() -> int:
    """A supervisor's child: see the module. 2 where its settings or the schema don't fit, 1 where it can't
    serve for another reason."""
    listening_fd, ready_fd = map(int, sys.argv[1:3])
    data_dir = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    settings = Settings.from_environ(os.environ)
    logs.configure(settings.log_level, settings.log_format)
    database_url = sys.stdin.readline().strip()
    if not database_url:  # the supervisor has given up
        return 0

    def on_ready() -> None:
        os.write(ready_fd, b"1")
        os.close(ready_fd)

    held: EmbeddedServer | None = None
    try:
        if data_dir is not None:
            held = embedded.start(data_dir)
        run(
            settings,
            database_url,
            socket.socket(fileno=listening_fd),
            on_ready=on_ready,
            lifeline=sys.stdin.fileno(),
        )
    except (ConfigurationError, Unavailable) as error:
        print(f"rocket: {error}", file=sys.stderr)  # noqa: T201
        return 2 if isinstance(error, ConfigurationError) else 1
    finally:
        if held is not None:
            held.stop()
    return 0


async def _serve(server: Server, listening: socket.socket, lifeline: int | None) -> None:
    if lifeline is not None:
        loop = asyncio.get_running_loop()

        def on_input() -> None:
            if not os.read(lifeline, 1024):
                loop.remove_reader(lifeline)
                server.should_exit = True

        loop.add_reader(lifeline, on_input)
    # The loop accepts one connection of a socket in each turn, so that a crowd which connects would keep
    # others out for as many turns. The same socket by several names gives as many.
    await server.serve(sockets=[listening, *(listening.dup() for _ in range(_ACCEPTED - 1))])


if __name__ == "__main__":
    sys.exit(main())
