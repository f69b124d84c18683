"""Who acts, and what an act changed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from rocket_server.masking import masked

Kind = Literal["key", "person", "source", "command", "system"]

Action = Literal[
    "attempt.reviewed",
    "badge.awarded",
    "badge.changed",
    "badge.created",
    "badge.deleted",
    "badge.revoked",
    "batch.applied",
    "batch.undone",
    "course.reset",
    "delivery.redelivered",
    "event.retried",
    "events.retried",
    "issuer.changed",
    "issuer.key_rotated",
    "job.cancelled",
    "job.started",
    "key.created",
    "key.revoked",
    "member.changed",
    "member.created",
    "member.link_made",
    "member.password_changed",
    "member.second_factor_off",
    "member.second_factor_on",
    "organisation.changed",
    "organisation.created",
    "plugin.disabled",
    "plugin.enabled",
    "points.awarded",
    "points.deducted",
    "points.reversed",
    "question.changed",
    "question.created",
    "question.regraded",
    "rule.changed",
    "rule.created",
    "rule.withdrawn",
    "section.changed",
    "section.created",
    "section.deleted",
    "session.ended",
    "session.started",
    "source.changed",
    "source.created",
    "source.credential_added",
    "source.credential_revoked",
    "test.arranged",
    "test.changed",
    "test.created",
    "test.deleted",
    "test.moved",
    "test.published",
    "test.question_removed",
    "test.questions_added",
    "test.unpublished",
    "test_rule.changed",
    "test_rule.created",
    "test_rule.deleted",
    "user.anonymised",
    "user.changed",
    "user.created",
    "user.linked",
    "user.merged",
    "user.split",
    "webhook.changed",
    "webhook.created",
    "webhook.deleted",
    "webhook.recovery_begun",
    "webhook.secret_retired",
    "webhook.secret_rotated",
    "webhook.tested",
]

MAX_BYTES: Final = 8 * 1024  # of `before` and of `after`, as JSON
_MAX_SUBJECT: Final = 400  # characters


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `id` tells them from all others of their kind, `label` is what others are shown of them: the
    beginning of a key, a person's address, a command. `address` is where a request came from."""

    kind: Kind
    id: str
    label: str
    name: str = ""
    address: str | None = None
    request_id: str | None = None

    def __str__(self) -> str:
        """How the log names them, and finds them again."""
        return f"{self.kind}:{self.id}"

    @property
    def short(self) -> str:
        """How entries and notes about learners name them."""
        return self.label if self.kind == "command" else f"{self.kind}:{self.label}"

    @property
    def signature(self) -> str:
        """How a change of settings names them: with the name that somebody gave them."""
        return f"{self.short} ({self.name})" if self.name else self.short


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done. `subject` is a kind and an id: `rule:course_completion`. Neither `before` nor
    `after` may hold what names a learner: the log is never rewritten, and people may ask to be forgotten."""

    action: Action
    subject: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def changed(
    action: Action, subject: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[Act, ...]:
    """The act with what differs between two states; none where nothing does."""
    differing = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if not differing:
        return ()
    old = {name: before[name] for name in differing if name in before}
    new = {name: after[name] for name in differing if name in after}
    return (Act(action, subject, old, new),)


def storable(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What is kept of a state: without secrets, within MAX_BYTES, the largest fields left out first."""
    if value is None:
        return None
    kept: dict[str, Any] = masked(dict(value))
    sizes = {name: len(msgspec.json.encode(item)) + len(name.encode()) + 4 for name, item in kept.items()}
    total = 2 + sum(sizes.values())
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        if total <= MAX_BYTES:
            break
        kept[name] = f"left out: {sizes[name]:,} bytes"
        total -= sizes[name] - 2 * len(name.encode()) - 40
    return kept if total <= MAX_BYTES else {"left_out": f"{len(kept):,} fields"}


def subject_of(kind: str, identifier: str) -> str:
    """What an act is about, as the log finds it again."""
    return f"{kind}:{identifier}"[:_MAX_SUBJECT]
