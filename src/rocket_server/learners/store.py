"""Finds the learner behind an identity, and makes one where that is wanted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from rocket_server.db.pool import TryAgain
from rocket_server.db.queries import load
from rocket_server.errors import Conflict, NotFound
from rocket_server.identities import normal as normal_form
from rocket_server.ids import uuid7

SQL = load(__file__, "store.sql")


class Learner(msgspec.Struct, frozen=True):
    """One person. `user_id` is the identity under which this person was first seen."""

    learner_id: str
    user_id: str
    status: str  # active, suspended or anonymised
    email: str | None = None


class Wanted(msgspec.Struct, frozen=True):
    """Somebody whom an event names. With `create`, a learner is made where nobody is known."""

    identity: str
    email: str | None = None  # trustworthy: links the identity to the learner who has it
    others: tuple[str, ...] = ()  # further identities of the same person
    create: bool = True


async def find(conn: Any, organisation_id: str, identities: Collection[str]) -> dict[str, Learner]:
    """The learners known by `identities`; who isn't known isn't in the answer.

    Identities are kept in the form NFC. One that was kept in another form before, and couldn't be brought
    into it because somebody else has that, is found as it is written.
    """
    if not identities:
        return {}
    normal = {one: normal_form(one) for one in identities if not one.isascii()}
    rows = await conn.fetch(SQL["find"], organisation_id, list({*identities, *normal.values()}))
    found = {row[0]: Learner(row[1], row[2], row[4], row[3]) for row in rows}
    for identity, form in normal.items():
        if identity not in found and form in found:
            found[identity] = found[form]
    return found


async def find_one(conn: Any, organisation_id: str, identity: str) -> Learner | None:
    """The learner known by `identity`."""
    return (await find(conn, organisation_id, [identity])).get(identity)


async def read(conn: Any, organisation_id: str, learner_id: str) -> Learner | None:
    """The learner of that id."""
    row = await conn.fetchrow(SQL["read"], organisation_id, learner_id)
    return None if row is None else Learner(*row.values())


async def weekly_goal(conn: Any, organisation_id: str, learner_id: str) -> int | None:
    """A learner's own weekly goal in points; None where the organisation's counts."""
    found: int | None = await conn.fetchval(SQL["weekly_goal"], organisation_id, learner_id)
    return found


async def streaks(conn: Any, organisation_id: str, learner_ids: Collection[str]) -> dict[str, int]:
    """The weeks of the streaks that learners were last seen to have, for rules that multiply by rank: half a
    minute behind the entries. Who was never looked at isn't in the answer."""
    if not learner_ids:
        return {}
    rows = await conn.fetch(SQL["streaks"], organisation_id, list(learner_ids))
    return {row[0]: row[1] for row in rows}


async def link(conn: Any, organisation_id: str, identities: Sequence[str], user_id: str) -> Learner:
    """Make `identities` those of the learner known as `user_id`; nothing changes where they are that already.

    Raises NotFound where nobody is known as `user_id`, Conflict where an identity is somebody else's.
    """
    learner = await find_one(conn, organisation_id, user_id)
    if learner is None:
        raise NotFound(f"Nobody is known as {user_id!r}.", {"field": "user_id"})
    await lock(conn, organisation_id, learner)
    await conn.fetch(
        SQL["add_identities"], organisation_id, list(identities), [learner.learner_id] * len(identities)
    )
    owners = await find(conn, organisation_id, identities)
    for identity in identities:
        owner = owners.get(identity)
        if owner is None or owner.learner_id != learner.learner_id:
            known_as = "somebody else" if owner is None else owner.user_id
            raise Conflict(f"{identity!r} belongs to {known_as} already.", {"field": "identities"})
    return learner


async def lock(conn: Any, organisation_id: str, learner: Learner) -> None:
    """Keep a learner as he is until the transaction ends. Raises TryAgain where he was merged into another
    since he was found, Conflict where he is anonymous by now."""
    row = await conn.fetchrow(SQL["lock_learner"], organisation_id, learner.learner_id)
    if row is None or row["merged"]:
        raise TryAgain("a learner was merged into another meanwhile")
    if row["status"] == "anonymised":
        raise Conflict("This learner was anonymised and can't be changed.", {"field": "user_id"})


