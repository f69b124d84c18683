"""Webhooks as an administrator sets, tests and mends them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from rocket_server.conditions.reading import Problems
from rocket_server.config.settings import Settings
from rocket_server.delivery import endpoints, history, ping
from rocket_server.delivery.endpoints import Webhook
from rocket_server.delivery.guard import check_url
from rocket_server.delivery.history import Attempt
from rocket_server.delivery.settings import CheckUrl, read_change, read_new
from rocket_server.delivery.signing import secret_bytes
from rocket_server.errors import InvalidPayload, NotFound
from rocket_server.http import openapi
from rocket_server.http.api import webhook_models as models
from rocket_server.http.auth import AdminKey, ReadKey
from rocket_server.http.edge.body import decode_json
from rocket_server.http.paging import DEFAULT_LIMIT, Cursor, Limit, id_after, page
from rocket_server.http.responses import Json, rfc3339
from rocket_server.http.services import services_of
from rocket_server.http.times import moment
from rocket_server.ids import parse_uuid

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

    async def work(conn: Any) -> dict[str, Any]:
        webhook, secret = await endpoints.create(conn, principal.organisation_id, settings, own)
        return {**await _read(conn, webhook), "secret": secret}

    return Json(await services.database.run(work), status_code=201)


@router.get("/{webhook_id}", response_model=models.WebhookShown)
async def read_webhook(request: Request, principal: ReadKey, webhook_id: str) -> Json:
    """One webhook: what it is set to, and how it does."""
    async with services_of(request).database.connection() as conn:
        webhook = await endpoints.read(conn, principal.organisation_id, known_id(webhook_id))
        return Json(await _read(conn, webhook))


@router.patch("/{webhook_id}", response_model=models.WebhookShown, openapi_extra=models.WEBHOOK_CHANGE)
async def change_webhook(request: Request, principal: AdminKey, webhook_id: str) -> Json:
    """Change what is sent; the rest stays. `"enabled": true` also gives it a fresh start."""
    services = services_of(request)
    data = decode_json(await request.body())
    wanted = known_id(webhook_id)

    async def work(conn: Any) -> dict[str, Any]:
        webhook = await endpoints.lock(conn, principal.organisation_id, wanted)
        settings = read_change(data, webhook.settings, _check_url(services.settings))
        enable = data.get("enabled") is True
        return await _read(conn, await endpoints.change(conn, webhook, settings, enable=enable))

    return Json(await services.database.run(work))


@router.delete("/{webhook_id}", status_code=204, response_class=Response)
async def delete_webhook(request: Request, principal: AdminKey, webhook_id: str) -> Response:
    """Remove a webhook with everything of it. What waits for it is never sent."""
    wanted = known_id(webhook_id)

    async def work(conn: Any) -> None:
        await endpoints.remove(conn, await endpoints.lock(conn, principal.organisation_id, wanted))

    await services_of(request).database.run(work)
    return Response(status_code=204)


@router.post("/{webhook_id}/test", response_model=models.Tested)
async def test_webhook(request: Request, principal: AdminKey, webhook_id: str) -> Json:
    """Send `webhook.test` at once, one time, and say what the receiver answered. It appears in the log."""
    services = services_of(request)
    async with services.database.connection() as conn:
        webhook = await endpoints.read(conn, principal.organisation_id, known_id(webhook_id))
        target = await endpoints.target(conn, webhook)
    now = datetime.now(UTC)
    message = ping.message(webhook.endpoint_id, now)
    # No connection is held while the receiver is thought about.
    outcome = await services.pings.send(target, principal.tenant_id, message, now)

    async def work(conn: Any) -> str:
        await endpoints.hold(conn, principal.organisation_id, webhook.endpoint_id)
        return await history.add_sent(conn, webhook, message, outcome)

    delivery_id = await services.database.run(work)
    return Json(
        {
            "delivered": outcome.delivered,
            "status": outcome.status,
            "duration_ms": outcome.duration_ms,
            "error": outcome.error,
            "answer": outcome.answer,
            "delivery_id": delivery_id,
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

    async def work(conn: Any) -> dict[str, Any]:
        webhook = await endpoints.lock(conn, principal.organisation_id, wanted)
        secret = await endpoints.rotate_secret(conn, webhook, own, overlap_s)
        secrets = (await endpoints.secrets(conn, principal.organisation_id, [wanted]))[wanted]
        retiring = [old.retires_at for old in secrets[:-1] if old.retires_at is not None]
        return {
            "id": wanted,
            "secret": secret,
            "old_retires_at": rfc3339(max(retiring)) if retiring else None,
            "secrets": models.secret_dicts(secrets),
        }

    return Json(await services_of(request).database.run(work), status_code=201)


@router.post("/{webhook_id}/retire-secret", response_model=models.Retired)
async def retire_secret(request: Request, principal: AdminKey, webhook_id: str) -> Json:
    """Let the old secret of two sign nothing any more, from now on."""
    wanted = known_id(webhook_id)

    async def work(conn: Any) -> dict[str, Any]:
        await endpoints.retire_secret(conn, await endpoints.lock(conn, principal.organisation_id, wanted))
        secrets = await endpoints.secrets(conn, principal.organisation_id, [wanted])
        return {"id": wanted, "secrets": models.secret_dicts(secrets[wanted])}

    return Json(await services_of(request).database.run(work))


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

    async def work(conn: Any) -> dict[str, Any]:
        webhook = await endpoints.lock(conn, principal.organisation_id, wanted)
        configuration = await services.configurations.current(conn, principal.organisation_id)
        span = _span(data, configuration.organisation.timezone, services.settings.delivery_retention_days)
        return models.recovery_dict(await endpoints.recover(conn, webhook, *span))

    return Json(await services.database.run(work), status_code=201)


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


async def _read(conn: Any, webhook: Webhook) -> dict[str, Any]:
    """All that is told of one webhook."""
    secrets = await endpoints.secrets(conn, webhook.organisation_id, [webhook.endpoint_id])
    row = await endpoints.last_attempt(conn, webhook)
    last = (row[0], Attempt(*tuple(row)[1:])) if row is not None else None
    more = models.state_dict(
        await endpoints.counts(conn, webhook), last, await endpoints.running_recovery(conn, webhook)
    )
    return models.webhook_dict(webhook, secrets[webhook.endpoint_id], more)


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
            problems.add("secret", fault.details["expected"])
    if type(overlap_s) is not int or not 0 <= overlap_s <= MAX_OVERLAP_S:
        problems.add("overlap_s", f"expected a whole number of seconds from 0 to {MAX_OVERLAP_S}")
    if problems.errors:
        raise InvalidPayload.from_fields(problems.errors)
    return secret, overlap_s


def _span(data: Mapping[str, Any], zone: Any, retention_days: int) -> tuple[datetime, datetime]:
    """From when to when to recover, within what is kept; up to now where nothing else is said."""
    now = datetime.now(UTC)
    since = moment("since", data.get("since"), zone, latest=now)
    until = min(moment("until", data.get("until"), zone) or now, now)
    if since is None:
        raise InvalidPayload.field("since", "is required")
    if since < now - timedelta(days=retention_days):
        raise InvalidPayload.field(
            "since", f"a time within the last {retention_days} days, for which it is known what was delivered"
        )
    if until <= since:
        raise InvalidPayload.field("until", "a time after since")
    return since, until
