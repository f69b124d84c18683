"""Webhooks set, tested and mended."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, changed, subject_of
from rocket_server.delivery import endpoints, facts, history, ping
from rocket_server.delivery.endpoints import Recovery, Secret, Webhook
from rocket_server.delivery.history import Attempt, Delivery, Redelivery
from rocket_server.delivery.model import AttemptResult
from rocket_server.delivery.ping import Pings
from rocket_server.delivery.settings import EndpointSettings
from rocket_server.usecases.acting import Services


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """All that is told of one webhook. `secret` is one that was made now, shown once."""

    webhook: Webhook
    secrets: list[Secret]
    waiting: int
    given_up: int
    last: tuple[str, Attempt] | None  # the event, and the attempt
    recovery: Recovery | None
    secret: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Rotated:
    """A secret that is shown once, and all that there are."""

    secret: str
    secrets: list[Secret]


@dataclass(frozen=True, slots=True)
class Tested:
    """What the receiver answered, and the delivery that the log has of it."""

    result: AttemptResult
    delivery_id: str


@dataclass(frozen=True, slots=True)
class Redelivered:
    """The delivery, and what becomes of it."""

    delivery: Delivery
    result: Redelivery


async def show(conn: Any, webhook: Webhook, secret: str | None = None) -> Shown:
    """A webhook as it is."""
    secrets = await endpoints.secrets(conn, webhook.organisation_id, [webhook.endpoint_id])
    row = await endpoints.last_attempt(conn, webhook)
    last = None if row is None else (row[0], Attempt(*tuple(row)[1:]))
    waiting, given_up = await endpoints.counts(conn, webhook)
    recovery = await endpoints.running_recovery(conn, webhook)
    return Shown(webhook, secrets[webhook.endpoint_id], waiting, given_up, last, recovery, secret)


async def create(
    services: Services, organisation_id: str, actor: Actor, settings: EndpointSettings, own: str | None
) -> Shown:
    """Make a webhook, with a secret of the caller's `own` or a new one. Raises Conflict where there are too
    many."""

    async def work(conn: Any) -> Shown:
        webhook, secret = await endpoints.create(conn, organisation_id, settings, own)
        act = Act("webhook.created", _subject(webhook), None, _state(settings))
        await audit.add(conn, organisation_id, actor, [act])
        return await show(conn, webhook, secret)

    return await services.database.run(work)


async def change(
    services: Services,
    organisation_id: str,
    actor: Actor,
    endpoint_id: str,
    wish: Callable[[EndpointSettings], EndpointSettings],
    *,
    enable: bool,
) -> Shown:
    """Set what is wished instead of the present settings; `enable` also gives a fresh start: the breaker
    closes, and how long it has failed is forgotten. Raises NotFound, and what `wish` raises."""

    async def work(conn: Any) -> Shown:
        before = await endpoints.lock(conn, organisation_id, endpoint_id)
        after = await endpoints.change(conn, before, wish(before.settings), enable=enable)
        acts = changed("webhook.changed", _subject(after), *_states(before, after))
        await audit.add(conn, organisation_id, actor, acts)
        return await show(conn, after)

    return await services.database.run(work)


async def delete(services: Services, organisation_id: str, actor: Actor, endpoint_id: str) -> None:
    """Remove a webhook with everything of it. What waits for it is never sent. Raises NotFound."""

    async def work(conn: Any) -> None:
        webhook = await endpoints.lock(conn, organisation_id, endpoint_id)
        await endpoints.remove(conn, webhook)
        act = Act("webhook.deleted", _subject(webhook), _state(webhook.settings), None)
        await audit.add(conn, organisation_id, actor, [act])

    await services.database.run(work)


async def test(
    services: Services, organisation_id: str, actor: Actor, endpoint_id: str, pings: Pings, tenant_id: str
) -> Tested:
    """Send `webhook.test` at once, one time. It appears in the webhook's log. Raises NotFound."""
    async with services.database.connection() as conn:
        webhook = await endpoints.read(conn, organisation_id, endpoint_id)
        target = await endpoints.target(conn, webhook)
    now = datetime.now(UTC)
    message = ping.message(webhook.endpoint_id, now)
    # No connection is held while the receiver is thought about.
    result = await pings.send(target, tenant_id, message, now)

    async def work(conn: Any) -> str:
        await endpoints.hold(conn, organisation_id, webhook.endpoint_id)
        delivery_id = await history.add_sent(conn, webhook, message, result)
        after = {"delivery_id": delivery_id, "delivered": result.delivered, "status": result.status}
        await audit.add(conn, organisation_id, actor, [Act("webhook.tested", _subject(webhook), None, after)])
        return delivery_id

    return Tested(result, await services.database.run(work))


