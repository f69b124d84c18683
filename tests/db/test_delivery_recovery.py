"""Recoveries: what an endpoint missed is queued again, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rocket_server.delivery import endpoints, recovery
from rocket_server.delivery import outbox as deliveries
from rocket_server.ids import first_uuid7, uuid7s
from support import outbox
from support.counting import Counting


@pytest.fixture
async def organisation_id(db):
    """An organisation without endpoints."""
    async with db.transaction() as conn:
        return await outbox.make_organisation(conn)


async def add_events(
    conn, organisation_id, count, event="quiz.completed", status="processed", event_ids=None
):
    """Events of learners as they are stored; their ids."""
    ids = event_ids or uuid7s(count)
    await conn.executemany(
        """INSERT INTO events (organisation_id, event_id, source, source_kind, event, user_id, occurred_at,
            received_at, status, points_awarded, properties, metadata, decisions)
        VALUES ($1, $2, 'api', 'api', $3, 'anna', now(), now(), $4, 0, '{}', '{}', '[]')""",
        [(organisation_id, event_id, event, status) for event_id in ids],
    )
    return ids


async def ask(conn, organisation_id, endpoint_id, since_s=3600, until_s=-1):
    now = datetime.now(UTC)
    await conn.execute(
        """INSERT INTO recoveries (organisation_id, endpoint_id, recovery_id, since, until)
        VALUES ($1, $2, gen_random_uuid(), $3, $4)""",
        organisation_id,
        endpoint_id,
        now - timedelta(seconds=since_s),
        now - timedelta(seconds=until_s),
    )


async def recover(db, organisation_id, endpoint_id, piece=1000):
    """Recover to the end; the number of pieces, and what the recovery says that it queued."""
    pieces = 1
    while await db.run(lambda conn: recovery.recover_piece(conn, organisation_id, endpoint_id, piece)):
        pieces += 1
    async with db.connection() as conn:
        row = await conn.fetchrow("SELECT queued, finished_at FROM recoveries ORDER BY created_at DESC")
    assert row["finished_at"] is not None
    return pieces, row["queued"]


async def queued(db, endpoint_id):
    async with db.connection() as conn:
        found = await conn.fetch(
            "SELECT event_id::text, status, tries, delivery_id::text FROM deliveries WHERE endpoint_id = $1",
            endpoint_id,
        )
    assert all(row["delivery_id"] == deliveries.delivery_id(row["event_id"], endpoint_id) for row in found)
    return {row["event_id"]: (row["status"], row["tries"]) for row in found}


@pytest.mark.parametrize(("piece", "pieces"), [(1000, 1), (7, 6), (1, 40)])
async def test_everything_that_was_missed_is_queued_once(db, organisation_id, piece, pieces):
    """Events of learners and messages of the time are queued under the ids that they would have had, however
    the pieces are cut, and although the endpoint wasn't there or wasn't enabled then."""
    async with db.transaction() as conn:
        missed = await add_events(conn, organisation_id, 30)
        missed += await outbox.tell(conn, organisation_id, 4, "quiz.told")
        await add_events(conn, organisation_id, 5, status="held")
        endpoint_id = await outbox.make_endpoint(
            conn, organisation_id, events=["quiz.*"], enabled=False, disabled_reason="by_hand"
        )
        await ask(conn, organisation_id, endpoint_id)
    assert await recover(db, organisation_id, endpoint_id, piece) == (pieces, 34)
    assert await queued(db, endpoint_id) == dict.fromkeys(missed, ("pending", 0))


async def test_delivered_and_waiting_are_left_and_exhausted_begin_anew(db, organisation_id):
    """Nothing that arrived is sent twice; what was given up gets all its tries again."""
    async with db.transaction() as conn:
        endpoint_id = await outbox.make_endpoint(conn, organisation_id)
        delivered, waiting, exhausted = await outbox.tell(conn, organisation_id, 3)
        for event_id, status, tries in ((delivered, "delivered", 1), (exhausted, "exhausted", 4)):
            await conn.execute(
                "UPDATE deliveries SET status = $2, tries = $3, settled_at = now() WHERE event_id = $1",
                event_id,
                status,
                tries,
            )
        await ask(conn, organisation_id, endpoint_id)
    assert await recover(db, organisation_id, endpoint_id) == (1, 1)
    assert await queued(db, endpoint_id) == {
        delivered: ("delivered", 1),
        waiting: ("pending", 0),
        exhausted: ("pending", 0),
    }


async def test_only_what_is_wanted_of_that_time(db, organisation_id):
    """Events before `since`, after `until`, or of other names aren't queued, nor what is about itself."""
    async with db.transaction() as conn:
        await add_events(conn, organisation_id, 3)
        endpoint_id = await outbox.make_endpoint(
            conn, organisation_id, events=["course.*", "endpoint.failing"]
        )
        await add_events(conn, organisation_id, 3, "course.completed")
        await outbox.tell(conn, organisation_id, 1, "endpoint.failing")
        await conn.execute("DELETE FROM deliveries")
        await conn.execute(
            "UPDATE messages SET body = jsonb_set(body, '{properties,endpoint_id}', to_jsonb($1::text))",
            endpoint_id,
        )
        await ask(conn, organisation_id, endpoint_id, since_s=7200, until_s=3600)
    assert await recover(db, organisation_id, endpoint_id) == (1, 0)
    async with db.transaction() as conn:
        await ask(conn, organisation_id, endpoint_id)
    assert await recover(db, organisation_id, endpoint_id) == (1, 3)


