"""Webhooks: made, changed, removed, their secrets replaced without a gap, and what they missed asked for."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from rocket_server.db.queries import load
from rocket_server.delivery.model import Target
from rocket_server.delivery.settings import EndpointSettings
from rocket_server.delivery.signing import SECRET_PREFIX
from rocket_server.errors import Conflict, InvalidPayload, NotFound
from rocket_server.ids import uuid7
from rocket_server.organisations import store as organisations
from rocket_server.organisations.credentials import shown_prefix

SQL = load(__file__, "endpoints.sql")

MAX_WEBHOOKS: Final = 100  # of one organisation
MAX_ACTIVE_SECRETS: Final = 2
MAX_COUNTED: Final = 10_000
_KEPT_RECOVERIES: Final = 100  # of one webhook
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of a webhook, without what must not be shown. It signs until `retires_at`."""

    secret_id: str
    prefix: str
    created_at: datetime
    retires_at: datetime | None
    active: bool


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook with its settings and state."""

    organisation_id: str
    endpoint_id: str
    settings: EndpointSettings
    disabled_reason: str | None
    disabled_at: datetime | None
    created_at: datetime
    breaker: str
    failures: int
    retry_at: datetime | None
    failing_since: datetime | None


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a webhook missed between two times, on its way to be queued again."""

    recovery_id: str
    since: datetime
    until: datetime
    position: str | None  # the last event that was looked at
    queued: int
    created_at: datetime
    finished_at: datetime | None


def new_secret() -> str:
    """A secret as Standard Webhooks has it, of 256 random bits."""
    return SECRET_PREFIX + base64.b64encode(os.urandom(_SECRET_BYTES)).decode()


async def create(
    conn: Any, organisation_id: str, settings: EndpointSettings, secret: str | None
) -> tuple[Webhook, str]:
    """Store a new webhook; the secret is answered now and never again.

    Raises Conflict where the organisation has MAX_WEBHOOKS already: each event is held against all of them.
    """
    await organisations.touch(conn, organisation_id)  # also the lock under which they are counted
    if await conn.fetchval(SQL["count"], organisation_id) >= MAX_WEBHOOKS:
        raise Conflict(
            f"An organisation has at most {MAX_WEBHOOKS} webhooks. Delete one that isn't used any more, or"
            " let one receive several kinds of events.",
            {"limit": MAX_WEBHOOKS},
        )
    endpoint_id, secret = uuid7(), secret or new_secret()
    await conn.execute(SQL["add"], organisation_id, endpoint_id, *_columns(settings))
    await conn.execute(SQL["add_state"], organisation_id, endpoint_id)
    await conn.execute(SQL["add_secret"], organisation_id, endpoint_id, uuid7(), secret)
    return await read(conn, organisation_id, endpoint_id), secret


async def read(conn: Any, organisation_id: str, endpoint_id: str) -> Webhook:
    """One webhook. Raises NotFound where the organisation has none of that id."""
    row = await conn.fetchrow(SQL["read"], organisation_id, endpoint_id)
    if row is None:
        raise NotFound("There is no such webhook.")
    return _webhook(organisation_id, row)


async def lock(conn: Any, organisation_id: str, endpoint_id: str) -> Webhook:
    """One webhook, locked until the transaction ends. Raises NotFound."""
    await conn.fetchval(SQL["lock_state"], organisation_id, endpoint_id)
    if await conn.fetchval(SQL["lock"], organisation_id, endpoint_id) is None:
        raise NotFound("There is no such webhook.")
    return await read(conn, organisation_id, endpoint_id)


async def hold(conn: Any, organisation_id: str, endpoint_id: str) -> None:
    """Keep a webhook from being deleted until the transaction ends. Raises NotFound where it was before."""
    if await conn.fetchval(SQL["hold"], organisation_id, endpoint_id) is None:
        raise NotFound("There is no such webhook.")


