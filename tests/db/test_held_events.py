"""Events that wait for a learner are run once the learner is known, however that came about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rocket_server import pipeline
from rocket_server.config.settings import Settings
from rocket_server.configuration.snapshot import Configurations
from rocket_server.delivery.settle import Policy
from rocket_server.events.model import Event, dedupe_key
from rocket_server.ids import uuid7
from rocket_server.jobs import Runner
from rocket_server.learners import people
from rocket_server.learners.people import Person
from rocket_server.organisations import store
from rocket_server.people import held as release
from rocket_server.worker import chores
from rocket_server.worker.settling import Settling

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.fixture
async def make(db):
    """Makes organisations that hold events of unknown learners, and know Anna."""

    async def make(name: str) -> str:
        async with db.transaction() as conn:
            made = await store.create(conn, name=name, tenant_id=name, unknown_learner="hold")
            person = Person(uuid7(), "anna", None, None, "active", None, {}, NOW, ["anna"])
            await people.create(conn, made.organisation_id, person, "tests", NOW)
        return made.organisation_id

    return make


@pytest.fixture
def send(db):
    """Sends events: the statuses that they got."""

    async def send(organisation_id: str, *events: Event) -> list[str]:
        async def work(conn):
            configuration = await Configurations().current(conn, organisation_id)
            return await pipeline.ingest(conn, configuration, events, NOW)

        return [result.status for result in await db.run(work, ingest=True)]

    return send


@pytest.fixture
def job(db):
    """The worker's job, with a look to the end of what it began."""
    settings = Settings()
    settling = Settling(db, Policy.of(settings), 10)
    (found,) = [
        one for one in chores.all_jobs(db, settling, settings, Configurations()) if one.name == "held"
    ]
    runner = Runner(replace(found, rest_s=0))

    async def look() -> None:
        await runner.look()
        while await runner.finish():
            await runner.look()

    return look


def event(user_id: str, number: int = 0, identities: tuple[str, ...] = ()) -> Event:
    key = dedupe_key("lms", "lesson.watched", f"{user_id} {number}")
    return Event("lesson.watched", "lms", user_id, NOW, {}, {}, key, identities=identities)


async def link(db, organisation_id: str, *identities: str) -> None:
    """Give identities to Anna without a word to anybody, as a transaction does that commits meanwhile."""
    async with db.transaction() as conn:
        await conn.execute(
            "INSERT INTO identities (organisation_id, identity, learner_id)"
            " SELECT organisation_id, unnest($2::text[]), learner_id FROM learners"
            " WHERE organisation_id = $1",
            organisation_id,
            identities,
        )


async def held(db, organisation_id: str) -> list[str]:
    async with db.connection() as conn:
        rows = await conn.fetch(
            "SELECT user_id FROM events WHERE organisation_id = $1 AND status = 'held' ORDER BY 1",
            organisation_id,
        )
    return [row[0] for row in rows]


async def test_an_identity_that_an_event_brings_releases_what_was_held(db, make, send, job):
    """Another event says who the unknown one is: what waited is theirs, in this organisation only."""
    one, other = await make("one"), await make("other")
    for organisation_id in (one, other):
        assert await send(organisation_id, event("lms:7"), event("lms:7", 1)) == ["held", "held"]
        assert await send(organisation_id, event("lms:8")) == ["held"]
    assert await send(one, event("anna", identities=("lms:7",))) == ["processed"]
    await job()
    assert await held(db, one) == ["lms:8"]
    assert await held(db, other) == ["lms:7", "lms:7", "lms:8"]


async def test_a_link_that_commits_while_an_event_is_being_held_is_seen(db, make, send, job):
    """What the link couldn't see yet is run by the next look, in each of many organisations."""
    organisations = [await make(f"o{number}") for number in range(5)]
    for organisation_id in organisations:
        await send(organisation_id, event("lms:7"))
        await link(db, organisation_id, "lms:7")
    await job()
    assert [await held(db, organisation_id) for organisation_id in organisations] == [[]] * 5


async def test_identities_are_looked_at_in_pieces(db, make, send):
    """However many are unknown, each piece is bounded, and all who are known are found."""
    organisation_id = await make("one")
    await send(organisation_id, *[event(f"lms:{n}", m) for n in range(9) for m in range(3)])
    await link(db, organisation_id, "lms:1", "lms:5", "lms:8")
    after: str | None = ""
    pieces = []
    while after is not None:
        after = await release.release_known(db, Configurations(), organisation_id, after, 2)
        pieces.append(after)
    assert pieces == ["lms:1", "lms:3", "lms:5", "lms:7", None]
    assert await held(db, organisation_id) == sorted(
        f"lms:{n}" for n in range(9) if n not in (1, 5, 8) for _ in range(3)
    )


async def test_events_of_somebody_who_was_anonymised_stay(db, make, send, job):
    """They are nobody's, and aren't tried again and again."""
    organisation_id = await make("one")
    await send(organisation_id, event("lms:7"))
    await link(db, organisation_id, "lms:7")
    async with db.transaction() as conn:
        await conn.execute(
            "UPDATE learners SET status = 'anonymised' WHERE organisation_id = $1", organisation_id
        )
    await job()
    assert await held(db, organisation_id) == ["lms:7"]
