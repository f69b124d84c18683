"""The last requests of each source, so that an administrator sees what arrived and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from rocket_server import masking
from rocket_server.db.pages import bounded
from rocket_server.db.pool import add_rows, alone
from rocket_server.db.queries import load
from rocket_server.ids import first_uuid7
from rocket_server.pace import Pace

SQL = load(__file__, "request_log.sql")

KEPT = 1_000  # requests per source
PIECE = 2_000  # requests of each source that are forgotten at once
_BODY_KEPT = 16_384  # characters of a body
_MASKING_S = 10.0  # of the bodies of one transaction, the time that others have in between included


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived from a source."""

    source_id: str
    request_id: str
    address: str | None
    content_type: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """What came of it: the status answered, and the reason in words."""

    status: int
    outcome: str  # processed, ignored, held, duplicate, refused, or list
    reason: str | None = None
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request as it is shown."""

    request_id: str
    received_at: datetime
    status: int
    outcome: str
    reason: str | None
    address: str | None
    content_type: str | None
    event_id: str | None
    body: str


async def add(
    conn: Any, organisation_id: str, received_at: datetime, logged: Sequence[tuple[Request, RequestOutcome]]
) -> None:
    """Log requests of an organisation's sources."""
    pace = Pace(_MASKING_S)
    bodies = []
    for request, _ in logged:
        bodies.append(shown_body(request.body))
        if pace.is_due():
            await pace.rest()
    await add_rows(
        conn,
        "request_log",
        (
            "organisation_id",
            "source_id",
            "request_id",
            "received_at",
            "status",
            "outcome",
            "reason",
            "address",
            "content_type",
            "event_id",
            "body",
        ),
        [
            (
                organisation_id,
                request.source_id,
                request.request_id,
                received_at,
                outcome.status,
                outcome.outcome,
                outcome.reason,
                request.address,
                request.content_type,
                outcome.event_id,
                body,
            )
            for (request, outcome), body in zip(logged, bodies, strict=True)
        ],
    )


async def page(
    conn: Any, organisation_id: str, source_id: str, before: str | None, limit: int
) -> tuple[list[LoggedRequest], bool]:
    """A source's last requests, the latest first, and whether more may follow."""

    async def fetch(last: LoggedRequest | None, piece: int) -> list[LoggedRequest]:
        after = before if last is None else last.request_id
        rows = await conn.fetch(SQL["page"], organisation_id, source_id, after, piece)
        return [LoggedRequest(*row.values()) for row in rows]

    return await bounded(fetch, lambda one: len(msgspec.json.encode(one.body)), limit)


async def trim(
    conn: Any, organisation_id: str, before: datetime, keep: int = KEPT, piece: int = PIECE
) -> bool:
    """Forget of each source's requests those from before a time and those beyond the last `keep`, up to
    `piece` of each source; whether more may be left. Does nothing where another process is at it."""
    if not await alone(conn, "request_log", organisation_id):
        return False
    rows = await conn.fetch(SQL["trim"], organisation_id, first_uuid7(before), keep - 1, piece)
    return any(row["removed"] == piece for row in rows)


def shown_body(body: bytes) -> str:
    """A body as text: what isn't UTF-8 replaced, secrets masked, cut where it is long."""
    if masking.is_suspicious(body):
        # Whole, for what is cut can't be decoded.
        text = masking.masked_text(body.decode("utf-8", "replace"))
    else:
        text = body[: _BODY_KEPT * 4].decode("utf-8", "replace")
    return text[:_BODY_KEPT].replace("\0", "�")
