"""Points moved by hand or by another system: award, deduct, reverse; each once per idempotency key."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from rocket_server.db.queries import load
from rocket_server.errors import Conflict, NotFound, Unavailable
from rocket_server.ids import uuid7
from rocket_server.ledger import model, store
from rocket_server.ledger.model import Cause, Entry

SQL = load(__file__, "manual.sql")

Answer = dict[str, Any]


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


async def once(
    conn: Any, organisation_id: str, key: str | None, request: Any, work: Callable[[], Awaitable[Answer]]
) -> tuple[Answer, bool]:
    """Do `work` once for `key` and keep its answer for ever; the answer, and whether it is a replay.

    Raises Conflict where the key was used with another request. Without a key the work is just done.
    """
    if key is None:
        return await work(), False
    request_hash = hashlib.sha256(msgspec.json.encode(request, order="sorted")).digest()
    # Waits for a transaction that uses the same key at this moment.
    claimed = await conn.fetchval(SQL["claim"], organisation_id, key, request_hash, hashed_key(key))
    if claimed is None:
        row = await conn.fetchrow(SQL["find"], organisation_id, [key, hashed_key(key)])
        if row is None:
            raise Unavailable("Another request with this Idempotency-Key was just undone. Send it again.")
        if row["request_hash"] != request_hash:
            raise Conflict(
                "This Idempotency-Key was used with another request.", {"field": "Idempotency-Key"}
            )
        return row["response"], True
    answer = await work()
    await conn.execute(SQL["keep"], organisation_id, key, answer)
    return answer, False


def hashed_key(key: str) -> str:
    """What stands for a key that named somebody who was anonymised; it is still good for one request only."""
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"
