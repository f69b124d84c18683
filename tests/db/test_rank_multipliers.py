"""Rules that multiply by the learner's rank: what they give, what they state, what can be proved of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rocket_server.organisations import store as organisations
from rocket_server.rules.parse import parse_rules
from rocket_server.simulation.model import Period
from rocket_server.simulation.run import Settings, simulate
from rocket_server.verify.proof import verify

EVER = Period(datetime(2020, 1, 1, tzinfo=UTC))
RANKS = [
    {"name": "Explorer", "weeks": 0},
    {"name": "Pilot", "weeks": 2, "multiplier": 1.5},
]
POST = {"rule_id": "post", "trigger": "forum.posted", "actions": {"award_points": 5}}
BY_RANK = {"rule_id": "ranks", "trigger": "forum.posted", "actions": {"multiplier": {"from": "rank"}}}
STREAK = {"rule_id": "course", "trigger": "course.completed", "actions": {"award_points": 50}}


@pytest.fixture
def ranked(make_organisation, look):
    """An organisation in which posts are multiplied by rank: anna is a Pilot, ben was never looked at."""
    made = make_organisation(rules=parse_rules([POST, BY_RANK, STREAK]))
    assert made.api.patch("/v1/organisation", {"ranks": RANKS}).status_code == 200
    now = datetime.now(UTC)
    for weeks in (1, 2):
        at = now - timedelta(weeks=weeks)
        made.api.event("course.completed", timestamp=at.isoformat(), event_id=f"week {weeks}")
    look(made)
    return made


def difference(portal, store, organisation, rules, trust=True):
    """Points that candidates would have given more."""

    async def work():
        async with store.transaction() as conn:
            read = await organisations.read(conn, organisation.organisation_id)
            outcome = await simulate(conn, read, rules, EVER, Settings(trust=trust))
            return outcome.points.difference

    return portal.call(work)


def test_a_rank_multiplies(ranked, adds_up):
    """The factor is the present rank's, both are stated with the decision and in its sentence, and a rank of
    factor 1 says that it multiplies nothing."""
    pilot = ranked.api.event("forum.posted")
    assert pilot["points_awarded"] == 8
    by_rank, post = pilot["decisions"]
    assert by_rank["detail"]["rank"] == {"name": "Pilot", "factor": 1.5}
    assert by_rank["detail"]["multiplies"] == {"factor": 1.5, "rules": ["post"]}
    assert post["detail"]["multiplier"] == {
        "base": 5, "factor": 1.5, "rules": [{"rule_id": "ranks", "rule_version": 1, "factor": 1.5}],
    }  # fmt: skip
    shown = ranked.api.get(f"/v1/events/{pilot['event_id']}").json()["decisions"][0]
    assert (shown["code"], shown["sentence"]) == (
        "multiplied_by_rank",
        "What you earned for a forum post was multiplied by 1.5, since your rank is Pilot.",
    )
    other = ranked.api.event("forum.posted", "ben")
    assert other["points_awarded"] == 5
    assert other["decisions"][0]["outcome"] == "condition_not_met"
    assert other["decisions"][0]["detail"] == {
        "reason": "rank_without_multiplier", "rank": {"name": "Explorer", "factor": 1},
    }  # fmt: skip
    adds_up(ranked)


def test_other_ranks_count_at_once(ranked, adds_up):
    """A rank's new name and factor count from the next event on, also for those who were never looked at, and
    what was given before still adds up."""
    assert ranked.api.event("forum.posted")["points_awarded"] == 8
    changed = [{"name": "New", "weeks": 0, "multiplier": 2}, {"name": "Old", "weeks": 1, "multiplier": 10}]
    assert ranked.api.patch("/v1/organisation", {"ranks": changed}).status_code == 200
    assert ranked.api.event("forum.posted", event_id="later")["points_awarded"] == 50
    assert ranked.api.event("forum.posted", "ben")["points_awarded"] == 10
    adds_up(ranked)


def test_what_an_event_would_give(ranked):
    """A calculation multiplies by the rank as the pipeline does."""
    event = {"event": "forum.posted", "user_id": "anna", "timestamp": datetime.now(UTC).isoformat()}
    body = {"event": event, "rules": [POST, BY_RANK]}
    assert ranked.api.post("/v1/rules/calculate", body).json()["points_awarded"] == 8


@pytest.mark.parametrize(
    "detail",
    [
        '{"rank": {"name": "Pilot", "factor": 3}}',
        '{"rank": {"name": "Pilot", "factor": 3}, "multiplies": {"factor": 3, "rules": ["post"]}}',
        '{"rank": {"name": "Pilot", "factor": 99}, "multiplies": {"factor": 99, "rules": ["post"]}}',
    ],
)
def test_a_factor_that_was_not_applied_is_found(ranked, owner, portal, store, detail):
    """The ledger is proved against the factor that a decision states."""
    event_id = ranked.api.event("forum.posted")["event_id"]

    async def differences():
        async with store.transaction() as conn:
            return [one.message for one in await verify(conn, ranked.organisation_id)]

    assert portal.call(differences) == []
    owner.execute(
        "UPDATE events SET decisions = jsonb_set(decisions, '{0,detail}', (decisions #> '{0,detail}') || $3)"
        " WHERE organisation_id = $1 AND event_id = $2",
        ranked.organisation_id,
        event_id,
        detail,
    )
    assert any("was multiplied otherwise" in message for message in portal.call(differences))


def test_simulating_takes_the_rank_of_then(ranked, portal, store, look):
    """The same rules again give nothing, however ranks moved; another rule is multiplied by what was stated,
    and a first rule by rank by the rank of now."""
    ranked.api.event("forum.posted")
    ranked.api.event("forum.posted", "ben")
    changed = [{"name": "Explorer", "weeks": 0, "multiplier": 3}, {**RANKS[1], "multiplier": 2}]
    ranked.api.patch("/v1/organisation", {"ranks": changed})
    look(ranked)
    for trust in (True, False):
        assert difference(portal, store, ranked, None, trust) == 0
        assert difference(portal, store, ranked, parse_rules([POST, BY_RANK, STREAK]), trust) == 0
    dearer = {**POST, "actions": {"award_points": 10}}
    assert difference(portal, store, ranked, parse_rules([dearer])) == (15 - 8) + (10 - 5)
    for_courses = {**BY_RANK, "rule_id": "courses", "trigger": "course.completed"}
    assert difference(portal, store, ranked, parse_rules([for_courses])) == 100


@pytest.mark.parametrize(
    ("multiplier", "field"),
    [
        ({"from": "streak"}, "actions.multiplier.from"),
        ({}, "actions.multiplier.from"),
        ({"from": "rank", "max": 3}, "actions.multiplier.max"),
    ],
)
def test_what_else_a_multiplier_cannot_come_from(organisation, multiplier, field):
    """Anything but the rank is refused by its path."""
    answer = organisation.api.post("/v1/rules", {**BY_RANK, "actions": {"multiplier": multiplier}})
    assert answer.status_code in (400, 422)
    assert field in answer.text


def test_the_rule_is_read_as_it_was_written(organisation):
    """What is made is what is read and listed; the same again makes no version."""
    made = organisation.api.post("/v1/rules", BY_RANK)
    assert made.status_code == 201, made.text
    read = organisation.api.get("/v1/rules/ranks").json()
    assert read["actions"] == BY_RANK["actions"]
    assert read == next(
        one for one in organisation.api.get("/v1/rules").json()["rules"] if one["rule_id"] == "ranks"
    )
    again = organisation.api.request("PUT", "/v1/rules/ranks", json=read)
    assert (again.status_code, again.json()["version"]) == (200, 1)
