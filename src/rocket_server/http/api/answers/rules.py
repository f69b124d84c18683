"""Answers about rules: as they stand, what a change did, and what one would have done."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel


class Rule(BaseModel):
    """A rule as it stands. `fault` says why a stored one can't be used any more."""

    rule_id: str
    name: str | None = None
    title: str | None = None
    description: str | None = None
    trigger: dict[str, Any]
    actions: dict[str, Any]
    constraints: dict[str, Any]
    starts_at: str | None = None
    ends_at: str | None = None
    priority: int | None = None
    active: bool
    status: Literal["draft"] | None = None


class StoredRule(Rule):
    """A rule with its version and who made it."""

    fault: str | None = None
    version: int
    created_at: str | None
    updated_at: str | None
    created_by: str | None
    withdrawn: bool | None = None


class RulePage(BaseModel):
    """Rules, by priority and then by id."""

    rules: list[StoredRule]
    next_cursor: str | None


class RuleVersion(BaseModel):
    """A rule as it was from one change to the next."""

    rule_id: str
    version: int
    created_at: str
    created_by: str
    withdrawn: bool
    rule: Rule


class VersionPage(BaseModel):
    """Versions of a rule, the latest first."""

    versions: list[RuleVersion]
    next_cursor: str | None


class Template(BaseModel):
    """A ready-made rule."""

    rule_id: str
    title: str
    default: bool
    enabled: bool
    rule: Rule


class TemplateList(BaseModel):
    """Ready-made rules for everything that the catalogue knows."""

    templates: list[Template]
    next_cursor: None


class Plan(BaseModel):
    """Which rules a change made, changed, left as they were, and withdrew."""

    created: list[str]
    changed: list[str]
    unchanged: list[str]
    withdrawn: list[str]
    rules: list[StoredRule]
    dry_run: bool


class Sums(BaseModel):
    """Points as they were given and as the candidates would have given them."""

    points_current: int
    points_candidate: int
    difference: int


class RuleSums(Sums):
    """What changes with one rule."""

    rule_id: str
    state: Literal["new", "changed", "unchanged", "not_tried"]
    awards_current: int
    awards_candidate: int
    events_changed: int
    decisions_current: dict[str, int]
    decisions_candidate: dict[str, int]


class WeekSums(Sums):
    """What changes in a week, named by its Monday."""

    week: str


class CourseSums(Sums):
    """What changes in a course; null stands for events without one."""

    course_id: str | None


class LearnerSums(Sums):
    """What changes for a learner."""

    user_id: str | None
    learner_id: str


class Simulation(Sums):
    """What changed rules would have given."""

    since: str
    until: str | None
    events: int
    events_judged: int
    learners_judged: int
    learners_touched: int
    rules: list[RuleSums]
    weeks: list[WeekSums]
    courses: list[CourseSums]
    courses_left_out: int
    learners: list[LearnerSums]
    duration_s: float
    events_per_s: int | None
