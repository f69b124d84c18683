"""The rows that stand for plugins in an organisation, and what became of their deliveries."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from rocket_server.db.queries import load
from rocket_server.ids import FIRST_ID
from rocket_server.plugins.dispatch import Subscription

SQL = load(__file__, "store.sql")

UNSEEN_FOR: Final = timedelta(days=1)  # after which a plugin is installed nowhere
LATEST_ATTEMPTS: Final = 500  # of an endpoint, among which failures are counted


@dataclass(frozen=True, slots=True)
class LineCount:
    """A line that failed attempts had in their answers: how often, and the last of them."""

    failures: int
    last_at: datetime
    last_error: str | None
    last_said: str


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """How a subscription stands in an organisation.

    `waiting` and `exhausted` are deliveries, 10,000 standing for more; `failures` are among the latest
    LATEST_ATTEMPTS attempts, and so is `by_label`, which counts by what a line begins with.
    """

    enabled: bool
    disabled_reason: str | None
    failing_since: datetime | None
    waiting: int
    exhausted: int
    failures: int
    by_label: dict[str, LineCount]


def endpoint_id(organisation_id: str, subscription_id: str) -> str:
    """The id of the row: always the same, so that processes that start together make it once."""
    return str(uuid.uuid5(uuid.UUID(organisation_id), f"plugin:{subscription_id}"))


async def add_missing(conn: Any, organisation_id: str, subscriptions: Sequence[Subscription]) -> bool:
    """Give an organisation the rows that it lacks, without touching others; whether there are new ones. Then
    its version is another."""
    rows = await conn.fetch(SQL["known"], organisation_id, [one.subscription_id for one in subscriptions])
    known = {row["plugin_id"] for row in rows}
    missing = [one for one in sorted(subscriptions, key=_subscription_id) if one.subscription_id not in known]
    if not missing:
        return False
    return bool(await conn.fetchval(SQL["add"], organisation_id, *_columns(organisation_id, missing)))


async def follow(conn: Any, organisation_id: str, subscriptions: Sequence[Subscription]) -> bool:
    """Let an organisation's rows follow what is installed: those that it lacks, what subscriptions ask for
    now, and plugins that no worker has had for a day; whether anything changed. Then its version is another.

    A worker does this once for each organisation when it starts, so that of two releases at work the one that
    started last is followed, and they don't take turns.
    """
    ids = [one.subscription_id for one in subscriptions]
    rows = {row["plugin_id"]: row for row in await conn.fetch(SQL["known"], organisation_id, ids)}
    changed = [
        one
        for one in sorted(subscriptions, key=_subscription_id)
        if (row := rows.get(one.subscription_id)) is not None
        and (tuple(row["events"]), row["timeout_ms"], row["max_attempts"], row["installed"])
        != (one.events, one.timeout_ms, one.max_attempts, True)
    ]
    if changed:
        await conn.execute(SQL["change"], organisation_id, *_columns(organisation_id, changed))
    gone = await conn.fetch(SQL["uninstall"], organisation_id, ids, UNSEEN_FOR)
    if changed or gone:
        await conn.execute(SQL["tell"], organisation_id)
    added = bool(subscriptions) and await add_missing(conn, organisation_id, subscriptions)
    return bool(changed or gone or added)


async def seen(conn: Any, subscriptions: Sequence[Subscription]) -> None:
    """Note that this worker has these plugins."""
    await conn.execute(SQL["seen"], sorted(one.subscription_id for one in subscriptions))


async def due(
    conn: Any, subscriptions: Sequence[Subscription], after: tuple[str, ...] | None, limit: int
) -> list[tuple[str]]:
    """The next organisations, behind `after`, that lack a row, or have one of a plugin that no worker has had
    for a day."""
    (before,) = after or (FIRST_ID,)
    ids = [one.subscription_id for one in subscriptions]
    return [(row[0],) for row in await conn.fetch(SQL["due"], ids, UNSEEN_FOR, before, limit)]


async def states(
    conn: Any, organisation_id: str, subscription_ids: Collection[str]
) -> dict[str, SubscriptionState]:
    """How subscriptions stand in an organisation, by their ids."""
    rows = await conn.fetch(SQL["states"], organisation_id, list(subscription_ids))
    endpoint_ids = [row["endpoint_id"] for row in rows]
    failures = {
        row["endpoint_id"]: row["failures"]
        for row in await conn.fetch(SQL["failed_attempts"], organisation_id, endpoint_ids, LATEST_ATTEMPTS)
    }
    by_label: dict[str, dict[str, LineCount]] = {one: {} for one in endpoint_ids}
    for row in await conn.fetch(SQL["failures"], organisation_id, endpoint_ids, LATEST_ATTEMPTS):
        by_label[row["endpoint_id"]][row["label"]] = LineCount(
            row["failures"], row["last_at"], row["last_error"], row["last_said"]
        )
    return {
        row["plugin_id"]: SubscriptionState(
            row["enabled"],
            row["disabled_reason"],
            row["failing_since"],
            row["waiting"],
            row["exhausted"],
            failures.get(row["endpoint_id"], 0),
            by_label[row["endpoint_id"]],
        )
        for row in rows
    }


async def switch(conn: Any, organisation_id: str, subscription_ids: Collection[str], enabled: bool) -> bool:
    """Enable or disable subscriptions for an organisation; whether anything changed."""
    changed = await conn.fetch(SQL["switch"], organisation_id, list(subscription_ids), enabled)
    if changed and enabled:
        await conn.execute(SQL["forgive"], organisation_id, [row[0] for row in changed])
    return bool(changed)


def _columns(organisation_id: str, subscriptions: Sequence[Subscription]) -> tuple[list[Any], ...]:
    return (
        [endpoint_id(organisation_id, one.subscription_id) for one in subscriptions],
        [one.subscription_id for one in subscriptions],
        [one.description for one in subscriptions],
        [msgspec.json.encode(one.events).decode() for one in subscriptions],
        [one.timeout_ms for one in subscriptions],
        [one.max_attempts for one in subscriptions],
    )


def _subscription_id(subscription: Subscription) -> str:
    return subscription.subscription_id
