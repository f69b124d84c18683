"""Finds the learner behind an identity, and makes one where that is wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import replace

from rocket_server.db.pool import TryAgain
from rocket_server.db.queries import load
from rocket_server.errors import Conflict, NotFound
from rocket_server.identities import MAX_SPELLED
from rocket_server.identities import normal as normal_form
from rocket_server.ids import uuid7
from rocket_server.learners.addresses import OWN, Holders, source_of

SQL = load(__file__, "store.sql")

MAX_IDENTITIES_HELD = 1_000  # of one learner


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
    tells: bool = True  # the address is today's: it takes the place of the one that is known


async def find(conn: Any, organisation_id: str, identities: Collection[str]) -> dict[str, Learner]:
    """The learners known by `identities`; who isn't known isn't in the answer.

    Identities are kept in the form NFC. One that was kept in another form before, and couldn't be brought
    into it because somebody else has that, is found as it is written.
    """
    return (await _find(conn, organisation_id, identities))[0]


async def _find(
    conn: Any, organisation_id: str, identities: Collection[str]
) -> tuple[dict[str, Learner], dict[str, str]]:
    """As `find`, and the address that was told last of each identity of which one was."""
    if not identities:
        return {}, {}
    normal = {one: normal_form(one) for one in identities if not one.isascii()}
    rows = await conn.fetch(SQL["find"], organisation_id, list({*identities, *normal.values()}))
    found = {row[0]: Learner(row[1], row[2], row[4], row[3]) for row in rows}
    for identity, form in normal.items():
        if identity not in found and form in found:
            found[identity] = found[form]
    return found, {row[0]: row[5] for row in rows if row[5] is not None}


async def find_one(conn: Any, organisation_id: str, identity: str) -> Learner | None:
    """The learner known by `identity`."""
    if len(identity) > MAX_SPELLED:
        return None  # bringing ten thousand accents into their form would take a second
    return (await find(conn, organisation_id, [identity])).get(identity)


async def known_learner(conn: Any, organisation_id: str, user_id: str) -> Learner:
    """The learner of any of their identities. Raises NotFound."""
    learner = await find_one(conn, organisation_id, user_id) if "\0" not in user_id else None
    if learner is None:
        raise NotFound("There is no such learner.", {"field": "user_id"})
    return learner


async def in_query(conn: Any, organisation_id: str, text: str) -> Learner | None:
    """The learner whom a query string names, also where the plus signs of an id became blanks in it."""
    if "\0" in text:
        return None
    spelt = [text, text.replace(" ", "+")]
    found = await find(conn, organisation_id, spelt)
    return next((found[one] for one in spelt if one in found), None)


async def read(conn: Any, organisation_id: str, learner_id: str) -> Learner | None:
    """The learner of that id."""
    row = await conn.fetchrow(SQL["read"], organisation_id, learner_id)
    return None if row is None else Learner(*row.values())


async def merged_into(conn: Any, organisation_id: str, learner_id: str) -> list[str]:
    """The learner and all who were merged into them."""
    return [row[0] for row in await conn.fetch(SQL["merged_into"], organisation_id, learner_id)]


async def user_ids(conn: Any, organisation_id: str, learner_ids: Collection[str]) -> dict[str, str]:
    """Under which ids learners are shown now; who was merged into another is the other."""
    if not learner_ids:
        return {}
    rows = await conn.fetch(SQL["user_ids"], organisation_id, list(learner_ids))
    return {row[0]: row[1] for row in rows}


async def weekly_goal(conn: Any, organisation_id: str, learner_id: str) -> int | None:
    """A learner's own weekly goal in points; None where the organisation's counts."""
    found: int | None = await conn.fetchval(SQL["weekly_goal"], organisation_id, learner_id)
    return found


async def streaks(conn: Any, organisation_id: str, learner_ids: Collection[str]) -> dict[str, int]:
    """The weeks of the streaks that learners were last seen to have, for rules that multiply by rank: some
    seconds behind the entries. Who was never looked at isn't in the answer."""
    if not learner_ids:
        return {}
    rows = await conn.fetch(SQL["streaks"], organisation_id, list(learner_ids))
    return {row[0]: row[1] for row in rows}


