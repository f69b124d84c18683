"""A worker at work: real sockets, the real sender, the real database, in this process."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rocket_server.delivery import signing
from rocket_server.delivery.model import AttemptResult
from rocket_server.delivery.outbox import delivery_id
from rocket_server.worker.dispatch import MAX_LOST
from rocket_server.worker.ports import NoPlugins
from support import outbox
from support.receiver import Answer, Receiver
from support.working_here import PATIENCE_S, until, until_rows, working


@pytest.fixture
def receiver():
    """A receiver that takes everything, unless a test says otherwise."""
    listening = Receiver()
    yield listening
    listening.close()


@pytest.fixture
async def organisation_id(db):
    """An organisation without endpoints."""
    async with db.transaction() as conn:
        return await outbox.make_organisation(conn)


async def all_settled(db):
    await until_rows(db, "SELECT 1 FROM deliveries WHERE status = 'pending'")


async def test_what_is_told_arrives_signed(db, receiver, organisation_id):
    """Each message reaches the endpoint that wants it, once, under its own id, with a good signature."""
    async with db.transaction() as conn:
        endpoint_id = await outbox.make_endpoint(conn, organisation_id, receiver.url("/hook"))
        await outbox.make_endpoint(conn, organisation_id, receiver.url("/other"), events=["other.event"])
        events = await outbox.tell(conn, organisation_id, 300)
    async with working(db):
        await all_settled(db)
    assert sorted(receiver.ids("/hook")) == sorted(delivery_id(event, endpoint_id) for event in events)
    assert receiver.ids("/other") == []
    for call in receiver.calls[::50]:
        assert signing.verify(outbox.SECRET, call.body, call.headers["x-signature"])
    bodies = [json.loads(call.body) for call in receiver.calls]
    assert sorted(body["id"] for body in bodies) == sorted(events)
    first = min(bodies, key=lambda body: body["id"])
    assert first == outbox.body(events[0])


async def test_a_failing_delivery_is_tried_again_under_its_id(db, receiver, organisation_id):
    """Two failures and a success: three calls with one id, and a log that says so."""
    receiver.answer = lambda call: Answer(503 if len(receiver.calls) < 3 else 200)
    async with db.transaction() as conn:
        await outbox.make_endpoint(conn, organisation_id, receiver.url())
        await outbox.tell(conn, organisation_id)
    async with working(db):
        await all_settled(db)
    assert len(receiver.calls) == 3
    assert len(set(receiver.ids())) == 1
    attempts = await until_rows(db, "SELECT number, status FROM delivery_attempts ORDER BY number", count=3)
    assert [tuple(attempt.values()) for attempt in attempts] == [(1, 503), (2, 503), (3, 200)]


async def test_endpoints_that_hang_do_not_hold_up_others(db, receiver, organisation_id):
    """Beside ten receivers that never answer a healthy one gets everything while they are waited for."""
    receiver.answer = lambda call: Answer(after_s=300 if call.path == "/hole" else 0)
    async with db.transaction() as conn:
        for _ in range(10):
            await outbox.make_endpoint(
                conn, organisation_id, receiver.url("/hole"), timeout_ms=60_000, events=["points.awarded"]
            )
        await outbox.tell(conn, organisation_id, 100)
    async with working(db, worker_concurrency=64):
        await until(lambda: len(receiver.ids("/hole")) >= 40)
        async with db.transaction() as conn:
            await outbox.make_endpoint(conn, organisation_id, receiver.url("/well"), events=["quiz.*"])
            await outbox.tell(conn, organisation_id, 300, "quiz.completed")
        await until(lambda: len(receiver.ids("/well")) == 300)
        # All that time the others were only waited for: none has failed yet, each has its few slots.
        assert len(receiver.ids("/hole")) == 40
        assert receiver.at_once >= 40
        receiver.close()


async def test_failing_endpoints_share_half_of_the_slots(db, receiver, organisation_id):
    """Many receivers that are known to fail and hang leave half of a worker to the others."""
    receiver.answer = lambda call: Answer(after_s=30 if call.path == "/hole" else 0)
    async with db.transaction() as conn:
        for _ in range(30):
            await outbox.make_endpoint(conn, organisation_id, receiver.url("/hole"), timeout_ms=20_000)
        await conn.execute("UPDATE endpoint_states SET failures = 1")
        await outbox.tell(conn, organisation_id, 10)
    async with working(db, worker_concurrency=16):
        await until(lambda: len(receiver.ids("/hole")) >= 8)
        async with db.transaction() as conn:
            await outbox.make_endpoint(conn, organisation_id, receiver.url("/well"), events=["quiz.*"])
            await outbox.tell(conn, organisation_id, 100, "quiz.completed")
        await until(lambda: len(receiver.ids("/well")) == 100)
        assert len(receiver.ids("/hole")) == 8
        receiver.close()


async def test_a_throttled_endpoint_gets_no_more_than_its_rate(db, receiver, organisation_id):
    """Twenty in a second, and no try is used up by waiting."""
    async with db.transaction() as conn:
        await outbox.make_endpoint(conn, organisation_id, receiver.url(), throttle_per_s=20)
        await outbox.tell(conn, organisation_id, 50)
    async with working(db):
        await all_settled(db)
    times = sorted(call.at for call in receiver.calls)
    assert len(times) == 50
    # Eleven may come at once; the others take two seconds, of which a slow machine may hide some.
    assert times[-1] - times[0] >= 1
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT max(attempts) FROM deliveries") == 1


async def test_in_flight_is_bounded(db, receiver, organisation_id):
    """A worker has no more deliveries under way than it is set to, however many wait."""
    receiver.answer = lambda call: Answer(after_s=0.02)
    async with db.transaction() as conn:
        for _ in range(8):
            await outbox.make_endpoint(conn, organisation_id, receiver.url())
        await outbox.tell(conn, organisation_id, 50)
    async with working(db, worker_concurrency=10):
        await all_settled(db)
    assert len(receiver.calls) == 400
    assert receiver.most_at_once <= 10


async def test_a_stop_lets_end_what_is_under_way(db, receiver, organisation_id):
    """After a stop nothing is claimed, what was sent is settled, and the rest waits untouched."""
    receiver.answer = lambda call: Answer(after_s=0.5)
    async with db.transaction() as conn:
        await outbox.make_endpoint(conn, organisation_id, receiver.url())
        await outbox.tell(conn, organisation_id, 100)
    async with working(db):
        await until(lambda: receiver.calls)
    sent = len(receiver.calls)
    assert 0 < sent < 100
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM deliveries WHERE status = 'delivered'") == sent
        assert await conn.fetchval("SELECT count(*) FROM deliveries WHERE leased") == 0
        assert await conn.fetchval("SELECT max(attempts) FROM deliveries WHERE status = 'pending'") == 0


async def test_what_many_workers_were_lost_with_is_given_up(db, receiver, organisation_id):
    """A delivery that seems to kill its workers is exhausted with that reason, and isn't sent once more."""
    async with db.transaction() as conn:
        endpoint_id = await outbox.make_endpoint(conn, organisation_id, receiver.url())
        poison, good = await outbox.tell(conn, organisation_id, 2)
        await conn.execute(
            "UPDATE deliveries SET leased = true, attempts = 21, lost = $2 WHERE event_id = $1",
            poison,
            MAX_LOST,
        )
    async with working(db):
        await all_settled(db)
    assert receiver.ids() == [delivery_id(good, endpoint_id)]
    (row,) = await until_rows(
        db,
        """SELECT d.status, a.error, a.next_reason
        FROM deliveries d JOIN delivery_attempts a USING (delivery_id) WHERE d.event_id = $1""",
        poison,
        count=1,
    )
    assert (row["status"], row["error"]) == ("exhausted", "workers_lost")
    assert row["next_reason"] == "21 workers in a row were lost while they sent it."


