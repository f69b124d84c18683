"""Jobs that people start: each piece is done once, whoever does it, and what was done stays done."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from rocket_server import pipeline
from rocket_server.backfill import badges as backfill
from rocket_server.backfill.badges import Backfill
from rocket_server.badges import progress
from rocket_server.badges import store as badges
from rocket_server.badges.parse import parse_badge
from rocket_server.configuration.snapshot import Configurations
from rocket_server.errors import Conflict
from rocket_server.events.model import Event, dedupe_key
from rocket_server.jobs import Runner, table
from rocket_server.jobs.table import Lost
from rocket_server.organisations import store
from rocket_server.verify.proof import verify
from rocket_server.worker.started import started

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
LEARNERS = 40
TALKER = {
    "badge_id": "talker",
    "name": "Talker",
    "criteria": {"events": {"event": "forum.posted", "count": 3}},
}


def post(number: int, which: int) -> Event:
    key = dedupe_key("api", "forum.posted", f"{number} {which}")
    return Event("forum.posted", "api", f"learner-{number}", NOW + timedelta(minutes=which), {}, {}, key)


@pytest.fixture
async def organisation_id(db):
    """An organisation of whose learners every second has posted three times, before a badge asks for it."""
    async with db.transaction() as conn:
        made = await store.create(conn, name="One", tenant_id="one")

    async def work(conn):
        configuration = await Configurations().current(conn, made.organisation_id)
        events = [post(n, which) for n in range(LEARNERS) for which in range(2 + n % 2)]
        await pipeline.ingest(conn, configuration, events, NOW)

    await db.run(work, ingest=True)
    async with db.transaction() as conn:
        await badges.create(conn, made.organisation_id, parse_badge(TALKER))
        await store.touch(conn, made.organisation_id)
    return made.organisation_id


@pytest.fixture
async def job_id(db, organisation_id):
    """A job that gives them the badge."""
    async with db.transaction() as conn:
        configuration = await Configurations().current(conn, organisation_id)
        return (await backfill.start(conn, configuration, "talker", "tests")).job_id


def worker(db, *, at_once=5, turn_s=0.0):
    """A worker of its own, which gives a job back after each piece."""
    work = Backfill(db, Configurations(), at_once=at_once, turn_s=turn_s)
    return Runner(started(db, {backfill.KIND: work}))


async def to_the_end(*runners):
    """Let workers look until none of them finds anything more."""
    while True:
        await asyncio.gather(*(one.look() for one in runners))
        if not any([await one.finish() for one in runners]):
            return


async def awarded(db, organisation_id):
    """Who has the badge, as often as they have it."""
    async with db.connection() as conn:
        rows = await conn.fetch(
            "SELECT l.user_id FROM badge_awards a JOIN learners l USING (organisation_id, learner_id)"
            " WHERE a.organisation_id = $1 ORDER BY l.user_id",
            organisation_id,
        )
    return [row[0] for row in rows]


async def stored(db, organisation_id, job_id):
    async with db.connection() as conn:
        return await table.read(conn, organisation_id, job_id)


async def lease_ends(owner_of, job_id):
    """As if the worker that holds the job had been gone for minutes."""
    await owner_of("UPDATE jobs SET leased_until = now() - interval '1 second' WHERE job_id = $1", job_id)


EARNERS = sorted(f"learner-{n}" for n in range(LEARNERS) if n % 2)


async def test_everybody_who_met_the_criteria_gets_the_badge_once(db, organisation_id, job_id):
    """However many workers share a job, each learner gets the badge once, and the job says what it did."""
    await to_the_end(*(worker(db) for _ in range(3)))
    assert await awarded(db, organisation_id) == EARNERS
    job = await stored(db, organisation_id, job_id)
    assert (job.status, job.done, job.total, job.error) == ("done", LEARNERS, LEARNERS, None)
    assert job.counts == {"given": len(EARNERS), "skipped": 0}
    async with db.connection() as conn:
        assert await verify(conn, organisation_id) == []


async def test_a_job_goes_on_where_a_killed_worker_stopped(
    db, organisation_id, job_id, owner_of, monkeypatch
):
    """What was committed before a kill isn't done again, and the rest is done when the lease has ended."""
    give, parts = pipeline.give_for_past, []

    async def give_or_die(conn, configuration, badge_id, learners, *more):
        parts.append([one.user_id for one in learners])
        if len(parts) == 3:
            raise asyncio.CancelledError  # nothing after this line is done, as after a kill
        return await give(conn, configuration, badge_id, learners, *more)

    monkeypatch.setattr(pipeline, "give_for_past", give_or_die)
    async with db.transaction() as conn:
        claim = await table.claim(conn, organisation_id, job_id)
    with pytest.raises(asyncio.CancelledError):
        await Backfill(db, Configurations(), at_once=5)(claim)
    before = await awarded(db, organisation_id)
    assert (await stored(db, organisation_id, job_id)).done == 10
    await to_the_end(worker(db))
    assert await awarded(db, organisation_id) == before  # it is still leased
    await lease_ends(owner_of, job_id)
    await to_the_end(worker(db))
    assert await awarded(db, organisation_id) == EARNERS
    assert [who for part in parts[3:] for who in part] == [f"learner-{n}" for n in range(10, LEARNERS)]


