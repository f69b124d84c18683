"""Webhooks as an administrator sets, tests and mends them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from rocket_server.conditions.reading import Problems
from rocket_server.config.settings import Settings
from rocket_server.delivery import endpoints
from rocket_server.delivery.guard import check_url
from rocket_server.delivery.settings import CheckUrl, EndpointSettings, read_change, read_new
from rocket_server.delivery.signing import secret_bytes
from rocket_server.errors import InvalidPayload, NotFound
from rocket_server.http import openapi
from rocket_server.http.actors import acting
from rocket_server.http.api import webhook_models as models
from rocket_server.http.auth import AdminKey, ReadKey
from rocket_server.http.edge.body import decode_json
from rocket_server.http.paging import DEFAULT_LIMIT, Cursor, Limit, id_after, page
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.http.times import moment
from rocket_server.ids import parse_uuid
from rocket_server.times import rfc3339
from rocket_server.usecases import endpoints as acts
from rocket_server.usecases.endpoints import Shown

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], responses=openapi.WEBHOOK_ERRORS)

DEFAULT_OVERLAP_S = 86_400
MAX_OVERLAP_S = 30 * 86_400


@router.get("", response_model=models.WebhookPage)
async def list_webhooks(
    request: Request, principal: ReadKey, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Json:
    """The organisation's webhooks, the oldest first."""
    async with services_of(request).database.connection() as conn:
        found = await endpoints.page(conn, principal.organisation_id, id_after(cursor), limit)
        ids = [webhook.endpoint_id for webhook in found]
        secrets = await endpoints.secrets(conn, principal.organisation_id, ids)
    rows = [models.webhook_dict(webhook, secrets[webhook.endpoint_id]) for webhook in found]
    return Json(page("webhooks", rows, limit, "id"))


@router.post("", status_code=201, response_model=models.WebhookMade, openapi_extra=models.NEW_WEBHOOK)
async def create_webhook(request: Request, principal: AdminKey) -> Json:
    """Make a webhook. Its secret is shown once, here."""
    services = services_of(request)
    settings, own = read_new(decode_json(await request.body()), _check_url(services.settings))
    made = await acts.create(*acting(request, principal), settings, own)
    return Json({**_shown(made), "secret": made.secret}, status_code=201)


@router.get("/{webhook_id}", response_model=models.WebhookShown)
async def read_webhook(request: Request, principal: ReadKey, webhook_id: str) -> Json:
    """One webhook: what it is set to, and how it does."""
    async with services_of(request).database.connection() as conn:
        webhook = await endpoints.read(conn, principal.organisation_id, known_id(webhook_id))
        return Json(_shown(await acts.show(conn, webhook)))


@router.patch("/{webhook_id}", response_model=models.WebhookShown, openapi_extra=models.WEBHOOK_CHANGE)
async def change_webhook(request: Request, principal: AdminKey, webhook_id: str) -> Json:
    """Change what is sent; the rest stays. `"enabled": true` also gives it a fresh start."""
    services = services_of(request)
    data = decode_json(await request.body())

    def wish(current: EndpointSettings) -> EndpointSettings:
        return read_change(data, current, _check_url(services.settings))

    enable = isinstance(data, dict) and data.get("enabled") is True
    changed = await acts.change(*acting(request, principal), known_id(webhook_id), wish, enable=enable)
    return Json(_shown(changed))


@router.delete("/{webhook_id}", status_code=204, response_class=Response)
async def delete_webhook(request: Request, principal: AdminKey, webhook_id: str) -> Response:
    """Remove a webhook with everything of it. What waits for it is never sent."""
    await acts.delete(*acting(request, principal), known_id(webhook_id))
    return Response(status_code=204)


@router.post("/{webhook_id}/test", response_model=models.Tested)
async def test_webhook(request: Request, principal: AdminKey, webhook_id: str) -> Json:
    """Send `webhook.test` at once, one time, and say what the receiver answered. It appears in the log."""
    services = services_of(request)
    tested = await acts.test(
        *acting(request, principal), known_id(webhook_id), services.pings, principal.tenant_id
    )
    result = tested.result
    return Json(
        {
            "delivered": result.delivered,
            "status": result.status,
            "duration_ms": result.duration_ms,
            "error": result.error,
            "answer": result.answer,
            "delivery_id": tested.delivery_id,
        }
    )


@router.post(
    "/{webhook_id}/rotate-secret",
    status_code=201,
    response_model=models.Rotated,
    openapi_extra=models.ROTATION,
)
async def rotate_secret(request: Request, principal: AdminKey, webhook_id: str) -> Json:
    """Add a secret, shown once, here. The old one signs beside it for `overlap_s`, a day by default."""
    wanted = known_id(webhook_id)
    own, overlap_s = _rotation(await request.body())
    rotated = await acts.rotate_secret(*acting(request, principal), wanted, own, overlap_s)
    retiring = [old.retires_at for old in rotated.secrets[:-1] if old.retires_at is not None]
    return Json(
        {
            "id": wanted,
            "secret": rotated.secret,
            "old_retires_at": rfc3339(max(retiring)) if retiring else None,
            "secrets": models.secret_dicts(rotated.secrets),
        },
        status_code=201,
    )