async def link(conn: Any, organisation_id: str, identities: Sequence[str], user_id: str) -> Learner:
    """Make `identities` those of the learner known as `user_id`; nothing changes where they are that already.

    Raises NotFound where nobody is known as `user_id`, Conflict where an identity is somebody else's or the
    learner would have too many.
    """
    learner = await known_learner(conn, organisation_id, user_id)
    await lock(conn, organisation_id, learner)
    added = await conn.fetch(
        SQL["add_identities"],
        organisation_id,
        list(identities),
        [learner.learner_id] * len(identities),
        [None] * len(identities),
    )
    owners = await find(conn, organisation_id, identities)
    for identity in identities:
        owner = owners.get(identity)
        if owner is None or owner.learner_id != learner.learner_id:
            known_as = "somebody else" if owner is None else owner.user_id
            raise Conflict(f"{identity!r} belongs to {known_as} already.", {"field": "identities"})
    if added:
        await refuse_too_many(conn, organisation_id, learner.learner_id)
    return learner


async def refuse_too_many(conn: Any, organisation_id: str, learner_id: str) -> None:
    """Raise Conflict where a learner, who is locked, has more identities than one may have."""
    if (await _room(conn, organisation_id, [learner_id]))[learner_id] < 0:
        raise Conflict(
            f"A learner has at most {MAX_IDENTITIES_HELD} identities. Remove those that aren't used.",
            {"field": "identities", "limit": MAX_IDENTITIES_HELD},
        )


async def _room(conn: Any, organisation_id: str, learner_ids: Collection[str]) -> dict[str, int]:
    """How many identities more each learner may have."""
    if not learner_ids:
        return {}
    most = MAX_IDENTITIES_HELD
    rows = await conn.fetch(SQL["count_identities"], organisation_id, list(learner_ids), most + 1)
    return {row[0]: most - row[1] for row in rows}


async def lock(conn: Any, organisation_id: str, learner: Learner) -> None:
    """Keep a learner as they are until the transaction ends. Raises TryAgain where they were merged into
    another since they were found, Conflict where they are anonymous by now."""
    row = await conn.fetchrow(SQL["lock_learner"], organisation_id, learner.learner_id)
    if row is None or row["merged"]:
        raise TryAgain("a learner was merged into another meanwhile")
    if row["status"] == "anonymised":
        raise Conflict("This learner was anonymised and can't be changed.", {"field": "user_id"})


async def resolve(conn: Any, organisation_id: str, wanted: Sequence[Wanted]) -> dict[str, Learner]:
    """The learner of each wanted identity, in a number of statements that doesn't grow with them.

    An unknown identity is linked to the learner who has one of its other identities, or to the one learner
    who has its e-mail address, as `addresses.Holders` says; else a learner is made where `create` allows it.
    Who stays unknown isn't in the answer. A learner who has as many identities as one may have gets no more:
    an unknown one then is somebody new.
    """
    identities = {one.identity for one in wanted}
    identities.update(other for one in wanted for other in one.others)
    known, told = await _find(conn, organisation_id, identities)
    news = [one for one in wanted if _may_bring_news(one, known, told)]
    if all(_goes_by_address(one, known) for one in news):
        # Most of those who stay unknown have an address that names nobody, or somebody else: who only looks
        # holds up nobody.
        holders = await _holders(conn, organisation_id, news)
        news = [one for one in news if holders.who(one.email, one.identity) is not None]
    if news:
        await _introduce(conn, organisation_id, wanted, known, told)
    return known


def _may_bring_news(one: Wanted, known: dict[str, Learner], told: dict[str, str]) -> bool:
    learner = known.get(one.identity)
    if learner is None:
        return one.create or one.email is not None or any(other in known for other in one.others)
    return _is_new_address(one, learner, told) or any(other not in known for other in one.others)


def _goes_by_address(one: Wanted, known: dict[str, Learner]) -> bool:
    """Whether nothing but an address can say who somebody is that isn't known."""
    is_unknown = one.identity not in known and not any(other in known for other in one.others)
    return is_unknown and not one.create and one.email is not None


def _is_new_address(one: Wanted, learner: Learner, told: dict[str, str]) -> bool:
    """Whether an identity has another address now than the platform told before, or is told one at last."""
    if one.email is None or learner.status == "anonymised":
        return False
    latest = told.get(one.identity)
    if latest is None:
        return one.tells or learner.email is None
    return one.tells and latest.lower() != one.email.lower()


