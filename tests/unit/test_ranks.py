"""Streaks and ranks."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from rocket_server.learners.ranks import rank, streak_weeks

MONDAY = date(2026, 11, 16)
WEEK = timedelta(days=7)


def weeks(*points: int) -> dict[date, int]:
    """Points of this week, the last one, the one before and so on."""
    return {MONDAY - WEEK * ago: earned for ago, earned in enumerate(points)}


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ((), 0),
        ((50,), 1),
        ((49,), 0),
        ((0, 50, 60), 2),  # this week isn't lost yet
        ((50, 50, 50), 3),
        ((50, 0, 50), 1),
        ((0, 0, 50), 0),
    ],
)
def test_a_streak_is_consecutive_weeks_with_the_goal(points: tuple[int, ...], expected: int):
    """Weeks count back from this one, or from the last while this one's goal isn't met yet."""
    for day in range(7):
        assert streak_weeks(weeks(*points), 50, MONDAY + timedelta(days=day)) == expected


@pytest.mark.parametrize(
    ("streak", "name"), [(0, "Explorer"), (3, "Explorer"), (4, "Pilot"), (6, "Pilot"), (7, "Commander")]
)
def test_ranks_begin_at_four_and_seven_weeks(streak: int, name: str):
    """Explorer up to three weeks, Pilot up to six, then Commander."""
    assert rank(streak) == name
