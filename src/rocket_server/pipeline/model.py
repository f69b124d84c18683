"""What passes between the steps of the pipeline."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from rocket_server.events.model import Event
from rocket_server.events.store import StoredEvent
from rocket_server.learners.store import Learner
from rocket_server.sources.withdrawals import Statement

# Why an event's own earlier award was reversed. Such a decision is kept beside the new ones, but the event
# isn't worth less for it.
DECIDED_ANEW = "decided anew"

# For how long rules or criteria may be asked about one group of events, with what others do in between.
BUDGET_S = 10.0

Status = Literal["processed", "ignored", "held", "failed"]


class Gift(msgspec.Struct, frozen=True):
    """A badge that a rule gives for an event; `award_id` is the rule's award, `detail` its decision's."""

    badge_id: str
    award_id: str
    rule_id: str
    rule_version: int
    detail: dict[str, Any]


class Item(msgspec.Struct):
    """One event on its way through the pipeline. `stored` is set where it was stored before, and is decided
    anew."""

    event: Event
    event_id: str
    stored: StoredEvent | None = None
    learner: Learner | None = None
    status: Status = "processed"
    reason: str | None = None
    decisions: list[dict[str, Any]] = []
    points: int = 0
    badges: list[str] = []
    gifts: list[Gift] = []  # badges that rules give, before it is known who holds them already
    # Events whose completion this one withdraws, and with it the badges that rules gave for them.
    withdrawn: list[str] = []
    statement: Statement | None = None
    # Decided as if for the first time, since it is another learner's or beside other events than before: what
    # it had itself taken back then is history, and not part of what it is worth.
    afresh: bool = False
    # The rules that decide again about a stored event, where the others' decisions stay; None: all decide.
    again: frozenset[str] | None = None
    superseded: bool = False  # a later event states the completion of the same module
    earned: int = 0  # what the learner had earned in all after this event
    chain: tuple[str, ...] = ()  # badges from which this event followed, the first one first


class Result(msgspec.Struct, frozen=True):
    """What became of one event, as the caller is told."""

    status: Literal["processed", "ignored", "held", "failed", "duplicate"]
    event_id: str | None
    points_awarded: int = 0
    badges: tuple[str, ...] = ()
    decisions: tuple[dict[str, Any], ...] = ()
    reason: str | None = None
    notes: tuple[str, ...] = ()  # how the event was read, for who looks after the platform


def points_of(decision: dict[str, Any]) -> int:
    """What a stored decision adds to its event's `points_awarded`."""
    anew = decision["outcome"] == "reversed" and decision["detail"].get("reason") == DECIDED_ANEW
    return 0 if anew else int(decision["points"])
