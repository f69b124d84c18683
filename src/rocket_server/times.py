"""Moments as this server writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(moment: datetime, timespec: str = "auto") -> str:
    """An aware moment in UTC, with `Z`: `2026-03-29T01:00:00Z`. `timespec` is that of `datetime.isoformat`;
    by default microseconds are there only where there are some."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec=timespec)[:-6] + "Z"
