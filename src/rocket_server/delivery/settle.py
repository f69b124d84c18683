"""Writes what became of claimed deliveries, and what that says about their endpoints."""

from __future__ import annotations

import random as randomness
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from rocket_server.config.settings import Settings
from rocket_server.db.queries import load
from rocket_server.delivery import health, outbox, retry
from rocket_server.delivery.breaker import Breaker
from rocket_server.delivery.health import Attempt, Change, Health, HealthLimits
from rocket_server.delivery.model import AttemptResult, Claimed
from rocket_server.delivery.outbox import Message, told
from rocket_server.delivery.retry import Next
from rocket_server.organisations import store as organisations
from rocket_server.times import rfc3339

SQL = load(__file__, "settle.sql")


@dataclass(frozen=True, slots=True)
class Policy:
    """How long to wait for a retry, and how much an endpoint may fail."""

    retry_base_s: float
    limits: HealthLimits

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """As the operator set it."""
        return cls(
            settings.webhook_retry_base_s,
            HealthLimits(
                settings.breaker_failures,
                settings.breaker_open_s,
                timedelta(hours=settings.endpoint_warn_after_h),
                timedelta(hours=settings.endpoint_disable_after_h),
            ),
        )


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The outcome of a claimed delivery. Where nothing could be sent, and never can, `given_up` says why."""

    claimed: Claimed
    outcome: AttemptResult
    given_up: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """How many deliveries came to what (`stale`: somebody claimed it later), and endpoints that changed."""

    counts: Counter[str]
    changes: Mapping[str, Change]


async def settle(
    conn: Any,
    organisation_id: str,
    results: Sequence[DeliveryResult],
    policy: Policy,
    random: Callable[[], float] = randomness.random,
) -> Settled:
    """Write the results of one organisation's deliveries.

    Each names the attempt that it belongs to: one that comes after a later claim is logged and changes
    nothing. What failed waits for its next try or is given up; endpoints that failed for long are warned
    about and disabled. Results of endpoints that were deleted meanwhile are forgotten.
    """
    endpoint_ids = sorted({result.claimed.endpoint_id for result in results})
    states = {row["endpoint_id"]: row for row in await conn.fetch(SQL["lock"], organisation_id, endpoint_ids)}
    results = [result for result in results if result.claimed.endpoint_id in states]
    if not results:
        return Settled(Counter(), {})
    now = next(iter(states.values()))["now"]
    follow = [_next(result, states[result.claimed.endpoint_id], policy, now, random()) for result in results]
    ended = await _write(conn, organisation_id, results, follow, now)
    counts: Counter[str] = Counter()
    attempts: dict[str, list[Attempt]] = defaultdict(list)
    messages: list[Message] = []
    for result, following in sorted(zip(results, follow, strict=True), key=_in_order):
        claimed = result.claimed
        if claimed.delivery_id not in ended:
            counts["stale"] += 1
            continue
        counts[following.verdict] += 1
        quiet = outbox.is_operational(claimed.event)
        if result.given_up is None:
            attempts[claimed.endpoint_id].append(Attempt(result.outcome, quiet))
        if following.verdict == "exhausted" and not quiet:
            messages.append(_exhausted(claimed, following, now))
    changes = {
        endpoint_id: health.after(_health(states[endpoint_id]), of_endpoint, policy.limits, now)
        for endpoint_id, of_endpoint in attempts.items()
    }
    await _write_changes(conn, organisation_id, states, changes, now)
    for endpoint_id, change in changes.items():
        if states[endpoint_id]["enabled"]:
            messages.extend(_news(states[endpoint_id], change, attempts[endpoint_id][-1].outcome, now))
    if messages:
        endpoints = await outbox.endpoints(conn, organisation_id)
        await outbox.enqueue(conn, organisation_id, endpoints, messages, now)
    return Settled(counts, changes)


def _next(result: DeliveryResult, state: Any, policy: Policy, now: datetime, random: float) -> Next:
    if result.given_up is not None:
        return Next("exhausted", result.given_up)
    return retry.after(
        result.outcome,
        tries=result.claimed.tries + 1,
        max_attempts=state["max_attempts"],
        base_s=policy.retry_base_s,
        now=now,
        random=random,
    )


async def _write(
    conn: Any, organisation_id: str, results: Sequence[DeliveryResult], follow: Sequence[Next], now: datetime
) -> set[str]:
    """Log all attempts and end their claims; the ids of the deliveries that this was the last claim of."""
    # A delivery's id is the endpoint's too, so it names the row by itself. One order for all who do this.
    order = sorted(range(len(results)), key=lambda index: results[index].claimed.delivery_id)
    results, follow = [results[index] for index in order], [follow[index] for index in order]
    endpoint_ids = [result.claimed.endpoint_id for result in results]
    delivery_ids = [result.claimed.delivery_id for result in results]
    numbers = [result.claimed.attempt for result in results]
    ended = await conn.fetch(
        SQL["settle"],
        organisation_id,
        endpoint_ids,
        delivery_ids,
        numbers,
        [following.status for following in follow],
        [following.at for following in follow],
        [following.tries for following in follow],
        now,
    )
    await conn.execute(
        SQL["log"],
        organisation_id,
        endpoint_ids,
        delivery_ids,
        numbers,
        [result.outcome.started_at for result in results],
        [result.outcome.duration_ms for result in results],
        [result.outcome.delivered for result in results],
        [result.outcome.status for result in results],
        [result.outcome.error for result in results],
        [_storable(result.outcome.answer) for result in results],
        [following.at for following in follow],
        [following.reason for following in follow],
    )
    return {row[0] for row in ended}


async def _write_changes(
    conn: Any, organisation_id: str, states: Mapping[str, Any], changes: Mapping[str, Change], now: datetime
) -> None:
    changed = [
        (endpoint_id, change.health)
        for endpoint_id, change in sorted(changes.items())
        if change.health != _health(states[endpoint_id])
    ]
    if changed:
        await conn.execute(
            SQL["write_states"],
            organisation_id,
            [endpoint_id for endpoint_id, _ in changed],
            [now_held.breaker.state for _, now_held in changed],
            [now_held.breaker.failures for _, now_held in changed],
            [now_held.breaker.retry_at for _, now_held in changed],
            [now_held.failing_since for _, now_held in changed],
            [now_held.warned_at for _, now_held in changed],
        )
    disabled = {endpoint_id: change.disabled for endpoint_id, change in changes.items() if change.disabled}
    if disabled:
        await conn.execute(SQL["disable"], organisation_id, list(disabled), list(disabled.values()), now)
        await organisations.touch(conn, organisation_id)


def _health(state: Any) -> Health:
    held = Breaker(state["breaker"], state["failures"], state["retry_at"])
    return Health(held, state["failing_since"], state["warned_at"])


def _in_order(item: tuple[DeliveryResult, Next]) -> datetime:
    outcome = item[0].outcome
    return outcome.started_at + timedelta(milliseconds=outcome.duration_ms)


def _exhausted(claimed: Claimed, following: Next, now: datetime) -> Message:
    details = {
        "endpoint_id": claimed.endpoint_id,
        "delivery_id": claimed.delivery_id,
        "event_id": claimed.event_id,
        "event": claimed.event,
        "attempts": claimed.attempt,
        "reason": following.reason,
    }
    return told("delivery.exhausted", None, now, details, points_awarded=None, about=claimed.endpoint_id)


def _news(state: Any, change: Change, last: AttemptResult, now: datetime) -> list[Message]:
    """What is told of an endpoint. Its address isn't: a path may be a secret of the receiver's."""
    known: dict[str, Any] = {"endpoint_id": state["endpoint_id"]}
    if state["url"] is not None:
        known["host"] = urlsplit(state["url"]).hostname
    else:
        known["plugin_id"] = state["plugin_id"]
    failing = {
        "failing_since": rfc3339(change.health.failing_since or now),
        "failures": change.health.breaker.failures,
        "last": retry.told(last),
    }
    messages = []
    for event in change.news:
        details = dict(known)
        if event != "endpoint.recovered":
            details |= failing
        if event == "endpoint.disabled":
            details["reason"] = change.disabled
        messages.append(told(event, None, now, details, points_awarded=None, about=state["endpoint_id"]))
    return messages


def _storable(answer: str) -> str:
    """PostgreSQL's text has neither NUL nor lone surrogates, and a receiver may answer anything."""
    return answer.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
