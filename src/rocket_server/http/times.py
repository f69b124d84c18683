"""Moments that requests name, beside those of events."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rocket_server.errors import InvalidPayload
from rocket_server.http.queries import with_plus
from rocket_server.sources.checks import Fault
from rocket_server.sources.times import parse_time

_is_date = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch
_NEVER = datetime.max.replace(tzinfo=UTC)


def moment(name: str, value: Any, zone: ZoneInfo, *, latest: datetime = _NEVER) -> datetime | None:
    """The moment in field `name`, in UTC; None where it is absent.

    Without an offset it is in `zone`, and a date stands for its first moment there. Raises InvalidPayload,
    also for one after `latest`.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str) and _is_date(value):
        value += "T00:00:00"
    if isinstance(value, str):
        value = with_plus(value)
    try:
        return parse_time(value, timezone=zone, received_at=latest, max_ahead_s=0)
    except Fault as fault:
        raise InvalidPayload.field(name, str(fault)) from fault
