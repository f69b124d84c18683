"""The log of deliveries: which went out, what the receivers answered, and sending one again."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request

from rocket_server.delivery import endpoints, facts, history
from rocket_server.delivery.bodies import render
from rocket_server.delivery.model import Format
from rocket_server.errors import NotFound
from rocket_server.http import openapi
from rocket_server.http.actors import acting
from rocket_server.http.api import webhook_models as models
from rocket_server.http.api.webhooks import known_id
from rocket_server.http.auth import AdminKey, Principal, ReadKey
from rocket_server.http.edge.body import decode_json
from rocket_server.http.paging import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    encode_cursor,
    id_after,
    number_after,
    page,
)
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.http.times import moment
from rocket_server.ids import parse_uuid
from rocket_server.usecases import endpoints as acts

router = APIRouter(prefix="/v1", tags=["webhooks"], responses=openapi.WEBHOOK_ERRORS)

StatusName = Literal["pending", "delivered", "exhausted"]
# PostgreSQL has no text with a NUL in it.
_NO_NUL = r"^[^\x00]*$"


@router.get("/webhooks/{webhook_id}/deliveries", response_model=models.DeliveryPage)
async def list_deliveries(
    request: Request,
    principal: ReadKey,
    webhook_id: str,
    status: StatusName | None = None,
    event: Annotated[str | None, Query(max_length=100, pattern=_NO_NUL)] = None,
    since: Annotated[str | None, Query(max_length=40, description="Stored at this time or later.")] = None,
    until: Annotated[str | None, Query(max_length=40, description="Stored before this time.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Json:
    """A webhook's deliveries with the last try of each, the newest event first."""
    services = services_of(request)
    async with services.database.connection() as conn:
        configuration = await services.configurations.current(conn, principal.organisation_id)
        zone = configuration.organisation.timezone
        wanted = history.Wanted(
            before=id_after(cursor),
            status=status,
            event=event or None,
            since=moment("since", since, zone),
            until=moment("until", until, zone),
        )
        webhook = await endpoints.read(conn, principal.organisation_id, known_id(webhook_id))
        found = await history.page(conn, webhook, wanted, limit)
    rows = [
        {**models.delivery_dict(delivery), "last_attempt": models.attempt_dict(last) if last else None}
        for delivery, last in found
    ]
    return Json(page("deliveries", rows, limit, "id"))


@router.get("/deliveries/{delivery_id}", response_model=models.DeliveryRead)
async def read_delivery(
    request: Request,
    principal: ReadKey,
    delivery_id: str,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Json:
    """One delivery: every try with what was answered, and the body as it would be sent now."""
    before = number_after(cursor)
    async with services_of(request).database.connection() as conn:
        delivery, _, form = await history.find(conn, principal.organisation_id, _known_id(delivery_id))
        attempts = await history.attempts(
            conn,
            principal.organisation_id,
            delivery,
            None if before is None else min(before, 2**31 - 1),
            limit,
        )
        body = await _body(conn, principal, delivery.event_id, form)
    return Json(
        {
            **models.delivery_dict(delivery),
            "attempts": [models.attempt_dict(attempt) for attempt in attempts],
            "body": body,
            "next_cursor": encode_cursor(attempts[-1].number) if len(attempts) == limit else None,
        }
    )


@router.post("/deliveries/{delivery_id}/redeliver", response_model=models.Redelivered)
async def redeliver(request: Request, principal: AdminKey, delivery_id: str) -> Json:
    """Send one again, under the same `webhook-id`; it takes the place of a try that is waited for."""
    done = await acts.redeliver(*acting(request, principal), _known_id(delivery_id), principal.tenant_id)
    return Json({**models.delivery_dict(done.delivery), "result": done.result})


def _known_id(text: str) -> str:
    found = parse_uuid(text)
    if found is None:
        raise NotFound("There is no such delivery.")
    return found


async def _body(conn: Any, principal: Principal, event_id: str, form: Format) -> Any:
    """The body of an event in a format; None where the event is stored no more."""
    found = await facts.read(conn, principal.tenant_id, principal.organisation_id, [event_id])
    return decode_json(render(found[event_id], form)) if event_id in found else None
