"""Ranks that change are told once, upwards by what was earned and downwards by weeks that went by."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import anyio
import pytest

from rocket_server import pipeline
from rocket_server.configuration.snapshot import Configurations
from rocket_server.learners import store as learners
from rocket_server.sources import rocket

WEEK = timedelta(weeks=1)


@pytest.fixture
def told(owner):
    """What was told so far: who became what, and what he was before."""

    def told(organisation):
        rows = owner.fetch(
            "SELECT body FROM messages WHERE organisation_id = $1 AND event = 'rank.changed'"
            " ORDER BY event_id",
            organisation.organisation_id,
        )
        bodies = [json.loads(row["body"]) for row in rows]
        return [
            (one["user_id"], one["properties"]["previous_rank"], one["properties"]["rank"]) for one in bodies
        ]

    return told


def earn(organisation, *weeks_ago, user_id="anna"):
    """The weekly goal, in each of these weeks."""
    now = datetime.now(UTC)
    for number in weeks_ago:
        at = now - timedelta(days=now.weekday()) - number * WEEK
        answer = organisation.api.event(
            "course.completed",
            user_id,
            timestamp=at.isoformat(),
            properties={"course_id": f"{user_id}{number}"},
            event_id=f"{user_id} {number}",
        )
        assert answer["points_awarded"] == 50


def test_a_rank_is_told_once_when_it_is_reached(organisation, look, told):
    """Four weeks make a Pilot, told once; looking again tells nothing; seven make a Commander."""
    earn(organisation, 1, 2, 3)
    assert look(organisation)
    assert told(organisation) == []
    earn(organisation, 4)
    earn(organisation, 1, user_id="ben")
    look(organisation)
    assert not look(organisation)
    assert told(organisation) == [("anna", "Explorer", "Pilot")]
    earn(organisation, 5, 6, 7)
    look(organisation)
    assert told(organisation)[1:] == [("anna", "Pilot", "Commander")]


def test_a_rank_is_lost_by_weeks_that_go_by(organisation, look, told):
    """Without a new entry the rank falls when a Monday shows that a week was missed."""
    earn(organisation, 1, 2, 3, 4)
    look(organisation)
    assert look(organisation, later=2 * WEEK)
    assert told(organisation) == [("anna", "Explorer", "Pilot"), ("anna", "Pilot", "Explorer")]
    assert not look(organisation, later=3 * WEEK)


def test_a_reversal_may_cost_a_rank(organisation, look, told):
    """A week that no longer meets its goal parts the streak."""
    earn(organisation, 1, 2, 3, 4)
    look(organisation)
    entry = organisation.api.get("/v1/users/anna/ledger").json()["entries"][1]
    body = {"entry_id": entry["entry_id"], "reason": "x"}
    assert organisation.api.post("/v1/points/reverse", body).status_code == 200
    look(organisation)
    assert told(organisation) == [("anna", "Explorer", "Pilot"), ("anna", "Pilot", "Explorer")]


def test_what_commits_late_is_not_passed_over(organisation, look, told, portal, store):
    """An entry that was made before others and committed after they were looked at counts all the same,
    however long its transaction took and whatever the clocks of servers said."""
    earn(organisation, 1, 2, 3)
    now = datetime.now(UTC)
    at = now - timedelta(days=now.weekday()) - 4 * WEEK
    body = {
        "event": "course.completed",
        "user_id": "anna",
        "timestamp": at.isoformat(),
        "properties": {"course_id": "late"},
    }
    event = rocket.parse_event(body, timezone=ZoneInfo("UTC"), received_at=now)

    async def work():
        async with store.ingest_transaction() as late:
            configuration = await Configurations().current(late, organisation.organisation_id)
            (result,) = await pipeline.ingest(late, configuration, [event], now)
            assert result.points_awarded == 50
            written.set()
            await looked.wait()

    async def events():
        return anyio.Event(), anyio.Event()

    written, looked = portal.call(events)
    running = portal.start_task_soon(work)
    portal.call(written.wait)
    earn(organisation, 1, user_id="ben")
    assert look(organisation, later=timedelta(minutes=10))
    portal.call(looked.set)
    running.result()
    assert told(organisation) == []
    assert look(organisation, later=timedelta(hours=2))
    assert told(organisation) == [("anna", "Explorer", "Pilot")]


def test_merged_learners_have_one_rank(organisation, look, told, portal, store):
    """What two had in turn makes one rank of the one who is left; rules find its streak under his id only."""
    earn(organisation, 1, 3)
    earn(organisation, 2, 4, user_id="ben")
    look(organisation)
    organisation.api.post("/v1/users/anna/merge", {"from": "ben"})
    look(organisation)
    assert told(organisation) == [("anna", "Explorer", "Pilot")]

    async def known():
        async with store.connection() as conn:
            found = await learners.find(conn, organisation.organisation_id, ["anna", "ben"])
            ids = {one.learner_id for one in found.values()}
            return list((await learners.streaks(conn, organisation.organisation_id, ids)).values())

    assert portal.call(known) == [4]
