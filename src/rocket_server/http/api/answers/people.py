"""Answers about learners: who they are, what they have, and what is still to be had."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel


class User(BaseModel):
    """A learner. `identities` are all names by which they are known."""

    user_id: str
    email: str | None
    name: str | None
    status: Literal["active", "suspended", "anonymised"]
    weekly_goal: int | None
    leaderboard: Literal["shown", "anonymous", "hidden"]
    metadata: dict[str, Any] | None
    identities: list[str]
    created_at: str


class Released(BaseModel):
    """Events that had waited for an identity and were run; with `more`, further ones still wait."""

    events: int
    points_awarded: int
    more: bool


class ChangedUser(User):
    """A learner after a change, with the events that it released."""

    released: Released | None = None


class UserPage(BaseModel):
    """Learners."""

    users: list[User]
    next_cursor: str | None


class Merged(BaseModel):
    """Two learners made one, or what that would bring; `followed` says what went to the one who stays."""

    status: Literal["merged", "already_merged", "preview"]
    merge_id: str | None
    user_id: str
    merged_at: str | None
    followed: dict[str, Any]


class Followed(BaseModel):
    """What went to the new learner, and how many events of the one who stays were decided again."""

    identities: list[str]
    events: int
    events_judged_again: int


class SplitPoints(BaseModel):
    """Balances: of the one who stays before and now, and the new learner's."""

    before: int
    left: int
    new: int


class Split(BaseModel):
    """A learner taken apart, or what that would bring; with `more`, the same request goes on."""

    status: Literal["split", "already_split", "preview"]
    split_id: str | None
    user_id: str
    new_user_id: str
    split_at: str | None
    followed: Followed
    points: SplitPoints
    more: bool


class Anonymised(BaseModel):
    """A learner who was forgotten; `erasure` is whether the traces in old messages are gone too."""

    user_id: str
    status: Literal["anonymised"]
    erasure: Literal["running", "finished"]
    erased_at: str | None


class UserHistoryItem(BaseModel):
    """What somebody did with a learner."""

    change_id: str
    action: str
    actor: str | None
    detail: dict[str, Any]
    changed_at: str


class UserHistory(BaseModel):
    """Changes, the latest first."""

    changes: list[UserHistoryItem]
    next_cursor: str | None


class NextRank(BaseModel):
    """The rank that comes next, and the weeks of a streak that it begins with."""

    name: str
    weeks: int


class RankShown(BaseModel):
    """A learner's rank, streak and week so far."""

    user_id: str
    rank: str
    multiplier: float
    discount_pct: int
    streak_weeks: int
    grace_weeks: int
    weekly_goal: int
    points_this_week: int
    next_rank: NextRank | None


class Entry(BaseModel):
    """A movement of points; `points` is below zero where some were taken. `number` counts the account's."""

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


class EntryPage(BaseModel):
    """Entries, the latest first."""

    entries: list[Entry]
    next_cursor: str | None


class HeldBadge(BaseModel):
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


class HeldBadgePage(BaseModel):
    """A learner's badges, the latest first."""

    badges: list[HeldBadge]
    next_cursor: str | None


class Limit(BaseModel):
    """One cap of a rule and what is used of it; a rule without caps has `constraint` null."""

    rule_id: str
    title: str | None
    event: str
    points: int | dict[str, Any]
    constraint: str | None
    key: dict[str, Any] | None
    limit: int | None
    used: int | None
    remaining: int | None
    since: str | None
    resets_at: str | None
    opens_at: str | None


class LimitPage(BaseModel):
    """What is still to be had, by rule."""

    user_id: str
    limits: list[Limit]
    next_cursor: str | None
