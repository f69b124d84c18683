"""Organisations and their sources, as the rest of the server sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

UnknownLearner = Literal["create", "hold", "refuse"]

# Moodle's first administrator, as whom its nightly job runs.
DEFAULT_STAFF_IDS = frozenset({"2"})


@dataclass(frozen=True, slots=True)
class Filters:
    """Which of a source's events count. An empty set lets everything pass; so does a value not sent."""

    course_ids: frozenset[str] = frozenset()
    category_ids: frozenset[str] = frozenset()
    role_ids: frozenset[str] = frozenset()
    context_levels: frozenset[str] = frozenset()
    visible: bool | None = None  # True: only events of visible courses
    exclude_suspended: bool = False
    course_resets: bool = True  # False: a course that the platform resets doesn't begin anew here


@dataclass(frozen=True, slots=True)
class Source:
    """One platform that sends events. `name` is unique in its organisation and prefixes its learners."""

    organisation_id: str
    source_id: str
    kind: str
    name: str
    slug: str
    staff_ids: frozenset[str] = DEFAULT_STAFF_IDS
    filters: Filters = Filters()
    unknown_learner: UnknownLearner | None = None  # None: as the organisation has it
    mappings: Mapping[str, Any] = field(default_factory=dict)
    allowed_cidrs: tuple[str, ...] = ()
    site: str | None = None  # first `wwwroot` seen
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rank:
    """What a learner is called whose streak has `weeks` or more. `multiplier` is for rules that ask for it,
    `discount_pct` for what points are spent on."""

    name: str
    weeks: int
    multiplier: float = 1.0
    discount_pct: int = 0


# As delivered; the first begins at no weeks, so that everybody has a rank.
DEFAULT_RANKS: Final = (Rank("Explorer", 0), Rank("Pilot", 4), Rank("Commander", 7))


@dataclass(frozen=True, slots=True)
class Organisation:
    """A unit of a tenant whose data nobody else sees. `version` grows with every change of its settings,
    keys, sources, rules or endpoints, so that every process knows when what it remembers is stale."""

    organisation_id: str
    tenant_id: str
    name: str
    environment: Literal["production", "staging"]
    timezone: ZoneInfo
    unknown_learner: UnknownLearner
    weekly_goal: int  # points
    version: int
    ranks: tuple[Rank, ...] = DEFAULT_RANKS  # by weeks, the fewest first
    grace_weeks: int = 0  # in a row that may miss the goal without ending a streak
    timezone_replaced: str | None = None  # a name that nobody knows any more, for which UTC stands now
