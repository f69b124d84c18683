"""What one process grants its clients: how many connections, and how long each may keep it waiting."""

from __future__ import annotations

from dataclasses import dataclass

from rocket_server.config.settings import Settings
from rocket_server.http.edge.context import Network

MAX_HEAD_BYTES = 64 * 1024  # request line and headers
MAX_TARGET_BYTES = 16 * 1024  # path and query string
MAX_HEADERS = 100
MAX_PIPELINED = 32  # requests of one connection that wait for their turn
# What still comes of a body after its request was answered is taken in, so that a client which sends all of
# it before it reads finds the answer and not a reset connection.
MAX_REST_BYTES = 64 * 1024 * 1024
REST_S = 30.0
# Slower than this, sending a body or reading an answer is not progress.
MIN_BYTES_PER_S = 1024

_OTHER_DESCRIPTORS = 96  # logs, the plugins' own files, webhooks that are tested, what libraries open
_FEWEST_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds are of the loop's clock. `per_address` 0 means no bound."""

    connections: int
    per_address: int
    trusted_proxies: tuple[Network, ...]
    head_s: float
    body_s: float
    idle_s: float
    write_s: float
    unread_bytes: int  # of answers that clients don't read

    @classmethod
    def of(cls, settings: Settings, descriptors: int) -> Limits:
        """Those of the settings, within what is left of `descriptors` beside the database's connections. One
        address never gets more than half of all connections."""
        reserved = _OTHER_DESCRIPTORS + settings.pool_size + 2 * settings.ingest_connections
        connections = max(_FEWEST_CONNECTIONS, min(settings.max_connections, descriptors - reserved))
        per_address = settings.max_connections_per_address
        return cls(
            connections,
            min(per_address, max(1, connections // 2)),
            settings.trusted_proxies,
            settings.head_timeout_s,
            settings.body_timeout_s,
            settings.keep_alive_timeout_s,
            settings.write_timeout_s,
            settings.max_buffered_bytes,
        )
