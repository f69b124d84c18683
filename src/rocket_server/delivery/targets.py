"""Where deliveries go: an organisation's endpoints with their secrets, remembered by version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rocket_server.caches import Cache
from rocket_server.db.queries import load
from rocket_server.delivery.model import Target

SQL = load(__file__, "targets.sql")

_REMEMBERED = 1_000  # organisations


@dataclass(frozen=True, slots=True)
class Targets:
    """An organisation's enabled endpoints by id, as of one version and until one of their secrets retires."""

    version: int
    tenant_id: str
    by_id: Mapping[str, Target]
    until: datetime | None


async def read(conn: Any, organisation_id: str) -> Targets:
    """The enabled endpoints of an organisation."""
    rows = await conn.fetch(SQL["of_organisation"], organisation_id)
    retiring = [row["retires_at"] for row in rows if row["retires_at"] is not None]
    return Targets(
        rows[0]["version"] if rows else 0,
        rows[0]["tenant_id"] if rows else "",
        {row["endpoint_id"]: _target(organisation_id, row) for row in rows},
        min(retiring, default=None),
    )


class TargetCache:
    """The targets that this process remembers."""

    def __init__(self) -> None:
        self._remembered: Cache[str, Targets] = Cache(_REMEMBERED)

    async def current(self, conn: Any, organisation_id: str, version: int, now: datetime) -> Targets:
        """The targets of an organisation that is at `version`, read again where they may have changed."""
        found = self._remembered.get(organisation_id)
        if found is None or found.version != version or (found.until is not None and found.until <= now):
            found = await read(conn, organisation_id)
            self._remembered.put(organisation_id, found)
        return found


def _target(organisation_id: str, row: Any) -> Target:
    return Target(
        organisation_id,
        row["endpoint_id"],
        row["kind"],
        row["url"],
        row["plugin_id"],
        row["format"],
        row["headers"],
        row["timeout_ms"],
        row["max_attempts"],
        tuple(row["secrets"]),
    )
