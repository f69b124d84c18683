"""The proof of the ledger finds what somebody with the owner's rights tampered with."""

from __future__ import annotations

import itertools

import pytest

from rocket_server.rules.parse import parse_rule, parse_rules
from rocket_server.rules.templates import default_rules
from support.fixtures import MakeOrganisation, Owner, Verify
from support.organisation import Organisation


@pytest.fixture
def organisation(make_organisation: MakeOrganisation) -> Organisation:
    """An organisation with awards, a withdrawn completion and points moved by hand."""
    master = {
        "rule_id": "master",
        "trigger": {"event": "quiz.completed"},
        "actions": {"issue_badge": "quiz_master"},
    }
    made = make_organisation(rules=[*default_rules(), parse_rule(master)])
    api = made.api
    posts = {"events": {"event": "forum.posted", "count": 10}}
    badges = [
        {"badge_id": "ten_posts", "name": "x", "criteria": posts},
        {"badge_id": "fifty", "name": "x", "criteria": {"points": 50}},
    ]
    for badge in badges:
        assert api.post("/v1/badges", badge).status_code == 201
    api.event("course.completed", properties={"course_id": "c1"}, event_id="1")
    api.event("lesson.completed", properties={"lesson_id": "l1"}, event_id="2")
    api.event(
        "lesson.reopened", properties={"lesson_id": "l1"}, event_id="3", timestamp="2026-03-02T11:00:00Z"
    )
    for number in range(5):
        api.event("forum.posted", "ben", event_id=f"post {number}")
    assert api.post("/v1/points/award", {"user_id": "anna", "points": 7, "reason": "kind"}).status_code == 200
    api.event("quiz.completed", "ben")
    api.event("course.completed", "cleo", properties={"course_id": "c1"})
    assert api.post("/v1/points/deduct", {"user_id": "anna", "points": 3, "reason": "cup"}).status_code == 200
    return made


def test_what_the_server_wrote_adds_up(verified: Verify, organisation: Organisation):
    """Nothing is found where nobody tampered."""
    assert verified(organisation.organisation_id) == []


@pytest.mark.parametrize(
    ("tampering", "kind", "words"),
    [
        (
            "UPDATE accounts SET points = points + 1, earned = earned + 1"
            " WHERE organisation_id = $1 AND kind = 'learner' AND points > 50",
            "balance",
            "the entries say",
        ),
        ("UPDATE entries SET amount = 60 WHERE organisation_id = $1 AND amount = 50", "balance", "is 54"),
        ("UPDATE entries SET amount = 60 WHERE organisation_id = $1 AND amount = 50", "award", "no decision"),
        (
            "DELETE FROM entries WHERE organisation_id = $1 AND amount = 7",
            "entry",
            "should have",
        ),
        (
            "UPDATE entries SET balance_after = 1 WHERE organisation_id = $1 AND amount = 50",
            "entry",
            "balance 1",
        ),
        (
            "UPDATE entries SET amount = 4 WHERE organisation_id = $1 AND kind = 'reversal'",
            "reversal",
            "doesn't undo",
        ),
        (
            "UPDATE events SET points_awarded = 51 WHERE organisation_id = $1 AND points_awarded = 50",
            "award",
            "51",
        ),
        ("DELETE FROM event_keys WHERE organisation_id = $1", "dedupe", "no dedupe key"),
        (
            "DELETE FROM award_marks WHERE organisation_id = $1 AND rule_id = 'course_completed'",
            "award",
            "is counted under []",
        ),
        (
            "INSERT INTO award_marks SELECT organisation_id, learner_id, rule_id, mark || 'x', occurred_at,"
            " gen_random_uuid(), points FROM award_marks WHERE organisation_id = $1 LIMIT 1",
            "counter",
            "doesn't stand",
        ),
        (
            "UPDATE rules SET definition = jsonb_set(definition, '{constraints,max_per_day}', '2')"
            " WHERE organisation_id = $1 AND rule_id = 'forum_posted'",
            "award",
            "one award too many for max_per_day",
        ),
        (
            "UPDATE rules SET definition = jsonb_set(definition, '{actions,award_points}', '40')"
            " WHERE organisation_id = $1 AND rule_id = 'course_completed'",
            "award",
            "was given 50 points that course_completed doesn't give",
        ),
        (
            "UPDATE badge_awards SET badge_id = 'quiz_master' WHERE organisation_id = $1"
            " AND cause = 'criteria'",
            "badge",
            "isn't among the badges",
        ),
        (
            "DELETE FROM badge_awards WHERE organisation_id = $1 AND cause = 'rule'",
            "badge",
            "of which there is no award",
        ),
        (
            "UPDATE badge_awards SET status = 'revoked', revoked_at = now() WHERE organisation_id = $1"
            " AND cause = 'rule'",
            "badge",
            "was revoked, but its event counts",
        ),
        (
            "UPDATE events SET decisions = '[]' WHERE organisation_id = $1 AND event = 'quiz.completed'",
            "badge",
            "no decision",
        ),
        (
            "UPDATE rules SET definition = jsonb_set(definition, '{actions,issue_badge}', '\"other\"')"
            " WHERE organisation_id = $1 AND rule_id = 'master'",
            "badge",
            "a rule that doesn't give it",
        ),
        (
            "DELETE FROM events WHERE organisation_id = $1 AND source = 'rocket'",
            "badge",
            "has no event of its own",
        ),
        (
            "DELETE FROM badge_marks WHERE organisation_id = $1 AND mark <> ''",
            "badge",
            "the events say 5",
        ),
    ],
)
def test_tampering_is_found(
    owner: Owner, organisation: Organisation, verified: Verify, tampering: str, kind: str, words: str
):
    """Each kind of tampering is found and named."""
    owner.execute(tampering, organisation.organisation_id)
    found = verified(organisation.organisation_id)
    assert any(one.kind == kind and words in f"{one.subject} {one.message}" for one in found), found


