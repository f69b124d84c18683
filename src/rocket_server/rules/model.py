"""A rule as it is written: a trigger with conditions, what it gives, and how often it may give it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final, Literal

from rocket_server.conditions.model import NO_CONDITIONS, AllOf

Status = Literal["draft", "active", "inactive"]
Window = Literal["hour", "day", "week", "month", "year"]
Scope = Literal["course", "lesson", "section"]

WINDOWS: Final[tuple[Window, ...]] = ("hour", "day", "week", "month", "year")
SCOPES: Final[tuple[Scope, ...]] = ("course", "lesson", "section")

# In `unique_by`: the unit in which the event occurred, in the organisation's zone. The shortest comes first.
CALENDAR_PATHS: Final[Mapping[str, Window]] = {
    "@day": "day",
    "@week": "week",
    "@month": "month",
    "@year": "year",
}

MAX_POINTS: Final = 1_000_000

# Of one multiplier, and of all that apply to one event together.
LEAST_MULTIPLIER: Final = 0.1
MOST_MULTIPLIER: Final = 10
MAX_PRIORITY: Final = 1000


@dataclass(frozen=True, slots=True)
class Trigger:
    """Which events a rule hears. `source` is a source's name or its kind; None means any."""

    event: str
    source: str | None = None
    conditions: AllOf = NO_CONDITIONS

    def as_dict(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"event": self.event}
        if self.source is not None:
            shown["source"] = self.source
        if self.conditions.parts:
            shown["conditions"] = self.conditions.as_dict()
        return shown


@dataclass(frozen=True, slots=True)
class PointsFrom:
    """Points computed from a value of the event: value * multiply, rounded half up, kept in min..max.

    An event without such a number gives `min`. With `best`, several events about the same (the rule's
    `unique_by`) give together what the best of them is worth: each gives what is missing to its own value.
    """

    path: str
    multiply: int | float = 1
    min: int = 0
    max: int = MAX_POINTS
    best: bool = False

    def as_dict(self) -> dict[str, Any]:
        shown = {"from": self.path, "multiply": self.multiply, "min": self.min, "max": self.max}
        return shown | {"best": True} if self.best else shown


@dataclass(frozen=True, slots=True)
class ByRank:
    """A multiplier that is what the learner's rank multiplies by when the event is decided."""

    def as_dict(self) -> dict[str, Any]:
        return {"from": "rank"}


@dataclass(frozen=True, slots=True)
class Actions:
    """What a rule gives. `award_points` 0 is a rule that gives no points of its own: it gives a badge, or
    multiplies by `multiplier` what other rules award for the same event."""

    award_points: int | PointsFrom = 0
    issue_badge: str | None = None
    multiplier: int | float | ByRank | None = None

    def as_dict(self) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        if isinstance(self.award_points, PointsFrom):
            shown["award_points"] = self.award_points.as_dict()
        elif self.award_points:
            shown["award_points"] = self.award_points
        if self.issue_badge is not None:
            shown["issue_badge"] = self.issue_badge
        if isinstance(self.multiplier, ByRank):
            shown["multiplier"] = self.multiplier.as_dict()
        elif self.multiplier is not None:
            shown["multiplier"] = self.multiplier
        return shown


