"""Streaks and ranks: weeks in which the weekly goal was met, and what they make of a learner; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Protocol, TypeVar

_WEEK = timedelta(days=7)


class _FromWeeks(Protocol):
    @property
    def weeks(self) -> int: ...


R = TypeVar("R", bound=_FromWeeks)


def monday(day: date) -> date:
    """The Monday that names a day's week."""
    return day - timedelta(days=day.weekday())


def streak_weeks(points_by_week: Mapping[date, int], goal: int, today: date, grace_weeks: int = 0) -> int:
    """Weeks in which `goal` points were earned, back from now until more than `grace_weeks` in a row weren't.

    Weeks are named by their Monday. Weeks that are missed by grace end nothing and count nothing. The week of
    `today` counts once its goal is met; while it isn't, it is no missed week either.
    """
    week = monday(today)
    weeks = missed = 0
    if points_by_week.get(week, 0) >= goal:
        weeks = 1
    first = min(points_by_week, default=week)
    while missed <= grace_weeks and week > first:
        week -= _WEEK
        if points_by_week.get(week, 0) >= goal:
            weeks += 1
            missed = 0
        else:
            missed += 1
    return weeks


def rank_of(weeks: int, ranks: Iterable[R]) -> R:
    """The highest of `ranks` that a streak of so many weeks reaches; one of them begins at no weeks."""
    return max((rank for rank in ranks if rank.weeks <= weeks), key=lambda rank: rank.weeks)


def next_rank(weeks: int, ranks: Iterable[R]) -> R | None:
    """The lowest of `ranks` that a streak of so many weeks doesn't reach yet."""
    return min((rank for rank in ranks if rank.weeks > weeks), key=lambda rank: rank.weeks, default=None)
