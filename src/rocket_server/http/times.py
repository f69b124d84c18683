"""Moments that requests name, beside those of events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rocket_server.http.queries import with_plus
from rocket_server.sources import times

_NEVER = datetime.max.replace(tzinfo=UTC)


def moment(name: str, value: Any, zone: ZoneInfo, *, latest: datetime = _NEVER) -> datetime | None:
    """As `sources.times.moment`, also where the offset's plus sign became a blank on its way."""
    return times.moment(name, with_plus(value) if isinstance(value, str) else value, zone, latest=latest)
