"""Takes a wrong link apart: identities become a learner of their own, and their history follows them.

Entries can't be changed, and what one person earned isn't what two would have: a course counted once for
both. So the events of the identities are decided anew as the new learner's, which reverses what they had
earned, and then those of the learner who stays that were decided beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from rocket_server.assessments.attempts import persons
from rocket_server.configuration.snapshot import Configuration
from rocket_server.db.queries import load
from rocket_server.errors import InvalidPayload, NotFound
from rocket_server.ids import uuid7
from rocket_server.leaderboards import refresh
from rocket_server.learners import people
from rocket_server.learners import store as learners
from rocket_server.learners.people import Person
from rocket_server.learners.store import Learner
from rocket_server.ledger import store as ledger_store
from rocket_server.people.merge import tell
from rocket_server.pipeline.ingest import retry

SQL = load(__file__, "split.sql")

_AT_ONCE: Final = 500  # events decided in one pass
_MOST_AGAIN: Final = 20_000  # events of who stays that are decided again
_FIRST: Final = "00000000-0000-0000-0000-000000000000"


@dataclass(slots=True)
class Split:
    """Identities of `learner` that are those of `new` now. `replayed` where that had been done before."""

    split_id: str
    split_at: datetime
    learner: Learner
    new: Learner
    identities: list[str]
    replayed: bool = False
    events: int = 0  # that followed
    judged_again: int = 0  # of those that stayed
    position: str = _FIRST
    finished: bool = False


async def begin_split(
    conn: Any,
    configuration: Configuration,
    user_id: str,
    identities: Sequence[str],
    actor: str,
    now: datetime,
) -> Split:
    """Make `identities` of the learner known as `user_id` a learner of their own, known by the first of them.

    From then on their events are the new learner's; `continue_split` lets the earlier ones follow. What was
    given by hand stays, since it was given to the person. Raises NotFound, InvalidPayload where an identity
    isn't this learner's or is the one that they are shown under, Conflict where the learner was anonymised.
    """
    organisation_id = configuration.organisation_id
    known = await learners.find(conn, organisation_id, [user_id, *identities])
    if user_id not in known:
        raise NotFound("There is no such learner.", {"field": "user_id"})
    learner = known[user_id]
    earlier = await _done_before(conn, organisation_id, learner, identities, known)
    if earlier is not None:
        return earlier
    for index, identity in enumerate(identities):
        if identity not in known or known[identity].learner_id != learner.learner_id:
            raise InvalidPayload.field(f"identities[{index}]", f"{identity!r} is none of this learner's")
        if identity == learner.user_id:
            raise InvalidPayload.field(
                f"identities[{index}]", f"{identity!r} is the user_id and stays; split the others off"
            )

    await persons.lock(conn, organisation_id, learner.learner_id)
    await conn.execute(learners.SQL["lock_email_addresses"], organisation_id)
    await learners.lock(conn, organisation_id, learner)
    await ledger_store.lock(conn, organisation_id, [learner.learner_id])
    new_id = uuid7()
    rows = await conn.fetch(
        SQL["move_identities"], organisation_id, learner.learner_id, new_id, list(identities)
    )
    await persons.part(conn, organisation_id, learner.learner_id, new_id, identities)
    told = {row["identity"]: row["email"] for row in rows if row["email"]}
    email = next((told[identity] for identity in identities if identity in told), None)
    person = Person(new_id, identities[0], email, None, "active", None, None, now, list(identities))
    await people.add(conn, organisation_id, person)
    await _keep_own_address(conn, organisation_id, learner, {one.lower() for one in told.values()})
    detail: dict[str, Any] = {"into": new_id, "identities": len(identities)}
    await people.note(conn, organisation_id, learner.learner_id, "split", actor, now, detail)
    detail = {"from": learner.learner_id, "identities": len(identities)}
    split_id = await people.note(conn, organisation_id, new_id, "split", actor, now, detail)
    properties = {"new_user_id": identities[0], "identities": list(identities)}
    await tell(conn, configuration, "user.split", learner.user_id, properties, now)
    new = Learner(new_id, identities[0], "active", email)
    return Split(split_id, now, learner, new, list(identities))


async def continue_split(conn: Any, configuration: Configuration, split: Split, now: datetime) -> Split:
    """Let a piece of the history follow; `finished` of the answer says whether that was the last.

    With the last piece, the events of the learner who stays that were decided beside those that left are
    decided anew. Both read the rules of today, as any event does that is run again.
    """
    split = replace(split)  # the transaction may be tried again
    organisation_id = configuration.organisation_id
    stays, new = split.learner.learner_id, split.new.learner_id
    rows = await conn.fetch(SQL["identities_of"], organisation_id, new)
    identities = [row[0] for row in rows]
    found = await conn.fetch(SQL["events_left"], organisation_id, stays, identities, split.position, _AT_ONCE)
    event_ids = [row[0] for row in found]
    if event_ids:
        split.position = event_ids[-1]
        split.events += len(await retry(conn, configuration, event_ids, now, afresh=True))
    if len(event_ids) < _AT_ONCE:
        if split.events:
            await _judge_those_left(conn, configuration, split, now)
        split.finished = True
    if event_ids:
        await conn.execute(SQL["forget_badge_marks"], organisation_id, stays)
        await refresh.recount(conn, organisation_id, [stays, new])
    return split


async def _judge_those_left(conn: Any, configuration: Configuration, split: Split, now: datetime) -> None:
    organisation_id = configuration.organisation_id
    stays, new = split.learner.learner_id, split.new.learner_id
    named_by = configuration.withdrawals.named_by
    names, keys = [name for name, _ in named_by], [key for _, key in named_by]
    rows = await conn.fetch(SQL["events_touched"], organisation_id, stays, new, names, keys, _MOST_AGAIN)
    event_ids = [row[0] for row in rows]
    await conn.execute(SQL["forget_completions"], organisation_id, stays, new, event_ids)
    for start in range(0, len(event_ids), _AT_ONCE):
        piece = event_ids[start : start + _AT_ONCE]
        split.judged_again += len(await retry(conn, configuration, piece, now, afresh=True))


async def _done_before(
    conn: Any,
    organisation_id: str,
    learner: Learner,
    identities: Sequence[str],
    known: dict[str, Learner],
) -> Split | None:
    """The split that gave all of `identities` to one other learner."""
    owners = {known[identity].learner_id for identity in identities if identity in known}
    if len(owners) != 1 or learner.learner_id in owners or not known.keys() >= set(identities):
        return None
    new = known[identities[0]]
    row = await conn.fetchrow(SQL["split_of"], organisation_id, new.learner_id, learner.learner_id)
    if row is None:
        return None
    return Split(row["split_id"], row["changed_at"], learner, new, list(identities), replayed=True)


async def _keep_own_address(conn: Any, organisation_id: str, learner: Learner, gone: set[str]) -> None:
    """Give the learner who stays the address that their own platforms tell, or none, where they had the
    other's."""
    if learner.email is None or learner.email.lower() not in gone:
        return
    rows = await conn.fetch(SQL["addresses_left"], organisation_id, learner.learner_id)
    left = [row[0] for row in rows]
    if learner.email.lower() not in {one.lower() for one in left}:
        own = left[0] if left else None
        await conn.execute(learners.SQL["set_emails"], organisation_id, [learner.learner_id], [own])
