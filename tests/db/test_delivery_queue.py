"""Claims: who gets which deliveries, for how long, and what breaker and throttle let pass."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from rocket_server.delivery import outbox as deliveries
from rocket_server.delivery import queue
from rocket_server.delivery.outbox import Message, backlog, delivery_id
from rocket_server.ids import FIRST_ID, uuid7s
from support import outbox
from support.counting import Counting


@pytest.fixture
async def organisation_id(db):
    """An organisation without endpoints."""
    async with db.transaction() as conn:
        return await outbox.make_organisation(conn)


async def claim(db, organisation_id, endpoint_id, limit=10):
    claimed = await db.run(lambda conn: queue.claim(conn, organisation_id, endpoint_id, limit), ingest=True)
    return list(claimed.deliveries) if claimed else None


async def due(db, plugins=(), after=None, limit=100):
    async with db.connection() as conn:
        return [found.endpoint_id for found in await queue.due(conn, plugins, after, limit)]


async def change(db, table, endpoint_id, **columns):
    async with db.transaction() as conn:
        for name, value in columns.items():
            await conn.execute(f"UPDATE {table} SET {name} = $2 WHERE endpoint_id = $1", endpoint_id, value)


async def rows(db, query, *arguments):
    async with db.connection() as conn:
        return await conn.fetch(query, *arguments)


async def make(db, organisation_id, count=3, **columns):
    """An endpoint and its due deliveries; the ids of the endpoint and of these."""
    async with db.transaction() as conn:
        endpoint_id = await outbox.make_endpoint(conn, organisation_id, **columns)
        events = await outbox.tell(conn, organisation_id, count)
    return endpoint_id, [delivery_id(event, endpoint_id) for event in events]


async def test_a_claim_holds_deliveries_until_its_lease_ends(db, organisation_id):
    """The longest waiting come first; what is held is due again after the time-out and a margin."""
    endpoint_id, ids = await make(db, organisation_id, 3, timeout_ms=10_000)
    async with db.transaction() as conn:
        earlier = await outbox.tell(conn, organisation_id, 2, due_in_s=-120)
    first = await claim(db, organisation_id, endpoint_id, 2)
    rest = await claim(db, organisation_id, endpoint_id, 10)
    assert [claimed.event_id for claimed in first] == earlier
    assert [claimed.delivery_id for claimed in rest] == ids
    assert {(claimed.attempt, claimed.tries, claimed.lost) for claimed in (*first, *rest)} == {(1, 0, 0)}
    assert await claim(db, organisation_id, endpoint_id) == []
    for row in await rows(db, "SELECT leased, due_at FROM deliveries"):
        assert row["leased"]
        assert 12 < (row["due_at"] - datetime.now(UTC)).total_seconds() <= 15


async def test_what_a_lost_worker_held_is_claimed_again_under_another_number(db, organisation_id):
    """When the lease has ended the next claim gets it, counts the loss, and uses up no try."""
    endpoint_id, ids = await make(db, organisation_id, 1)
    for number in range(1, 4):
        (claimed,) = await claim(db, organisation_id, endpoint_id)
        assert (claimed.delivery_id, claimed.attempt) == (ids[0], number)
        assert (claimed.tries, claimed.lost) == (0, number - 1)
        assert await claim(db, organisation_id, endpoint_id) == []
        await change(db, "deliveries", endpoint_id, due_at=datetime.now(UTC))


async def test_two_workers_never_hold_one_delivery(db, organisation_id):
    """Many claims at once share the deliveries out: each goes to exactly one of them."""
    endpoint_id, ids = await make(db, organisation_id, 300)
    claims = await asyncio.gather(*(claim(db, organisation_id, endpoint_id, 7) for _ in range(60)))
    held = [claimed.delivery_id for claimed_at_once in claims for claimed in claimed_at_once]
    assert sorted(held) == sorted(ids)


async def test_what_was_given_back_is_due_at_once(db, organisation_id):
    """A worker that can't send what it claimed returns it, and nothing was tried or lost."""
    endpoint_id, _ = await make(db, organisation_id, 2)
    held = await claim(db, organisation_id, endpoint_id)
    async with db.transaction() as conn:
        await queue.give_back(conn, organisation_id, held)
    again = await claim(db, organisation_id, endpoint_id)
    assert {(claimed.attempt, claimed.tries, claimed.lost) for claimed in again} == {(2, 0, 0)}


