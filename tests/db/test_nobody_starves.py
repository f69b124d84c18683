"""Work for many organisations: who always has something to do hides nobody, and who fails stops nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rocket_server.config.settings import Settings
from rocket_server.configuration.snapshot import Configurations
from rocket_server.delivery.settle import Policy
from rocket_server.ids import first_uuid7, uuid7
from rocket_server.jobs import Runner
from rocket_server.organisations import sources
from rocket_server.organisations.model import Source
from rocket_server.worker import chores
from rocket_server.worker.settling import Settling
from support import outbox
from support.receiver import Receiver
from support.working_here import until, until_rows, working

BUSY, NEW = 100, 50


@pytest.fixture
def receiver():
    """A receiver that takes everything."""
    listening = Receiver()
    yield listening
    listening.close()


@pytest.fixture
async def many(db):
    """A hundred and fifty organisations, the oldest first."""
    async with db.transaction() as conn:
        return [await outbox.make_organisation(conn, f"Organisation {n}") for n in range(BUSY + NEW)]


def runner(db, name, page=200, **settings):
    """One kind of the worker's background work."""
    settings = replace(Settings(), **settings)
    settling = Settling(db, Policy.of(settings), 10)
    (job,) = [one for one in chores.all_jobs(db, settling, settings, Configurations()) if one.name == name]
    return Runner(job, page)


async def look(runner):
    """One look, to the end of what it began."""
    await runner.look()
    return await runner.finish()


async def test_boards_of_the_newest_are_counted_beside_a_hundred_busy_ones(db, many):
    """Organisations that are behind with each look leave their turn to the others."""
    boards = runner(db, "leaderboards", page=BUSY)
    for _ in range(2):
        await look(boards)
        async with db.transaction() as conn:
            swept = await conn.fetch("SELECT organisation_id::text FROM leaderboard_states ORDER BY 1")
            assert [row[0] for row in swept] == many
            await conn.execute(
                "UPDATE leaderboard_states SET swept_at = NULL WHERE organisation_id = ANY ($1)", many[:BUSY]
            )


async def test_ranks_of_the_newest_are_told_beside_a_hundred_busy_ones(db, many):
    """The same for ranks, which follow the standings."""
    async with db.transaction() as conn:
        await conn.executemany(
            "INSERT INTO standing_progress (organisation_id, learner_id, entries)"
            " VALUES ($1, gen_random_uuid(), 4)",
            [(organisation_id,) for organisation_id in many],
        )
    await look(runner(db, "ranks", page=BUSY))
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM standing_progress WHERE ranked = 4") == BUSY + NEW


async def test_one_whose_settings_cannot_be_read_stops_no_other(db, many, owner_of):
    """Whatever is wrong with one organisation's row, every kind of work is done for all others."""
    await owner_of(
        'UPDATE organisations SET settings = \'{"ranks": [{"bad": true}]}\' WHERE organisation_id = $1',
        many[0],
    )
    async with db.transaction() as conn:
        await conn.executemany(
            "INSERT INTO standing_progress (organisation_id, learner_id, entries)"
            " VALUES ($1, gen_random_uuid(), 4)",
            [(organisation_id,) for organisation_id in many],
        )
    await look(runner(db, "leaderboards"))
    await look(runner(db, "ranks"))
    async with db.connection() as conn:
        for table in ("leaderboard_states", "standing_progress WHERE ranked = 4"):
            done = await conn.fetch(f"SELECT organisation_id::text FROM {table} ORDER BY 1")
            assert [row[0] for row in done] == many[1:]


async def test_hundreds_of_backlogged_endpoints_hide_no_other(db, receiver):
    """Of 600 endpoints 500 have a backlog that was due earlier; the others get what is theirs meanwhile."""
    async with db.transaction() as conn:
        backlogged = await outbox.make_organisation(conn, "Backlogged")
        for _ in range(500):
            await outbox.make_endpoint(conn, backlogged, receiver.url("/old"))
        await outbox.tell(conn, backlogged, 20)
        other = await outbox.make_organisation(conn, "Other")
        for _ in range(100):
            await outbox.make_endpoint(conn, other, receiver.url("/new"))
        await outbox.tell(conn, other, 1, due_in_s=-1)
    async with working(db, worker_concurrency=16):
        await until(lambda: len(receiver.ids("/new")) == 100)
        done = len(receiver.ids("/old"))
    # A turn of each of the 500 is at most four at first.
    assert done <= 3_000


async def test_a_claim_that_fails_keeps_nothing_and_stops_no_other(db, receiver, owner_of):
    """An endpoint whose deliveries can't be claimed costs them no try, and others go out."""
    async with db.transaction() as conn:
        broken = await outbox.make_organisation(conn, "Broken")
        await outbox.make_endpoint(conn, broken, receiver.url("/broken"))
        await outbox.tell(conn, broken, 5)
        other = await outbox.make_organisation(conn, "Other")
        await outbox.make_endpoint(conn, other, receiver.url("/other"))
        await outbox.tell(conn, other, 20)
    await owner_of(
        "CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'broken' USING ERRCODE = '22012'; END $$;"
        "CREATE TRIGGER breaks BEFORE UPDATE ON deliveries FOR EACH ROW"
        f" WHEN (NEW.organisation_id = '{broken}') EXECUTE FUNCTION breaks();"
    )
    async with working(db):
        await until(lambda: len(receiver.ids("/other")) == 20)
        await until_rows(db, "SELECT 1 FROM deliveries WHERE status = 'pending'", count=5)
    async with db.connection() as conn:
        left = await conn.fetchrow(
            "SELECT max(attempts) AS attempts, max(lost) AS lost FROM deliveries WHERE organisation_id = $1",
            broken,
        )
    assert tuple(left.values()) == (0, 0)


async def test_request_logs_are_trimmed_by_age_and_number(db, many):
    """Of each source the last thousand of the last days are kept; by one process at a time."""
    now = datetime.now(UTC)
    async with db.transaction() as conn:
        kept = {}
        for organisation_id in (many[0], many[-1]):
            source = await sources.create(conn, Source(organisation_id, "", "moodle", "moodle", ""))
            rows = [first_uuid7(now - timedelta(days=31))[:13] + uuid7()[13:] for _ in range(5)]
            rows += [uuid7() for _ in range(1_010)]
            await conn.executemany(
                "INSERT INTO request_log"
                " (organisation_id, source_id, request_id, received_at, status, outcome, body)"
                " VALUES ($1, $2, $3, now(), 200, 'processed', '')",
                [(organisation_id, source.source_id, row) for row in rows],
            )
            kept[organisation_id] = set(rows[-1_000:])
    query = "SELECT request_id::text FROM request_log WHERE organisation_id = $1"
    async with db.transaction() as conn:
        lock = "SELECT pg_try_advisory_xact_lock(hashtextextended('request_log:' || $1, 0))"
        assert await conn.fetchval(lock, many[-1])
        await look(runner(db, "request_log"))
        assert len(await conn.fetch(query, many[-1])) == 1_015
    await look(runner(db, "request_log"))
    async with db.connection() as conn:
        for organisation_id, expected in kept.items():
            assert {row[0] for row in await conn.fetch(query, organisation_id)} == expected
