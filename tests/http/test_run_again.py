"""Events that are run again and again: what stays the same stays as it is, and nothing grows without
bound."""

from __future__ import annotations

import pytest

from rocket_server.pipeline.again import MAX_TOLD
from rocket_server.rules.parse import parse_rule

DONE = {
    "rule_id": "done",
    "trigger": {"event": "lesson.completed"},
    "actions": {"award_points": 10, "issue_badge": "quiz_master"},
    "constraints": {"max_per_lesson": 1, "max_per_day": 3},
}


@pytest.fixture
def organisation(make_organisation):
    """An organisation with a rule that gives points and a badge, once a lesson."""
    return make_organisation(rules=[parse_rule(DONE)])


def retry(organisation, event_id):
    answer = organisation.api.post(f"/v1/events/{event_id}/retry")
    assert answer.status_code == 200, answer.text
    return answer.json()


def state(organisation, owner, event_id):
    """The stored event, the learner's ledger, badges, and what a withdrawal would take back."""
    (event,) = owner.fetch("SELECT decisions, badges FROM events WHERE event_id = $1", event_id)
    completions = owner.fetch(
        "SELECT entry_ids::text, badge_awards::text FROM completions WHERE organisation_id = $1",
        organisation.organisation_id,
    )
    marks = owner.fetch(
        "SELECT mark, award_id::text FROM award_marks WHERE organisation_id = $1 ORDER BY 1, 2",
        organisation.organisation_id,
    )
    ledger = organisation.api.get("/v1/users/anna/ledger").json()["entries"]
    badges = organisation.api.get("/v1/users/anna/badges", include_revoked="true").json()["badges"]
    return event, completions, marks, ledger, badges


def complete(organisation, **more):
    return organisation.api.event("lesson.completed", properties={"lesson_id": "1"}, **more)["event_id"]


def test_what_is_worth_the_same_stays_as_it_is(organisation, owner, adds_up):
    """Running an event again that changes nothing leaves every row as it was, however often; it is still
    taken back as a whole."""
    event_id = complete(organisation)
    before = state(organisation, owner, event_id)
    for _ in range(5):
        answer = retry(organisation, event_id)
        assert (answer["points_awarded"], answer["badges"]) == (10, ["quiz_master"])
        assert state(organisation, owner, event_id) == before
    gone = organisation.api.event(
        "lesson.reopened", properties={"lesson_id": "1"}, timestamp="2026-03-02T11:00:00Z"
    )
    assert gone["points_awarded"] == -10
    assert organisation.api.points("anna") == 0
    assert organisation.api.get("/v1/users/anna/badges").json()["badges"] == []
    adds_up(organisation)


def test_what_was_taken_back_by_hand_is_given_again(organisation, adds_up):
    """Points that somebody reversed, or a badge that somebody revoked, aren't taken for what still stands."""
    event_id = complete(organisation)
    (entry,) = organisation.api.get("/v1/users/anna/ledger").json()["entries"]
    reversal = {"entry_id": entry["entry_id"], "reason": "a mistake"}
    assert organisation.api.post("/v1/points/reverse", reversal).json()["balance"] == 0
    assert retry(organisation, event_id)["points_awarded"] == 10
    assert organisation.api.points("anna") == 10
    assert len(organisation.api.get("/v1/users/anna/badges").json()["badges"]) == 1
    revocation = {"user_id": "anna", "badge_id": "quiz_master", "reason": "a mistake"}
    assert organisation.api.post("/v1/badges/revoke", revocation).status_code == 200
    retry(organisation, event_id)
    assert len(organisation.api.get("/v1/users/anna/badges").json()["badges"]) == 1
    adds_up(organisation)


def test_only_those_that_changed_are_decided_anew(organisation, owner, adds_up):
    """Of events that are run together, those that are worth something else now are decided beside the others,
    which stay."""
    same = complete(organisation)
    other = organisation.api.event("lesson.completed", "ben", properties={"lesson_id": "2"})["event_id"]
    unmet = {"lesson_id": {"ne": "2"}}
    changed = DONE | {"trigger": DONE["trigger"] | {"conditions": unmet}}
    assert organisation.api.request("PUT", "/v1/rules/done", json=changed).status_code == 200
    assert organisation.api.request("PUT", "/v1/rules/done", json=DONE).status_code == 200
    for event_id in (same, other):
        retry(organisation, event_id)  # in the name of version 3
    before = state(organisation, owner, same)
    assert organisation.api.points("ben") == 10
    assert retry(organisation, same)["points_awarded"] == 10
    assert state(organisation, owner, same) == before
    adds_up(organisation)


def test_changes_without_end_leave_a_bounded_trace(organisation, owner, adds_up):
    """An event that is decided otherwise again and again tells the latest of its reversals, the ledger all of
    them, and a withdrawal has one award to take back."""
    event_id = complete(organisation)
    runs = MAX_TOLD + 10
    for number in range(runs):
        rule = DONE | {"actions": {"award_points": 11 + number % 2}}
        assert organisation.api.request("PUT", "/v1/rules/done", json=rule).status_code == 200
        retry(organisation, event_id)
    (row,) = owner.fetch(
        "SELECT jsonb_array_length(decisions) AS decisions, points_awarded FROM events WHERE event_id = $1",
        event_id,
    )
    assert row == {"decisions": MAX_TOLD + 2, "points_awarded": 12}
    (kept,) = owner.fetch(
        "SELECT cardinality(entry_ids) AS entries, cardinality(badge_awards) AS badges FROM completions"
        " WHERE organisation_id = $1",
        organisation.organisation_id,
    )
    assert kept == {"entries": 1, "badges": 0}
    assert len(organisation.api.get("/v1/users/anna/ledger", limit=500).json()["entries"]) == 2 * runs + 1
    adds_up(organisation)
