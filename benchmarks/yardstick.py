"""The endpoint that P2 compares with: the same server, the same way in, the same reading, and no database."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from fastapi import Request

from rocket_server import app
from rocket_server.http.edge.body import decode_json
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.sources import rocket

PATH = "/benchmarks/parse"


async def parse(request: Request) -> Json:
    """Let the request in by the key that this process remembers, read its event, and answer."""
    services = services_of(request)
    principal = await services.authenticator.principal(request, remembered=True)
    principal.needs("events:write")
    event = rocket.parse_event(
        decode_json(await request.body()),
        timezone=ZoneInfo("UTC"),
        received_at=datetime.now(UTC),
        max_ahead_s=services.settings.max_clock_skew_s,
    )
    return Json({"valid": not isinstance(event, list), "errors": []})


def install() -> None:
    """Add the endpoint to the servers of this process. `/v1/events/validate` won't do: it asks the database
    whether the key was revoked meanwhile, which for events their own transaction does."""
    app.HOT[PATH] = parse
