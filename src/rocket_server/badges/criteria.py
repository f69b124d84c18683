"""Criteria compiled once: which events they hear, what is counted for them, and when they hold; pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from hashlib import blake2b
from typing import Any, Final

import msgspec

from rocket_server.badges.model import Badge, Courses, EventCount
from rocket_server.conditions.matching import compile_condition, field, weight
from rocket_server.conditions.values import as_number
from rocket_server.events.model import Event

_COURSE_DOMAIN: Final = "course."
_OF_MODULES: Final = ("lesson.completed", "lesson.reopened")
_MAX_MARK: Final = 500


@dataclass(frozen=True, slots=True)
class Counter:
    """What is counted for one part of some criteria. `key` names the question, so that the same one is asked
    once and a changed one is counted anew; `mark` says under what an event counts, None where it doesn't."""

    key: str
    needed: int
    event: str | None  # None hears every event about courses
    weight: int  # what asking costs, in comparisons of values
    mark: Callable[[Event, str], str | None]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A badge with its criteria, ready to be asked."""

    badge_id: str
    points: int | None
    counters: tuple[Counter, ...]
    others: frozenset[str]
    others_needed: int

    def holds(self, earned: int, counted: Mapping[str, int], held: Collection[str]) -> bool:
        """Whether a learner who earned that many points, with these counts and badges, meets all parts."""
        return (
            (self.points is None or earned >= self.points)
            and all(counted.get(counter.key, 0) >= counter.needed for counter in self.counters)
            and len(self.others.intersection(held)) >= self.others_needed
        )


class Thresholds:
    """An organisation's badges with criteria, found by what touches them."""

    def __init__(self, badges: Iterable[Badge], zone: tzinfo) -> None:
        self.all = tuple(
            _threshold(badge, zone)
            for badge in badges
            if badge.active and badge.criteria and badge.criteria.fault is None
        )
        self.least_points = min((one.points for one in self.all if one.points is not None), default=None)
        self.counters = {counter.key: counter for one in self.all for counter in one.counters}
        self.others = frozenset().union(*(one.others for one in self.all)) if self.all else frozenset()
        self._by_event: dict[str, tuple[Counter, ...]] = {}
        self._of_courses = tuple(counter for counter in self.counters.values() if counter.event is None)
        for counter in self.counters.values():
            if counter.event is not None:
                self._by_event[counter.event] = (*self._by_event.get(counter.event, ()), counter)

        # What one event costs at the most, in comparisons of values.
        self.weight = sum(counter.weight for counter in self._of_courses) + max(
            (sum(counter.weight for counter in heard) for heard in self._by_event.values()), default=0
        )

    def hearing(self, event: str) -> Iterator[Counter]:
        """The counters that an event of this name may concern."""
        yield from self._by_event.get(event, ())
        if self._of_courses and event.startswith(_COURSE_DOMAIN):
            yield from self._of_courses

    def of_modules(self) -> tuple[Counter, ...]:
        """The counters that a withdrawn completion concerns."""
        return self._by_event.get(_OF_MODULES[0], ())

    def counts_otherwise(self, before: Event, after: Event) -> bool:
        """Whether an event counts for other criteria than it did before its fields changed."""
        return bool(self.counters) and self.marks(before, "") != self.marks(after, "")

    def marks(self, event: Event, event_id: str) -> dict[str, str]:
        """Under what an event counts, by counter."""
        found = {counter.key: counter.mark(event, event_id) for counter in self.hearing(event.event)}
        return {key: mark for key, mark in found.items() if mark is not None}


def module_mark(event: Event) -> str | None:
    """Under what a module's completion counts: once, however often it is stated; None for other events."""
    lesson_id = event.properties.get("lesson_id")
    if event.event not in _OF_MODULES or not isinstance(lesson_id, str):
        return None
    return f"module {_short(f'{event.source} {lesson_id}')}"


def _threshold(badge: Badge, zone: tzinfo) -> Threshold:
    criteria = badge.criteria
    assert criteria is not None
    counters = [_event_counter(count, zone) for count in criteria.events]
    if criteria.courses is not None:
        counters.append(_course_counter(criteria.courses))
    others = criteria.badges
    return Threshold(
        badge.badge_id,
        criteria.points,
        tuple(counters),
        frozenset(others.ids) if others else frozenset(),
        others.at_least if others else 0,
    )


def _event_counter(count: EventCount, zone: tzinfo) -> Counter:
    holds = compile_condition(count.conditions, zone)
    value_of = field(count.distinct) if count.distinct is not None else None

    def mark(event: Event, event_id: str) -> str | None:
        if not holds(event):
            return None
        value = value_of(event) if value_of is not None else None
        if value is not None:
            return f"value {_short(msgspec.json.encode(value, order='sorted').decode())}"
        return module_mark(event) or f"event {event_id}"

    return Counter(_key(count.as_dict()), count.count, count.event, 1 + weight(count.conditions), mark)


def _course_counter(courses: Courses) -> Counter:
    wanted = frozenset(courses.ids)

    def mark(event: Event, event_id: str) -> str | None:
        course_id = event.properties.get("course_id")
        if course_id not in wanted:
            return None
        progress = as_number(event.properties.get("progress_pct"))
        done = event.event == "course.completed" or (
            progress is not None and progress >= courses.min_progress_pct
        )
        return f"course {_short(course_id)}" if done else None

    return Counter(_key(courses.as_dict()), len(courses.ids), None, 1, mark)


def _key(question: dict[str, Any]) -> str:
    return blake2b(msgspec.json.encode(question, order="sorted"), digest_size=16).hexdigest()


def _short(text: str) -> str:
    """The text, or a hash where it is too long for a key."""
    return text if len(text) <= _MAX_MARK else blake2b(text.encode(), digest_size=16).hexdigest()
