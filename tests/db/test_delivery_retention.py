"""Retention: what is old goes in bounded pieces, and nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rocket_server.delivery import retention
from rocket_server.ids import first_uuid7, uuid7
from rocket_server.organisations import store as organisations
from support import outbox

KEEP = timedelta(days=30)
TABLES = ("deliveries", "delivery_attempts", "messages")


@pytest.fixture
async def organisation_id(db):
    """An organisation without endpoints."""
    async with db.transaction() as conn:
        return await outbox.make_organisation(conn)


async def add(conn, organisation_id, endpoint_id, age_days, status="delivered", count=1, **columns):
    """Deliveries of an age, each with a message and two attempts."""
    moment = datetime.now(UTC) - timedelta(days=age_days)
    for _ in range(count):
        random = uuid7()[13:]
        event_id = first_uuid7(moment)[:13] + random
        delivery_id = first_uuid7(moment)[:13] + "-8" + random[2:]
        row = {
            "organisation_id": organisation_id,
            "endpoint_id": endpoint_id,
            "delivery_id": delivery_id,
            "event_id": event_id,
            "event": "points.awarded",
            "status": status,
            "due_at": moment,
            "created_at": moment,
            **columns,
        }
        marks = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        await conn.execute(f"INSERT INTO deliveries ({', '.join(row)}) VALUES ({marks})", *row.values())
        await conn.execute(
            "INSERT INTO messages VALUES ($1, $2, 'points.awarded', '{}', $3)",
            organisation_id,
            event_id,
            moment,
        )
        for number in (1, 2):
            await conn.execute(
                "INSERT INTO delivery_attempts VALUES ($1, $2, $3, $4, $5, 1, true, 200, NULL, '', NULL, '')",
                organisation_id,
                endpoint_id,
                delivery_id,
                number,
                moment,
            )


async def trim(db, piece=1000):
    removed = 0
    async with db.connection() as conn:
        found = await organisations.ids_after(conn, None, 10)
    for (organisation_id,) in found:
        more = True
        while more:
            rows, more = await retention.trim(db.run, organisation_id, KEEP, datetime.now(UTC), piece)
            removed += rows
    return removed


async def counts(db):
    async with db.connection() as conn:
        return [await conn.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES]


@pytest.mark.parametrize("piece", [1, 3, 1000])
async def test_what_is_old_is_removed(db, organisation_id, piece):
    """Deliveries with their attempts and messages go after their time, those of a disabled endpoint that wait
    too; of whatever organisation, and however small the pieces."""
    async with db.transaction() as conn:
        other = await outbox.make_organisation(conn, "Other")
        for whose in (organisation_id, other):
            for _ in range(2):
                endpoint_id = await outbox.make_endpoint(conn, whose)
                await add(conn, whose, endpoint_id, 31, count=4)
                await add(conn, whose, endpoint_id, 40, "pending")
                await add(conn, whose, endpoint_id, 29, "pending")
                await add(conn, whose, endpoint_id, 1)
    assert await counts(db) == [28, 56, 28]
    assert await trim(db, piece) == 40
    assert await counts(db) == [8, 16, 8]
    assert await trim(db, piece) == 0


async def test_what_was_queued_again_stays(db, organisation_id):
    """An old delivery that a recovery or an administrator queued lately is kept until that is old."""
    async with db.transaction() as conn:
        endpoint_id = await outbox.make_endpoint(conn, organisation_id)
        await add(conn, organisation_id, endpoint_id, 90, "pending", due_at=datetime.now(UTC))
        await add(conn, organisation_id, endpoint_id, 90, "pending", created_at=datetime.now(UTC))
    await trim(db)
    assert (await counts(db))[:2] == [2, 4]


async def test_what_belonged_to_a_deleted_endpoint_goes_at_once(db, organisation_id):
    """However young, and although it waits: nobody can be told any more."""
    async with db.transaction() as conn:
        deleted = await outbox.make_endpoint(conn, organisation_id)
        kept = await outbox.make_endpoint(conn, organisation_id)
        await add(conn, organisation_id, deleted, 0, "pending", count=5)
        await add(conn, organisation_id, kept, 0, "pending")
        await conn.execute("DELETE FROM endpoints WHERE endpoint_id = $1", deleted)
    await trim(db, 2)
    assert (await counts(db))[:2] == [1, 2]


async def test_finished_recoveries_go_and_running_ones_stay(db, organisation_id):
    """A recovery is kept as long as what it queued."""
    async with db.transaction() as conn:
        endpoint_id = await outbox.make_endpoint(conn, organisation_id)
        for finished in ("now() - interval '31 days'", "now() - interval '29 days'", "NULL"):
            await conn.execute(
                f"""INSERT INTO recoveries
                    (organisation_id, endpoint_id, recovery_id, since, until, created_at, finished_at)
                VALUES ($1, $2, gen_random_uuid(), now(), now(), now() - interval '40 days', {finished})""",
                organisation_id,
                endpoint_id,
            )
    await trim(db)
    async with db.connection() as conn:
        left = await conn.fetch("SELECT finished_at IS NULL AS runs FROM recoveries")
    assert sorted(row["runs"] for row in left) == [False, True]
