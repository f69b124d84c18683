"""What is asked of a simulation and what it answers; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

_FIRST_OF_MS: Final = "7000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Period:
    """Events received from `since` up to, but without, `until`; None is up to now. Both aware."""

    since: datetime
    until: datetime | None = None

    @property
    def first_id(self) -> str:
        """The lowest id of an event or entry of the period: ids begin with their Unix milliseconds."""
        return _id_at(self.since)

    @property
    def end_id(self) -> str | None:
        """The lowest id behind the period."""
        return None if self.until is None else _id_at(self.until)


def _id_at(time: datetime) -> str:
    head = f"{max(0, int(time.timestamp() * 1000)):012x}"
    return f"{head[:8]}-{head[8:]}-{_FIRST_OF_MS}"


@dataclass(slots=True)
class Sums:
    """Points as they were given, net of what was taken back, and as the candidates would have given them."""

    current: int = 0
    candidate: int = 0

    @property
    def difference(self) -> int:
        return self.candidate - self.current

    def as_dict(self) -> dict[str, int]:
        return {
            "points_current": self.current,
            "points_candidate": self.candidate,
            "difference": self.difference,
        }


@dataclass(slots=True)
class RuleSums:
    """One rule: points, awards, decisions by outcome, and the events that it decides otherwise."""

    rule_id: str
    state: str  # new, changed, unchanged (as in the organisation now), or not_tried
    points: Sums = field(default_factory=Sums)
    awards_current: int = 0
    awards_candidate: int = 0
    decisions_current: dict[str, int] = field(default_factory=dict)
    decisions_candidate: dict[str, int] = field(default_factory=dict)
    events_changed: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "rule_id": self.rule_id,
            "state": self.state,
            "awards_current": self.awards_current,
            "awards_candidate": self.awards_candidate,
            **self.points.as_dict(),
            "events_changed": self.events_changed,
            "decisions_current": dict(sorted(self.decisions_current.items())),
            "decisions_candidate": dict(sorted(self.decisions_candidate.items())),
        }


@dataclass(frozen=True, slots=True)
class LearnerSums:
    """A learner who gains or loses. `user_id` is looked up in the end, for those that are shown."""

    learner_id: str
    points: Sums
    user_id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {"user_id": self.user_id, "learner_id": self.learner_id, **self.points.as_dict()}


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """What a simulation found. Weeks are named by their Monday in the organisation's zone, and count by when
    an event occurred; course None stands for events without one."""

    period: Period
    events: int  # stored ones in the period
    events_judged: int  # those that a rule of either side heard
    points: Sums
    rules: list[RuleSums]
    weeks: list[tuple[date, Sums]]
    courses: list[tuple[str | None, Sums]]  # the greatest differences first
    courses_left_out: int
    gaining: list[LearnerSums]
    losing: list[LearnerSums]
    learners: int  # with an event that a rule heard
    learners_touched: int  # for whom at least one event is decided otherwise
    duration_s: float

    def as_dict(self) -> dict[str, Any]:
        """The contract's answer, and more."""
        until = self.period.until
        return {
            "since": self.period.since.isoformat(),
            "until": None if until is None else until.isoformat(),
            "events": self.events,
            "events_judged": self.events_judged,
            **self.points.as_dict(),
            "learners_judged": self.learners,
            "learners_touched": self.learners_touched,
            "rules": [rule.as_dict() for rule in self.rules],
            "weeks": [{"week": week.isoformat(), **sums.as_dict()} for week, sums in self.weeks],
            "courses": [{"course_id": course, **sums.as_dict()} for course, sums in self.courses],
            "courses_left_out": self.courses_left_out,
            "learners": [learner.as_dict() for learner in (*self.gaining, *self.losing)],
            "duration_s": round(self.duration_s, 3),
            "events_per_s": round(self.events / self.duration_s) if self.duration_s else None,
        }


@dataclass(frozen=True, slots=True)
class Addition:
    """A rule's award that the candidates give for an event and that was not given, or was lower."""

    event_id: str
    rule_id: str
    points: int  # as the candidates give them, what was given before included
