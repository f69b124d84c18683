"""Which time zone an award is proved in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rocket_server.ids import first_uuid7
from rocket_server.verify.rules import Rules

CHANGED = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGAIN = datetime(2026, 6, 1, 12, tzinfo=UTC)
PARIS, TOKYO, LIMA = ZoneInfo("Europe/Paris"), ZoneInfo("Asia/Tokyo"), ZoneInfo("America/Lima")


@pytest.mark.parametrize(
    ("made_at", "zones"),
    [
        (CHANGED - timedelta(days=300), ["Europe/Paris"]),
        (CHANGED - timedelta(minutes=6), ["Europe/Paris"]),
        (CHANGED - timedelta(minutes=4), ["Europe/Paris", "Asia/Tokyo"]),
        (CHANGED + timedelta(minutes=4), ["Asia/Tokyo", "Europe/Paris"]),
        (CHANGED + timedelta(minutes=6), ["Asia/Tokyo"]),
        (AGAIN + timedelta(days=1), ["America/Lima"]),
    ],
)
def test_an_award_is_proved_in_the_zone_of_its_time(made_at: datetime, zones: list[str]) -> None:
    """In the zone that the organisation had then; around a change in either, for clocks differ."""

    def compiled(zone: tzinfo) -> Any:
        return {("a", 1): str(zone)}  # stands for a rule, of which nothing is asked

    rules = Rules(compiled, [(CHANGED, PARIS), (AGAIN, TOKYO)], LIMA, {})
    assert rules.at(first_uuid7(made_at), "a", 1) == zones
    assert rules.at(first_uuid7(made_at), "a", 2) == []
    assert rules.today("a", 1) == "America/Lima"


def test_an_award_older_than_the_version_that_is_kept_was_not_made_by_it() -> None:
    """Versions of mappings' rules weren't always kept: all were called 1. An old award is proved by none."""

    def compiled(zone: tzinfo) -> Any:
        return {("mapping:a", 1): str(zone)}

    rules = Rules(compiled, [], LIMA, {("mapping:a", 1): CHANGED})
    assert rules.at(first_uuid7(CHANGED - timedelta(days=1)), "mapping:a", 1) == []
    assert rules.at(first_uuid7(CHANGED + timedelta(days=1)), "mapping:a", 1) == ["America/Lima"]
