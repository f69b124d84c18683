"""Time zones that Python and PostgreSQL both know by the same name, and mean the same by."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import asyncpg
import structlog

from rocket_server.errors import InvalidPayload

log = structlog.get_logger(__name__)

# Names that stand for a machine's own choice, or for none.
_NO_PLACES: Final = frozenset({"localtime", "Factory", "posixrules"})
_EXPECTED: Final = "must be a time zone name such as Europe/Paris or UTC"


async def check(conn: Any, name: str, path: str = "timezone") -> str:
    """The canonical spelling of a zone's name, whatever its case. Raises InvalidPayload, naming `path`, where
    Python or the database doesn't know it, or where they mean different times by it.

    PostgreSQL reads `CET`, `EET`, `MET` and `WET` as abbreviations, without the summer time that these names
    have elsewhere. Names of places may differ for a while, where one side has newer rules.
    """
    known = _spellings().get(name.lower())
    if known is None:
        raise InvalidPayload.field(path, _EXPECTED)
    year = datetime.now(UTC).year
    months = [datetime(year, month, 1, 12, tzinfo=UTC) for month in range(1, 13)]
    try:
        async with conn.transaction():
            theirs = await conn.fetchval(
                "SELECT array_agg(extract(epoch FROM (t AT TIME ZONE $1) - (t AT TIME ZONE 'UTC'))::integer"
                " ORDER BY t) FROM unnest($2::timestamptz[]) AS t",
                known,
                months,
            )
    except asyncpg.InvalidParameterValueError as error:
        raise InvalidPayload.field(
            path, f"{_EXPECTED}; the database doesn't know the zone {known}"
        ) from error
    if "/" not in known and theirs != [_offset_s(known, month) for month in months]:
        raise InvalidPayload.field(path, "must be a time zone named by a place, such as Europe/Brussels")
    return known


@cache
def zone(name: str) -> ZoneInfo:
    """A stored zone; UTC, and a line in the log, where this machine doesn't know it: better that days begin
    elsewhere than that the organisation can't be read."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        log.error("timezone_unknown", timezone=name)
        return ZoneInfo("UTC")


@cache
def _spellings() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones() - _NO_PLACES}


def _offset_s(name: str, moment: datetime) -> int:
    offset = moment.astimezone(ZoneInfo(name)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