async def test_endpoints_with_work(db, organisation_id):
    """Found are those that have due deliveries and may be called, a page of them at a time."""
    async with db.transaction() as conn:
        other = await outbox.make_organisation(conn, "Other")
        assert organisation_id < other
        late = await outbox.make_endpoint(conn, other)
        await outbox.tell(conn, other, due_in_s=-30)
        endpoints = {
            name: await outbox.make_endpoint(conn, organisation_id, **columns)
            for name, columns in {
                "plain": {},
                "disabled": {"enabled": False, "disabled_reason": "by_hand"},
                "open": {},
                "throttled": {"throttle_per_s": 1},
                "plugin": {"kind": "plugin", "plugin_id": "p", "url": None},
            }.items()
        }
        idle = await outbox.make_endpoint(conn, organisation_id, events=["other.event"])
        future = await outbox.make_endpoint(conn, organisation_id, events=["later.event"])
        await outbox.tell(conn, organisation_id, due_in_s=-60)
        await outbox.tell(conn, organisation_id, event="later.event", due_in_s=60)
        for name, state in {
            "open": "breaker = 'open', failures = 5, retry_at = now() + interval '1 minute'",
            "throttled": "throttle_at = now() + interval '1 minute'",
        }.items():
            await conn.execute(f"UPDATE endpoint_states SET {state} WHERE endpoint_id = $1", endpoints[name])
    assert await due(db) == [endpoints["plain"], late]
    assert await due(db, limit=1) == [endpoints["plain"]]
    assert await due(db, after=queue.Due(organisation_id, endpoints["plain"], 0)) == [late]
    assert await due(db, after=queue.Due(other, late, 0)) == []
    assert set(await due(db, ["p"])) == {endpoints["plain"], endpoints["plugin"], late}
    assert await claim(db, organisation_id, endpoints["disabled"]) is None
    assert {idle, future}.isdisjoint(await due(db, ["p"]))


async def test_half_open_one_worker_probes(db, organisation_id):
    """Of many workers that look at once, one gets one delivery, until its lease has ended; then the next."""
    endpoint_id, _ = await make(db, organisation_id, 30)
    await change(db, "endpoint_states", endpoint_id, breaker="open", failures=5, retry_at=datetime.now(UTC))

    async def probes():
        claims = await asyncio.gather(*(claim(db, organisation_id, endpoint_id) for _ in range(8)))
        return [claimed for claimed_at_once in claims for claimed in claimed_at_once]

    assert len(await probes()) == 1
    (state,) = await rows(db, "SELECT breaker, failures, retry_at FROM endpoint_states")
    assert (state["breaker"], state["failures"]) == ("half_open", 5)
    assert await due(db) == []
    # The worker with the probe is lost.
    await change(db, "endpoint_states", endpoint_id, retry_at=datetime.now(UTC))
    assert await due(db) == [endpoint_id]
    assert len(await probes()) == 1


async def test_claims_of_a_healthy_endpoint_do_not_wait_for_who_settles(db, organisation_id):
    """Who settles holds the endpoint's state until it has committed; meanwhile more is claimed."""
    endpoint_id, ids = await make(db, organisation_id)
    async with db.transaction() as conn:
        await conn.execute("SELECT FROM endpoint_states WHERE endpoint_id = $1 FOR UPDATE", endpoint_id)
        async with asyncio.timeout(30):
            claimed = await claim(db, organisation_id, endpoint_id)
    assert sorted(one.delivery_id for one in claimed) == sorted(ids)


async def test_a_breaker_with_nothing_to_send_stays_open(db, organisation_id):
    """A look for work that finds none doesn't spend the probe."""
    async with db.transaction() as conn:
        endpoint_id = await outbox.make_endpoint(conn, organisation_id)
    await change(db, "endpoint_states", endpoint_id, breaker="open", failures=5, retry_at=datetime.now(UTC))
    assert await claim(db, organisation_id, endpoint_id) == []
    assert [row[0] for row in await rows(db, "SELECT breaker FROM endpoint_states")] == ["open"]


