"""Points moved by hand or by another system: award, deduct, reverse."""

from __future__ import annotations

from typing import Any

from rocket_server.errors import Conflict, NotFound
from rocket_server.ids import uuid7
from rocket_server.ledger import model, store
from rocket_server.ledger.model import Cause, Entry


async def award(conn: Any, organisation_id: str, learner_id: str, points: int, cause: Cause) -> Entry:
    """Give points to a learner."""
    account = (await store.lock(conn, organisation_id, [learner_id]))[learner_id]
    entry = model.award(account, uuid7(), points, cause)
    await store.write(conn, organisation_id, [entry], [account])
    return entry


async def deduct(conn: Any, organisation_id: str, learner_id: str, points: int, cause: Cause) -> Entry:
    """Spend a learner's points. Raises InsufficientPoints where there are fewer, whoever races."""
    account = (await store.lock(conn, organisation_id, [learner_id]))[learner_id]
    entry = model.deduct(account, uuid7(), points, cause)
    await store.write(conn, organisation_id, [entry], [account])
    return entry


async def reverse(conn: Any, organisation_id: str, entry_id: str, cause: Cause) -> Entry:
    """Undo an award or a deduction. Raises NotFound, or Conflict where that was done or can't be done.

    Where its learner was merged into another since, the reversal is an entry of the other.
    """
    found = (await store.find_entries(conn, organisation_id, [entry_id])).get(entry_id)
    if found is None:
        raise NotFound("There is no such entry.", {"field": "entry_id"})
    locked = await store.lock(conn, organisation_id, [found.learner_id], anonymised=True)
    account = locked[found.learner_id]
    # Read again under the lock: who raced us has committed by now.
    entry = (await store.find_entries(conn, organisation_id, [entry_id]))[entry_id]
    if entry.kind == "reversal":
        raise Conflict(
            "A reversal can't be reversed; award or deduct the points anew.", {"field": "entry_id"}
        )
    if entry.kind == "transfer":
        raise Conflict("A merge of two learners can't be reversed.", {"field": "entry_id"})
    if entry.reversed:
        raise Conflict("This entry was reversed already.", {"field": "entry_id"})
    reversal = model.reverse(account, uuid7(), entry_id, entry.kind, entry.amount, cause)
    await store.write(conn, organisation_id, [reversal], [account])
    return reversal