@router.post("/{webhook_id}/retire-secret", response_model=models.Retired)
async def retire_secret(request: Request, principal: AdminKey, webhook_id: str) -> Json:
    """Let the old secret of two sign nothing any more, from now on."""
    wanted = known_id(webhook_id)
    secrets = await acts.retire_secret(*acting(request, principal), wanted)
    return Json({"id": wanted, "secrets": models.secret_dicts(secrets)})


@router.post(
    "/{webhook_id}/recover",
    status_code=201,
    response_model=models.RecoveryShown,
    openapi_extra=models.RECOVERY,
)
async def recover(request: Request, principal: AdminKey, webhook_id: str) -> Json:
    """Queue again what the webhook missed since a time, also while it was disabled; the worker does it."""
    services = services_of(request)
    wanted = known_id(webhook_id)
    data = _object(await request.body(), ("since", "until"))

    def span(zone: ZoneInfo) -> tuple[datetime, datetime | None]:
        return _span(data, zone, services.settings.delivery_retention_days)

    recovery = await acts.recover(*acting(request, principal), wanted, span)
    return Json(models.recovery_dict(recovery), status_code=201)


@router.get("/{webhook_id}/recoveries", response_model=models.RecoveryPage)
async def list_recoveries(
    request: Request, principal: ReadKey, webhook_id: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Json:
    """The webhook's recoveries and how far they are, the newest first."""
    async with services_of(request).database.connection() as conn:
        webhook = await endpoints.read(conn, principal.organisation_id, known_id(webhook_id))
        found = await endpoints.recoveries(conn, webhook, id_after(cursor), limit)
    rows = [models.recovery_dict(recovery) for recovery in found]
    return Json(page("recoveries", rows, limit, "recovery_id"))


def known_id(text: str) -> str:
    """The id in a path. Raises NotFound where it can't be a webhook's."""
    found = parse_uuid(text)
    if found is None:
        raise NotFound("There is no such webhook.")
    return found


def _shown(shown: Shown) -> dict[str, Any]:
    """All that is told of one webhook."""
    more = models.state_dict((shown.waiting, shown.given_up), shown.last, shown.recovery)
    return models.webhook_dict(shown.webhook, shown.secrets, more)


def _check_url(settings: Settings) -> CheckUrl:
    return partial(
        check_url,
        allow_private=settings.allow_private_webhooks,
        allowed_cidrs=settings.webhook_allowed_cidrs,
    )


def _object(body: bytes, known: tuple[str, ...]) -> Mapping[str, Any]:
    """A body that is an object of known fields."""
    data = decode_json(body)
    if not isinstance(data, dict):
        raise InvalidPayload("The body is not an object.", {"expected": "an object"})
    problems = Problems()
    for name in data:
        if name not in known:
            problems.unknown("", name, known)
    if problems.errors:
        raise InvalidPayload.from_fields(problems.errors)
    return data


def _rotation(body: bytes) -> tuple[str | None, int]:
    data = _object(body, ("secret", "overlap_s")) if body.strip() else {}
    problems = Problems()
    secret, overlap_s = data.get("secret"), data.get("overlap_s", DEFAULT_OVERLAP_S)
    if secret is not None:
        try:
            secret_bytes(secret if isinstance(secret, str) else "")
        except InvalidPayload as fault:
            problems.add("secret", fault.details["errors"][0]["message"])
    if type(overlap_s) is not int or not 0 <= overlap_s <= MAX_OVERLAP_S:
        problems.add("overlap_s", f"expected a whole number of seconds from 0 to {MAX_OVERLAP_S}")
    if problems.errors:
        raise InvalidPayload.from_fields(problems.errors)
    return secret, overlap_s


def _span(data: Mapping[str, Any], zone: ZoneInfo, retention_days: int) -> tuple[datetime, datetime | None]:
    """From when to when to recover, within what is kept; None is up to now."""
    now = datetime.now(UTC)
    since = moment("since", data.get("since"), zone, latest=now)
    until = moment("until", data.get("until"), zone) or now
    if since is None:
        raise InvalidPayload.field("since", "is required")
    if since < now - timedelta(days=retention_days):
        raise InvalidPayload.field(
            "since",
            f"must be a time within the last {retention_days} days; what was delivered before isn't known",
        )
    if until <= since:
        raise InvalidPayload.field("until", "must be a time after since")
    return since, until if until < now else None
