"""Results: what they make of deliveries and endpoints, who is told, and what comes too late."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from rocket_server.config.settings import Settings
from rocket_server.delivery import queue
from rocket_server.delivery.model import AttemptResult
from rocket_server.delivery.settle import SQL, DeliveryResult, Policy, settle
from support import outbox
from support.counting import Counting

POLICY = Policy.of(Settings())


@pytest.fixture
async def organisation_id(db):
    """An organisation without endpoints."""
    async with db.transaction() as conn:
        return await outbox.make_organisation(conn)


def outcome(status=500, error=None, **fields):
    return AttemptResult(datetime.now(UTC), 12, status, error, "what it said", **fields)


async def make(db, organisation_id, count=1, event="points.awarded", **columns):
    """An endpoint and claims of its deliveries."""
    async with db.transaction() as conn:
        endpoint_id = await outbox.make_endpoint(conn, organisation_id, **columns)
        await outbox.tell(conn, organisation_id, count, event)
    return endpoint_id, await claim(db, organisation_id, endpoint_id)


async def claim(db, organisation_id, endpoint_id):
    claimed = await db.run(lambda conn: queue.claim(conn, organisation_id, endpoint_id, 10_000), ingest=True)
    return claimed.deliveries


async def settled(db, organisation_id, *results):
    return await db.run(lambda conn: settle(conn, organisation_id, results, POLICY, lambda: 0.0), ingest=True)


async def rows(db, query, *arguments):
    async with db.connection() as conn:
        return [dict(row) for row in await conn.fetch(query, *arguments)]


async def change(db, table, endpoint_id, **columns):
    async with db.transaction() as conn:
        for name, value in columns.items():
            await conn.execute(f"UPDATE {table} SET {name} = $2 WHERE endpoint_id = $1", endpoint_id, value)


async def told(db, endpoint_id):
    """What waits for an endpoint: each message's event and properties."""
    found = await rows(
        db,
        """SELECT m.event, m.body FROM deliveries d
        JOIN messages m ON m.organisation_id = d.organisation_id AND m.event_id = d.event_id
        WHERE d.endpoint_id = $1 ORDER BY m.event_id""",
        endpoint_id,
    )
    return [(row["event"], row["body"]["properties"]) for row in found]


async def test_a_success_ends_a_delivery(db, organisation_id):
    """It is delivered, logged with status, time and the first bytes of the answer, and held no more."""
    _, (claimed,) = await make(db, organisation_id)
    result = await settled(db, organisation_id, DeliveryResult(claimed, outcome(201)))
    assert result.counts == Counter(delivered=1)
    (delivery,) = await rows(db, "SELECT status, leased, tries, settled_at FROM deliveries")
    assert (delivery["status"], delivery["leased"], delivery["tries"]) == ("delivered", False, 1)
    assert delivery["settled_at"] is not None
    (attempt,) = await rows(db, "SELECT * FROM delivery_attempts")
    assert attempt["number"] == 1
    assert (attempt["delivered"], attempt["status"], attempt["duration_ms"]) == (True, 201, 12)
    assert (attempt["answer"], attempt["next_at"]) == ("what it said", None)
    assert attempt["next_reason"] == "HTTP 201; delivered"


async def test_failures_until_it_is_given_up(db, organisation_id):
    """Four tries, each after its wait, then exhausted; the log says at each why the next is when it is."""
    endpoint_id, (claimed,) = await make(db, organisation_id)
    for wait_s in (10, 50, 250, None):
        before = datetime.now(UTC)
        await settled(db, organisation_id, DeliveryResult(claimed, outcome()))
        (delivery,) = await rows(db, "SELECT status, due_at FROM deliveries")
        if wait_s is None:
            break
        assert delivery["status"] == "pending"
        assert abs((delivery["due_at"] - before).total_seconds() - wait_s) < 5
        assert await claim(db, organisation_id, endpoint_id) == ()
        await change(db, "deliveries", endpoint_id, due_at=datetime.now(UTC))
        (claimed,) = await claim(db, organisation_id, endpoint_id)
    assert delivery["status"] == "exhausted"
    reasons = await rows(db, "SELECT number, next_reason FROM delivery_attempts ORDER BY number")
    assert [tuple(row.values()) for row in reasons] == [
        (1, "HTTP 500; retry 1 of 3 in 10 s"),
        (2, "HTTP 500; retry 2 of 3 in 50 s"),
        (3, "HTTP 500; retry 3 of 3 in 250 s"),
        (4, "HTTP 500; that was try 4 of 4"),
    ]


