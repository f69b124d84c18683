"""Undoes an entry by hand, what a rule counts by it, and the badge that came with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rocket_server.badges import awards
from rocket_server.configuration.snapshot import Configuration
from rocket_server.learners import store as learners
from rocket_server.ledger import manual
from rocket_server.ledger import store as ledger_store
from rocket_server.ledger.model import Cause, Entry
from rocket_server.pipeline import badges
from rocket_server.pipeline.write import write
from rocket_server.rules import store as rules_store

_REVERSED = "the points that came with it were reversed: {}"


async def reverse(
    conn: Any, configuration: Configuration, entry_id: str, cause: Cause, now: datetime
) -> tuple[Entry, list[str]]:
    """Reverse an award or a deduction; the reversal, and the ids of badges that were taken back with it.

    A rule's award that is reversed no longer counts against its caps, and the badge that the rule gave in the
    same decision goes with it. Raises NotFound, or Conflict where that was done or can't be done.
    """
    organisation_id = configuration.organisation_id
    reversal = await manual.reverse(conn, organisation_id, entry_id, cause)
    undone = (await ledger_store.find_entries(conn, organisation_id, [entry_id]))[entry_id]
    if undone.rule_id is None:
        return reversal, []
    await rules_store.remove_marks(conn, organisation_id, [undone.entry_id])
    given = await awards.by_rule_award(conn, organisation_id, undone.learner_id, entry_id)
    learner = await learners.read(conn, organisation_id, undone.learner_id)
    if given is None or learner is None or learner.status == "anonymised":
        return reversal, []
    reason = _REVERSED.format(cause.reason)
    followed = await badges.take_back_by_hand(conn, configuration, given, now, cause.actor, reason)
    await write(conn, configuration, [], now, [], followed)
    return reversal, [given.badge_id]
