"""What is known of people: made, read, listed, searched and changed by administrators."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from rocket_server.db.pages import bounded
from rocket_server.db.queries import load
from rocket_server.errors import Conflict, InvalidPayload
from rocket_server.ids import uuid7
from rocket_server.learners import store
from rocket_server.learners.store import Learner

SQL = load(__file__, "people.sql")

MAX_IDENTITIES: Final = 20  # in one request

Action = Literal["created", "changed", "suspended", "activated", "merged", "split", "anonymised"]


class Person(msgspec.Struct, frozen=True):
    """One learner with all that is known of them. `identities` are at most 100, `user_id` among them."""

    learner_id: str
    user_id: str
    email: str | None
    name: str | None
    status: str
    weekly_goal: int | None  # points; None: the organisation's
    metadata: dict[str, Any] | None
    created_at: datetime
    identities: list[str]
    leaderboard: str = "shown"  # or anonymous, hidden; `leaderboards.refresh.set_display` changes it


class Filter(msgspec.Struct, frozen=True):
    """Which learners a list shows; None lets all pass. `since` and `until` are first ids of their times."""

    before: str | None = None  # learner id of the page before
    status: str | None = None
    since: str | None = None
    until: str | None = None


async def create(conn: Any, organisation_id: str, person: Person, actor: str, now: datetime) -> None:
    """Make a learner. Raises Conflict where one of their identities, or their address, is somebody else's."""
    if person.email is not None:
        await _check_free(conn, organisation_id, person.email, person.learner_id)
    rows = await conn.fetch(SQL["take_identities"], organisation_id, person.learner_id, person.identities)
    free = {row[0] for row in rows}
    for identity in person.identities:
        if identity not in free:
            field = "user_id" if identity == person.user_id else "identities"
            raise Conflict(f"{identity!r} is a learner's already.", {"field": field})
    await add(conn, organisation_id, person)
    await note(conn, organisation_id, person.learner_id, "created", actor, now, {})


async def add(conn: Any, organisation_id: str, person: Person) -> None:
    """Keep a new learner, whose identities are theirs already, with an empty account."""
    await conn.execute(
        SQL["add"],
        organisation_id,
        person.learner_id,
        person.user_id,
        person.email,
        person.name,
        person.weekly_goal,
        person.metadata,
    )


async def read(conn: Any, organisation_id: str, learner_ids: Collection[str]) -> list[Person]:
    """Learners by id, in the order of their `user_id`."""
    rows = await conn.fetch(SQL["read"], organisation_id, list(learner_ids))
    return [Person(**dict(row)) for row in rows]


async def page(conn: Any, organisation_id: str, wanted: Filter, limit: int) -> tuple[list[Person], bool]:
    """Learners, the latest made first, and whether more may follow."""

    async def fetch(last: Person | None, piece: int) -> list[Person]:
        before = wanted.before if last is None else last.learner_id
        rows = await conn.fetch(
            SQL["page"], organisation_id, before, wanted.status, wanted.since, wanted.until, piece
        )
        found = {one.learner_id: one for one in await read(conn, organisation_id, [row[0] for row in rows])}
        return [found[row[0]] for row in rows]

    return await bounded(fetch, _size, limit)


def _size(one: Person) -> int:
    return len(msgspec.json.encode((one.metadata, one.identities))) + 500


async def by_email(conn: Any, organisation_id: str, email: str) -> list[Person]:
    """The learners who have an e-mail address, whatever its case."""
    rows = await conn.fetch(store.SQL["find_by_email"], organisation_id, [email.lower()])
    return await read(conn, organisation_id, [row["learner_id"] for row in rows])


async def search(conn: Any, organisation_id: str, beginning: str, limit: int) -> list[Person]:
    """Learners whose name, e-mail address or an identity begins so, whatever the case: at most `limit`, fewer
    of whom much is known."""
    escaped = beginning.lower().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    ids = [row[0] for row in await conn.fetch(SQL["search"], organisation_id, f"{escaped}%", limit)]
    place = {learner_id: number for number, learner_id in enumerate(ids)}

    async def fetch(last: Person | None, piece: int) -> list[Person]:
        start = 0 if last is None else place[last.learner_id] + 1
        people = await read(conn, organisation_id, ids[start : start + piece])
        return sorted(people, key=lambda one: place[one.learner_id])

    found, _ = await bounded(fetch, _size, limit)
    return sorted(found, key=lambda one: one.user_id)


