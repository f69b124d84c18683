"""Streaks are read from the standings of weeks and what came since, never from a whole history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rocket_server.leaderboards import refresh
from rocket_server.leaderboards.weeks import weekly_points

WEEK = timedelta(weeks=1)


@pytest.fixture
def count(portal, store):
    """Lets the standings follow the ledger, as the worker does."""

    def count(organisation):
        async def pieces():
            more = True
            while more:
                async with store.transaction() as conn:
                    done = await refresh.refresh(conn, organisation.organisation_id, datetime.now(UTC))
                more = done.more

        portal.call(pieces)

    return count


@pytest.fixture
def weeks(portal, store, owner):
    """What a learner earned by week, the latest first."""

    def weeks(organisation, user_id="anna", timezone="UTC"):
        whose = owner.value(
            "SELECT learner_id::text FROM learners WHERE organisation_id = $1 AND user_id = $2",
            organisation.organisation_id,
            user_id,
        )

        async def read():
            async with store.connection() as conn:
                today = datetime.now(UTC).date()
                found = await weekly_points(conn, organisation.organisation_id, [whose], timezone, today)
            return [points for _, points in sorted(found.get(whose, {}).items(), reverse=True)]

        return portal.call(read)

    return weeks


def earn(organisation, *weeks_ago, user_id="anna"):
    """Twenty points in each of these weeks."""
    for number in weeks_ago:
        at = datetime.now(UTC) - number * WEEK
        properties = {"attempt_id": f"{user_id} {number}", "course_id": "course/"}
        answer = organisation.api.event(
            "quiz.completed", user_id, timestamp=at.isoformat(), properties=properties
        )
        assert answer["points_awarded"] == 20


def deduct(organisation, points):
    body = {"user_id": "anna", "points": points, "reason": "spent"}
    assert organisation.api.post("/v1/points/deduct", body).status_code == 200


def test_the_same_before_and_after_counting(organisation, count, weeks):
    """Counted or not, a week holds what was earned in it; what is spent takes nothing from it."""
    earn(organisation, 1, 2, 2.01, 5)
    deduct(organisation, 30)
    assert weeks(organisation) == [20, 40, 20]
    count(organisation)
    assert weeks(organisation) == [20, 40, 20]
    earn(organisation, 1.01, 6)
    assert weeks(organisation) == [40, 40, 20, 20]
    count(organisation)
    assert weeks(organisation) == [40, 40, 20, 20]


def test_a_reversal_takes_from_the_week_it_was_earned_in(organisation, count, weeks):
    """Whether the award was counted before or not."""
    earn(organisation, 1, 2)
    count(organisation)
    latest = organisation.api.get("/v1/users/anna/ledger").json()["entries"][0]
    body = {"entry_id": latest["entry_id"], "reason": "mistake"}
    assert organisation.api.post("/v1/points/reverse", body).status_code == 200
    assert weeks(organisation) == [20, 0]
    count(organisation)
    assert weeks(organisation) == [20, 0]


@pytest.mark.parametrize("how", ["hidden", "anonymous"])
def test_who_is_hidden_has_weeks_too(organisation, count, weeks, how):
    """Being hidden or shown again changes no week, and a hidden learner's weeks are no place on a board."""
    earn(organisation, 0, 1)
    count(organisation)
    for setting in (how, "shown", how):
        answer = organisation.api.patch("/v1/users/anna", {"leaderboard": setting})
        assert answer.status_code == 200
        assert weeks(organisation) == [20, 20]
    earn(organisation, 2)
    count(organisation)
    assert weeks(organisation) == [20, 20, 20]
    shown = organisation.api.get("/v1/leaderboard", period="week").json()
    assert shown["learners"] == (0 if how == "hidden" else 1)


def test_those_who_were_merged(organisation, count, weeks):
    """A learner's weeks are those of everybody who was merged into them, counted before or after."""
    earn(organisation, 1, 2)
    earn(organisation, 1, 3, user_id="ben")
    count(organisation)
    assert organisation.api.post("/v1/users/anna/merge", {"from": "ben"}).status_code == 200
    assert weeks(organisation) == [40, 20, 20]
    earn(organisation, 3.01, user_id="ben2")
    count(organisation)
    assert weeks(organisation) == [40, 20, 20]


def test_a_new_time_zone(organisation, count, weeks):
    """Standings counted by another zone are left aside until they are counted anew."""
    earn(organisation, 1, 2)
    count(organisation)
    assert weeks(organisation, timezone="Asia/Tokyo") in ([20, 20], [40])
    assert organisation.api.patch("/v1/organisation", {"timezone": "Asia/Tokyo"}).status_code == 200
    count(organisation)
    assert sum(weeks(organisation, timezone="Asia/Tokyo")) == 40
    assert sum(weeks(organisation, timezone="UTC")) == 40


def test_a_counted_history_is_not_read(organisation, count, owner, weeks):
    """Entries that are counted don't have to be there: reading a streak costs the same after a million."""
    earn(organisation, 1, 2)
    count(organisation)
    earn(organisation, 3)
    # Whoever read the counted entries would find them in another century; the server itself can't move them.
    move = (
        "UPDATE entries SET occurred_at = occurred_at + $2 * interval '1 year'"
        " WHERE organisation_id = $1 AND number <= 2"
    )
    owner.execute(move, organisation.organisation_id, -40)
    try:
        assert weeks(organisation) == [20, 20, 20]
    finally:
        owner.execute(move, organisation.organisation_id, 40)
