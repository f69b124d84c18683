"""Removes what names somebody who was anonymised from rows about others, a bounded piece to a transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from rocket_server.db.pool import Database
from rocket_server.db.queries import load
from rocket_server.delivery import outbox
from rocket_server.ids import FIRST_ID
from rocket_server.people.anonymise import anonymous_id
from rocket_server.sources import moodle_fields
from rocket_server.sources.moodle_flat import PERSONAL

SQL = load(__file__, "erasure.sql")

_ROWS_AT_ONCE: Final = 2_000
_TOLD_AT_ONCE: Final = 100
# After so long a receiver that can't be reached isn't waited for any more.
_TELLING_ENDS_AFTER: Final = timedelta(days=7)
_GONE: Final = "[anonymised]"
_NOBODY: Final = "-1"  # Moodle's own number for no user
_USER_FIELDS: Final = ("userid", "relateduserid", "realuserid", "other_relateduserid")
_LONG_ENOUGH: Final = 8  # characters of an id that nothing else is called by
_PHASES: Final = {"events": "messages", "messages": "notes", "notes": "told"}


async def running(conn: Any, after: tuple[str, ...] | None, limit: int) -> list[tuple[str]]:
    """The next organisations, behind `after`, with something to do here."""
    (before,) = after or (FIRST_ID,)
    return [(row[0],) for row in await conn.fetch(SQL["running"], before, limit)]


async def sweep(database: Database, organisation_id: str, pieces: int) -> bool:
    """Look through up to so many pieces of tables for those who were anonymised; whether more are left."""

    async def take(conn: Any) -> bool:
        claimed = await conn.fetchrow(SQL["claim"], organisation_id)
        if claimed is not None:
            await _take_piece(conn, claimed)
        return claimed is not None

    async def finish(conn: Any) -> bool:
        await _finish(conn, organisation_id, datetime.now(UTC))
        return await conn.fetchrow(SQL["claim"], organisation_id) is not None

    for _ in range(pieces):
        if not await database.run(take):
            break
    return await database.run(finish)


class Needles:
    """What names one person: found in any text, or only where it is the whole of it."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self._anywhere = [text.lower() for text in texts if _is_distinctive(text)]
        # A short id may be part of many words; one of digits alone may be any number.
        self._whole = {text for text in texts if any(letter.isalpha() for letter in text)}
        self.in_json = [
            *(_in_json(text) for text in self._anywhere),
            *(f'"{_in_json(text.lower())}"' for text in self._whole),
        ]

    def removed_from(self, value: Any) -> Any:
        """JSON without the texts that name the person; keys count as texts."""
        if isinstance(value, str):
            named = value in self._whole or any(text in value.lower() for text in self._anywhere)
            return _GONE if named else value
        if isinstance(value, list):
            return [self.removed_from(item) for item in value]
        if isinstance(value, dict):
            return {self.removed_from(key): self.removed_from(item) for key, item in value.items()}
        return value


def _is_distinctive(text: str) -> bool:
    return "@" in text or ":" in text or (len(text) >= _LONG_ENOUGH and not text.isdigit())


def _in_json(text: str) -> str:
    return msgspec.json.encode(text).decode()[1:-1]


async def _take_piece(conn: Any, claimed: Any) -> None:
    """Look through the next rows of the table that it is the turn of, or go on to the next table."""
    organisation_id, phase = claimed["organisation_id"], claimed["phase"]
    needles = Needles(claimed["needles"])
    end = await conn.fetchval(SQL[f"end_of_{phase}"], organisation_id, claimed["position"], _ROWS_AT_ONCE)
    if end is None:
        following = _PHASES[phase]
        kept = claimed["needles"] if following != "told" else []
        await _go_on(conn, claimed, following, None, kept)
        return
    arguments = (organisation_id, claimed["position"], end, needles.in_json)
    scrubbed: list[tuple[Any, ...]]
    if phase == "events":
        rows = await conn.fetch(SQL["events"], *arguments, list(needles.texts))
        scrubbed = [_event(row, needles) for row in rows]
    elif phase == "messages":
        rows = await conn.fetch(SQL["messages"], *arguments, claimed["message_id"])
        scrubbed = [(row["event_id"], needles.removed_from(row["body"])) for row in rows]
    else:
        rows = await conn.fetch(SQL["notes"], *arguments)
        scrubbed = [
            (row["entry_id"], needles.removed_from(row["reason"]), needles.removed_from(row["metadata"]))
            for row in rows
        ]
    if scrubbed:
        columns = [list(column) for column in zip(*scrubbed, strict=True)]
        await conn.execute(SQL[f"write_{phase}"], organisation_id, *columns)
    await _go_on(conn, claimed, phase, end, claimed["needles"])


async def _go_on(conn: Any, claimed: Any, phase: str, position: str | None, needles: Sequence[str]) -> None:
    await conn.execute(
        SQL["go_on"], claimed["organisation_id"], claimed["learner_id"], phase, position, needles
    )


def _event(row: Any, needles: Needles) -> tuple[str, Any, Any, Any]:
    """An event of somebody else without this person: texts, and the numbers by which Moodle names users."""
    clean: Callable[[Any], Any] = needles.removed_from
    properties, metadata = clean(row["properties"]), clean(row["metadata"])
    received = clean(row["received"])
    prefix = f"{row['source']}:"
    own = {text.removeprefix(prefix) for text in needles.texts if text.startswith(prefix)}
    people = [*(properties.get(name) for name in ("actor_id", "related_user_id"))]
    if own.intersection(text for text in (*people, metadata.get("real_user_id")) if isinstance(text, str)):
        for name in ("actor_id", "related_user_id"):
            if properties.get(name) in own:
                properties[name] = _NOBODY
        if metadata.get("real_user_id") in own:
            metadata["real_user_id"] = _NOBODY
        metadata.pop(PERSONAL, None)
        if isinstance(received, dict):
            # Which of several people a look-up describes isn't always known: all of them go.
            personal = set(moodle_fields.layout_of(received).personal)
            received = {
                name: _NOBODY if name in _USER_FIELDS and value in own else value
                for name, value in received.items()
                if name not in personal
            }
    return row["event_id"], properties, metadata, received


async def _finish(conn: Any, organisation_id: str, now: datetime) -> None:
    """End erasures whose receivers were told, or can't be."""
    for row in await conn.fetch(SQL["claim_told"], organisation_id, _TOLD_AT_ONCE):
        message_id = row["message_id"]
        if message_id is not None:
            endpoints = [one[0] for one in await conn.fetch(SQL["endpoint_ids"], organisation_id)]
            deliveries = [outbox.delivery_id(message_id, endpoint) for endpoint in endpoints]
            pending = await conn.fetchval(SQL["still_told"], organisation_id, endpoints, deliveries)
            if pending and row["started_at"] > now - _TELLING_ENDS_AFTER:
                continue
            nobody = anonymous_id(row["learner_id"])
            await conn.execute(SQL["forget_told"], organisation_id, message_id, nobody)
        await conn.execute(SQL["finish"], organisation_id, row["learner_id"], now)