async def rotate_secret(
    services: Services, organisation_id: str, actor: Actor, endpoint_id: str, own: str | None, overlap_s: int
) -> Rotated:
    """Add a secret; the old one signs beside it for `overlap_s`. Raises NotFound, Conflict."""

    async def work(conn: Any) -> Rotated:
        webhook = await endpoints.lock(conn, organisation_id, endpoint_id)
        secret = await endpoints.rotate_secret(conn, webhook, own, overlap_s)
        secrets = (await endpoints.secrets(conn, organisation_id, [endpoint_id]))[endpoint_id]
        after = {"id": secrets[-1].secret_id, "overlap_s": overlap_s}
        act = Act("webhook.secret_rotated", _subject(webhook), None, after)
        await audit.add(conn, organisation_id, actor, [act])
        return Rotated(secret, secrets)

    return await services.database.run(work)


async def retire_secret(
    services: Services, organisation_id: str, actor: Actor, endpoint_id: str
) -> list[Secret]:
    """Let the old secret of two sign nothing any more. Raises NotFound, or Conflict where there is one."""

    async def work(conn: Any) -> list[Secret]:
        webhook = await endpoints.lock(conn, organisation_id, endpoint_id)
        await endpoints.retire_secret(conn, webhook)
        secrets = (await endpoints.secrets(conn, organisation_id, [endpoint_id]))[endpoint_id]
        after = {"left": [secret.secret_id for secret in secrets if secret.active]}
        act = Act("webhook.secret_retired", _subject(webhook), None, after)
        await audit.add(conn, organisation_id, actor, [act])
        return secrets

    return await services.database.run(work)


async def recover(
    services: Services,
    organisation_id: str,
    actor: Actor,
    endpoint_id: str,
    span: Callable[[ZoneInfo], tuple[datetime, datetime | None]],
) -> Recovery:
    """Queue again what the webhook missed in a span of time, also while it was disabled; the worker does it.

    Raises NotFound, Conflict while it is disabled or another recovery runs, and what `span` raises.
    """

    async def work(conn: Any) -> Recovery:
        webhook = await endpoints.lock(conn, organisation_id, endpoint_id)
        configuration = await services.configurations.current(conn, organisation_id)
        times = span(configuration.organisation.timezone)
        recovery = await endpoints.recover(conn, webhook, *times)
        after = {"id": recovery.recovery_id, "since": recovery.since, "until": recovery.until}
        act = Act("webhook.recovery_begun", _subject(webhook), None, after)
        await audit.add(conn, organisation_id, actor, [act])
        return recovery

    return await services.database.run(work)


async def redeliver(
    services: Services, organisation_id: str, actor: Actor, delivery_id: str, tenant_id: str
) -> Redelivered:
    """Send a delivery again, under the same id; it takes the place of a try that is waited for.

    Raises NotFound, and Conflict where the webhook is disabled or the event is gone.
    """

    async def work(conn: Any) -> Redelivered:
        found, _, _ = await history.find(conn, organisation_id, delivery_id)
        is_there = found.event_id in await facts.read(conn, tenant_id, organisation_id, [found.event_id])
        delivery, result = await history.redeliver(conn, organisation_id, delivery_id, is_there=is_there)
        if result == "queued":
            after = {"delivery_id": delivery.delivery_id, "event": delivery.event}
            subject = subject_of("webhook", delivery.endpoint_id)
            act = Act("delivery.redelivered", subject, None, after)
            await audit.add(conn, organisation_id, actor, [act])
        return Redelivered(delivery, result)

    return await services.database.run(work)


def _subject(webhook: Webhook) -> str:
    return subject_of("webhook", webhook.endpoint_id)


def _state(settings: EndpointSettings) -> dict[str, Any]:
    """What the log says of a webhook: of its URL the host, for the rest may be a secret; of headers their
    names."""
    state = settings.as_dict()
    parts = urlsplit(settings.url)
    state["url"] = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"
    state["url_digest"] = _digest(settings.url)
    state["headers"] = ", ".join(sorted(settings.headers))
    return state


def _states(before: Webhook, after: Webhook) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two states, with what differs in values that aren't told."""
    old, new = _state(before.settings), _state(after.settings)
    had, has = before.settings.headers, after.settings.headers
    differing = sorted(name for name in has if name in had and has[name] != had[name])
    if differing:
        new["headers_changed"] = ", ".join(differing)
    if (before.breaker, before.disabled_reason) != (after.breaker, after.disabled_reason):
        old["breaker"], new["breaker"] = before.breaker, after.breaker
        old["disabled_reason"], new["disabled_reason"] = before.disabled_reason, after.disabled_reason
    return old, new


def _digest(url: str) -> str:
    """By which two addresses at one host are told apart."""
    return hashlib.sha256(url.encode()).hexdigest()[:8]