async def test_a_late_worker_changes_nothing(db, organisation_id):
    """Whoever comes back after another worker had the delivery is logged, and the newer result stays."""
    endpoint_id, (first,) = await make(db, organisation_id)
    await change(db, "deliveries", endpoint_id, due_at=datetime.now(UTC))
    (second,) = await claim(db, organisation_id, endpoint_id)
    assert (first.attempt, second.attempt) == (1, 2)
    late = await settled(db, organisation_id, DeliveryResult(first, outcome(500)))
    assert late.counts == Counter(stale=1)
    (delivery,) = await rows(db, "SELECT status, leased, tries FROM deliveries")
    assert delivery == {"status": "pending", "leased": True, "tries": 0}
    await settled(db, organisation_id, DeliveryResult(second, outcome(200)))
    await settled(db, organisation_id, DeliveryResult(first, outcome(500)))
    (delivery,) = await rows(db, "SELECT status, leased, tries FROM deliveries")
    assert delivery == {"status": "delivered", "leased": False, "tries": 1}
    attempts = await rows(db, "SELECT number, status FROM delivery_attempts ORDER BY number")
    assert [tuple(row.values()) for row in attempts] == [(1, 500), (2, 200)]
    (state,) = await rows(db, "SELECT failures FROM endpoint_states")
    assert state["failures"] == 0


async def test_settling_twice_counts_once(db, organisation_id):
    """A transaction that seemed lost and wasn't is done again without a second failure or log line."""
    _, (claimed,) = await make(db, organisation_id)
    result = DeliveryResult(claimed, outcome())
    await settled(db, organisation_id, result)
    await settled(db, organisation_id, result)
    (state,) = await rows(db, "SELECT failures FROM endpoint_states")
    assert state["failures"] == 1
    assert len(await rows(db, "SELECT 1 FROM delivery_attempts")) == 1
    (delivery,) = await rows(db, "SELECT tries FROM deliveries")
    assert delivery["tries"] == 1


async def test_in_a_constant_number_of_statements(db, organisation_id):
    """One result or a thousand of ten endpoints, failures among them, take the same statements."""
    async with db.transaction() as conn:
        endpoints = [await outbox.make_endpoint(conn, organisation_id) for _ in range(10)]
        watcher = await outbox.make_endpoint(conn, organisation_id, events=["delivery.exhausted"])
        await outbox.tell(conn, organisation_id, 101)
    claims = [claimed for one in endpoints for claimed in await claim(db, organisation_id, one)]
    counts = []
    for some in (claims[-1:], claims[:-1]):
        results = [
            DeliveryResult(
                claimed, outcome((200, 500)[number % 2], retry_after_s=3), "gone" if number % 3 == 0 else None
            )
            for number, claimed in enumerate(some)
        ]
        async with db.ingest_transaction() as conn:
            counting = Counting(conn)
            await settle(counting, organisation_id, results, POLICY)
        counts.append(len(counting.statements))
    # The second set has a state to write, which the first, given up without a try, hadn't.
    assert counts == [6, 7]
    assert len(await told(db, watcher)) > 300


async def test_what_was_given_up_says_nothing_of_the_endpoint(db, organisation_id):
    """A delivery whose event is gone is exhausted with that reason; its receiver did nothing wrong."""
    _, (claimed,) = await make(db, organisation_id)
    gone = "The event that it tells of isn't stored any more."
    await settled(db, organisation_id, DeliveryResult(claimed, outcome(None, "event_gone"), gone))
    (delivery,) = await rows(db, "SELECT status FROM deliveries")
    assert delivery["status"] == "exhausted"
    (attempt,) = await rows(db, "SELECT next_reason FROM delivery_attempts")
    assert attempt["next_reason"] == gone
    (state,) = await rows(db, "SELECT breaker, failures FROM endpoint_states")
    assert state == {"breaker": "closed", "failures": 0}


async def test_five_failures_open_the_breaker_for_its_time(db, organisation_id):
    """The sixth delivery isn't claimed, and waits without using up a try."""
    endpoint_id, claims = await make(db, organisation_id, 6)
    async with db.transaction() as conn:
        await queue.give_back(conn, organisation_id, claims[5:])
    before = datetime.now(UTC)
    result = await settled(
        db, organisation_id, *(DeliveryResult(claimed, outcome()) for claimed in claims[:5])
    )
    assert result.changes[endpoint_id].breaker == "opened"
    (state,) = await rows(db, "SELECT breaker, failures, retry_at FROM endpoint_states")
    assert (state["breaker"], state["failures"]) == ("open", 5)
    assert timedelta(seconds=59) < state["retry_at"] - before < timedelta(seconds=70)
    assert await claim(db, organisation_id, endpoint_id) == ()