async def test_a_piece_in_a_constant_number_of_statements(db, organisation_id):
    """Ten events or a thousand take the same statements."""
    async with db.transaction() as conn:
        endpoint_id = await outbox.make_endpoint(conn, organisation_id)
        await add_events(conn, organisation_id, 1010)
        await ask(conn, organisation_id, endpoint_id)
    counts = []
    for piece in (10, 1000):
        async with db.transaction() as conn:
            counting = Counting(conn)
            assert await recovery.recover_piece(counting, organisation_id, endpoint_id, piece)
            counts.append(len(counting.statements))
    assert counts == [6, 6]


async def test_two_workers_share_recoveries(db, organisation_id):
    """While one has a piece, another finds nothing to do there, and both find it running."""
    async with db.transaction() as conn:
        endpoint_id = await outbox.make_endpoint(conn, organisation_id)
        await add_events(conn, organisation_id, 30)
        await ask(conn, organisation_id, endpoint_id)
    async with db.transaction() as one, db.transaction() as other:
        assert await recovery.running(other, None, 10) == [(organisation_id, endpoint_id)]
        assert await recovery.recover_piece(one, organisation_id, endpoint_id, 10)
        assert not await recovery.recover_piece(other, organisation_id, endpoint_id, 10)
    assert (await recover(db, organisation_id, endpoint_id, 10))[1] == 30


async def test_what_cannot_be_asked_about_is_left_out(db, organisation_id, owner_of):
    """One message that no filter can read is passed over; the recovery queues all others, and ends."""
    async with db.transaction() as conn:
        endpoint_id = await outbox.make_endpoint(
            conn, organisation_id, filters={"points_awarded": {"gte": 0}}
        )
        ids = await outbox.tell(conn, organisation_id, 20, "quiz.told")
        await conn.execute("DELETE FROM deliveries")
        await ask(conn, organisation_id, endpoint_id)
    await owner_of("UPDATE messages SET body = '[]' WHERE event_id = $1", ids[7])
    assert not await recovery.recover(db, organisation_id, endpoint_id)
    assert await queued(db, endpoint_id) == {
        event_id: ("pending", 0) for number, event_id in enumerate(ids) if number != 7
    }
    async with db.connection() as conn:
        row = await conn.fetchrow("SELECT queued, finished_at IS NOT NULL FROM recoveries")
    assert tuple(row) == (19, True)


@pytest.mark.parametrize("ahead_s", [0, 3600])
async def test_what_was_begun_before_and_committed_late_is_found(db, organisation_id, ahead_s):
    """A transaction that began before the webhook was made, and stores its events after the recovery looked
    first, is waited for, also where its server's clock is an hour ahead."""
    async with db.ingest_transaction() as late:
        assert await deliveries.endpoints(late, organisation_id) == ()
        async with db.transaction() as conn:
            endpoint_id = await outbox.make_endpoint(conn, organisation_id)
        async with db.transaction() as conn:
            webhook = await endpoints.read(conn, organisation_id, endpoint_id)
            await endpoints.recover(conn, webhook, datetime.now(UTC) - timedelta(hours=1), None)
        assert not await recovery.recover(db, organisation_id, endpoint_id)
        async with db.connection() as conn:
            assert await recovery.running(conn, None, 10) == [(organisation_id, endpoint_id)]
        (event_id,) = await add_events(late, organisation_id, 1)
        later = first_uuid7(datetime.now(UTC) + timedelta(seconds=ahead_s))
        (other,) = await add_events(late, organisation_id, 1, event_ids=[later])
    assert await recover(db, organisation_id, endpoint_id) == (1, 2)
    assert (await queued(db, endpoint_id)).keys() == {event_id, other}


async def test_a_recovery_of_a_former_time_ends_there(db, organisation_id):
    """Where `until` is named, what came after it isn't queued."""
    async with db.transaction() as conn:
        endpoint_id = await outbox.make_endpoint(conn, organisation_id, enabled=True)
        webhook = await endpoints.read(conn, organisation_id, endpoint_id)
        now = datetime.now(UTC)
        await endpoints.recover(conn, webhook, now - timedelta(hours=2), now - timedelta(hours=1))
        await add_events(conn, organisation_id, 2)
    assert await recover(db, organisation_id, endpoint_id) == (1, 0)
