"""Criteria that are set late take over what was stored before in bounded reads."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from rocket_server import pipeline
from rocket_server.badges import progress
from rocket_server.badges import store as badges
from rocket_server.badges.parse import parse_badge
from rocket_server.configuration.snapshot import Configurations
from rocket_server.events.model import Event, dedupe_key
from rocket_server.organisations import store
from rocket_server.organisations.admission import Credential
from rocket_server.usecases.intake import Intake, Submission

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
LEARNERS, EACH = 12, 10
NAMES = [f"learner-{number}" for number in range(LEARNERS)]


def post(user_id: str, number: int) -> Event:
    key = dedupe_key("api", "forum.posted", f"{user_id} {number}")
    return Event("forum.posted", "api", user_id, NOW + timedelta(minutes=number), {}, {}, key)


TALKER = {
    "badge_id": "talker",
    "name": "Talker",
    "criteria": {"events": {"event": "forum.posted", "count": EACH + 1}},
}


@pytest.fixture
async def organisation_id(db):
    """An organisation whose learners have each a past, and then a badge that counts it."""
    async with db.transaction() as conn:
        made = await store.create(conn, name="One", tenant_id="one")

    async def work(conn):
        configuration = await Configurations().current(conn, made.organisation_id)
        events = [post(name, number) for name in NAMES for number in range(EACH)]
        await pipeline.ingest(conn, configuration, events, NOW)

    await db.run(work, ingest=True)
    async with db.transaction() as conn:
        await badges.create(conn, made.organisation_id, parse_badge(TALKER))
    return made.organisation_id


@pytest.fixture
def reads(monkeypatch):
    """How many learners' pasts were read together, each time."""
    counted: list[int] = []
    past = progress.past

    async def counting(conn, organisation_id, fresh, *more):
        counted.append(len({key[0] for key in fresh}))
        return await past(conn, organisation_id, fresh, *more)

    monkeypatch.setattr(progress, "past", counting)
    return counted


@pytest.mark.parametrize("at_once", [1, 5, 25])
async def test_a_group_with_long_pasts_is_taken_over_in_parts(
    db, organisation_id, reads, monkeypatch, at_once
):
    """However many learners share a transaction, little is read while they are locked."""
    monkeypatch.setattr(progress, "PAST_AT_ONCE", at_once, raising=False)
    intake = Intake(db, Configurations(), in_flight=1)

    def submit(name: str):
        one = post(name, EACH)
        return intake.submit(Submission(organisation_id, Credential("signature", b"", 0), 1, lambda _: [one]))

    answers = await asyncio.gather(*map(submit, NAMES))
    await intake.close()
    assert [result.badges for (result,) in answers] == [("talker",)] * LEARNERS
    assert sum(reads) == LEARNERS
    assert max(reads) <= max(2, at_once // EACH)
