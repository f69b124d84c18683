"""Streaks and ranks: consecutive weeks in which the weekly goal was met; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

# Fewest weeks of a streak for each rank, the highest first.
RANKS = ((7, "Commander"), (4, "Pilot"), (0, "Explorer"))
_WEEK = timedelta(days=7)


def streak_weeks(points_by_week: Mapping[date, int], goal: int, today: date) -> int:
    """Consecutive weeks, up to now, in which `goal` points were earned.

    Weeks are named by their Monday. The week of `today` counts once its goal is met; while it isn't, the
    streak of the weeks before it stands.
    """
    week = today - timedelta(days=today.weekday())
    if points_by_week.get(week, 0) < goal:
        week -= _WEEK
    weeks = 0
    while points_by_week.get(week, 0) >= goal:
        weeks += 1
        week -= _WEEK
    return weeks


def rank(weeks: int) -> str:
    """The rank of a streak: Explorer, from 4 weeks on Pilot, from 7 on Commander."""
    return next(name for least, name in RANKS if weeks >= least)
