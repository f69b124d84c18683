"""Makes two learners one person: what belongs to the one follows to the other, for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rocket_server.assessments.attempts import persons
from rocket_server.configuration.snapshot import Configuration
from rocket_server.db.pool import TryAgain
from rocket_server.db.queries import load
from rocket_server.delivery import outbox
from rocket_server.errors import Conflict, NotFound
from rocket_server.ids import uuid7
from rocket_server.leaderboards import refresh
from rocket_server.learners import people
from rocket_server.learners import store as learners
from rocket_server.learners.store import Learner
from rocket_server.ledger import model as ledger
from rocket_server.ledger import store as ledger_store
from rocket_server.ledger.model import Cause

SQL = load(__file__, "merge.sql")


@dataclass(frozen=True, slots=True)
class Merge:
    """What a merge moved. `replayed` where it had been done before."""

    merge_id: str
    user_id: str
    merged_at: datetime
    followed: dict[str, Any]
    replayed: bool = False


async def merge(
    conn: Any, configuration: Configuration, user_id: str, from_id: str, actor: str, now: datetime
) -> Merge:
    """Make the learner known as `from_id` one with the learner known as `user_id`. There is no way back.

    Balances move by entries of kind transfer; entries, events and the counters behind caps then belong to one
    person. What both had been awarded stays, also where a rule gives it once. Locks are taken in the
    pipeline's order; an event that arrives meanwhile for either finds the one who is left.

    Raises NotFound, or Conflict where the two are one already, one of them was anonymised, or they have more
    identities together than one may have.
    """
    organisation_id = configuration.organisation_id
    known = await learners.find(conn, organisation_id, [user_id, from_id])
    if user_id not in known:
        raise NotFound("There is no such learner.", {"field": "user_id"})
    if from_id not in known:
        raise NotFound("There is no such learner.", {"field": "from"})
    target, source = known[user_id], known[from_id]
    if target.learner_id == source.learner_id:
        return await _done_before(conn, organisation_id, target, from_id)

    await persons.move(conn, organisation_id, source.learner_id, target.learner_id)
    rows = await hold(conn, organisation_id, source.learner_id, target.learner_id)
    if any(row["merged_into"] for row in rows.values()):
        raise TryAgain("one of two learners was merged meanwhile")
    for field, learner in (("user_id", target), ("from", source)):
        if rows[learner.learner_id]["status"] == "anonymised":
            raise Conflict("This learner was anonymised and can't be merged.", {"field": field})

    followed, number = await _move_points(conn, organisation_id, target, source, Cause(actor, now))
    followed |= await _move_rest(conn, organisation_id, target, source, rows)
    if await persons.has_attempts(conn, organisation_id, source.learner_id):
        raise TryAgain("one of two learners began a test meanwhile")
    await refresh.recount(conn, organisation_id, [target.learner_id])
    counts = {name: len(found) if isinstance(found, list) else found for name, found in followed.items()}
    merge_id = await people.note(
        conn,
        organisation_id,
        target.learner_id,
        "merged",
        actor,
        now,
        {"followed": counts},
        (source.learner_id, number),
    )
    properties = {"identities": followed["identities"]}
    await tell(conn, configuration, "user.merged", target.user_id, properties, now)
    return Merge(merge_id, target.user_id, now, followed)


async def hold(conn: Any, organisation_id: str, source_id: str, target_id: str) -> dict[str, Any]:
    """Lock what a merge changes of two learners, but for their attempts and accounts; their rows."""
    await conn.execute(SQL["lock_events"], organisation_id, source_id)
    await conn.execute(learners.SQL["lock_email_addresses"], organisation_id)
    rows = await conn.fetch(SQL["lock_learners"], organisation_id, [target_id, source_id])
    return {row["learner_id"]: row for row in rows}


async def _done_before(conn: Any, organisation_id: str, target: Learner, from_id: str) -> Merge:
    merged = await conn.fetchval(SQL["merged_from"], organisation_id, from_id)
    if merged is None:
        raise Conflict("These are one person already.", {"field": "from"})
    row = await conn.fetchrow(SQL["merge_of"], organisation_id, merged)
    return Merge(row["merge_id"], target.user_id, row["changed_at"], row["detail"]["followed"], replayed=True)


async def _move_points(
    conn: Any, organisation_id: str, target: Learner, source: Learner, cause: Cause
) -> tuple[dict[str, Any], int]:
    """Move the balance; what moved, and the number of the target's last entry."""
    accounts = await ledger_store.lock(conn, organisation_id, [target.learner_id, source.learner_id])
    left, kept = accounts[source.learner_id], accounts[target.learner_id]
    followed = {"points": left.points, "earned": left.earned, "spent": left.spent, "entries": left.entries}
    entries = ledger.transfer(left, kept, uuid7, cause)
    await ledger_store.write(conn, organisation_id, entries, [left, kept])
    await ledger_store.mark_merged(conn, organisation_id, left.learner_id, kept.learner_id)
    return followed, kept.entries


async def _move_rest(
    conn: Any, organisation_id: str, target: Learner, source: Learner, rows: dict[str, Any]
) -> dict[str, Any]:
    mine, other = rows[target.learner_id], rows[source.learner_id]
    move = (organisation_id, source.learner_id, target.learner_id)
    takes_email = mine["email"] is None and other["email"] is not None
    await conn.execute(SQL["mark_merged"], *move, takes_email)
    await conn.execute(
        SQL["complete_learner"],
        organisation_id,
        target.learner_id,
        other["email"] if takes_email else None,
        other["name"],
        other["weekly_goal"],
    )
    identities = [row[0] for row in await conn.fetch(SQL["move_identities"], *move)]
    await learners.refuse_too_many(conn, organisation_id, target.learner_id)
    events = _count(await conn.execute(SQL["move_events"], *move))
    marks = _count(await conn.execute(SQL["move_marks"], *move))
    await conn.execute(SQL["join_completions"], *move)
    completions = _count(await conn.execute(SQL["remove_completions"], organisation_id, source.learner_id))
    await conn.execute(SQL["remove_rank"], organisation_id, source.learner_id)
    badges = [row[0] for row in await conn.fetch(SQL["move_badges"], *move)]
    await conn.execute(SQL["move_badge_marks"], *move)
    await conn.execute(SQL["remove_badge_marks"], organisation_id, source.learner_id)
    held = [row[0] for row in await conn.fetch(SQL["badges_left"], organisation_id, source.learner_id)]
    return {
        "identities": sorted(identities),
        "events": events,
        "counted_awards": marks,
        "completions": completions,
        "badges": sorted(badges),
        "badges_held_by_both": held,
    }


def _count(status: str) -> int:
    """The number of rows in a command's status, such as `UPDATE 3`."""
    return int(status.rpartition(" ")[2])


async def tell(
    conn: Any,
    configuration: Configuration,
    event: str,
    user_id: str,
    properties: dict[str, Any],
    now: datetime,
) -> None:
    """Tell webhooks that want it what was done with a learner."""
    message = outbox.told(event, user_id, now, properties)
    await outbox.enqueue(conn, configuration.organisation_id, configuration.endpoints, [message], now)
