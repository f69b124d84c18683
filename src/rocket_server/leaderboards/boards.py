"""Which board a question is about: a period in the organisation's zone, and a course or all of them; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal, get_args

Period = Literal["all", "week", "month"]

PERIODS: Final[tuple[Period, ...]] = get_args(Period)


@dataclass(frozen=True, slots=True)
class Board:
    """One leaderboard. `first_day` is the Monday of a week or the first of a month, None for all time."""

    period: Period
    first_day: date | None
    course: str | None

    @property
    def key(self) -> str:
        """How the board is named in the table: `all/`, `week:2026-03-02/`, `month:2026-03-01/course-7`. Weeks
        of those who are hidden, such as `hidden:week:2026-03-02/`, are no boards that anybody can ask for."""
        when = self.period if self.first_day is None else f"{self.period}:{self.first_day.isoformat()}"
        return f"{when}/{self.course or ''}"

    def bounds(self, zone: tzinfo) -> tuple[datetime, datetime] | None:
        """From when to when in UTC, the end excluded; None for all time."""
        if self.first_day is None:
            return None
        if self.period == "week":
            end = self.first_day + timedelta(days=7)
        else:
            end = (self.first_day + timedelta(days=31)).replace(day=1)
        since, until = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (self.first_day, end))
        return since, until


def board_of(period: Period, day: date, course: str | None) -> Board:
    """The board of the period in which `day` lies."""
    match period:
        case "all":
            return Board(period, None, course)
        case "week":
            return Board(period, day - timedelta(days=day.weekday()), course)
        case "month":
            return Board(period, day.replace(day=1), course)
