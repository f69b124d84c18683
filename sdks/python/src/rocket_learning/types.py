"""What the server answers, as typed dictionaries. A test compares them with the server's OpenAPI document.

A server newer than this package may answer with more fields; they are there all the same.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

EventStatus = Literal["processed", "ignored", "held", "failed"]
TrackStatus = Literal["processed", "duplicate", "ignored", "held", "failed"]
Outcome = Literal[
    "awarded",
    "condition_not_met",
    "cap_reached",
    "cooldown",
    "already_awarded",
    "inactive",
    "filtered",
    "suspended",
    "reversed",
]


class EventInput(TypedDict, total=False):
    """An event as `track_batch` and buffers take it. Only `event` and `user_id` must be there."""

    event: str
    user_id: str
    timestamp: Any  # datetime, RFC 3339 or Unix seconds
    event_id: str
    source: str
    properties: dict[str, Any]
    metadata: dict[str, Any]


class Decision(TypedDict):
    """What one rule said about one event, and why."""

    rule_id: str
    rule_version: int
    outcome: Outcome
    points: int
    detail: dict[str, Any]


class Explanation(Decision):
    """A decision in words. `opens_at` is from when the rule may give again, where that is known."""

    title: str | None
    code: str
    sentence: str
    opens_at: str | None


class TrackedEvent(TypedDict):
    """What became of an event. `event_id` is the server's own, the same for a duplicate."""

    status: TrackStatus
    event_id: str
    processed_at: str
    points_awarded: int
    badges: list[str]
    decisions: list[Decision]
    reason: NotRequired[str | None]


class PathAndMessage(TypedDict):
    path: str
    message: str


class BatchResult(TypedDict):
    """What became of the event at `index`."""

    index: int
    status: TrackStatus
    event_id: str | None
    error: NotRequired[str | None]
    points_awarded: NotRequired[int | None]
    reason: NotRequired[str | None]


class BatchAnswer(TypedDict):
    """What became of a batch: `failed` events weren't stored, and `results` says why."""

    processed: int
    duplicates: int
    failed: int
    points_awarded: int
    errors_left_out: NotRequired[int | None]
    results: list[BatchResult]


class Validation(TypedDict):
    """What the server thinks of an event."""

    valid: bool
    errors: list[PathAndMessage]


class EventFields(TypedDict):
    """An event as it is stored, but for its decisions. `source_event_id` is the caller's own id."""

    event_id: str
    source_event_id: str | None
    source: str
    status: EventStatus
    reason: str | None
    event: str
    user_id: str | None
    timestamp: str
    received_at: str
    properties: dict[str, Any]
    metadata: dict[str, Any]
    points_awarded: int
    badges: list[str]


class StoredEvent(EventFields):
    """An event with what the rules decided when it came."""

    decisions: list[Decision]


class ExplainedEvent(EventFields):
    """An event with what every rule says about it, and why."""

    decisions: list[Explanation]


class EventPage(TypedDict):
    events: list[StoredEvent]
    next_cursor: str | None


class Moved(TypedDict):
    """A new entry, and the balance after it."""

    entry_id: str
    points: int
    balance: int


class BadgeAwarded(TypedDict):
    award_id: str
    badge_id: str
    user_id: str
    status: Literal["awarded", "already_held"]


class Badge(TypedDict):
    """A badge of the organisation."""

    badge_id: str
    name: str
    description: str | None
    criteria_text: str | None
    tags: list[str]
    active: bool
    repeatable: bool
    expires_after_days: int | None
    criteria: dict[str, Any] | None
    criteria_fault: NotRequired[str]
    image_url: str
    created_at: str
    updated_at: str


class BadgePage(TypedDict):
    badges: list[Badge]
    next_cursor: str | None


class Balance(TypedDict):
    """A learner's points: `points` is `earned` less `spent`."""

    user_id: str
    points: int
    earned: int
    spent: int
    rank: str
    streak_weeks: int


class NextRank(TypedDict):
    name: str
    weeks: int


