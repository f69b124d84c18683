"""Adds up what a simulation finds, in memory that doesn't grow with events or learners; pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from heapq import heappush, heapreplace
from typing import Final

from rocket_server.rules.calendar import Calendar
from rocket_server.simulation.model import LearnerSums, RuleSums, Sums

MAX_COURSES: Final = 100_000
SHOWN_COURSES: Final = 100
_OTHER_COURSES: Final = "(others)"

Place = tuple[Sums, Sums]  # of a week and of a course


class Book:
    """Sums by rule, week, course and learner."""

    def __init__(self, calendar: Calendar, states: dict[str, str], top: int) -> None:
        """`states` says of each rule that is tried whether it is new, changed or unchanged; `top` learners
        who gain most and as many who lose most are kept."""
        self.points = Sums()
        self.learners = 0
        self.touched = 0
        self.rules = {rule_id: RuleSums(rule_id, state) for rule_id, state in states.items()}
        self.weeks: dict[date, Sums] = {}
        self.courses: dict[str, Sums] = {}
        self._calendar = calendar
        self._top = top
        self._gaining: list[tuple[int, str, Sums]] = []
        self._losing: list[tuple[int, str, Sums]] = []
        self._last: tuple[date | None, Sums] = (None, Sums())

    def rule(self, rule_id: str) -> RuleSums:
        """The sums of a rule; one that isn't tried comes in when it is met first."""
        sums = self.rules.get(rule_id)
        if sums is None:
            sums = self.rules[rule_id] = RuleSums(rule_id, "not_tried")
        return sums

    def place(self, occurred_at: datetime, course_id: object) -> Place:
        """Where an event's points are added up."""
        day = self._calendar.day(occurred_at).date
        last, week = self._last
        if day is not last:
            monday = day - timedelta(days=day.weekday())
            found = self.weeks.get(monday)
            if found is None:
                found = self.weeks[monday] = Sums()
            week = found
            self._last = (day, week)
        course = "" if course_id is None else course_id if type(course_id) is str else str(course_id)
        sums = self.courses.get(course)
        if sums is None:
            if len(self.courses) >= MAX_COURSES:
                course = _OTHER_COURSES
            sums = self.courses.setdefault(course, Sums())
        return week, sums

    def learner(self, learner_id: str, points: Sums, touched: bool) -> None:
        """A learner's whole history was judged."""
        self.learners += 1
        self.touched += touched
        self.points.current += points.current
        self.points.candidate += points.candidate
        difference = points.difference
        if difference > 0:
            self._keep(self._gaining, (difference, learner_id, points))
        elif difference < 0:
            self._keep(self._losing, (-difference, learner_id, points))

    def gaining(self) -> list[LearnerSums]:
        """Who gains most, the most first."""
        return [LearnerSums(learner_id, points) for _, learner_id, points in _sorted(self._gaining)]

    def losing(self) -> list[LearnerSums]:
        """Who loses most, the most first."""
        return [LearnerSums(learner_id, points) for _, learner_id, points in _sorted(self._losing)]

    def shown_courses(self) -> list[tuple[str | None, Sums]]:
        """The courses with the greatest differences, and among equal ones those with most points."""
        found = [(course or None, sums) for course, sums in self.courses.items()]
        found.sort(key=lambda one: (-abs(one[1].difference), -one[1].current, one[0] or ""))
        return found[:SHOWN_COURSES]

    def _keep(self, heap: list[tuple[int, str, Sums]], learner: tuple[int, str, Sums]) -> None:
        if len(heap) < self._top:
            heappush(heap, learner)
        elif heap and learner[0] > heap[0][0]:
            heapreplace(heap, learner)


def _sorted(heap: list[tuple[int, str, Sums]]) -> list[tuple[int, str, Sums]]:
    return sorted(heap, key=lambda one: (-one[0], one[1]))
