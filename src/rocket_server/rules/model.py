"""A rule as it is written: a trigger with conditions, what it gives, and how often it may give it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from rocket_server.conditions.model import NO_CONDITIONS, AllOf

Window = Literal["hour", "day", "week", "month"]
Scope = Literal["course", "lesson", "section"]

WINDOWS: Final[tuple[Window, ...]] = ("hour", "day", "week", "month")
SCOPES: Final[tuple[Scope, ...]] = ("course", "lesson", "section")

# In `unique_by`: the date on which the event occurred, in the organisation's zone.
DAY_PATH: Final = "@day"

MAX_POINTS: Final = 1_000_000


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

    An event without such a number gives `min`.
    """

    path: str
    multiply: int | float = 1
    min: int = 0
    max: int = MAX_POINTS

    def as_dict(self) -> dict[str, Any]:
        return {"from": self.path, "multiply": self.multiply, "min": self.min, "max": self.max}


@dataclass(frozen=True, slots=True)
class Actions:
    """What a rule gives: points, a badge, or both. `award_points` 0 is a rule that only gives a badge."""

    award_points: int | PointsFrom = 0
    issue_badge: str | None = None

    def as_dict(self) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        if isinstance(self.award_points, PointsFrom):
            shown["award_points"] = self.award_points.as_dict()
        elif self.award_points:
            shown["award_points"] = self.award_points
        if self.issue_badge is not None:
            shown["issue_badge"] = self.issue_badge
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
    cooldown_minutes: int | None = None
    max_points_per_day: int | None = None

    def scoped(self) -> Iterator[tuple[Scope, int]]:
        """The limits per course, lesson and section that are set."""
        for scope in SCOPES:
            limit: int | None = getattr(self, f"max_per_{scope}")
            if limit is not None:
                yield scope, limit

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
class Rule:
    """Trigger, actions and constraints under one id. Build it with `rocket_server.rules.parse.parse_rule`."""

    rule_id: str
    trigger: Trigger
    actions: Actions
    constraints: Constraints = field(default_factory=Constraints)
    active: bool = True
    name: str | None = None
    title: str | None = None
    description: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The canonical form, ready for JSON; `parse_rule` reads it back to an equal rule."""
        shown: dict[str, Any] = {"rule_id": self.rule_id}
        for key, text in (("name", self.name), ("title", self.title), ("description", self.description)):
            if text is not None:
                shown[key] = text
        shown["trigger"] = self.trigger.as_dict()
        shown["actions"] = self.actions.as_dict()
        shown["constraints"] = self.constraints.as_dict()
        shown["active"] = self.active
        return shown


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """A rule as it stood from one change to the next; an award names the version that made it."""

    rule: Rule
    version: int
