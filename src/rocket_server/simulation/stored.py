"""What is read of the past: stored events and decisions, and what stood before the period; pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from rocket_server.events.model import CompletionState, Event

# Why a rule refused a completion whose withdrawal was known already (`pipeline/award.py`).
WITHDRAWN_LATER: Final = "withdrawn_later"


class StoredRank(msgspec.Struct):
    """The learner's rank as a rule that multiplies by it stated it."""

    name: str | None
    factor: int | float


class StoredFactor(msgspec.Struct):
    """What a rule multiplied an event's points by."""

    factor: int | float


class StoredDetail(msgspec.Struct):
    """What counts of a decision's detail; the rest isn't decoded."""

    entry_id: str | None = None
    award_id: str | None = None
    reverses: str | None = None
    reason: Any = None
    batch: str | None = None
    rank: StoredRank | None = None
    multiplies: StoredFactor | None = None

    @property
    def made(self) -> str | None:
        """The award's id: that of its entry, or its own where it has no points."""
        return self.entry_id or self.award_id


class StoredDecision(msgspec.Struct):
    """A decision as it is stored with its event."""

    rule_id: str
    rule_version: int
    outcome: str
    points: int
    detail: StoredDetail


decode_decisions = msgspec.json.Decoder(list[StoredDecision]).decode
decode_object = msgspec.json.Decoder(dict[str, Any]).decode


class StoredMark(NamedTuple):
    """What an award from before the period counts against."""

    rule_id: str
    mark: str
    occurred_at: datetime
    points: int


class StoredCompletion(NamedTuple):
    """The latest state of one thing before the period."""

    source: str
    subject: str
    state: CompletionState
    occurred_at: datetime
    sequence: int


class StoredReversal(NamedTuple):
    """An award that was taken back in the period: by hand (`by_event` None), or one from before the period
    by an event. `event` is what the award was for; it is None where that lies in the period."""

    reversal_id: str
    by_event: str | None
    entry_id: str
    amount: int
    rule_id: str
    rule_version: int
    event_id: str
    event: Event | None


class Before(NamedTuple):
    """What is known of a learner before the first event is judged."""

    active: bool
    marks: list[StoredMark]
    completions: list[StoredCompletion]
    reversals: list[StoredReversal]
    streak_weeks: int = 0  # last seen, now


def event_of(
    source: str,
    source_kind: str,
    source_event_id: str | None,
    event: str,
    user_id: str | None,
    occurred_at: datetime,
    properties: str,
    metadata: str | None,
) -> Event:
    """A stored event as rules see it."""
    return Event(
        event,
        source,
        user_id,
        occurred_at,
        decode_object(properties),
        {} if metadata is None else decode_object(metadata),
        b"",
        source_event_id,
        source_kind,
    )
