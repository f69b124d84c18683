"""Reads what claimed deliveries tell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Any

import structlog

from rocket_server.db.halves import in_savepoints
from rocket_server.db.queries import load
from rocket_server.delivery.model import Fact

log = structlog.get_logger(__name__)

SQL = load(__file__, "facts.sql")

Found = tuple[dict[str, Fact], set[str]]  # facts by event id, and the ids of those that can't be read
Read = Callable[[Any, str, str, Sequence[str]], Awaitable[Found]]


async def read(
    conn: Any, tenant_id: str, organisation_id: str, event_ids: Collection[str]
) -> dict[str, Fact]:
    """The facts behind events of one organisation, by event id. What is there no more isn't in the answer."""
    facts = {
        row["event_id"]: Fact(
            tenant_id,
            organisation_id,
            row["event_id"],
            row["event"],
            row["user_id"],
            row["occurred_at"],
            row["properties"],
            row["points_awarded"],
        )
        for row in await conn.fetch(SQL["of_events"], organisation_id, list(event_ids))
    }
    others = [event_id for event_id in event_ids if event_id not in facts]
    if others:
        for row in await conn.fetch(SQL["of_messages"], organisation_id, others):
            facts[row["event_id"]] = _of_message(tenant_id, organisation_id, row)
    return facts


async def read_all(conn: Any, tenant_id: str, organisation_id: str, event_ids: Sequence[str]) -> Found:
    """As `read`, with nothing that can't be read: it raises instead."""
    return await read(conn, tenant_id, organisation_id, event_ids), set()


async def read_apart(conn: Any, tenant_id: str, organisation_id: str, event_ids: Sequence[str]) -> Found:
    """As `read`, where one of them can't be read: all others, and which these are."""
    facts: dict[str, Fact] = {}
    unreadable: set[str] = set()

    async def work(part: Sequence[str]) -> None:
        facts.update(await read(conn, tenant_id, organisation_id, part))

    def skip(event_id: str, error: Exception) -> None:
        unreadable.add(event_id)
        log.error("told_event_unreadable", organisation_id=organisation_id, event_id=event_id, exc_info=error)

    await in_savepoints(conn, event_ids, work, skip)
    return facts, unreadable


def _of_message(tenant_id: str, organisation_id: str, row: Any) -> Fact:
    """A message is kept in the form of a `rocket` body."""
    body = row["body"]
    said = body.get("timestamp")
    return Fact(
        tenant_id,
        organisation_id,
        row["event_id"],
        row["event"],
        body.get("user_id"),
        datetime.fromisoformat(said) if isinstance(said, str) else row["created_at"],
        body.get("properties") or {},
        body.get("points_awarded"),
    )