async def test_a_delivery_of_an_event_that_is_gone_is_given_up(db, receiver, organisation_id):
    """Where retention or an administrator removed the event, the log says why nothing was sent."""
    async with db.transaction() as conn:
        await outbox.make_endpoint(conn, organisation_id, receiver.url())
        await outbox.tell(conn, organisation_id)
        await conn.execute("DELETE FROM messages")
    async with working(db):
        (row,) = await until_rows(db, "SELECT next_reason FROM delivery_attempts", count=1)
    assert row["next_reason"] == "The event that it tells of isn't stored any more."
    assert receiver.calls == []


async def test_a_changed_endpoint_is_followed(db, receiver, organisation_id):
    """A new address or secret counts from the next claim on, since the organisation's version grew."""
    async with db.transaction() as conn:
        await outbox.make_endpoint(conn, organisation_id, receiver.url("/old"))
        await outbox.tell(conn, organisation_id)
    async with working(db):
        await until(lambda: receiver.ids("/old"))
        async with db.transaction() as conn:
            await conn.execute("UPDATE endpoints SET url = $1", receiver.url("/new"))
            await conn.execute("UPDATE organisations SET version = version + 1")
            await outbox.tell(conn, organisation_id)
        await until(lambda: receiver.ids("/new"))
    assert len(receiver.calls) == 2