def test_other_organisations_are_left_out(
    owner: Owner, organisation: Organisation, verified: Verify, make_organisation: MakeOrganisation
):
    """Tampering with one organisation isn't found in another, and is found when all are looked at."""
    other = make_organisation()
    owner.execute(
        "UPDATE accounts SET points = points + 1, earned = earned + 1"
        " WHERE organisation_id = $1 AND kind = 'learner'",
        organisation.organisation_id,
    )
    assert verified(other.organisation_id) == []
    assert {one.organisation_id for one in verified(None)} >= {organisation.organisation_id}


@pytest.fixture
def multiplied(make_organisation: MakeOrganisation) -> Organisation:
    """An organisation in which two posts of a day were worth three times as much, by rules of their own."""
    made = make_organisation(
        rules=parse_rules(
            [
                {"rule_id": "post", "trigger": "forum.posted", "actions": {"award_points": 5}},
                {
                    "rule_id": "treble",
                    "trigger": "forum.posted",
                    "actions": {"multiplier": 3},
                    "constraints": {"max_per_day": 2},
                },
            ]
        )
    )
    for number in range(3):
        made.api.event("forum.posted", event_id=f"e{number}")
    assert made.api.points("anna") == 35
    return made


@pytest.mark.parametrize(
    ("tampering", "words"),
    [
        (
            "UPDATE rules SET definition = jsonb_set(definition, '{actions,multiplier}', '2')"
            " WHERE organisation_id = $1 AND rule_id = 'treble'",
            "post was multiplied otherwise than the other rules multiply",
        ),
        (
            "UPDATE rules SET definition = jsonb_set(definition, '{constraints,max_per_day}', '1')"
            " WHERE organisation_id = $1 AND rule_id = 'treble'",
            "one award too many for max_per_day of treble",
        ),
        (
            "UPDATE rules SET definition = jsonb_set(definition, '{ends_at}', '\"2026-03-01\"')"
            " WHERE organisation_id = $1 AND rule_id = 'treble'",
            "was given what treble doesn't give",
        ),
        (
            "DELETE FROM award_marks WHERE organisation_id = $1 AND rule_id = 'treble'",
            "is counted under [], should be under ['']",
        ),
    ],
)
def test_multiplied_awards_are_derived_again(
    owner: Owner, multiplied: Organisation, verified: Verify, tampering: str, words: str
):
    """What was multiplied adds up, and tampering with a multiplier or its uses is found."""
    assert verified(multiplied.organisation_id) == []
    owner.execute(tampering, multiplied.organisation_id)
    found = verified(multiplied.organisation_id)
    assert any(words in one.message for one in found), found


def test_another_time_zone_makes_no_award_wrong(verified: Verify, make_organisation: MakeOrganisation):
    """Two awards of two years stay right when the organisation moves to a zone in which it is one year; what
    comes later counts by the new zone."""
    yearly = {
        "rule_id": "yearly",
        "trigger": {"event": "forum.posted"},
        "actions": {"award_points": 10},
        "constraints": {"max_per_year": 1},
    }
    by_year = {
        "rule_id": "by_year",
        "trigger": {"event": "course.completed"},
        "actions": {"award_points": 7},
        "constraints": {"unique_by": ["course_id", "@year"], "max_per_day": 1},
    }
    made = make_organisation(rules=[parse_rule(yearly), parse_rule(by_year)])
    numbers = itertools.count(1)

    def both(timestamp: str) -> int:
        answers = [
            made.api.event("forum.posted", timestamp=timestamp, event_id=str(next(numbers))),
            made.api.event(
                "course.completed",
                timestamp=timestamp,
                event_id=str(next(numbers)),
                properties={"course_id": "c"},
            ),
        ]
        return sum(answer["points_awarded"] for answer in answers)

    def moves_to(zone: str) -> None:
        assert made.api.patch("/v1/organisation", {"timezone": zone}).status_code == 200

    moves_to("Pacific/Kiritimati")  # 2026 begins there on 31 December at 10:00 UTC
    assert [both("2025-12-31T09:59:59Z"), both("2025-12-31T10:00:00Z"), both("2026-11-01T00:00:00Z")] == [
        *(17, 17, 0)
    ]
    assert verified(made.organisation_id) == []
    moves_to("Pacific/Pago_Pago")  # and there on 1 January at 11:00 UTC
    assert both("2026-01-01T10:59:59Z") == 0
    assert verified(made.organisation_id) == []
    moves_to("UTC")
    assert verified(made.organisation_id) == []