async def test_a_throttle_lets_few_pass_and_uses_up_no_try(db, organisation_id):
    """Ten in a second: six at first, then none at once; the others wait untouched."""
    endpoint_id, _ = await make(db, organisation_id, 50, throttle_per_s=10)
    assert len(await claim(db, organisation_id, endpoint_id, 50)) == 6
    assert len(await claim(db, organisation_id, endpoint_id, 50)) <= 1  # on a slow machine a tenth went by
    waiting = await rows(db, "SELECT attempts, tries FROM deliveries WHERE NOT leased")
    assert len(waiting) >= 43
    assert {tuple(row) for row in waiting} == {(0, 0)}


async def test_claims_in_a_constant_number_of_statements(db, organisation_id):
    """One delivery or a thousand take the same statements, throttled and probing too."""
    endpoint_id, _ = await make(db, organisation_id, 1200, throttle_per_s=5000)
    counts = []
    for limit in (1, 1000):
        async with db.ingest_transaction() as conn:
            counting = Counting(conn)
            claimed = await queue.claim(counting, organisation_id, endpoint_id, limit)
            assert len(claimed.deliveries) == limit
            counts.append(len(counting.statements))
    assert counts == [4, 4]


@pytest.mark.parametrize("filled", [False, True])
async def test_plans_go_by_index(db, database, organisation_id, filled):
    """On fresh tables and on filled ones, looking for work and claiming touch only what is due."""
    endpoint_id, _ = await make(db, organisation_id, 2000)
    if filled:
        async with db.transaction() as conn:
            await conn.execute("UPDATE deliveries SET status = 'delivered' WHERE random() < 0.99")
    async with db.connection() as conn:
        await conn.execute(f"PREPARE look (interval, text[], uuid, uuid, bigint) AS {queue.SQL['due']}")
        plan = await conn.fetch(f"EXPLAIN EXECUTE look ('1 s', '{{}}', '{FIRST_ID}', '{FIRST_ID}', 9)")
    text = "\n".join(row[0] for row in plan)
    assert "Index Scan using deliveries_due" in text or "Index Only Scan using deliveries_due" in text
    assert "Seq Scan on deliveries" not in text
    async with db.ingest_transaction() as conn:
        parameters = "uuid, uuid, timestamptz, timestamptz, bigint"
        await conn.execute(f"PREPARE take ({parameters}) AS {queue.SQL['claim']}")
        plan = await conn.fetch(
            f"EXPLAIN EXECUTE take ('{organisation_id}', '{endpoint_id}', now(), now(), 5)"
        )
    text = "\n".join(row[0] for row in plan)
    assert "Index Scan using deliveries_due" in text
    assert "Index Scan using deliveries_pkey" in text
    assert "Seq Scan" not in text


async def test_the_backlog_is_that_of_enabled_endpoints(db, organisation_id):
    """What waits for an endpoint that was disabled alarms nobody; the age is that of the oldest of all."""
    disable = (
        "UPDATE endpoints SET enabled = false, disabled_reason = 'by_hand', disabled_at = now()"
        " WHERE endpoint_id = $1"
    )
    async with db.transaction() as conn:
        older, disabled = [await outbox.make_endpoint(conn, organisation_id) for _ in range(2)]
        await outbox.tell(conn, organisation_id, 3, due_in_s=-500)
        await conn.execute(
            "UPDATE deliveries SET due_at = now() - interval '1 day' WHERE endpoint_id = $1", disabled
        )
        assert await backlog(conn) == (6, 86_400)
        await conn.execute(disable, disabled)
        waiting, oldest_s = await backlog(conn)
        assert (waiting, 500 <= oldest_s < 1_000) == (3, True)
        await conn.execute(disable, older)
        assert await backlog(conn) == (0, 0)


@pytest.mark.parametrize("again", [False, True])
async def test_a_first_try_is_due_by_the_clock_of_the_database(db, organisation_id, again):
    """Where a server's clock is an hour ahead, what it tells is due at once all the same."""
    ahead = datetime.now(UTC) + timedelta(hours=1)
    async with db.transaction() as conn:
        await outbox.make_endpoint(conn, organisation_id)
        found = await deliveries.endpoints(conn, organisation_id)
        (event_id,) = uuid7s(1)
        message = Message(event_id, "points.awarded", outbox.body(event_id), again=again)
        assert await deliveries.enqueue(conn, organisation_id, found, [message], ahead) == 1
        assert await conn.fetchval("SELECT due_at <= clock_timestamp() FROM deliveries")