async def page(conn: Any, organisation_id: str, after: str | None, limit: int) -> list[Webhook]:
    """The organisation's webhooks, the oldest first."""
    rows = await conn.fetch(SQL["page"], organisation_id, after, limit)
    return [_webhook(organisation_id, row) for row in rows]


async def change(conn: Any, webhook: Webhook, settings: EndpointSettings, *, enable: bool) -> Webhook:
    """Store new settings of a webhook that is locked. With `enable` it also gets a fresh start: its breaker
    closes, and how long it has failed is forgotten."""
    key = (webhook.organisation_id, webhook.endpoint_id)
    await conn.execute(SQL["change"], *key, *_columns(settings))
    if enable:
        await conn.execute(SQL["close_breaker"], *key)
    await organisations.touch(conn, webhook.organisation_id)
    return await read(conn, *key)


async def remove(conn: Any, webhook: Webhook) -> None:
    """Remove a webhook that is locked. What it left in queue and log is never sent or shown again, and the
    worker removes it piece by piece: it may be millions of rows."""
    key = (webhook.organisation_id, webhook.endpoint_id)
    for statement in ("remove_recoveries", "remove_secrets", "remove", "remove_state"):
        await conn.execute(SQL[statement], *key)
    await organisations.touch(conn, webhook.organisation_id)


async def secrets(conn: Any, organisation_id: str, endpoint_ids: list[str]) -> Mapping[str, list[Secret]]:
    """The secrets of webhooks as they may be shown, the oldest first; by webhook."""
    found: dict[str, list[Secret]] = {endpoint_id: [] for endpoint_id in endpoint_ids}
    for row in await conn.fetch(SQL["secrets"], organisation_id, endpoint_ids):
        found[row["endpoint_id"]].append(
            Secret(
                row["secret_id"],
                shown_prefix(row["secret"]),
                row["created_at"],
                row["retires_at"],
                row["active"],
            )
        )
    return found


async def target(conn: Any, webhook: Webhook) -> Target:
    """A webhook as the sender sees it, enabled or not."""
    rows = await conn.fetch(SQL["secrets"], webhook.organisation_id, [webhook.endpoint_id])
    settings = webhook.settings
    return Target(
        organisation_id=webhook.organisation_id,
        endpoint_id=webhook.endpoint_id,
        kind="webhook",
        url=settings.url,
        plugin_id=None,
        format=settings.format,
        headers=settings.headers,
        timeout_ms=settings.timeout_ms,
        max_attempts=settings.max_attempts,
        secrets=tuple(row["secret"] for row in rows if row["active"]),
    )


async def rotate_secret(conn: Any, webhook: Webhook, secret: str | None, overlap_s: int) -> str:
    """Give a locked webhook another secret, which is answered now and never again.

    Those that there are go on signing for `overlap_s`; with 0 they retire at once. Raises Conflict where two
    are active already and shall not retire at once.
    """
    key = (webhook.organisation_id, webhook.endpoint_id)
    rows = await conn.fetch(SQL["secrets"], key[0], [key[1]])
    active = [row for row in rows if row["active"]]
    if any(row["secret"] == secret for row in rows):
        raise InvalidPayload.field("secret", "must be another secret than those that the webhook has or had")
    if overlap_s and len(active) >= MAX_ACTIVE_SECRETS:
        raise Conflict(
            f"{MAX_ACTIVE_SECRETS} secrets are active already. Retire the old one at once by POST"
            f" /v1/webhooks/{webhook.endpoint_id}/retire-secret, or rotate with overlap_s 0.",
            {"active": len(active)},
        )
    await conn.execute(SQL["forget_retired"], *key)
    ids = [row["secret_id"] for row in active]
    await conn.execute(SQL["retire_secrets"], *key, ids, timedelta(seconds=overlap_s))
    secret = secret or new_secret()
    await conn.execute(SQL["add_secret"], *key, uuid7(), secret)
    await organisations.touch(conn, webhook.organisation_id)
    return secret