async def resolve(conn: Any, organisation_id: str, wanted: Sequence[Wanted]) -> dict[str, Learner]:
    """The learner of each wanted identity, in a number of statements that doesn't grow with them.

    An unknown identity is linked to the learner who has one of its other identities or its e-mail
    address, else a learner is made where `create` allows it. Who stays unknown isn't in the answer.
    """
    identities = {one.identity for one in wanted}
    identities.update(other for one in wanted for other in one.others)
    known = await find(conn, organisation_id, identities)
    if any(_brings_news(one, known) for one in wanted):
        await _introduce(conn, organisation_id, wanted, known)
    return known


def _brings_news(one: Wanted, known: dict[str, Learner]) -> bool:
    learner = known.get(one.identity)
    if learner is None:
        return one.create or one.email is not None or any(other in known for other in one.others)
    return (one.email is not None and learner.email is None) or any(
        other not in known for other in one.others
    )


async def _introduce(
    conn: Any, organisation_id: str, wanted: Sequence[Wanted], known: dict[str, Learner]
) -> None:
    """Link and make learners; `known` grows by them."""
    by_email: dict[str, Learner] = {}
    emails = {one.email.lower() for one in wanted if one.email}
    if emails:
        await conn.fetch(SQL["lock_email_addresses"], organisation_id)
        for row in await conn.fetch(SQL["find_by_email"], organisation_id, sorted(emails)):
            by_email[row["address"]] = Learner(row["learner_id"], row["user_id"], row["status"], row["email"])

    linked: dict[str, Learner] = {}
    made: dict[str, Learner] = {}
    new_emails: dict[str, str] = {}
    for one in wanted:
        email = one.email.lower() if one.email else None
        learner = known.get(one.identity) or linked.get(one.identity)
        if learner is None:
            learner = next(
                (found for other in one.others if (found := known.get(other) or linked.get(other))), None
            ) or (by_email.get(email) if email else None)
            if learner is None:
                if not one.create:
                    continue
                learner = Learner(uuid7(), one.identity, "active", one.email)
                made[learner.learner_id] = learner
                if email:
                    by_email[email] = learner
            linked[one.identity] = learner
        if one.email and email and learner.email is None and email not in by_email:
            learner = replace(learner, email=one.email)
            by_email[email] = learner
            if learner.learner_id in made:
                made[learner.learner_id] = learner
            else:
                new_emails[learner.learner_id] = one.email
        for other in one.others:
            if other not in known:
                linked.setdefault(other, learner)

    await _write(conn, organisation_id, linked, made, new_emails, known)


async def _write(
    conn: Any,
    organisation_id: str,
    linked: dict[str, Learner],
    made: dict[str, Learner],
    new_emails: dict[str, str],
    known: dict[str, Learner],
) -> None:
    if linked:
        rows = await conn.fetch(
            SQL["add_identities"],
            organisation_id,
            list(linked),
            [learner.learner_id for learner in linked.values()],
        )
        won = {row[0] for row in rows}
        born = [learner for learner in made.values() if learner.user_id in won]
        if born:
            await conn.execute(
                SQL["add_learners"],
                organisation_id,
                [learner.learner_id for learner in born],
                [learner.user_id for learner in born],
                [learner.email for learner in born],
            )
        alive = {learner.learner_id for learner in born}
        for identity in won:
            learner = made.get(linked[identity].learner_id, linked[identity])
            if learner.learner_id in made and learner.learner_id not in alive:
                raise TryAgain("a learner was made meanwhile whose further identities we took")
            known[identity] = learner
        # Others, now committed, were faster with these.
        known.update(await find(conn, organisation_id, linked.keys() - won))
    if new_emails:
        await conn.execute(SQL["set_emails"], organisation_id, list(new_emails), list(new_emails.values()))