async def test_a_probe_closes_or_opens(db, organisation_id):
    """After the breaker's time one delivery decides: a failure opens it again, a success lets all pass."""
    endpoint_id, claims = await make(db, organisation_id, 8)
    await settled(db, organisation_id, *(DeliveryResult(claimed, outcome()) for claimed in claims[:5]))
    async with db.transaction() as conn:
        await queue.give_back(conn, organisation_id, claims[5:])
    for status, breaker in ((503, "open"), (200, "closed")):
        await change(db, "endpoint_states", endpoint_id, retry_at=datetime.now(UTC))
        (probe,) = await claim(db, organisation_id, endpoint_id)
        await settled(db, organisation_id, DeliveryResult(probe, outcome(status)))
        (state,) = await rows(db, "SELECT breaker, retry_at FROM endpoint_states")
        assert state["breaker"] == breaker
    assert len(await claim(db, organisation_id, endpoint_id)) == 1


async def test_gone_disables_and_keeps_what_waits(db, organisation_id):
    """410: disabled at once, others are told, and everything is sent when it is enabled again."""
    async with db.transaction() as conn:
        watcher = await outbox.make_endpoint(conn, organisation_id, events=["endpoint.*", "delivery.*"])
    endpoint_id, claims = await make(db, organisation_id, 3, events=["points.*", "endpoint.*"])
    (before,) = await rows(db, "SELECT version FROM organisations")
    await settled(db, organisation_id, *(DeliveryResult(claimed, outcome(410)) for claimed in claims))
    (endpoint,) = await rows(
        db, "SELECT enabled, disabled_reason, disabled_at FROM endpoints WHERE endpoint_id = $1", endpoint_id
    )
    assert (endpoint["enabled"], endpoint["disabled_reason"]) == (False, "gone")
    assert endpoint["disabled_at"] is not None
    (after,) = await rows(db, "SELECT version FROM organisations")
    assert after["version"] > before["version"]
    ((event, properties),) = await told(db, watcher)
    assert event == "endpoint.disabled"
    assert properties["endpoint_id"] == endpoint_id
    assert (properties["reason"], properties["last"], properties["host"]) == ("gone", "HTTP 410", "127.0.0.1")
    assert {event for event, _ in await told(db, endpoint_id)} == {"points.awarded"}
    waiting = await rows(
        db, "SELECT status, tries, leased FROM deliveries WHERE endpoint_id = $1", endpoint_id
    )
    assert waiting == [{"status": "pending", "tries": 0, "leased": False}] * 3
    async with db.transaction() as conn:
        await conn.execute(
            "UPDATE endpoints SET enabled = true, disabled_reason = NULL WHERE endpoint_id = $1", endpoint_id
        )
    assert len(await claim(db, organisation_id, endpoint_id)) == 3


async def test_days_of_failing_are_told_and_then_disable(db, organisation_id):
    """A warning after a day, no second one soon; after the last day it is disabled. Success ends it all."""
    async with db.transaction() as conn:
        watcher = await outbox.make_endpoint(conn, organisation_id, events=["endpoint.*"])
    endpoint_id, claims = await make(db, organisation_id, 8, events=["points.*", "endpoint.*"])
    claims = list(claims)

    async def fail(status=500, **ago_h):
        moments = {name: datetime.now(UTC) - timedelta(hours=hours) for name, hours in ago_h.items()}
        await change(db, "endpoint_states", endpoint_id, **moments)
        await settled(db, organisation_id, DeliveryResult(claims.pop(), outcome(status)))
        return [event for event, _ in await told(db, watcher)]

    assert await fail() == []
    assert await fail(failing_since=25) == ["endpoint.failing"]
    assert await fail() == ["endpoint.failing"]
    assert await fail(200) == ["endpoint.failing", "endpoint.recovered"]
    (state,) = await rows(
        db, "SELECT failing_since, warned_at FROM endpoint_states WHERE endpoint_id = $1", endpoint_id
    )
    assert state == {"failing_since": None, "warned_at": None}
    assert await fail() == ["endpoint.failing", "endpoint.recovered"]
    assert (await fail(failing_since=121, warned_at=25))[2:] == ["endpoint.disabled"]
    (endpoint,) = await rows(
        db, "SELECT enabled, disabled_reason FROM endpoints WHERE endpoint_id = $1", endpoint_id
    )
    assert endpoint == {"enabled": False, "disabled_reason": "failing"}
    # Nothing was told to the endpoint about itself, and a result that comes later tells nothing new.
    assert {event for event, _ in await told(db, endpoint_id)} == {"points.awarded"}
    assert len(await fail()) == 3


