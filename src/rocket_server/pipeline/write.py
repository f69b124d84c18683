"""Writes decided events, badges and what is to be told about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rocket_server.configuration.snapshot import Configuration
from rocket_server.delivery import outbox
from rocket_server.delivery.outbox import Message
from rocket_server.events import store as events_store
from rocket_server.events.store import Row
from rocket_server.pipeline.badges import BadgeEffects
from rocket_server.pipeline.model import Item


async def write(
    conn: Any,
    configuration: Configuration,
    items: Sequence[Item],
    received_at: datetime,
    merged: Sequence[Item],
    followed: BadgeEffects,
) -> None:
    """Store `items` (new and decided anew), what `followed` from them and the added fields of `merged`; write
    the outbox."""
    organisation_id = configuration.organisation_id
    items = [*items, *followed.items]
    merged = _joined(items, merged)
    await events_store.add(
        conn, organisation_id, received_at, [_row(item) for item in items if not item.stored]
    )
    await events_store.rewrite(
        conn, organisation_id, [_row(item) for item in (*(i for i in items if i.stored), *merged)]
    )
    messages = [
        Message(
            item.event_id,
            item.event.event,
            learned=item.event,
            points=item.points,
            again=item.stored is not None,  # it may have been processed once, and held or ignored since
        )
        for item in items
        if item.status == "processed" and (item.stored is None or item.stored.status != "processed")
    ]
    await outbox.enqueue(
        conn, organisation_id, configuration.endpoints, messages + followed.messages, received_at
    )


def _joined(items: Sequence[Item], merged: Sequence[Item]) -> list[Item]:
    """Give the added fields of a stored event to where it was decided again; those of the others are left."""
    again = {item.event_id: item for item in items if item.again is not None}
    for one in merged:
        if one.event_id in again:
            again[one.event_id].event = one.event
    return [one for one in merged if one.event_id not in again]


def _row(item: Item) -> Row:
    event = item.event
    metadata = {**event.metadata, "notes": list(event.notes)} if event.notes else event.metadata
    return Row(
        item.event_id,
        event,
        item.learner.learner_id if item.learner else (item.stored.learner_id if item.stored else None),
        item.status,
        item.reason,
        item.points,
        item.decisions,
        item.badges,
        metadata,
    )