async def test_who_was_taken_for_lost_cannot_write(db, organisation_id, job_id, owner_of):
    """A worker that comes back after its lease finds another number: what it did is undone."""
    async with db.transaction() as conn:
        late = await table.claim(conn, organisation_id, job_id)
        assert await table.claim(conn, organisation_id, job_id) is None
    await lease_ends(owner_of, job_id)
    async with db.transaction() as conn:
        claim = await table.claim(conn, organisation_id, job_id)
    assert claim.attempt == late.attempt + 1
    with pytest.raises(Lost):
        await Backfill(db, Configurations())(late)
    assert await awarded(db, organisation_id) == []
    with pytest.raises(Lost):
        async with db.transaction() as conn:
            await table.advance(conn, late, None, done=1, counts={})
    assert (await stored(db, organisation_id, job_id)).done == 0


async def test_a_piece_of_a_cancelled_job_is_undone(db, organisation_id, job_id, monkeypatch):
    """Whoever cancels while a piece is being done finds no more than was noted when the answer came."""
    give = pipeline.give_for_past
    working, cancelled = asyncio.Event(), asyncio.Event()

    async def give_late(*arguments):
        if not working.is_set():
            working.set()
            await cancelled.wait()
        return await give(*arguments)

    await to_the_end_of_one_piece(db, organisation_id, job_id)
    before = await awarded(db, organisation_id)
    hold = table.hold

    async def hold_not(conn, claim):
        """As if cancelling came before the row was locked."""

    monkeypatch.setattr(table, "hold", hold_not)
    monkeypatch.setattr(pipeline, "give_for_past", give_late)
    running = asyncio.create_task(to_the_end(worker(db)))
    await working.wait()
    async with db.transaction() as conn:
        job = await table.cancel(conn, organisation_id, job_id)
    cancelled.set()
    await running
    monkeypatch.setattr(table, "hold", hold)
    assert (job.status, job.done) == ("cancelled", 5)
    assert await awarded(db, organisation_id) == before
    assert await stored(db, organisation_id, job_id) == job
    async with db.transaction() as conn:
        assert await table.cancel(conn, organisation_id, job_id) == job


async def to_the_end_of_one_piece(db, organisation_id, job_id):
    async with db.transaction() as conn:
        claim = await table.claim(conn, organisation_id, job_id)
    assert await Backfill(db, Configurations(), at_once=5, turn_s=0)(claim)


async def test_criteria_that_are_changed_meanwhile_are_asked_of_everybody(db, organisation_id, job_id):
    """Those who were asked by the former criteria are asked again by the new ones."""
    await to_the_end_of_one_piece(db, organisation_id, job_id)
    async with db.transaction() as conn:
        easier = TALKER | {"criteria": {"events": {"event": "forum.posted", "count": 2}}}
        await badges.change(conn, organisation_id, parse_badge(easier))
        await store.touch(conn, organisation_id)
    await to_the_end(worker(db))
    assert len(await awarded(db, organisation_id)) == LEARNERS
    job = await stored(db, organisation_id, job_id)
    assert (job.status, job.done, job.counts["given"]) == ("done", LEARNERS, LEARNERS)