async def change(
    conn: Any, organisation_id: str, learner: Learner, changes: dict[str, Any], actor: str, now: datetime
) -> Person:
    """Set some of `email`, `name`, `status`, `weekly_goal` and `metadata`; the learner as they were before.

    Raises Conflict where the address is somebody else's or the learner was anonymised.
    """
    if changes.get("email") is not None and changes["email"] != learner.email:
        await _check_free(conn, organisation_id, changes["email"], learner.learner_id)
    await store.lock(conn, organisation_id, learner)
    (before,) = await read(conn, organisation_id, [learner.learner_id])
    changed = {name: value for name, value in changes.items() if value != getattr(before, name)}
    if not changed:
        return before
    if changed.get("email") is not None:
        await conn.execute(SQL["free_email"], organisation_id, learner.learner_id, changed["email"])
    after = msgspec.structs.replace(before, **changed)
    await conn.execute(
        SQL["change"],
        organisation_id,
        learner.learner_id,
        after.email,
        after.name,
        after.status,
        after.weekly_goal,
        after.metadata,
    )
    if "status" in changed:
        action: Action = "suspended" if after.status == "suspended" else "activated"
        await note(conn, organisation_id, learner.learner_id, action, actor, now, {})
    if fields := sorted(changed.keys() - {"status"}):
        detail = {"fields": fields}  # not the values: a person's data is kept in one place
        await note(conn, organisation_id, learner.learner_id, "changed", actor, now, detail)
    return before


async def _check_free(conn: Any, organisation_id: str, email: str, learner_id: str) -> None:
    """Take the organisation's addresses for this transaction. Raises Conflict where one is somebody else's:
    platforms are believed that people share a mailbox, an administrator is asked."""
    await conn.execute(store.SQL["lock_email_addresses"], organisation_id)
    for row in await conn.fetch(store.SQL["find_by_email"], organisation_id, [email.lower()]):
        if row["learner_id"] != learner_id:
            raise Conflict("Another learner has this e-mail address.", {"field": "email"})


async def remove_identities(
    conn: Any, organisation_id: str, learner: Learner, identities: Sequence[str], actor: str, now: datetime
) -> None:
    """Take identities from a learner, whose events then are a new learner's. Raises InvalidPayload where one
    isn't theirs, or is the one that they are shown under."""
    if learner.user_id in identities:
        raise InvalidPayload.field("remove_identities", f"{learner.user_id!r} is the user_id and stays")
    await store.lock(conn, organisation_id, learner)
    rows = await conn.fetch(SQL["remove_identities"], organisation_id, learner.learner_id, list(identities))
    missing = [identity for identity in identities if identity not in {row[0] for row in rows}]
    if missing:
        raise InvalidPayload.field("remove_identities", f"{missing[0]!r} is none of this learner's")
    detail = {"fields": ["identities"]}
    await note(conn, organisation_id, learner.learner_id, "changed", actor, now, detail)


async def note(
    conn: Any,
    organisation_id: str,
    learner_id: str,
    action: Action,
    actor: str,
    now: datetime,
    detail: dict[str, Any],
    merged: tuple[str, int] | None = None,
) -> str:
    """Keep who did what with a learner, for ever; the note's id. `detail` must not name the person.
    `merged` is who was merged into the learner, and the learner's last entry then."""
    change_id = uuid7()
    other_id, number = merged or (None, None)
    await conn.execute(
        SQL["add_change"],
        organisation_id,
        learner_id,
        change_id,
        action,
        actor,
        other_id,
        number,
        detail,
        now,
    )
    return change_id


async def changes(
    conn: Any, organisation_id: str, learner_id: str, before: str | None, limit: int
) -> list[dict[str, Any]]:
    """What was done with a learner and by whom, the latest first, below a note's id."""
    rows = await conn.fetch(SQL["changes"], organisation_id, learner_id, before, limit)
    return [dict(row) for row in rows]
