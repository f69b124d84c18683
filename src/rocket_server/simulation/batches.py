"""Keeps batches: what rules gave to the past, so that it can be resumed and undone as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from rocket_server.db.pool import add_rows
from rocket_server.db.queries import load
from rocket_server.errors import Conflict, NotFound
from rocket_server.ids import uuid7
from rocket_server.rules.evaluate import Decision
from rocket_server.simulation.model import Period

SQL = load(__file__, "batches.sql")

Status = Literal["applying", "applied", "undoing", "undone"]


@dataclass(frozen=True, slots=True)
class Batch:
    """One run over a period. `rules` are the versions that were applied, `entries` and `points` what they
    gave."""

    batch_id: str
    status: Status
    since: datetime
    until: datetime
    rules: dict[str, int]
    entries: int
    points: int
    created_at: datetime
    created_by: str

    @property
    def period(self) -> Period:
        return Period(self.since, self.until)


async def begin(
    conn: Any, organisation_id: str, period: Period, rules: Mapping[str, int], created_by: str
) -> tuple[Batch, bool]:
    """The unfinished batch of the very same rules, else a new one, and whether it is new. Raises Conflict
    where another is unfinished."""
    row = await conn.fetchrow(SQL["unfinished"], organisation_id)
    if row is not None:
        found = Batch(*row.values())
        if found.status == "applying" and found.rules == dict(rules):
            return found, False
        raise Conflict(
            f"Batch {found.batch_id} is {found.status}. Finish it with the same rules, or undo it: "
            f"rocket rules undo-apply {found.batch_id}",
            {"batch_id": found.batch_id, "status": found.status},
        )
    batch_id = uuid7()
    await conn.execute(
        SQL["add"], organisation_id, batch_id, period.since, period.until, dict(rules), created_by
    )
    return await find(conn, organisation_id, batch_id), True


async def find(conn: Any, organisation_id: str, batch_id: str) -> Batch:
    """One batch. Raises NotFound."""
    row = await conn.fetchrow(SQL["find"], organisation_id, batch_id)
    if row is None:
        raise NotFound("There is no such batch.", {"field": "batch_id"})
    return Batch(*row.values())


async def latest(conn: Any, organisation_id: str, limit: int) -> list[Batch]:
    """The latest batches, the last one first."""
    return [Batch(*row.values()) for row in await conn.fetch(SQL["latest"], organisation_id, limit)]


async def grow(conn: Any, organisation_id: str, batch_id: str, entries: Mapping[str, int]) -> None:
    """Entries, and the points of each, were added. Raises Conflict where the batch is being undone."""
    if (
        await conn.fetchval(SQL["grow"], organisation_id, batch_id, len(entries), sum(entries.values()))
        is None
    ):
        raise Conflict("The batch was finished or is being undone by another process.")
    await add_rows(
        conn,
        "rule_batch_entries",
        ("organisation_id", "batch_id", "entry_id"),
        [(organisation_id, batch_id, entry_id) for entry_id in entries],
    )


async def move_on(
    conn: Any, organisation_id: str, batch_id: str, status: Status, earlier: Sequence[Status]
) -> None:
    """Set a batch's state. Raises Conflict where it isn't in one of the `earlier` ones."""
    if await conn.fetchval(SQL["move_on"], organisation_id, batch_id, status, list(earlier)) is None:
        now = await find(conn, organisation_id, batch_id)
        raise Conflict(f"The batch is {now.status}.", {"batch_id": batch_id, "status": now.status})


async def add_decisions(conn: Any, organisation_id: str, decisions: Mapping[str, Sequence[Decision]]) -> None:
    """Add decisions, by event, to stored events, which the caller has locked."""
    if decisions:
        await conn.execute(
            SQL["add_decisions"],
            organisation_id,
            list(decisions),
            # As text: the driver takes a list of lists for an array of two dimensions.
            [msgspec.json.encode([one.as_dict() for one in made]).decode() for made in decisions.values()],
            [sum(one.points for one in made) for made in decisions.values()],
        )