class Rank(TypedDict):
    """A learner's rank, what it is good for, and the next one."""

    user_id: str
    rank: str
    multiplier: float
    discount_pct: float
    streak_weeks: int
    grace_weeks: int
    weekly_goal: int
    points_this_week: int
    next_rank: NextRank | None


class Entry(TypedDict):
    """One movement of points; `points` is below zero where some were taken."""

    entry_id: str
    number: int
    kind: str
    points: int
    balance_after: int
    reason: str | None
    event_id: str | None
    rule_id: str | None
    rule_version: int | None
    reverses: str | None
    actor: str | None
    metadata: dict[str, Any] | None
    occurred_at: str
    created_at: str


class LedgerPage(TypedDict):
    entries: list[Entry]
    next_cursor: str | None


class HeldBadge(TypedDict):
    """A badge that a learner holds, or held."""

    award_id: str
    badge_id: str
    name: str
    description: str
    status: Literal["awarded", "expired", "revoked"]
    cause: str
    awarded_at: str
    expires_at: str | None
    revoked_at: str | None
    revoked_reason: str | None
    event_id: str | None
    rule_id: str | None
    rule_version: int | None
    actor: str | None
    metadata: dict[str, Any] | None
    image_url: str
    verification_url: str


class HeldBadgePage(TypedDict):
    badges: list[HeldBadge]
    next_cursor: str | None


class Limit(TypedDict):
    """One cap of one rule: how much of it is used, and when it opens again."""

    rule_id: str
    title: str | None
    event: str
    points: Any
    constraint: str
    key: dict[str, Any] | None
    limit: int | None
    used: int | None
    remaining: int | None
    since: str | None
    resets_at: str | None
    opens_at: str | None


class LimitPage(TypedDict):
    user_id: str
    limits: list[Limit]
    next_cursor: str | None


class User(TypedDict):
    """A learner."""

    user_id: str
    email: str | None
    name: str | None
    status: Literal["active", "suspended", "anonymised"]
    weekly_goal: int | None
    leaderboard: Literal["shown", "anonymous", "hidden"]
    metadata: dict[str, Any] | None
    identities: list[str]
    created_at: str


class UserPage(TypedDict):
    users: list[User]
    next_cursor: str | None


class Standing(TypedDict):
    """One place of a leaderboard. Who wants to stand there without a name has no `user_id`."""

    rank: int
    points: int
    user_id: str | None
    anonymous: bool


class Leaderboard(TypedDict):
    period: Literal["all", "week", "month"]
    since: str | None
    until: str | None
    course: str | None
    learners: int
    as_of: str | None
    standings: list[Standing]
    next_cursor: str | None


class Trigger(TypedDict):
    event: str
    source: NotRequired[str]
    conditions: NotRequired[dict[str, Any]]


class Actions(TypedDict, total=False):
    award_points: Any  # points, or how they follow from a value of the event
    issue_badge: str
    multiplier: Any


class RuleBody(TypedDict):
    """What a rule says."""

    rule_id: str
    name: NotRequired[str]
    title: NotRequired[str]
    description: NotRequired[str]
    trigger: Trigger
    actions: Actions
    constraints: dict[str, Any]
    starts_at: NotRequired[str]
    ends_at: NotRequired[str]
    priority: NotRequired[int]
    active: bool
    status: NotRequired[str]


class Rule(RuleBody):
    """A rule in one of its versions."""

    version: int
    created_at: str | None
    updated_at: str | None
    created_by: str | None
    fault: NotRequired[str | None]
    withdrawn: NotRequired[bool | None]


class RulePage(TypedDict):
    rules: list[Rule]
    next_cursor: str | None


class Template(TypedDict):
    rule_id: str
    title: str
    default: bool
    enabled: bool
    rule: RuleBody


class TemplatePage(TypedDict):
    templates: list[Template]
    next_cursor: str | None


class Health(TypedDict):
    status: str
    version: str
    parts: dict[str, dict[str, Any]]


class WebhookEvent(TypedDict, total=False):
    """The body of a webhook in the format `rocket`."""

    id: str
    event: str
    user_id: str
    timestamp: str
    properties: dict[str, Any]
    points_awarded: int
