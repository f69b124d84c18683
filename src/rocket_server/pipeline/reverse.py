"""Undoes an entry by hand, and what a rule counts by it."""

from __future__ import annotations

from typing import Any

from rocket_server.ledger import manual
from rocket_server.ledger import store as ledger_store
from rocket_server.ledger.model import Cause, Entry
from rocket_server.rules import store as rules_store


async def reverse(conn: Any, organisation_id: str, entry_id: str, cause: Cause) -> Entry:
    """Reverse an award or a deduction. A rule's award that is reversed no longer counts against its caps.

    Raises NotFound, or Conflict where that was done or can't be done.
    """
    reversal = await manual.reverse(conn, organisation_id, entry_id, cause)
    undone = (await ledger_store.find_entries(conn, organisation_id, [entry_id]))[entry_id]
    if undone.rule_id is not None:
        await rules_store.remove_marks(
            conn, organisation_id, [(undone.learner_id, undone.rule_id, undone.entry_id)]
        )
    return reversal
