"""A badge as it is defined: what it is called, looks like, and by which criteria it is given; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from rocket_server.conditions.model import NO_CONDITIONS, AllOf

MAX_COUNT: Final = 10_000
MAX_POINTS: Final = 1_000_000_000
# Badges that follow from one event, each from the badge before it.
MAX_CHAIN: Final = 4

Cause = Literal["rule", "criteria", "manual"]
Status = Literal["awarded", "revoked", "expired"]


@dataclass(frozen=True, slots=True)
class EventCount:
    """At least `count` events of one name that meet `conditions`.

    `distinct` is a path: events with the same value there count once. Events that state a completion count
    once for each module, as long as its completion stands.
    """

    event: str
    count: int
    conditions: AllOf = NO_CONDITIONS
    distinct: str | None = None

    def as_dict(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"event": self.event, "count": self.count}
        if self.conditions.parts:
            shown["conditions"] = self.conditions.as_dict()
        if self.distinct is not None:
            shown["distinct"] = self.distinct
        return shown


@dataclass(frozen=True, slots=True)
class Courses:
    """All of these courses, each completed or with at least `min_progress_pct` (0-100) of progress."""

    ids: tuple[str, ...]
    min_progress_pct: float = 80

    def as_dict(self) -> dict[str, Any]:
        return {"ids": list(self.ids), "min_progress_pct": self.min_progress_pct}


@dataclass(frozen=True, slots=True)
class OtherBadges:
    """At least `at_least` of these badges held."""

    ids: tuple[str, ...]
    at_least: int

    def as_dict(self) -> dict[str, Any]:
        return {"ids": list(self.ids), "at_least": self.at_least}


@dataclass(frozen=True, slots=True)
class Criteria:
    """What gives a badge by itself; all parts that are set must hold. `points` are those ever earned.

    `fault` says why stored criteria can't be asked any more; they give nothing then.
    """

    points: int | None = None
    events: tuple[EventCount, ...] = ()
    courses: Courses | None = None
    badges: OtherBadges | None = None
    fault: str | None = field(default=None, compare=False)

    def as_dict(self) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        if self.points is not None:
            shown["points"] = self.points
        if self.events:
            shown["events"] = [count.as_dict() for count in self.events]
        if self.courses is not None:
            shown["courses"] = self.courses.as_dict()
        if self.badges is not None:
            shown["badges"] = self.badges.as_dict()
        return shown


@dataclass(frozen=True, slots=True)
class Badge:
    """A recognition that can be given: once to a learner, or again and again where it is `repeatable`.

    One that expires, so many days after it was given, can be given again from then on.
    """

    badge_id: str
    name: str
    description: str
    criteria_text: str = ""
    tags: tuple[str, ...] = ()
    active: bool = True
    repeatable: bool = False
    criteria: Criteria | None = None
    image_id: str | None = None
    expires_after_days: int | None = None


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues. `issuer_id` is public; `image_id` is among the images of badges."""

    issuer_id: str
    name: str
    url: str | None = None
    email: str | None = None
    image_id: str | None = None
