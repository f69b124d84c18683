"""Reads what claimed deliveries tell."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from rocket_server.db.queries import load
from rocket_server.delivery.model import Fact

SQL = load(__file__, "facts.sql")


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