async def _introduce(
    conn: Any, organisation_id: str, wanted: Sequence[Wanted], known: dict[str, Learner], told: dict[str, str]
) -> None:
    """Link and make learners, and take over addresses; `known` grows by them."""
    if any(one.email for one in wanted):
        await conn.fetch(SQL["lock_email_addresses"], organisation_id)
    holders = await _holders(conn, organisation_id, wanted)
    gaining = {
        known[one].learner_id for one in _beside_unknown(wanted, known) if one in known
    } | holders.learner_ids()
    room = await _room(conn, organisation_id, gaining)
    changes = _Changes()
    linked, made = changes.linked, changes.made
    for one in wanted:
        learner: Learner | None = known.get(one.identity) or linked.get(one.identity)
        if learner is None:
            learner = next(
                (found for other in one.others if (found := known.get(other) or linked.get(other))), None
            ) or holders.who(one.email, one.identity)
            if learner is None or not _takes(room, learner):
                if not one.create:
                    continue
                learner = Learner(uuid7(), one.identity, "active", one.email)
                made[learner.learner_id] = learner
            linked[one.identity] = learner
            holders.takes(learner.learner_id, one.identity)
        learner = made.get(learner.learner_id, learner)
        is_untold = one.email is not None and one.identity not in told and learner.status != "anonymised"
        is_untold = is_untold and (one.tells or one.identity in linked)
        if is_untold or _is_new_address(one, learner, told):
            learner = changes.tell(one, learner, told, holders)
            (known if one.identity in known else linked)[one.identity] = learner
        for other in one.others:
            if other not in known and other not in linked and _takes(room, learner):
                linked[other] = learner
                holders.takes(learner.learner_id, other)

    await _write(conn, organisation_id, changes, known, told)


async def _holders(conn: Any, organisation_id: str, wanted: Sequence[Wanted]) -> Holders[Learner]:
    """Who has the addresses that are told."""
    holders: Holders[Learner] = Holders()
    emails = {one.email.lower() for one in wanted if one.email}
    for row in await conn.fetch(SQL["find_by_email"], organisation_id, sorted(emails)) if emails else ():
        holder = Learner(row["learner_id"], row["user_id"], row["status"], row["email"])
        holders.note(row["address"], holder.learner_id, holder, row["sources"], row["tellers"])
    return holders


def _beside_unknown(wanted: Sequence[Wanted], known: dict[str, Learner]) -> Iterator[str]:
    """All identities of those of whom at least one isn't known."""
    for one in wanted:
        if one.others and not (one.identity in known and all(other in known for other in one.others)):
            yield from (one.identity, *one.others)


def _takes(room: dict[str, int], learner: Learner) -> bool:
    """Whether a learner may have one identity more, which is counted then."""
    left = room.get(learner.learner_id, MAX_IDENTITIES_HELD)
    room[learner.learner_id] = left - 1
    return left > 0


@dataclass(slots=True)
class _Changes:
    """What one group of wanted identities brings."""

    linked: dict[str, Learner] = field(default_factory=dict)  # by identity
    made: dict[str, Learner] = field(default_factory=dict)  # by learner
    emails: dict[str, str] = field(default_factory=dict)  # of learners who were known
    told: dict[str, str] = field(default_factory=dict)  # by identities that were known

    def tell(self, one: Wanted, learner: Learner, told: dict[str, str], holders: Holders[Learner]) -> Learner:
        """The learner with the address that is told of an identity now; the one told before is given up."""
        assert one.email is not None
        identity, email = one.identity, one.email
        before = told.get(identity)
        if before is not None:
            holders.gives_up(before, learner.learner_id, identity)
        told[identity] = email
        if identity not in self.linked:
            self.told[identity] = email
        if learner.email is None or (before or learner.email).lower() != email.lower():
            if learner.email is not None:
                holders.gives_up(learner.email, learner.learner_id, OWN)
            learner = replace(learner, email=email)
            if learner.learner_id in self.made:
                self.made[learner.learner_id] = learner
            else:
                self.emails[learner.learner_id] = email
        holders.note(email, learner.learner_id, learner, [source_of(identity)], [identity])
        return learner


async def _write(
    conn: Any, organisation_id: str, changes: _Changes, known: dict[str, Learner], told: dict[str, str]
) -> None:
    linked, made = changes.linked, changes.made
    if linked:
        rows = await conn.fetch(
            SQL["add_identities"],
            organisation_id,
            list(linked),
            [learner.learner_id for learner in linked.values()],
            [told.get(identity) for identity in linked],
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
    if changes.emails:
        await conn.execute(
            SQL["set_emails"], organisation_id, list(changes.emails), list(changes.emails.values())
        )
    if changes.told:
        await conn.execute(SQL["set_told"], organisation_id, list(changes.told), list(changes.told.values()))
