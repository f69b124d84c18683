"""Adds acts to the log and reads them. The server's role may do nothing else with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from rocket_server.audit.model import Act, Actor, storable
from rocket_server.db.queries import load
from rocket_server.ids import first_uuid7, moment_of, uuid7s

SQL = load(__file__, "store.sql")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which acts a list shows; None lets all pass. `before` is the id of the last one on the page before,
    `since` is the first moment and `until` the first one after."""

    actor: str | None = None
    action: str | None = None
    subjects: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: str | None = None


class Line(msgspec.Struct, frozen=True):
    """An act as it was written down."""

    audit_id: str
    at: datetime
    actor: str
    actor_name: str
    address: str | None
    request_id: str | None
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


async def add(conn: Any, organisation_id: str, actor: Actor, acts: Sequence[Act]) -> None:
    """Write down acts in the transaction in which they are done: one statement for all of them."""
    if not acts:
        return
    ids = uuid7s(len(acts))
    await conn.execute(
        SQL["add"],
        organisation_id,
        ids,
        [moment_of(one) for one in ids],
        str(actor),
        actor.signature,
        actor.address,
        actor.request_id,
        [act.action for act in acts],
        [act.subject for act in acts],
        [storable(act.before) for act in acts],
        [storable(act.after) for act in acts],
    )


async def page(conn: Any, organisation_id: str, wanted: Wanted, limit: int) -> list[Line]:
    """Acts, the latest first."""
    rows = await conn.fetch(
        SQL["page"],
        organisation_id,
        wanted.before,
        wanted.actor,
        wanted.action,
        None if wanted.subjects is None else list(wanted.subjects),
        None if wanted.since is None else first_uuid7(wanted.since),
        None if wanted.until is None else first_uuid7(wanted.until),
        limit,
    )
    return [Line(**dict(row)) for row in rows]
