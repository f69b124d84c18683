"""Which board a day and a course belong to."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from rocket_server.leaderboards.boards import board_of
from rocket_server.times import rfc3339


@pytest.mark.parametrize(
    ("period", "day", "course", "key"),
    [
        ("all", date(2026, 3, 4), None, "all/"),
        ("all", date(2026, 3, 4), "a/b", "all/a/b"),
        ("week", date(2026, 3, 4), None, "week:2026-03-02/"),
        ("week", date(2026, 3, 2), None, "week:2026-03-02/"),
        ("week", date(2027, 1, 3), "7", "week:2026-12-28/7"),
        ("month", date(2026, 3, 31), None, "month:2026-03-01/"),
    ],
)
def test_keys(period, day, course, key):
    """Weeks are named by their Monday, months by their first day."""
    assert board_of(period, day, course).key == key


@pytest.mark.parametrize(
    ("period", "day", "since", "until"),
    [
        # Clocks go forward in the night to 29 March, back in the night to 25 October.
        ("week", date(2026, 3, 29), "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("month", date(2026, 10, 31), "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"),
        ("month", date(2026, 12, 5), "2026-11-30T23:00:00Z", "2026-12-31T23:00:00Z"),
    ],
)
def test_bounds_are_local(period, day, since, until):
    """A period begins and ends at midnight of the organisation's zone, also where the clocks change."""
    bounds = board_of(period, day, None).bounds(ZoneInfo("Europe/Paris"))
    assert bounds is not None
    assert [rfc3339(bound) for bound in bounds] == [since, until]
    assert board_of("all", day, None).bounds(ZoneInfo("UTC")) is None