async def test_a_retired_secret_signs_no_more(db, receiver, organisation_id):
    """Both secrets of a rotation sign until the old one's time is over; no change of anything is needed."""
    new = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    async with db.transaction() as conn:
        endpoint_id = await outbox.make_endpoint(conn, organisation_id, receiver.url())
        await conn.execute("UPDATE endpoint_secrets SET retires_at = now() + interval '1 second'")
        await conn.execute(
            "INSERT INTO endpoint_secrets VALUES ($1, $2, gen_random_uuid(), $3, now() + interval '1 ms')",
            organisation_id,
            endpoint_id,
            new,
        )

    def signatures():
        return [len(call.headers["webhook-signature"].split()) for call in receiver.calls]

    async with working(db):
        async with asyncio.timeout(PATIENCE_S):
            while 1 not in signatures():
                async with db.transaction() as conn:
                    await outbox.tell(conn, organisation_id)
                await asyncio.sleep(0.2)
    assert signatures() == sorted(signatures(), reverse=True)
    assert signatures()[0] == 2
    last = receiver.calls[-1]
    assert signing.verify(new, last.body, last.headers["x-signature"])


async def test_locked_rows_of_one_organisation_hold_up_no_other(db, receiver, organisation_id):
    """While somebody keeps an endpoint locked its results wait; others' are written, and none is lost."""
    async with db.transaction() as conn:
        other = await outbox.make_organisation(conn, "Other")
        stuck = await outbox.make_endpoint(conn, organisation_id, receiver.url("/stuck"), timeout_ms=20_000)
        await outbox.make_endpoint(conn, other, receiver.url("/other"))
        await outbox.tell(conn, organisation_id, 4)
    holding, release = asyncio.Event(), asyncio.Event()
    receiver.answer = lambda call: Answer(after_s=1 if call.path == "/stuck" else 0)

    async def hold():
        async with db.transaction() as conn:
            await conn.execute("SELECT FROM endpoint_states WHERE endpoint_id = $1 FOR UPDATE", stuck)
            holding.set()
            await release.wait()

    async with working(db):
        await until(lambda: len(receiver.ids("/stuck")) == 4)
        holder = asyncio.create_task(hold())
        await holding.wait()
        async with db.transaction() as conn:
            await outbox.tell(conn, other, 300)
        delivered = "SELECT 1 FROM deliveries WHERE organisation_id = $1 AND status = 'delivered'"
        await until_rows(db, delivered, other, count=300)
        release.set()
        await holder
        await until_rows(db, delivered, organisation_id, count=4)
    assert len(receiver.ids("/stuck")) == 4


class Hooks(NoPlugins):
    """A process with one plugin of its own and one that is an external service."""

    def __init__(self, service_url):
        self.service_url = service_url
        self.called = []

    def known(self):
        return frozenset({"hooks", "service"})

    def http_target(self, target):
        if target.plugin_id == "service":
            return replace(target, url=self.service_url, format="assessment")
        return None

    async def call(self, target, claimed, fact):
        self.called.append((claimed.delivery_id, fact.event, fact.properties))
        if len(self.called) == 1:
            raise RuntimeError("a hook broke")
        return AttemptResult(datetime.now(UTC), 0, 200, None, "")


