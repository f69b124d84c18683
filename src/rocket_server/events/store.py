"""Stores events exactly once, and reads them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from rocket_server.db.pages import bounded
from rocket_server.db.pool import add_rows
from rocket_server.db.queries import load
from rocket_server.events.model import Event

SQL = load(__file__, "store.sql")

_FIRST_PIECE = 10  # events that are fetched before anything is known of their size

# Separates badge ids in one text parameter: arrays of arrays can't be ragged in SQL. No id may hold it.
_SEPARATOR = "\x1f"


class Row(msgspec.Struct):
    """An event with what was decided about it, ready to be written."""

    event_id: str
    event: Event
    learner_id: str | None
    status: str
    reason: str | None
    points_awarded: int
    decisions: list[dict[str, Any]]
    badges: list[str]
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it was stored and decided."""

    event_id: str
    source: str
    source_kind: str
    source_event_id: str | None
    event: str
    user_id: str | None
    learner_id: str | None
    occurred_at: datetime
    status: str
    reason: str | None
    points_awarded: int
    properties: dict[str, Any]
    metadata: dict[str, Any]
    badges: list[str] | None
    decisions: list[dict[str, Any]]
    received: dict[str, Any] | None


async def claim(conn: Any, organisation_id: str, ids_by_key: Mapping[bytes, str]) -> dict[bytes, str]:
    """Claim dedupe keys for new events. Answers the ids of events that hold one of the keys already."""
    rows = await conn.fetch(SQL["claim_keys"], organisation_id, list(ids_by_key), list(ids_by_key.values()))
    if len(rows) == len(ids_by_key):
        return {}
    taken = ids_by_key.keys() - {row[0] for row in rows}
    found = await conn.fetch(SQL["find_by_keys"], organisation_id, list(taken))
    return {row[0]: row[1] for row in found}


async def lock(conn: Any, organisation_id: str, event_ids: Collection[str]) -> dict[str, StoredEvent]:
    """Stored events, locked until the transaction ends."""
    if not event_ids:
        return {}
    rows = await conn.fetch(SQL["lock"], organisation_id, list(event_ids))
    return {row["event_id"]: StoredEvent(**dict(row)) for row in rows}


_COLUMNS = (
    "organisation_id",
    "event_id",
    "source",
    "source_kind",
    "source_event_id",
    "event",
    "user_id",
    "learner_id",
    "occurred_at",
    "received_at",
    "status",
    "reason",
    "points_awarded",
    "properties",
    "metadata",
    "decisions",
    "badges",
    "received",
)


async def add(conn: Any, organisation_id: str, received_at: datetime, rows: Sequence[Row]) -> None:
    """Store new events, whose keys were claimed in this transaction."""
    await add_rows(
        conn,
        "events",
        _COLUMNS,
        [
            (
                organisation_id,
                row.event_id,
                (event := row.event).source,
                event.source_kind,
                event.source_event_id,
                event.event,
                event.user_id,
                row.learner_id,
                event.occurred_at,
                received_at,
                row.status,
                row.reason,
                row.points_awarded,
                event.properties,
                row.metadata,
                row.decisions,
                row.badges or None,
                event.received,
            )
            for row in rows
        ],
    )


