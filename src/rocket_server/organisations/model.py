"""Organisations and their sources, as the rest of the server sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from rocket_server.organisations.settings import OrganisationSettings, UnknownLearner

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
class Organisation:
    """A unit of a tenant whose data nobody else sees. `version` grows with every change of its settings,
    keys, sources, rules or endpoints, so that every process knows when what it remembers is stale."""

    organisation_id: str
    tenant_id: str
    name: str
    environment: Literal["production", "staging"]
    timezone: ZoneInfo  # that of the settings, or UTC where this machine doesn't know it
    settings: OrganisationSettings
    version: int
    timezone_replaced: str | None = None  # a name that nobody knows any more, for which UTC stands now