@dataclass(frozen=True, slots=True)
class Constraints:
    """How often a rule may give, per learner; None and () mean no such limit."""

    once: bool = False
    unique_by: tuple[str, ...] = ()
    max_per_course: int | None = None
    max_per_lesson: int | None = None
    max_per_section: int | None = None
    max_per_hour: int | None = None
    max_per_day: int | None = None
    max_per_week: int | None = None
    max_per_month: int | None = None
    max_per_year: int | None = None
    cooldown_minutes: int | None = None
    max_points_per_day: int | None = None

    def scoped(self) -> Iterator[tuple[Scope, int]]:
        """The limits per course, lesson and section that are set."""
        for scope in SCOPES:
            limit: int | None = getattr(self, f"max_per_{scope}")
            if limit is not None:
                yield scope, limit

    def by_course(self) -> list[str]:
        """The names of the limits that count anew when a course begins anew."""
        keyed = any(path not in CALENDAR_PATHS for path in self.unique_by)
        return [*(["unique_by"] if keyed else []), *(f"max_per_{scope}" for scope, _ in self.scoped())]

    def windowed(self) -> Iterator[tuple[Window, int]]:
        """The limits per calendar unit that are set, shortest unit first."""
        for window in WINDOWS:
            limit: int | None = getattr(self, f"max_per_{window}")
            if limit is not None:
                yield window, limit

    def as_dict(self) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        if self.once:
            shown["once"] = True
        if self.unique_by:
            shown["unique_by"] = list(self.unique_by)
        for scope, limit in self.scoped():
            shown[f"max_per_{scope}"] = limit
        for window, limit in self.windowed():
            shown[f"max_per_{window}"] = limit
        if self.cooldown_minutes is not None:
            shown["cooldown_minutes"] = self.cooldown_minutes
        if self.max_points_per_day is not None:
            shown["max_points_per_day"] = self.max_points_per_day
        return shown


@dataclass(frozen=True, slots=True)
class Period:
    """From when until when a rule holds, as it was written: RFC 3339, a local time, or a date.

    Local times and dates are those of the organisation's zone. A date as the end is the last day.
    """

    starts_at: str | None = None
    ends_at: str | None = None

    def bounds(self, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
        """The first moment, and the first moment after the end, in UTC; None where there is no such bound."""
        return (
            None if self.starts_at is None else _moment(self.starts_at, zone, is_end=False),
            None if self.ends_at is None else _moment(self.ends_at, zone, is_end=True),
        )


def _moment(text: str, zone: tzinfo, *, is_end: bool) -> datetime:
    if len(text) == len("2026-01-31"):
        day = date.fromisoformat(text) + timedelta(days=1 if is_end else 0)
        return datetime.combine(day, time(), zone).astimezone(UTC)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Rule:
    """Trigger, actions and constraints under one id. Build it with `rocket_server.rules.parse.parse_rule`.

    A draft decides nothing until it is made active. Rules of higher `priority` are asked, and shown, first.
    `fault` says why a stored rule can't be asked any more and is switched off; it isn't part of what a rule
    says.
    """

    rule_id: str
    trigger: Trigger
    actions: Actions
    constraints: Constraints = field(default_factory=Constraints)
    active: bool = True
    name: str | None = None
    title: str | None = None
    description: str | None = None
    draft: bool = False
    period: Period = Period()
    priority: int = 0
    fault: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.active and self.draft:
            # `replace(rule, active=True)` activates a draft, which is no draft then.
            object.__setattr__(self, "draft", False)

    @property
    def status(self) -> Status:
        return "active" if self.active else "draft" if self.draft else "inactive"

    def as_dict(self) -> dict[str, Any]:
        """The canonical form, ready for JSON; `parse_rule` reads it back to an equal rule."""
        shown: dict[str, Any] = {"rule_id": self.rule_id}
        for key, text in (("name", self.name), ("title", self.title), ("description", self.description)):
            if text is not None:
                shown[key] = text
        shown["trigger"] = self.trigger.as_dict()
        shown["actions"] = self.actions.as_dict()
        shown["constraints"] = self.constraints.as_dict()
        if self.period.starts_at is not None:
            shown["starts_at"] = self.period.starts_at
        if self.period.ends_at is not None:
            shown["ends_at"] = self.period.ends_at
        if self.priority:
            shown["priority"] = self.priority
        shown["active"] = self.active
        if self.draft:
            shown["status"] = "draft"
        return shown


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """A rule as it stood from one change to the next; an award names the version that made it."""

    rule: Rule
    version: int
