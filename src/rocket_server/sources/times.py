"""Times as callers write them, and as this server writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from rocket_server.errors import InvalidPayload
from rocket_server.sources.checks import Fault, is_absent

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
MAX_AHEAD_S: Final = 86_400  # how far ahead of this server a platform's clock may be, if nobody says else
_NEVER = datetime.max.replace(tzinfo=UTC)

_EARLIEST_S = EARLIEST.timestamp()
_MILLISECONDS_FROM = 1e11  # as seconds that would be the year 5138; as milliseconds it is 1973
_MILLISECONDS_TO = 1e14

# RFC 3339, section 5.6, and the same without an offset. `datetime.fromisoformat` alone would also take
# dates without a time, week dates and forms without separators.
_is_rfc3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ](?:[01]\d|2[0-3]):[0-5]\d:[0-6]\d(?:\.\d{1,30})?(?:[Zz]|[+-]\d\d:\d\d)?", re.ASCII
).fullmatch
_is_date = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch
_is_digits = re.compile(r"\d{1,20}", re.ASCII).fullmatch
_from_iso = datetime.fromisoformat

_EXPECTED = 'must be RFC 3339, such as "2026-01-31T10:15:00Z", or Unix seconds'
_TOO_EARLY = "is before the year 2000"


def parse_time(value: Any, *, timezone: ZoneInfo, received_at: datetime, max_ahead_s: int) -> datetime:
    """The moment that `value` names, in UTC; else Fault.

    Taken are RFC 3339, the same without an offset (a wall clock in `timezone`; of an hour that occurs twice
    the first is meant), and Unix seconds as a number or as digits. Finer than microseconds is cut off. The
    moment must be in or after 2000 and at most `max_ahead_s` after `received_at` (aware).
    """
    is_text = type(value) is str and _is_rfc3339(value)
    when = _from_text(value, timezone) if is_text else _from_seconds(value)
    if when > received_at and when - received_at > timedelta(seconds=max_ahead_s):
        raise Fault(f"is more than {_span(max_ahead_s)} ahead of the server's clock")
    if when < EARLIEST:
        raise Fault(_TOO_EARLY)
    return when


def moment(name: str, value: Any, zone: ZoneInfo, *, latest: datetime = _NEVER) -> datetime | None:
    """The moment in the field `name`, in UTC; None where it is absent.

    Without an offset it is in `zone`, and a date stands for its first moment there. Raises InvalidPayload,
    also for one after `latest`.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str) and _is_date(value):
        value += "T00:00:00"
    try:
        return parse_time(value, timezone=zone, received_at=latest, max_ahead_s=0)
    except Fault as fault:
        raise InvalidPayload.field(name, str(fault)) from fault


def milliseconds_to_seconds(value: Any) -> Any:
    """Unix milliseconds, as a number or digits, in seconds; every other value as it is."""
    number = int(value) if type(value) is str and _is_digits(value) else value
    if type(number) in (int, float) and _MILLISECONDS_FROM <= number < _MILLISECONDS_TO:
        return number / 1000
    return value


def _from_text(text: str, timezone: ZoneInfo) -> datetime:
    leap = text[17:19] == "60"
    if leap:
        # Python has no leap seconds; the one after 23:59:59 is the next minute's first, as POSIX has it.
        text = f"{text[:17]}59{text[19:]}"
    try:
        when = _from_iso(text if text[-1] == "Z" else text.upper())
        if when.tzinfo is None:
            when = when.replace(tzinfo=timezone)
        if when.tzinfo is not UTC:
            when = when.astimezone(UTC)
        return when + timedelta(seconds=1) if leap else when
    except (ValueError, OverflowError):
        raise Fault("is not a time that exists") from None


def _from_seconds(value: Any) -> datetime:
    if is_absent(value):
        raise Fault("is required")
    if type(value) is str and _is_digits(value):
        value = int(value)
    if type(value) is not int and type(value) is not float:
        raise Fault(_EXPECTED)
    if _MILLISECONDS_FROM <= value < _MILLISECONDS_TO:
        raise Fault("looks like milliseconds; send Unix seconds")
    if value < _EARLIEST_S:
        raise Fault(_TOO_EARLY)
    if not value < _MILLISECONDS_FROM:  # NaN is not less than anything
        raise Fault(_EXPECTED)
    return datetime.fromtimestamp(value, UTC)


def _span(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{seconds} s" if rest or not hours else f"{hours} h"
