"""The rows that stand for plugins in an organisation: made once, and only for what is installed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from rocket_server.config.settings import Settings
from rocket_server.configuration.snapshot import Configurations
from rocket_server.delivery import outbox
from rocket_server.delivery.settle import Policy
from rocket_server.jobs import Runner
from rocket_server.plugins import store as plugins_store
from rocket_server.plugins.dispatch import Subscription
from rocket_server.worker import chores
from rocket_server.worker.settling import Settling
from support import outbox as rows_of

FIRST = Subscription("digest", ("course.completed",), 30_000, 4, "Digest")
SERVICE = Subscription("digest#service", ("*",), 10_000, 6, "Digest (external service)")


async def _rows(conn, organisation_id):
    return {
        row["plugin_id"]: (list(row["events"]), row["timeout_ms"], row["max_attempts"], row["enabled"])
        for row in await conn.fetch(
            "SELECT * FROM endpoints WHERE organisation_id = $1 AND installed", organisation_id
        )
    }


@pytest.fixture
async def organisation_id(db):
    """A bare organisation."""
    async with db.transaction() as conn:
        return await rows_of.make_organisation(conn)


@pytest.fixture
def worker(db):
    """Starts workers, each with plugins of its own; what is called is one look of both of its jobs."""

    def start(*subscriptions):
        settings = Settings()
        found = chores.all_jobs(
            db, Settling(db, Policy.of(settings), 10), settings, Configurations(None, subscriptions)
        )
        runners = [
            Runner(next(job for job in found if job.name == name)) for name in ("plugins_seen", "plugins")
        ]

        async def look():
            for runner in runners:
                await runner.look()
                await runner.finish()

        return look

    return start


async def _seen(db, organisation_id):
    """The rows, and the events of endpoints that the outbox writes for."""
    async with db.connection() as conn:
        told = [set(one.events) for one in await outbox.endpoints(conn, organisation_id)]
        return await _rows(conn, organisation_id), told


async def test_reading_writes_nothing(db, organisation_id):
    """Whoever only asks for a configuration changes no row, in a transaction that couldn't either."""
    async with db.transaction() as conn:
        await conn.execute("SET TRANSACTION READ ONLY")
        found = await Configurations(None, [FIRST, SERVICE]).current(conn, organisation_id)
    assert found.endpoints == ()
    assert await _seen(db, organisation_id) == ({}, [])


async def test_who_writes_anyway_makes_rows_once(db, organisation_id):
    """The first event finds its plugins, from six processes at once; a row that is there isn't touched."""

    async def load(configurations):
        async with db.ingest_transaction() as conn:
            return await configurations.equipped(conn, organisation_id)

    processes = [Configurations(None, [FIRST, SERVICE]) for _ in range(6)]
    await asyncio.gather(*(load(one) for one in processes))
    loaded = await asyncio.gather(*(load(one) for one in processes))
    assert {len(one.endpoints) for one in loaded} == {2}
    assert len({one.version for one in loaded}) == 1
    rows, _ = await _seen(db, organisation_id)
    assert rows == {
        "digest": (["course.completed"], 30_000, 4, True),
        "digest#service": (["*"], 10_000, 6, True),
    }
    await load(Configurations(None, [replace(FIRST, events=("*",))]))
    assert (await _seen(db, organisation_id))[0] == rows


async def test_two_releases_do_not_take_turns(db, organisation_id, worker):
    """The rows follow the worker that started last, and no look of another changes them again; every process
    hears of the change."""
    old, new = worker(FIRST), worker(replace(FIRST, events=("*",), timeout_ms=40_000))
    await old()
    configurations = Configurations()
    async with db.connection() as conn:
        before = await configurations.current(conn, organisation_id)
    await new()
    followed = {"digest": (["*"], 40_000, 4, True)}
    for look in (old, new, old):
        await look()
        assert await _seen(db, organisation_id) == (followed, [{"*"}])
    async with db.connection() as conn:
        after = await configurations.current(conn, organisation_id)
    assert [set(one.events) for one in (*before.endpoints, *after.endpoints)] == [{"course.completed"}, {"*"}]


async def test_what_is_installed_nowhere_gets_no_rows(db, organisation_id, worker, owner_of):
    """A plugin that no worker has had for a day gets nothing more, whoever tells; it is there again with the
    first worker that has it."""
    having, without = worker(FIRST, SERVICE), worker(SERVICE)
    await having()
    await without()
    assert len((await _seen(db, organisation_id))[1]) == 2  # seen a moment ago
    await owner_of("UPDATE plugin_installations SET seen_at = now() - interval '25 hours'")
    await without()
    rows, told = await _seen(db, organisation_id)
    assert (set(rows), told) == ({"digest#service"}, [{"*"}])
    async with db.transaction() as conn:
        await rows_of.tell(conn, organisation_id, 1, "course.completed")
        assert await conn.fetchval("SELECT count(*) FROM deliveries") == 1
    await worker(FIRST)()
    assert set((await _seen(db, organisation_id))[0]) == {"digest", "digest#service"}


async def test_a_server_alone_installs_nothing(db, organisation_id, worker):
    """What only a server has, and no worker, gets no deliveries."""
    async with db.ingest_transaction() as conn:
        await Configurations(None, [FIRST]).equipped(conn, organisation_id)
    await worker()()
    assert await _seen(db, organisation_id) == ({}, [])


async def test_an_organisation_that_came_later_is_found(db, organisation_id, worker):
    """A worker that has gone through all gives a new organisation its rows with its next look."""
    look = worker(FIRST)
    await look()
    async with db.transaction() as conn:
        later = await rows_of.make_organisation(conn, "Later")
    await look()
    assert set((await _seen(db, later))[0]) == {"digest"}


def test_a_row_has_the_same_id_everywhere():
    """The id of a plugin's row follows from the organisation and the plugin."""
    one, other = "0199f3a2-0000-7000-8000-000000000001", "0199f3a2-0000-7000-8000-000000000002"
    assert plugins_store.endpoint_id(one, "digest") == plugins_store.endpoint_id(one, "digest")
    made = {
        plugins_store.endpoint_id(org, name) for org in (one, other) for name in ("digest", "digest#service")
    }
    assert len(made) == 4
