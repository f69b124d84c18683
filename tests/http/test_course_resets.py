"""A course that begins anew: what rules count by it counts again, and no points are taken back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rocket_server.organisations.store import read
from rocket_server.rules.parse import parse_rule
from rocket_server.simulation.model import Period
from rocket_server.simulation.run import Settings, simulate
from support.histories import START

RESET = "\\core\\event\\course_reset_ended"
QUIZ_BEST = {"from": "score", "best": True}


def rule(rule_id: str, points: Any = 10, event: str = "quiz.completed", **constraints: Any):
    return parse_rule(
        {
            "rule_id": rule_id,
            "trigger": {"event": event},
            "actions": {"award_points": points},
            "constraints": constraints,
        }
    )


def quiz(organisation, at: str, **properties: Any) -> int:
    """What a completed quiz of course 7 gives; `at` is a day of March, with a time."""
    body = {"course_id": "7", "lesson_id": "70", **properties}
    return organisation.api.event("quiz.completed", properties=body, timestamp=f"2026-03-{at}:00Z")[
        "points_awarded"
    ]


def reset(organisation, at: str = "2026-03-10T00:00:00Z", **body: Any) -> dict[str, Any]:
    response = organisation.api.post("/v1/courses/7/reset", {"at": at, **body})
    assert response.status_code == 200, response.text
    return response.json()


def moodle(organisation, number: int, at: int, eventname: str = RESET, **fields: Any) -> dict[str, Any]:
    body = {
        "id": str(number),
        "eventname": eventname,
        "timecreated": str(1_772_000_000 + at),
        "courseid": "7",
    }
    response = organisation.hook(json.dumps(body | {"userid": "5"} | fields))
    assert response.status_code == 200, response.text
    return response.json()


def assert_nothing_differs(portal, store, organisation) -> None:
    """Judging all events anew, by the rules as they were, gives what was given."""

    async def work():
        async with store.transaction() as conn:
            there = await read(conn, organisation.organisation_id)
            return await simulate(conn, there, None, Period(START.replace(year=2020)), Settings(trust=False))

    outcome = portal.call(work)
    assert outcome.events_judged > 0
    assert [one.rule_id for one in outcome.rules if one.points.difference or one.events_changed] == []


@pytest.mark.parametrize(
    "constraints",
    [
        {"max_per_course": 1},
        {"max_per_lesson": 1},
        {"unique_by": ["quiz"]},
        {"unique_by": ["quiz", "@year"]},
    ],
    ids=str,
)
def test_caps_and_keys_of_a_course_count_anew(
    make_organisation, adds_up, portal, store, constraints: dict[str, Any]
):
    """What occurs from the reset on counts as if there had been nothing; what came before stays, and late
    events from before the reset count in the run in which they occurred."""
    organisation = make_organisation(rules=[rule("r", **constraints)])
    other = {"course_id": "8", "lesson_id": "80", "quiz": "4"}
    assert quiz(organisation, "02T10:00", quiz="3") == 10
    assert quiz(organisation, "02T10:00", **other) == 10
    assert quiz(organisation, "03T10:00", quiz="3") == 0
    answer = reset(organisation)
    assert answer["status"] == "reset"
    assert answer["freed"] == [{"rule_id": "r", "constraints": [next(iter(constraints))]}]
    assert organisation.api.points("anna") == 20
    assert quiz(organisation, "09T23:59", quiz="3") == 0
    assert quiz(organisation, "10T00:00", quiz="3") == 10
    assert quiz(organisation, "11T10:00", quiz="3") == 0
    assert quiz(organisation, "01T10:00", quiz="3") == 0
    assert quiz(organisation, "11T10:00", **other) == 0
    assert organisation.api.points("anna") == 30
    adds_up(organisation)
    assert_nothing_differs(portal, store, organisation)


def test_what_is_not_counted_by_a_course_goes_on(make_organisation, adds_up):
    """A reset frees no `once`, no cap over time and no key that is only one of time."""
    organisation = make_organisation(
        rules=[
            rule("once", 1, once=True),
            rule("year", 2, max_per_year=1),
            rule("key", 4, unique_by=["@year"]),
        ]
    )
    assert quiz(organisation, "02T10:00") == 7
    assert reset(organisation)["freed"] == []
    assert quiz(organisation, "12T10:00") == 0
    adds_up(organisation)


def test_the_best_of_each_run(make_organisation, adds_up, portal, store):
    """The best of several is the best in the run of the course."""
    organisation = make_organisation(rules=[rule("r", QUIZ_BEST, unique_by=["quiz"])])
    assert [
        quiz(organisation, f"0{day}T10:00", quiz="3", score=score) for day, score in ((1, 40), (2, 60))
    ] == [
        40,
        20,
    ]
    reset(organisation)
    assert quiz(organisation, "11T10:00", quiz="3", score=50) == 50
    assert quiz(organisation, "03T10:00", quiz="3", score=70) == 10
    assert quiz(organisation, "12T10:00", quiz="3", score=55) == 5
    adds_up(organisation)
    assert_nothing_differs(portal, store, organisation)


def test_a_reset_by_moodle(organisation, adds_up):
    """Moodle's event is stored with its reason, is nobody's, lets the course of its source begin anew, once,
    and counts for what comes after it in one batch or later."""
    completed = "\\core\\event\\course_completed"
    learner = {"userid": "31", "relateduserid": "31"}
    assert moodle(organisation, 1, 0, completed, **learner)["points_awarded"] == 50
    assert moodle(organisation, 2, 10, completed, **learner)["points_awarded"] == 0
    told = moodle(organisation, 3, 100)
    assert (told["status"], told["points_awarded"]) == ("ignored", 0)
    assert told["reason"].startswith("course_reset: course 7 begins anew")
    assert moodle(organisation, 3, 100)["status"] == "duplicate"
    assert moodle(organisation, 4, 200, completed, **learner)["points_awarded"] == 50
    assert moodle(organisation, 5, 300, completed, **learner)["points_awarded"] == 0
    assert moodle(organisation, 6, 50, completed, **learner)["points_awarded"] == 0
    assert organisation.api.points("moodle:31") == 100
    (used,) = [
        one
        for one in organisation.api.get("/v1/users/moodle:31/limits?limit=200").json()["limits"]
        if one["key"] and one["rule_id"] == "course_completed"
    ]
    assert (used["used"], used["limit"]) == (1, 1)
    adds_up(organisation)


@pytest.mark.parametrize(
    ("options", "begins_anew"),
    [
        ({"reset_completion": "1"}, True),
        ({"unenrol_users": ["5"], "reset_events": "1"}, True),
        ({"unenrol_users": {"0": "5"}}, True),
        ({"reset_start_date": 1772000000, "reset_events": "1", "reset_groups_remove": "1"}, False),
        ({"reset_forum_all": "1", "reset_quiz_attempts": "1", "reset_gradebook_grades": "1"}, False),
        ({"reset_completion": "0", "unenrol_users": []}, False),
        ({}, False),
        ("Array", True),
        ("{other_reset_options}", True),
    ],
    ids=str,
)
def test_a_reset_of_parts(organisation, adds_up, options, begins_anew: bool):
    """Where Moodle's form was sent along, a course begins anew when its completions or enrolments were reset;
    where it wasn't, or can't be read, always. The event says what became of the course."""
    completed, learner = "\\core\\event\\course_completed", {"userid": "31", "relateduserid": "31"}
    assert moodle(organisation, 1, 0, completed, **learner)["points_awarded"] == 50
    if isinstance(options, dict):
        told = moodle(organisation, 3, 100, other={"reset_options": options})
    else:
        told = moodle(organisation, 3, 100, other_reset_options=options)
    assert told["reason"].startswith(f"course_reset: course 7 {'begins anew' if begins_anew else 'goes on'}")
    again = moodle(organisation, 4, 200, completed, **learner)["points_awarded"]
    assert again == (50 if begins_anew else 0)
    retried = organisation.api.post(f"/v1/events/{told['event_id']}/retry").json()
    assert retried["reason"] == told["reason"]
    adds_up(organisation)


def test_a_source_whose_resets_free_nothing(organisation, adds_up):
    """With `course_resets` false in a source's filters, its courses go on, and the event says so."""
    completed, learner = "\\core\\event\\course_completed", {"userid": "31", "relateduserid": "31"}
    (source,) = [
        one for one in organisation.api.get("/v1/sources").json()["sources"] if one["name"] == "moodle"
    ]
    changed = organisation.api.patch(
        f"/v1/sources/{source['source_id']}", {"filters": {"course_resets": False}}
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["filters"]["course_resets"] is False
    assert moodle(organisation, 1, 0, completed, **learner)["points_awarded"] == 50
    assert "course_resets" in moodle(organisation, 3, 100)["reason"]
    assert moodle(organisation, 4, 200, completed, **learner)["points_awarded"] == 0
    adds_up(organisation)


def test_a_module_of_an_earlier_run_keeps_its_points(make_organisation, adds_up, portal, store):
    """A lesson that is reopened after the reset gives back what it earned since, and no more; statements from
    before the reset that arrive late change nothing of the new run."""
    organisation = make_organisation(rules=[rule("r", 10, "lesson.completed", max_per_lesson=1)])

    def lesson(action: str, at: str) -> int:
        body = {"course_id": "7", "lesson_id": "70"}
        return organisation.api.event(f"lesson.{action}", properties=body, timestamp=f"2026-03-{at}:00Z")[
            "points_awarded"
        ]

    assert lesson("completed", "02T10:00") == 10
    reset(organisation)
    assert lesson("reopened", "10T10:00") == 0
    assert lesson("completed", "11T10:00") == 10
    assert lesson("reopened", "09T10:00") == 0
    assert lesson("completed", "08T10:00") == 0
    assert lesson("reopened", "12T10:00") == -10
    assert organisation.api.points("anna") == 10
    adds_up(organisation)
    assert_nothing_differs(portal, store, organisation)


def test_limits_after_a_reset(make_organisation):
    """What was used of a course's cap is told for the present run."""
    organisation = make_organisation(rules=[rule("r", max_per_course=3)])

    def used() -> int:
        found = organisation.api.get("/v1/users/anna/limits").json()["limits"]
        (limit,) = [one for one in found if one["key"]]
        return limit["used"]

    assert quiz(organisation, "02T10:00") + quiz(organisation, "03T10:00") == 20
    assert used() == 2
    reset(organisation)
    assert used() == 0
    assert quiz(organisation, "12T10:00") == 10
    assert used() == 1


def test_a_reset_of_one_source_frees_no_other(make_organisation, adds_up):
    """A course of one id in two sources begins anew where it was reset; without a source, in all of them."""
    organisation = make_organisation(rules=[rule("r", max_per_course=1)])
    assert quiz(organisation, "02T10:00") == 10
    assert reset(organisation, source="moodle")["source"] == "moodle"
    assert quiz(organisation, "12T10:00") == 0
    reset(organisation)
    assert quiz(organisation, "12T11:00") == 10
    adds_up(organisation)


def test_the_same_reset_again(make_organisation):
    """A request that is repeated with its key is answered as the first time; a reset at the same time is
    noted once; and who may not, or asks wrongly, changes nothing."""
    organisation = make_organisation(rules=[rule("r", max_per_course=1)])
    key = {"Idempotency-Key": "autumn"}
    first = organisation.api.post("/v1/courses/7/reset", {}, headers=key)
    again = organisation.api.post("/v1/courses/7/reset", {}, headers=key)
    assert (first.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert reset(organisation)["status"] == "reset"
    assert reset(organisation)["status"] == "already_reset"
    for body, field in (
        ({"at": "2099-01-01T00:00:00Z"}, "at"),
        ({"at": "soon"}, "at"),
        ({"source": "mooodle"}, "source"),
    ):
        refused = organisation.api.post("/v1/courses/7/reset", body)
        assert (refused.status_code, refused.json()["details"]["field"]) == (400, field), refused.text