async def rewrite(conn: Any, organisation_id: str, rows: Sequence[Row]) -> None:
    """Set what was decided anew about stored events."""
    if not rows:
        return
    events = [row.event for row in rows]
    await conn.execute(
        SQL["rewrite"],
        organisation_id,
        [row.event_id for row in rows],
        [event.event for event in events],
        [event.user_id for event in events],
        [row.learner_id for row in rows],
        [row.status for row in rows],
        [row.reason for row in rows],
        [row.points_awarded for row in rows],
        [event.properties for event in events],
        [row.metadata for row in rows],
        # As text: the driver takes a list of lists for an array of two dimensions.
        [msgspec.json.encode(row.decisions).decode() for row in rows],
        [_SEPARATOR.join(row.badges) if row.badges else None for row in rows],
        [event.received for event in events],
    )


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a list shows; None lets all pass."""

    before: str | None = None  # event id of the page before
    learner_id: str | None = None
    event: str | None = None
    source: str | None = None
    status: str | None = None
    since: datetime | None = None  # occurred at this time or later
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """An event as it is shown."""

    event_id: str
    source_event_id: str | None
    source: str
    status: str
    reason: str | None
    event: str
    user_id: str | None
    occurred_at: datetime
    received_at: datetime
    properties: dict[str, Any]
    metadata: dict[str, Any]
    points_awarded: int
    badges: list[str] | None
    decisions: list[dict[str, Any]]
    learner_id: str | None
    source_kind: str


def row_as_event(row: Any) -> Event:
    """As `as_event`, for a row with the columns that rules and conditions look at."""
    return Event(
        event=row["event"],
        source=row["source"],
        user_id=row["user_id"],
        occurred_at=row["occurred_at"],
        properties=row["properties"],
        metadata=row["metadata"],
        dedupe_key=b"",
        source_kind=row["source_kind"],
    )


def as_event(stored: StoredEvent | ShownEvent) -> Event:
    """A stored event as rules and conditions see it. What only its own reading tells isn't in it: a stated
    completion, notes, and why it was ignored."""
    return Event(
        event=stored.event,
        source=stored.source,
        user_id=stored.user_id,
        occurred_at=stored.occurred_at,
        properties=stored.properties,
        metadata=stored.metadata,
        dedupe_key=b"",
        source_event_id=stored.source_event_id,
        source_kind=stored.source_kind,
    )


async def show(conn: Any, organisation_id: str, event_id: str) -> ShownEvent | None:
    """One event."""
    row = await conn.fetchrow(SQL["show"], organisation_id, event_id)
    return None if row is None else ShownEvent(*row.values())


async def page(
    conn: Any, organisation_id: str, wanted: EventFilter, limit: int
) -> tuple[list[ShownEvent], bool]:
    """Events, the latest received first, and whether more may follow: `limit` of them, or fewer that are
    large."""

    async def fetch(last: ShownEvent | None, piece: int) -> list[ShownEvent]:
        rows = await conn.fetch(
            SQL["page"],
            organisation_id,
            wanted.before if last is None else last.event_id,
            wanted.learner_id,
            wanted.event,
            wanted.source,
            wanted.status,
            wanted.since,
            wanted.until,
            piece,
        )
        return [ShownEvent(*row.values()) for row in rows]

    return await bounded(fetch, _size, limit, first=_FIRST_PIECE)


def _size(event: ShownEvent) -> int:
    """About as many bytes as the event has as JSON."""
    return len(msgspec.json.encode((event.properties, event.metadata, event.decisions))) + 500


async def to_retry(
    conn: Any, organisation_id: str, statuses: Sequence[str], since: datetime, after: str, limit: int
) -> list[str]:
    """Ids of events of certain statuses received since a time, the oldest first, above the id `after`."""
    rows = await conn.fetch(SQL["to_retry"], organisation_id, list(statuses), since, after, limit)
    return [row[0] for row in rows]


async def held_for(
    conn: Any, organisation_id: str, identities: Sequence[str], after: str, limit: int
) -> list[str]:
    """Ids of events that wait for one of these identities to be known, the oldest first, above an id."""
    rows = await conn.fetch(SQL["held_for"], organisation_id, list(identities), after, limit)
    return [row[0] for row in rows]


async def suspended(conn: Any, organisation_id: str, since: datetime, after: str, limit: int) -> list[str]:
    """Ids of events received since a time for which a rule gave nothing because the learner was suspended."""
    rows = await conn.fetch(SQL["suspended"], organisation_id, since, after, limit)
    return [row[0] for row in rows]
