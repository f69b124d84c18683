"""Writes decided events, badges and what is to be told about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rocket_server.badges import store as badges
from rocket_server.configuration import Configuration
from rocket_server.delivery import outbox
from rocket_server.delivery.outbox import Message
from rocket_server.events import store as events_store
from rocket_server.events.store import Row
from rocket_server.pipeline.model import Item


async def write(
    conn: Any,
    configuration: Configuration,
    items: Sequence[Item],
    received_at: datetime,
    merged: Sequence[Item],
) -> None:
    """Store `items` (new and decided anew) and the added fields of `merged`; write the outbox."""
    organisation_id = configuration.organisation_id
    await _award_badges(conn, organisation_id, items, received_at)
    await events_store.add(
        conn, organisation_id, received_at, [_row(item) for item in items if not item.stored]
    )
    await events_store.rewrite(
        conn, organisation_id, [_row(item) for item in (*(i for i in items if i.stored), *merged)]
    )
    messages = [
        Message(item.event_id, item.event.event, learned=item.event, points=item.points)
        for item in items
        if item.status == "processed" and (item.stored is None or item.stored.status != "processed")
    ]
    await outbox.enqueue(conn, organisation_id, configuration.endpoints, messages, received_at)


async def _award_badges(
    conn: Any, organisation_id: str, items: Sequence[Item], received_at: datetime
) -> None:
    """Give badges that rules issued; an item keeps those that its learner didn't hold yet."""
    given = [
        badges.Award(item.learner.learner_id, badge, item.event_id)
        for item in items
        for badge in item.badges
        if item.learner
    ]
    if not given:
        return
    new = await badges.award(conn, organisation_id, given, received_at)
    for item in items:
        learner_id = item.learner.learner_id if item.learner else ""
        item.badges = [badge for badge in item.badges if new.get((learner_id, badge)) == item.event_id]


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