async def test_exhausted_is_told_to_others(db, organisation_id):
    """Each delivery that was given up is told to who names it, with the reason; never to its own receiver."""
    async with db.transaction() as conn:
        watcher = await outbox.make_endpoint(conn, organisation_id, events=["delivery.exhausted"])
        everything = await outbox.make_endpoint(conn, organisation_id, events=["*"])
    own = ["points.awarded", "delivery.exhausted"]
    endpoint_id, (claimed,) = await make(db, organisation_id, max_attempts=1, events=own)
    await settled(db, organisation_id, DeliveryResult(claimed, outcome(404)))
    ((event, properties),) = await told(db, watcher)
    assert event == "delivery.exhausted"
    assert properties == {
        "endpoint_id": endpoint_id,
        "delivery_id": claimed.delivery_id,
        "event_id": claimed.event_id,
        "event": "points.awarded",
        "attempts": 1,
        "reason": "HTTP 404; that was the only try",
    }
    assert [event for event, _ in await told(db, everything)] == ["points.awarded"]
    assert [event for event, _ in await told(db, endpoint_id)] == ["points.awarded"]


async def test_news_of_news_are_not_told(db, organisation_id):
    """Where what is told about deliveries can't be delivered either, nothing more is made of it."""
    async with db.transaction() as conn:
        watcher = await outbox.make_endpoint(conn, organisation_id, events=["delivery.exhausted"])
    _, (claimed,) = await make(
        db, organisation_id, event="endpoint.failing", max_attempts=1, events=["endpoint.failing"]
    )
    await settled(db, organisation_id, DeliveryResult(claimed, outcome()))
    assert await told(db, watcher) == []


async def test_any_answer_can_be_stored(db, organisation_id):
    """Receivers answer what they like; NUL and broken surrogates don't keep a result from being written."""
    _, (claimed,) = await make(db, organisation_id)
    said = AttemptResult(datetime.now(UTC), 1, 500, None, "a\x00b\ud800c")
    await settled(db, organisation_id, DeliveryResult(claimed, said))
    (attempt,) = await rows(db, "SELECT answer FROM delivery_attempts")
    assert attempt["answer"] == "a\ufffdb?c"


async def test_results_of_a_deleted_endpoint_are_forgotten(db, organisation_id):
    """An administrator may delete an endpoint while something is under way to it."""
    endpoint_id, (claimed,) = await make(db, organisation_id)
    async with db.transaction() as conn:
        for table in ("endpoint_states", "endpoints"):
            await conn.execute(f"DELETE FROM {table} WHERE endpoint_id = $1", endpoint_id)
    result = await settled(db, organisation_id, DeliveryResult(claimed, outcome()))
    assert result.counts == Counter()
    assert await rows(db, "SELECT 1 FROM delivery_attempts") == []


async def test_endpoints_of_another_organisation_are_left_alone(db, organisation_id):
    """A result only touches rows of the organisation it is settled for."""
    async with db.transaction() as conn:
        other = await outbox.make_organisation(conn, "Other")
    _, (claimed,) = await make(db, other)
    assert (await settled(db, organisation_id, DeliveryResult(claimed, outcome(200)))).counts == Counter()
    (delivery,) = await rows(db, "SELECT status FROM deliveries")
    assert delivery["status"] == "pending"


@pytest.mark.parametrize("query", ["settle", "write_states", "lock"])
async def test_plans_go_by_index(db, organisation_id, query):
    """Results find their rows by key, on fresh tables and with plans that are made once."""
    await make(db, organisation_id, 2000)
    async with db.ingest_transaction() as conn:
        statement = await conn.prepare(SQL[query])
        types = ", ".join(_type(one) for one in statement.get_parameters())
        await conn.execute(f"PREPARE it ({types}) AS {SQL[query]}")
        plan = await conn.fetch(
            f"EXPLAIN EXECUTE it ({', '.join('NULL' for _ in statement.get_parameters())})"
        )
    text = "\n".join(row[0] for row in plan)
    assert "Index Scan" in text
    assert "Seq Scan" not in text
    # Results are walked through once, and each looks up its row: never the other way round.
    assert text.count("Function Scan") == 0 or text.index("Function Scan") < text.index("Index Scan")


def _type(parameter):
    return f"{parameter.name.removesuffix('[]')}[]" if parameter.kind == "array" else parameter.name
