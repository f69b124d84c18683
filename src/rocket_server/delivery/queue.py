"""Takes deliveries from the outbox: which endpoints have work, and the claim of one endpoint's next ones."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from rocket_server.db.queries import load
from rocket_server.delivery import breaker, throttle
from rocket_server.delivery.breaker import Breaker
from rocket_server.delivery.model import Claimed
from rocket_server.ids import FIRST_ID

SQL = load(__file__, "queue.sql")

# How much longer than the endpoint's time-out a lease lasts: for what comes before and after the call.
LEASE_MARGIN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Due:
    """An endpoint with work to do, and how often it failed in a row."""

    organisation_id: str
    endpoint_id: str
    failures: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What was claimed. `version` is the organisation's at that moment: its endpoints are as of then."""

    version: int
    deliveries: tuple[Claimed, ...]


async def due(conn: Any, plugin_ids: Collection[str], after: Due | None, limit: int) -> list[Due]:
    """The next endpoints of any organisation, behind `after` and at most `limit`, that have work and whose
    breaker and throttle let it pass.

    Endpoints of plugins count where `plugin_ids` names the plugin: others run elsewhere.
    """
    before = (FIRST_ID, FIRST_ID) if after is None else (after.organisation_id, after.endpoint_id)
    rows = await conn.fetch(SQL["due"], timedelta(seconds=throttle.BURST_S), list(plugin_ids), *before, limit)
    return [Due(*row) for row in rows]


async def claim(conn: Any, organisation_id: str, endpoint_id: str, limit: int) -> Claim | None:
    """Claim up to `limit` due deliveries of one endpoint; None where it isn't enabled.

    The lease ends LEASE_MARGIN_S after the endpoint's time-out, so claim only what is sent at once. A breaker
    that is half open lets one pass; its probe is held for as long as the lease, so that a worker that is lost
    with it doesn't close the endpoint for ever. Neither breaker nor throttle uses up a try. All times are the
    database's, whose clock all workers share.
    """
    state = await conn.fetchrow(SQL["look_at_one"], organisation_id, endpoint_id)
    if state is not None and (state["breaker"] != "closed" or state["throttle_per_s"] is not None):
        # Otherwise the claim leaves nothing in the state, and needn't wait for who is settling. A breaker
        # that opens in this moment lets these pass as it does those that are under way.
        state = await conn.fetchrow(SQL["lock_one"], organisation_id, endpoint_id)
    if state is None:
        return None
    now = state["now"]
    held = Breaker(state["breaker"], state["failures"], state["retry_at"])
    probe = breaker.passes(held, now)
    if probe is not None:
        limit = min(limit, probe)
    if state["throttle_per_s"] is not None:
        limit = min(limit, throttle.passes(state["throttle_at"], state["throttle_per_s"], now))
    if limit == 0:
        return Claim(state["version"], ())
    leased_until = now + timedelta(seconds=state["timeout_ms"] / 1000 + LEASE_MARGIN_S)
    rows = await conn.fetch(SQL["claim"], organisation_id, endpoint_id, now, leased_until, limit)
    if rows and (probe is not None or state["throttle_per_s"] is not None):
        after = held if probe is None else breaker.probing(held, leased_until)
        throttle_at = state["throttle_at"]
        if state["throttle_per_s"] is not None:
            throttle_at = throttle.taken(throttle_at, state["throttle_per_s"], now, len(rows))
        await conn.execute(
            SQL["passed"], organisation_id, endpoint_id, after.state, after.retry_at, throttle_at
        )
    return Claim(
        state["version"],
        tuple(
            Claimed(
                organisation_id,
                endpoint_id,
                row["delivery_id"],
                row["event_id"],
                row["event"],
                row["attempts"],
                row["tries"],
                row["created_at"],
                row["lost"],
            )
            for row in sorted(rows, key=_in_order)
        ),
    )


async def give_back(conn: Any, organisation_id: str, deliveries: Sequence[Claimed]) -> None:
    """Let other workers have what was claimed and not sent."""
    await conn.execute(
        SQL["give_back"],
        organisation_id,
        [claimed.endpoint_id for claimed in deliveries],
        [claimed.delivery_id for claimed in deliveries],
        [claimed.attempt for claimed in deliveries],
    )


def _in_order(row: Any) -> Any:
    return row["event_id"]
