"""Streaks and ranks."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from rocket_server.organisations.settings import DEFAULT_RANKS, Rank
from rocket_server.ranks.streaks import next_rank, rank_of, streak_weeks

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
    ("points", "grace", "expected"),
    [
        ((50, 0, 50), 1, 2),
        ((0, 0, 50), 1, 1),  # last week is forgiven, this one isn't lost yet
        ((0, 0, 0, 50), 1, 0),
        ((0, 0, 0, 50), 2, 1),
        ((50, 0, 50, 0, 50, 0, 0, 50), 1, 3),
        ((50, 0, 50, 0, 50, 0, 0, 50), 2, 4),
        ((), 4, 0),
    ],
)
def test_grace_forgives_so_many_weeks_in_a_row(points: tuple[int, ...], grace: int, expected: int):
    """Missed weeks within the grace end no streak and count for none."""
    for day in range(7):
        assert streak_weeks(weeks(*points), 50, MONDAY + timedelta(days=day), grace) == expected


@pytest.mark.parametrize(
    ("streak", "name"), [(0, "Explorer"), (3, "Explorer"), (4, "Pilot"), (6, "Pilot"), (7, "Commander")]
)
def test_ranks_begin_at_four_and_seven_weeks(streak: int, name: str):
    """Explorer up to three weeks, Pilot up to six, then Commander."""
    assert rank_of(streak, DEFAULT_RANKS).name == name


def test_the_next_rank():
    """The lowest that isn't reached; after the highest there is none; the order given doesn't matter."""
    ranks = (Rank("c", 9), Rank("a", 0), Rank("b", 2))
    assert [next_rank(weeks, ranks) for weeks in (0, 2, 9)] == [Rank("b", 2), Rank("c", 9), None]
    assert rank_of(8, ranks) == Rank("b", 2)
