"""An organisation's calendar: which hour, day, week, month and year an instant lies in, in its zone; and when
its courses began anew."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from rocket_server.rules.model import Window
from rocket_server.rules.resets import NO_RESETS, Resets

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
# Every offset in force since 1972 is a multiple of this, so no day begins inside a quarter of an hour.
_QUARTER: Final = timedelta(minutes=15)
_ZERO: Final = timedelta(0)
_MAX_QUARTERS: Final = 100_000
_MAX_DATES: Final = 5_000


class Span(NamedTuple):
    """From `since` up to but without `until`, both UTC."""

    since: datetime
    until: datetime


class Day(NamedTuple):
    """One local day with the week, the month and the year around it."""

    date: date
    day: Span
    week: Span
    month: Span
    year: Span

    def name(self, window: Window) -> str:
        """The name of the day, week (ISO 8601), month or year, which no other has."""
        if window == "week":
            year, week, _ = self.date.isocalendar()
            return f"{year}-W{week:02}"
        text = self.date.isoformat()
        return text if window == "day" else text[:7] if window == "month" else text[:4]


class Calendar:
    """The calendar of one organisation.

    Units are spans of real time between local midnights, so a day with a change of the clocks has 23 or
    25 hours, weeks begin on Monday, and every instant lies in exactly one day. What was worked out is
    remembered, within bounds.
    """

    def __init__(self, zone: tzinfo, resets: Resets = NO_RESETS) -> None:
        self.zone = zone
        self.resets = resets
        self._by_quarter: dict[int, Day] = {}
        self._by_date: dict[date, Day] = {}
        self._last_time = _EPOCH
        self._last_day = self._day_around(_EPOCH)

    def day(self, time: datetime) -> Day:
        """The local day in which an aware time lies."""
        # Several constraints of several rules ask about the time of one event.
        if time is self._last_time:
            return self._last_day
        quarter = (time - _EPOCH) // _QUARTER
        day = self._by_quarter.get(quarter)
        if day is None:
            day = self._day_around(time)
            if len(self._by_quarter) >= _MAX_QUARTERS:
                self._by_quarter.clear()
            if all((moment - _EPOCH) % _QUARTER == _ZERO for moment in day.day):
                self._by_quarter[quarter] = day
        self._last_time, self._last_day = time, day
        return day

    def hour(self, time: datetime) -> Span:
        """The hour on the local clock; an hour that the clock shows twice is two hours."""
        local = time.astimezone(self.zone)
        since = time.astimezone(UTC) - timedelta(
            minutes=local.minute, seconds=local.second, microseconds=local.microsecond
        )
        return Span(since, since + _HOUR)

    def span(self, window: Window, time: datetime) -> Span:
        """The hour, day, week, month or year in which an aware time lies."""
        if window == "hour":
            return self.hour(time)
        day = self.day(time)
        if window == "day":
            return day.day
        return day.week if window == "week" else day.month if window == "month" else day.year

    def _day_around(self, time: datetime) -> Day:
        day = self._day_of(time.astimezone(self.zone).date())
        # Where clocks go back across midnight, the local date alone names the wrong side of it.
        while time < day.day.since:
            day = self._day_of(day.date - _DAY)
        while time >= day.day.until:
            day = self._day_of(day.date + _DAY)
        return day

    def _day_of(self, local: date) -> Day:
        day = self._by_date.get(local)
        if day is None:
            monday = local - timedelta(days=local.weekday())
            first = local.replace(day=1)
            next_first = (first + timedelta(days=31)).replace(day=1)
            day = Day(
                local,
                Span(self._midnight(local), self._midnight(local + _DAY)),
                Span(self._midnight(monday), self._midnight(monday + timedelta(days=7))),
                Span(self._midnight(first), self._midnight(next_first)),
                Span(self._midnight(date(local.year, 1, 1)), self._midnight(date(local.year + 1, 1, 1))),
            )
            if len(self._by_date) >= _MAX_DATES:
                self._by_date.clear()
            self._by_date[local] = day
        return day

    def _midnight(self, local: date) -> datetime:
        return datetime(local.year, local.month, local.day, tzinfo=self.zone).astimezone(UTC)