async def retire_secret(conn: Any, webhook: Webhook) -> None:
    """End all but the newest secret of a locked webhook at once. Raises Conflict where one is active only."""
    key = (webhook.organisation_id, webhook.endpoint_id)
    rows = await conn.fetch(SQL["secrets"], key[0], [key[1]])
    active = [row["secret_id"] for row in rows if row["active"]]
    if len(active) < MAX_ACTIVE_SECRETS:
        raise Conflict(
            "Only one secret is active, and every delivery must be signed. Give the webhook another by POST"
            f" /v1/webhooks/{webhook.endpoint_id}/rotate-secret; with overlap_s 0 this one retires at once.",
            {"active": len(active)},
        )
    await conn.execute(SQL["retire_secrets"], *key, active[:-1], timedelta())
    await organisations.touch(conn, webhook.organisation_id)


async def counts(conn: Any, webhook: Webhook) -> tuple[int, int]:
    """How many deliveries wait and how many were given up; MAX_COUNTED stands for as many or more."""
    row = await conn.fetchrow(SQL["counts"], webhook.organisation_id, webhook.endpoint_id, MAX_COUNTED)
    return row[0], row[1]


async def last_attempt(conn: Any, webhook: Webhook) -> Any:
    """The row of the last attempt, or None."""
    return await conn.fetchrow(SQL["last_attempt"], webhook.organisation_id, webhook.endpoint_id)


async def recover(conn: Any, webhook: Webhook, since: datetime, until: datetime | None) -> Recovery:
    """Ask for what the webhook missed, up to now where `until` is None. Raises Conflict while it is disabled
    or another recovery runs."""
    key = (webhook.organisation_id, webhook.endpoint_id)
    refuse_disabled(webhook.settings.enabled, webhook.endpoint_id)
    await conn.execute(SQL["forget_recoveries"], *key, _KEPT_RECOVERIES - 1)
    row = await conn.fetchrow(SQL["add_recovery"], *key, uuid7(), since, until)
    if row is None:
        raise Conflict(
            "A recovery of this webhook is running. Wait until it has finished: GET"
            f" /v1/webhooks/{webhook.endpoint_id}/recoveries shows how far it is."
        )
    return Recovery(*row)


async def recoveries(conn: Any, webhook: Webhook, before: str | None, limit: int) -> list[Recovery]:
    """The webhook's recoveries, the newest first."""
    key = (webhook.organisation_id, webhook.endpoint_id)
    return [Recovery(*row) for row in await conn.fetch(SQL["recoveries"], *key, before, limit)]


async def running_recovery(conn: Any, webhook: Webhook) -> Recovery | None:
    """The recovery that is running."""
    row = await conn.fetchrow(SQL["running_recovery"], webhook.organisation_id, webhook.endpoint_id)
    return None if row is None else Recovery(*row)


def refuse_disabled(enabled: bool, endpoint_id: str) -> None:
    """Raise Conflict for an endpoint that nothing is sent to now."""
    if not enabled:
        raise Conflict(
            f'The webhook is disabled. Enable it first: PATCH /v1/webhooks/{endpoint_id} {{"enabled": true}}.'
        )


def _columns(settings: EndpointSettings) -> tuple[Any, ...]:
    return (
        settings.url,
        settings.description,
        list(settings.events),
        dict(settings.filters),
        settings.format,
        dict(settings.headers),
        settings.timeout_ms,
        settings.max_attempts,
        settings.throttle_per_s,
        settings.enabled,
    )


def _webhook(organisation_id: str, row: Any) -> Webhook:
    return Webhook(
        organisation_id,
        row["endpoint_id"],
        EndpointSettings(
            url=row["url"],
            events=tuple(row["events"]),
            description=row["description"],
            filters=row["filters"],
            format=row["format"],
            headers=row["headers"],
            timeout_ms=row["timeout_ms"],
            max_attempts=row["max_attempts"],
            throttle_per_s=row["throttle_per_s"],
            enabled=row["enabled"],
        ),
        row["disabled_reason"],
        row["disabled_at"],
        row["created_at"],
        row["breaker"],
        row["failures"],
        row["retry_at"],
        row["failing_since"],
    )
