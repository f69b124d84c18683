"""One event that can't be stored or decided harms no other, whatever the error."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from rocket_server import pipeline
from rocket_server.configuration.snapshot import Configurations
from rocket_server.errors import Unavailable
from rocket_server.events.model import Event, dedupe_key
from rocket_server.ids import uuid7
from rocket_server.learners import people
from rocket_server.learners.people import Person
from rocket_server.organisations import store
from rocket_server.organisations.admission import Credential
from rocket_server.people.held import release
from rocket_server.usecases.intake import Intake, Submission

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)

BREAKS = """
CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.user_id = 'lms:bad' AND NEW.status <> 'held' THEN
        RAISE EXCEPTION 'bad' USING ERRCODE = '%s';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER breaks BEFORE INSERT OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION breaks();
"""
DEADLOCK, DIVISION = "40P01", "22012"


def event(user_id: str, number: int = 0) -> Event:
    key = dedupe_key("lms", "lesson.watched", f"{user_id} {number}")
    return Event("lesson.watched", "lms", user_id, NOW, {}, {}, key)


async def link(conn, organisation_id: str, identities: list[str]) -> None:
    """Give identities to the learner called bad."""
    await conn.execute(
        "INSERT INTO identities (organisation_id, identity, learner_id)"
        " SELECT organisation_id, unnest($2::text[]), learner_id FROM learners"
        " WHERE organisation_id = $1 AND user_id = 'bad'",
        organisation_id,
        identities,
    )


@pytest.fixture
async def organisation(db):
    """An organisation whose learners have to be known."""
    async with db.transaction() as conn:
        made = await store.create(conn, name="One", tenant_id="one", unknown_learner="hold")
        for name in ("good", "bad"):
            identities = [name, f"lms:{name}"] if name == "good" else [name]
            person = Person(uuid7(), name, None, None, "active", None, {}, NOW, identities)
            await people.create(conn, made.organisation_id, person, "tests", NOW)
    return made


@pytest.mark.parametrize("code", [DEADLOCK, DIVISION])
async def test_neighbours_of_a_hot_learner_are_stored(db, owner_of, organisation, code):
    """Of many requests that share a transaction the one that can't get through is refused, and no other."""
    async with db.transaction() as conn:
        await link(conn, organisation.organisation_id, ["lms:bad"])
    await owner_of(BREAKS % code)
    intake = Intake(db, Configurations(), in_flight=1)

    def submit(user_id: str, number: int):
        one = event(user_id, number)
        credential = Credential("signature", b"", 0)
        return intake.submit(Submission(organisation.organisation_id, credential, 1, lambda _: [one]))

    names = ["lms:good"] * 40
    names[27] = "lms:bad"
    answers = await asyncio.gather(*map(submit, names, range(40)), return_exceptions=True)
    await intake.close()
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert refused == [answers[27]]
    assert isinstance(refused[0], Unavailable) == (code == DEADLOCK)
    assert {result.status for answer in answers if isinstance(answer, list) for result in answer} == {
        "processed"
    }


async def test_one_that_cannot_be_run_stays_held_and_the_others_are_run(db, owner_of, organisation):
    """Released with hundreds of others, it keeps waiting by itself."""
    organisation_id = organisation.organisation_id
    events = [event("lms:later" if number != 31 else "lms:bad", number) for number in range(100)]
    configurations = Configurations()

    async def work(conn):
        configuration = await configurations.current(conn, organisation_id)
        return await pipeline.ingest(conn, configuration, events, NOW)

    assert {result.status for result in await db.run(work, ingest=True)} == {"held"}
    await owner_of(BREAKS % DIVISION)
    identities = ["lms:later", "lms:bad"]
    async with db.transaction() as conn:
        await link(conn, organisation_id, identities)
    assert (await release(db, configurations, organisation_id, identities)).events == 99
    async with db.connection() as conn:
        held = await conn.fetch("SELECT user_id FROM events WHERE status = 'held'")
    assert [row[0] for row in held] == ["lms:bad"]