async def test_plugins(db, receiver, organisation_id):
    """Hooks are called with the fact, again after they broke; services by HTTP; unknown plugins wait."""
    async with db.transaction() as conn:
        for plugin_id in ("hooks", "service", "elsewhere"):
            await outbox.make_endpoint(
                conn, organisation_id, None, kind="plugin", plugin_id=plugin_id, headers={"x-own": "1"}
            )
        (event,) = await outbox.tell(conn, organisation_id)
    hooks = Hooks(receiver.url("/service"))
    async with working(db, hooks):
        await until_rows(db, "SELECT 1 FROM deliveries WHERE status = 'delivered'", count=2)
    first, second = hooks.called
    assert first == second
    assert first[1:] == ("points.awarded", {"reason": "for nothing"})
    (call,) = receiver.calls
    assert json.loads(call.body)["name"] == "points.awarded"
    assert json.loads(call.body)["id"] == event
    assert call.headers["x-own"] == "1"
    (waiting,) = await until_rows(db, "SELECT attempts FROM deliveries WHERE status = 'pending'", count=1)
    assert waiting["attempts"] == 0
    errors = await until_rows(db, "SELECT error, answer FROM delivery_attempts WHERE NOT delivered", count=1)
    assert errors == [{"error": "internal", "answer": "RuntimeError while it was being sent."}]


async def test_a_recovery_is_done_in_the_background(db, receiver, organisation_id):
    """What was missed while an endpoint was disabled arrives after a recovery was asked for."""
    async with db.transaction() as conn:
        missed = await outbox.tell(conn, organisation_id, 20)
        endpoint_id = await outbox.make_endpoint(conn, organisation_id, receiver.url())
        await conn.execute(
            """INSERT INTO recoveries (organisation_id, endpoint_id, recovery_id, since, until)
            VALUES ($1, $2, gen_random_uuid(), $3, $4)""",
            organisation_id,
            endpoint_id,
            datetime.now(UTC) - timedelta(hours=1),
            datetime.now(UTC) + timedelta(seconds=1),
        )
    async with working(db):
        await until_rows(db, "SELECT 1 FROM deliveries WHERE status = 'delivered'", count=20)
        await until_rows(
            db, "SELECT 1 FROM recoveries WHERE finished_at IS NOT NULL AND queued = 20", count=1
        )
    assert sorted(receiver.ids()) == sorted(delivery_id(event, endpoint_id) for event in missed)


async def test_a_message_that_cannot_be_read_holds_up_no_other(db, receiver, organisation_id, owner_of):
    """Claimed with it, all others go out; it is a try that failed, and comes again later."""
    async with db.transaction() as conn:
        await outbox.make_endpoint(conn, organisation_id, receiver.url())
        ids = await outbox.tell(conn, organisation_id, 12)
    await owner_of("UPDATE messages SET body = '[]' WHERE event_id = $1", ids[5])
    async with working(db):
        await until(lambda: len(receiver.ids()) == 11)
        await until_rows(
            db, "SELECT 1 FROM delivery_attempts WHERE error = 'unreadable' AND number = 1", count=1
        )
    async with db.connection() as conn:
        left = await conn.fetch(
            "SELECT event_id::text FROM deliveries WHERE status = 'pending' AND tries > 0"
        )
    assert [row[0] for row in left] == [ids[5]]


async def test_a_result_that_cannot_be_written_holds_up_no_other(db, receiver, organisation_id, owner_of):
    """Settled in one set with it, all others are delivered, once each."""
    async with db.transaction() as conn:
        endpoint_id = await outbox.make_endpoint(conn, organisation_id, receiver.url())
        ids = await outbox.tell(conn, organisation_id, 12)
    await owner_of(
        "CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'broken' USING ERRCODE = '22012'; END $$;"
        "CREATE TRIGGER breaks BEFORE INSERT ON delivery_attempts FOR EACH ROW"
        f" WHEN (NEW.delivery_id = '{delivery_id(ids[5], endpoint_id)}') EXECUTE FUNCTION breaks();"
    )
    async with working(db):
        await until_rows(db, "SELECT 1 FROM deliveries WHERE status = 'delivered'", count=11)
    async with db.connection() as conn:
        left = await conn.fetch("SELECT event_id::text FROM deliveries WHERE status = 'pending'")
    assert [row[0] for row in left] == [ids[5]]
    assert len(receiver.ids()) == 12