async def test_one_who_cannot_be_asked_about_holds_up_nobody(db, organisation_id, job_id, monkeypatch):
    """A learner whose past nobody can read is passed over and counted; all others get what they earned."""
    give = pipeline.give_for_past

    async def give_unless(conn, configuration, badge_id, learners, *more):
        if any(one.user_id == "learner-7" for one in learners):
            raise ValueError("as if")
        return await give(conn, configuration, badge_id, learners, *more)

    monkeypatch.setattr(pipeline, "give_for_past", give_unless)
    await to_the_end(worker(db, at_once=16))
    assert await awarded(db, organisation_id) == [one for one in EARNERS if one != "learner-7"]
    job = await stored(db, organisation_id, job_id)
    assert (job.status, job.done) == ("done", LEARNERS)
    assert job.counts == {"given": len(EARNERS) - 1, "skipped": 1}


async def test_long_pasts_are_read_apart(db, organisation_id, job_id, monkeypatch):
    """Learners who have too much of a past together are halved until they haven't."""
    monkeypatch.setattr(progress, "PAST_AT_ONCE", 5)
    await to_the_end(worker(db, at_once=50))
    assert await awarded(db, organisation_id) == EARNERS
    assert (await stored(db, organisation_id, job_id)).counts == {"given": len(EARNERS), "skipped": 0}


async def test_a_job_that_cannot_be_done_says_why(db, organisation_id, job_id):
    """Where the badge is deleted meanwhile, the job fails at once, in the words that a request would get."""
    async with db.transaction() as conn:
        await badges.delete(conn, organisation_id, "talker")
        await store.touch(conn, organisation_id)
    await to_the_end(worker(db))
    job = await stored(db, organisation_id, job_id)
    assert (job.status, job.error) == ("failed", "There is no such badge.")


async def test_what_fails_again_and_again_is_given_up(db, organisation_id, job_id, owner_of):
    """A defect is tried again, longer apart with each time, and after eight times the job has failed."""
    tries = 0

    async def broken(claim):
        nonlocal tries
        tries += 1
        raise ZeroDivisionError

    waits = []
    for _ in range(table.MAX_FAILURES):
        await to_the_end(Runner(started(db, {backfill.KIND: broken})))
        async with db.connection() as conn:
            waits.append(await conn.fetchval("SELECT leased_until - now() FROM jobs"))
        await lease_ends(owner_of, job_id)
    assert tries == table.MAX_FAILURES
    assert waits[:-1] == sorted(waits[:-1])
    assert waits[-1] is None
    job = await stored(db, organisation_id, job_id)
    assert (job.status, job.error) == ("failed", "ZeroDivisionError: see the log")


async def test_jobs_are_bounded_and_forgotten(db, organisation_id, job_id, owner_of):
    """One job of a kind about a subject at a time, twenty of an organisation; old finished ones go."""
    async with db.transaction() as conn:
        with pytest.raises(Conflict) as raised:
            await table.add(conn, organisation_id, backfill.KIND, "badge:talker", "tests")
        assert raised.value.details == {"job_id": job_id}
        for number in range(table.MAX_UNFINISHED - 1):
            await table.add(conn, organisation_id, "other", f"thing:{number}", "tests")
        with pytest.raises(Conflict) as raised:
            await table.add(conn, organisation_id, "other", "thing:more", "tests")
        assert raised.value.details == {"limit": table.MAX_UNFINISHED}
        await table.cancel(conn, organisation_id, job_id)
        assert not await table.trim(conn, organisation_id, datetime.now(UTC) - timedelta(minutes=1))
        assert (await table.read(conn, organisation_id, job_id)).status == "cancelled"
        assert not await table.trim(conn, organisation_id, datetime.now(UTC) + timedelta(minutes=1))
        assert len(await table.page(conn, organisation_id, None, None, None, 100)) == table.MAX_UNFINISHED - 1
