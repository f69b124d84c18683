"""Badges: definitions, awards by rule, criteria and hand, chains, and what is taken back."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from urllib.parse import urlsplit

import pytest

from rocket_server.rules.parse import parse_rule, parse_rules

WHEN = "2026-03-02T{:02}:00:00Z"


def rule(rule_id, event, badge=None, points=None, **more):
    actions = {"issue_badge": badge} if badge else {}
    if points:
        actions["award_points"] = points
    return parse_rule({"rule_id": rule_id, "trigger": {"event": event, **more}, "actions": actions})


def define(organisation, badge_id, **fields):
    response = organisation.api.post("/v1/badges", {"badge_id": badge_id, "name": badge_id.title(), **fields})
    assert response.status_code == 201, response.text
    return response.json()


def held(organisation, user_id="anna", **query):
    response = organisation.api.get(f"/v1/users/{user_id}/badges", **query)
    assert response.status_code == 200, response.text
    return sorted(row["badge_id"] for row in response.json()["badges"])


def own_events(organisation, user_id="anna"):
    rows = organisation.api.get(f"/v1/users/{user_id}/events").json()["events"]
    return [row for row in rows if row["source"] == "rocket"]


# Definitions


def test_a_badge_is_defined_read_changed_and_deleted(organisation):
    """What was sent is answered; PUT sets it whole, and a deleted badge is unknown but its id free again."""
    sent = {"description": "Ten posts", "tags": ["forum"], "criteria_text": "Write.\nTen times.",
            "criteria": {"events": [{"event": "forum.posted", "count": 10}]}}  # fmt: skip
    made = define(organisation, "talker", **sent)
    assert {key: made[key] for key in sent} == sent
    assert (made["active"], made["repeatable"]) == (True, False)
    api = organisation.api
    assert api.get("/v1/badges/talker").json() == made
    answered = {**made, "description": "Twelve"}
    changed = api.request("PUT", "/v1/badges/talker", json=answered).json()
    assert changed["description"] == "Twelve"
    assert changed["tags"] == ["forum"]
    ids = [badge["badge_id"] for badge in api.get("/v1/badges").json()["badges"]]
    assert ids == ["course_completion_expert", "course_master", "quiz_master", "talker"]
    assert api.request("DELETE", "/v1/badges/talker").status_code == 204
    assert api.get("/v1/badges/talker").status_code == 404
    assert api.post("/v1/badges/award", {"user_id": "a", "badge_id": "talker"}).status_code == 404
    define(organisation, "talker")


def test_lists_are_paged(organisation):
    """A page ends with the cursor of the next one."""
    first = organisation.api.get("/v1/badges", limit=2).json()
    second = organisation.api.get("/v1/badges", limit=2, cursor=first["next_cursor"]).json()
    assert len(first["badges"]) == 2
    assert [badge["badge_id"] for badge in second["badges"]] == ["quiz_master"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"nam": "x"}, "nam", "did you mean name?"),
        ({"name": ""}, "name", "1 to 200"),
        ({"name": "a\tb"}, "name", "control"),
        ({"badge_id": "a b"}, "badge_id", "letters"),
        ({"image": "data:image/svg+xml;base64,AAAA"}, "image", "PNG"),
        ({"image": "data:image/png;base64,AAAA"}, "image", "PNG"),
        ({"repeatable": True, "criteria": {"points": 5}}, "repeatable", "once"),
        ({"repeatable": "yes"}, "repeatable", "true or false"),
        ({"criteria": {"point": 5}}, "criteria.point", "did you mean points?"),
        ({"criteria": {}}, "criteria", "one or more"),
        ({"criteria": {"points": 0}}, "criteria.points", "1 to"),
        ({"criteria": {"events": {"event": "x", "count": 1}}}, "criteria.events[0].event", "forum.posted"),
        ({"criteria": {"events": {"event": "a.b", "count": 0}}}, "criteria.events[0].count", "1 to"),
        (
            {"criteria": {"events": {"event": "a.b", "count": 1, "conditions": {"x": {"gtee": 1}}}}},
            "criteria.events[0].conditions.x.gtee",
            "did you mean gte?",
        ),
        ({"criteria": {"courses": {"ids": []}}}, "criteria.courses.ids", "1 to 100"),
        ({"criteria": {"badges": {"ids": ["a"], "at_least": 2}}}, "criteria.badges.at_least", "1 to 1"),
        ({"criteria": {"badges": {"ids": ["self"]}}}, "criteria.badges.ids", "own criterion"),
    ],
)
def test_what_is_wrong_is_named(organisation, fields, path, words):
    """A faulty definition is a 400 that names the field and says what is expected; nothing is made."""
    response = organisation.api.post("/v1/badges", {"badge_id": "self", "name": "Self", **fields})
    assert response.status_code == 400
    errors = response.json()["details"]["errors"]
    assert any(error["path"] == path and words in error["message"] for error in errors), errors
    assert organisation.api.get("/v1/badges/self").status_code == 404


def test_an_id_is_taken_once_and_cannot_be_changed(organisation):
    """A second badge of an id is a 409; another id in the body than in the path is a 400."""
    define(organisation, "one")
    again = organisation.api.post("/v1/badges", {"badge_id": "one", "name": "Other"})
    assert (again.status_code, again.json()["details"]["field"]) == (409, "badge_id")
    renamed = organisation.api.request("PUT", "/v1/badges/one", json={"badge_id": "two", "name": "x"})
    assert renamed.status_code == 400


# By hand


def test_by_hand_once(organisation):
    """A badge is given once to a learner; again answers the award that there is."""
    asked = {"user_id": "anna", "badge_id": "quiz_master", "metadata": {"by": "jury"}}
    first = organisation.api.post("/v1/badges/award", asked).json()
    second = organisation.api.post("/v1/badges/award", asked).json()
    assert first == {
        "award_id": first["award_id"],
        "badge_id": "quiz_master",
        "user_id": "anna",
        "status": "awarded",
    }
    assert second == {**first, "status": "already_held"}
    (event,) = own_events(organisation)
    assert (event["event"], event["properties"]["badge_id"]) == ("badge.awarded", "quiz_master")
    assert event["properties"]["award_id"] == first["award_id"]


def test_by_hand_from_many_at_once(organisation, second_server, adds_up):
    """Of many simultaneous awards one is new, also through two processes."""
    organisation.api.event("course.viewed")
    places = [organisation, organisation.on(second_server)] * 8
    asked = {"user_id": "anna", "badge_id": "quiz_master"}
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda place: place.api.post("/v1/badges/award", asked).json(), places))
    assert sorted(answer["status"] for answer in answers) == ["already_held"] * 15 + ["awarded"]
    assert len({answer["award_id"] for answer in answers}) == 1
    assert len(own_events(organisation)) == 1
    adds_up(organisation)


def test_a_repeatable_badge_is_given_again(organisation):
    """A repeatable badge is new each time, and once for each idempotency key."""
    define(organisation, "helper", repeatable=True)
    asked = {"user_id": "anna", "badge_id": "helper"}
    keyed = {"headers": {"Idempotency-Key": "k1"}}
    first = organisation.api.post("/v1/badges/award", asked, **keyed)
    replay = organisation.api.post("/v1/badges/award", asked, **keyed)
    assert replay.json() == first.json()
    assert replay.headers["Idempotency-Replayed"] == "true"
    organisation.api.post("/v1/badges/award", asked)
    assert held(organisation) == ["helper", "helper"]


def test_revoked_and_given_again(organisation):
    """A revoked badge is history, with the reason; it can be given again, and not be revoked twice."""
    api = organisation.api
    asked = {"user_id": "anna", "badge_id": "quiz_master"}
    first = api.post("/v1/badges/award", asked).json()
    revoked = api.post("/v1/badges/revoke", {"award_id": first["award_id"], "reason": "copied"})
    assert revoked.json() == {**first, "status": "revoked"}
    assert held(organisation) == []
    (row,) = api.get("/v1/users/anna/badges", include_revoked=True).json()["badges"]
    assert (row["status"], row["revoked_reason"]) == ("revoked", "copied")
    twice = api.post("/v1/badges/revoke", {"award_id": first["award_id"], "reason": "x"})
    assert twice.status_code == 409
    second = api.post("/v1/badges/award", asked).json()
    assert second["status"] == "awarded"
    assert second["award_id"] != first["award_id"]
    assert api.post("/v1/badges/revoke", {**asked, "reason": "x"}).json()["award_id"] == second["award_id"]
    assert api.post("/v1/badges/revoke", {**asked, "reason": "x"}).status_code == 404
    assert api.post("/v1/badges/revoke", {"reason": "x"}).status_code == 400


# By rules


def test_the_guides_mapping(make_organisation):
    """Moodle's badge with an id gives points and a Rocket badge, which doesn't give them once more."""
    guide = {
        "trigger": "badge_awarded",
        "conditions": {"badge_id": "12"},
        "actions": {"award_points": 100, "issue_rocket_badge": "course_completion_expert"},
    }
    organisation = make_organisation(rules=parse_rules([guide]))
    body = {"eventname": "\\core\\event\\badge_awarded", "id": "7", "userid": "2", "relateduserid": "77",
            "objectid": "12", "courseid": "1", "timecreated": "1772445600"}  # fmt: skip
    answer = organisation.hook(json.dumps(body)).json()
    assert answer["points_awarded"] == 100
    assert held(organisation, "moodle:77") == ["course_completion_expert"]
    assert organisation.api.points("moodle:77") == 100
    organisation.hook(json.dumps({**body, "id": "8", "objectid": "13"}))
    assert organisation.api.points("moodle:77") == 100


def test_a_badge_that_awards_points_that_award_a_badge(make_organisation, adds_up):
    """Event, badge, points for the badge, badge for the points: all of it in one transaction."""
    organisation = make_organisation(
        rules=[
            rule("a", "quiz.completed", badge="quiz_master"),
            rule("b", "badge.awarded", points=100, source="rocket", conditions={"badge_id": "quiz_master"}),
        ]
    )
    define(organisation, "hundred", criteria={"points": 100})
    answer = organisation.api.event("quiz.completed")
    assert (answer["badges"], answer["points_awarded"]) == (["quiz_master"], 0)
    assert held(organisation) == ["hundred", "quiz_master"]
    assert organisation.api.points("anna") == 100
    last, first = own_events(organisation)
    assert first["metadata"] == {"chain": ["quiz_master"], "caused_by": answer["event_id"]}
    assert (first["points_awarded"], first["badges"]) == (100, ["hundred"])
    assert last["metadata"]["chain"] == ["quiz_master", "hundred"]
    adds_up(organisation)


def test_a_chain_ends(make_organisation, adds_up):
    """At most four badges follow from one event, and none twice; what stopped is said."""
    names = ["b1", "b2", "b3", "b4", "b5"]
    rules = [rule("start", "quiz.completed", badge="b1")]
    rules += [
        rule(
            f"to-{after}",
            "badge.awarded",
            badge=after,
            points=1,
            source="rocket",
            conditions={"badge_id": before},
        )
        for before, after in pairwise(names)
    ]
    rules.append(rule("back", "badge.awarded", badge="b1", source="rocket", conditions={"badge_id": "b2"}))
    organisation = make_organisation(rules=rules)
    for name in names:
        define(organisation, name, repeatable=name == "b1")
    organisation.api.event("quiz.completed")
    assert held(organisation) == ["b1", "b2", "b3", "b4"]
    fourth, _, second, _ = own_events(organisation)
    assert "Not judged" in fourth["metadata"]["notes"][0]
    (stopped,) = [one for one in second["decisions"] if one["rule_id"] == "back"]
    assert stopped["detail"]["badge_status"] == "in_chain_already"
    assert organisation.api.points("anna") == 3
    adds_up(organisation)


def test_badges_that_cannot_be_given_are_named(make_organisation):
    """A rule's badge that is unknown, inactive or held already is said to be so in the decision."""
    organisation = make_organisation(
        rules=[
            rule("unknown", "quiz.completed", badge="nobody_knows"),
            rule("inactive", "quiz.completed", badge="sleeping"),
            rule("held", "quiz.completed", badge="quiz_master"),
        ]
    )
    define(organisation, "sleeping", active=False)
    organisation.api.post("/v1/badges/award", {"user_id": "anna", "badge_id": "quiz_master"})
    answer = organisation.api.event("quiz.completed")
    assert answer["badges"] == []
    statuses = {one["rule_id"]: one["detail"]["badge_status"] for one in answer["decisions"]}
    assert statuses == {"unknown": "unknown_badge", "inactive": "inactive_badge", "held": "already_held"}


def test_a_withdrawn_completion_takes_its_badges_back(make_organisation, adds_up):
    """With the completion go the badges that rules gave for it, and what these had earned; done again, all
    comes again."""
    organisation = make_organisation(
        rules=[
            parse_rule({"rule_id": "badge", "trigger": {"event": "lesson.completed"},
                        "actions": {"issue_badge": "course_master"}, "constraints": {"max_per_lesson": 1}}),
            parse_rule({"rule_id": "both", "trigger": {"event": "lesson.completed"},
                        "actions": {"issue_badge": "quiz_master", "award_points": 10},
                        "constraints": {"max_per_lesson": 1}}),
            rule("more", "badge.awarded", points=7, source="rocket"),
        ]
    )  # fmt: skip
    api, lesson = organisation.api, {"lesson_id": "l1"}
    api.event("lesson.completed", properties=lesson, timestamp=WHEN.format(8))
    assert (held(organisation), api.points("anna")) == (["course_master", "quiz_master"], 24)
    answer = api.event("lesson.reopened", properties=lesson, timestamp=WHEN.format(9))
    assert {one["rule_id"]: one["outcome"] for one in answer["decisions"]} == {
        "badge": "reversed",
        "both": "reversed",
    }
    assert (held(organisation), api.points("anna")) == ([], 0)
    assert {row["status"] for row in own_events(organisation)} == {"ignored"}
    adds_up(organisation)
    # Running it again changes nothing: its badge is gone.
    own = own_events(organisation)[0]["event_id"]
    assert api.post(f"/v1/events/{own}/retry").json()["points_awarded"] == 0
    api.event("lesson.completed", properties=lesson, timestamp=WHEN.format(10))
    assert (held(organisation), api.points("anna")) == (["course_master", "quiz_master"], 24)
    adds_up(organisation)


def test_reversed_points_take_their_badge_back(make_organisation, adds_up):
    """The badge that came with an award goes with it, and what it had given; others stay, and both can be
    earned again."""
    organisation = make_organisation(
        rules=[
            rule("course", "course.completed", "course_master", 50),
            rule("bonus", "badge.awarded", points=7, conditions={"badge_id": "course_master"}),
            rule("other", "course.completed", "quiz_master"),
        ]
    )
    api = organisation.api

    def complete(number):
        answer = api.event("course.completed", event_id=f"e{number}")
        (course,) = [one for one in answer["decisions"] if one["rule_id"] == "course"]
        return course["detail"]["entry_id"]

    entry_id = complete("1")
    assert (api.points("anna"), held(organisation)) == (57, ["course_master", "quiz_master"])
    body = {"entry_id": entry_id, "reason": "not his own work"}
    answer = api.post("/v1/points/reverse", body, headers={"Idempotency-Key": "k"}).json()
    assert (answer["points"], answer["balance"], answer["badges_revoked"]) == (50, 0, ["course_master"])
    assert api.post("/v1/points/reverse", body, headers={"Idempotency-Key": "k"}).json() == answer
    assert (api.points("anna"), held(organisation)) == (0, ["quiz_master"])
    shown = api.get("/v1/users/anna/badges", include_revoked=True).json()["badges"]
    (revoked,) = [one for one in shown if one["status"] == "revoked"]
    assert revoked["revoked_reason"] == "the points that came with it were reversed: not his own work"
    adds_up(organisation)
    second = complete("2")
    assert (api.points("anna"), held(organisation)) == (57, ["course_master", "quiz_master"])
    by_hand = api.post("/v1/points/award", {"user_id": "anna", "points": 3, "reason": "x"}).json()
    undone = api.post("/v1/points/reverse", {"entry_id": by_hand["entry_id"], "reason": "x"}).json()
    assert undone["badges_revoked"] == []
    api.request("DELETE", "/v1/users/anna")
    assert api.post("/v1/points/reverse", {"entry_id": second, "reason": "x"}).status_code == 200
    adds_up(organisation)


def test_withdrawn_within_one_group(make_organisation, adds_up):
    """Completed, withdrawn and completed again in one batch leaves one badge of each kind."""
    organisation = make_organisation(
        rules=[rule("badge", "lesson.completed", badge="course_master", points=5)]
    )
    names = ["lesson.completed", "lesson.reopened", "lesson.completed"]
    events = [
        {
            "event": name,
            "user_id": "anna",
            "timestamp": WHEN.format(8 + number),
            "properties": {"lesson_id": "l1"},
        }
        for number, name in enumerate(names)
    ]
    organisation.api.post("/v1/events/batch", {"events": events})
    assert (held(organisation), organisation.api.points("anna")) == (["course_master"], 5)
    organisation.api.post("/v1/events/batch", {"events": [{**events[1], "timestamp": WHEN.format(11)}]})
    assert (held(organisation), organisation.api.points("anna")) == ([], 0)
    adds_up(organisation)


def test_running_an_event_again_keeps_its_badge(make_organisation, adds_up):
    """An event that is decided anew keeps the award that it had earned, and loses it where it is filtered."""
    organisation = make_organisation(rules=[rule("badge", "quiz.completed", badge="quiz_master")])
    event_id = organisation.api.event("quiz.completed")["event_id"]
    (before,) = organisation.api.get("/v1/users/anna/badges").json()["badges"]
    answer = organisation.api.post(f"/v1/events/{event_id}/retry").json()
    (after,) = organisation.api.get("/v1/users/anna/badges").json()["badges"]
    assert after == before
    assert answer["badges"] == ["quiz_master"]
    assert len(own_events(organisation)) == 1
    adds_up(organisation)


def test_revoking_takes_back_what_the_badge_had_earned(make_organisation, adds_up):
    """Points by a rule for the badge go with it; the badge that these points brought stays."""
    organisation = make_organisation(rules=[rule("more", "badge.awarded", points=50, source="rocket")])
    define(organisation, "fifty", criteria={"points": 50})
    asked = {"user_id": "anna", "badge_id": "quiz_master"}
    organisation.api.post("/v1/badges/award", asked)
    assert organisation.api.points("anna") == 100
    organisation.api.post("/v1/badges/revoke", {**asked, "reason": "a mistake"})
    assert organisation.api.points("anna") == 50
    assert held(organisation) == ["fifty"]
    adds_up(organisation)


# By criteria


def test_points_earned(organisation, adds_up):
    """The event, or the award by hand, with which the points are reached gives the badge, once."""
    define(organisation, "fifty", criteria={"points": 50})
    api = organisation.api
    assert api.event("quiz.completed", properties={"attempt_id": "1"})["badges"] == []
    api.post("/v1/points/deduct", {"user_id": "anna", "points": 20, "reason": "cup"})
    assert api.event("quiz.completed", properties={"attempt_id": "2"})["badges"] == []
    assert api.event("quiz.completed", properties={"attempt_id": "3"})["badges"] == ["fifty"]
    assert api.event("quiz.completed", properties={"attempt_id": "4"})["badges"] == []
    api.post("/v1/points/award", {"user_id": "ben", "points": 50, "reason": "kind"})
    assert held(organisation, "ben") == ["fifty"]
    adds_up(organisation)


@pytest.mark.parametrize("status", ["active", "suspended"])
@pytest.mark.parametrize("name", ["forum.visited", "quiz.completed"], ids=["worth nothing", "with points"])
def test_running_an_event_again_keeps_what_its_criteria_gave(organisation, adds_up, name, status):
    """The event with which criteria were met goes on saying so, however often it is run again."""
    define(organisation, "first", criteria={"events": [{"event": name, "count": 1}]})
    event_id = organisation.api.event(name, properties={"attempt_id": "1"})["event_id"]
    organisation.api.patch("/v1/users/anna", {"status": status})
    for _ in range(2):
        assert organisation.api.post(f"/v1/events/{event_id}/retry").json()["badges"] == ["first"]
    assert organisation.api.get(f"/v1/events/{event_id}").json()["badges"] == ["first"]
    assert held(organisation) == ["first"]
    adds_up(organisation)


def test_counts_of_events(organisation, adds_up):
    """Events that meet the conditions are counted, duplicates once, in whatever order and groups."""
    define(
        organisation,
        "sharp",
        criteria={"events": {"event": "quiz.completed", "count": 3, "conditions": {"score": {"gte": 80}}}},
    )
    scores = [90, 10, 85, 95]
    events = [
        {"event": "quiz.completed", "user_id": "anna", "timestamp": WHEN.format(20 - number),
         "event_id": f"e{number}", "properties": {"score": score, "attempt_id": str(number)}}
        for number, score in enumerate(scores)
    ]  # fmt: skip
    for event in [*events[:3], *events[:3]]:
        organisation.api.post("/v1/events", event)
    assert held(organisation) == []
    organisation.api.post("/v1/events/batch", {"events": [events[0], events[3], events[3]]})
    assert held(organisation) == ["sharp"]
    adds_up(organisation)


def test_the_past_counts(organisation, adds_up):
    """Criteria that are set later count what was stored before, with the learner's next event."""
    api = organisation.api
    for number in range(3):
        api.event("forum.posted", event_id=f"e{number}")
    define(organisation, "talker", criteria={"events": {"event": "forum.posted", "count": 4}})
    assert api.event("forum.posted", event_id="3")["badges"] == ["talker"]
    adds_up(organisation)


def test_modules_count_while_they_are_completed(organisation, adds_up):
    """A module counts once, and no more once its completion is withdrawn."""
    define(organisation, "two", criteria={"events": {"event": "lesson.completed", "count": 2}})
    api = organisation.api

    def lesson(name, lesson_id, hour):
        return api.event(name, properties={"lesson_id": lesson_id}, timestamp=WHEN.format(hour))["badges"]

    assert lesson("lesson.completed", "a", 1) == []
    assert lesson("lesson.completed", "a", 2) == []
    assert lesson("lesson.reopened", "a", 3) == []
    assert lesson("lesson.completed", "b", 4) == []
    assert lesson("lesson.completed", "a", 2) == []  # late: withdrawn since
    assert lesson("lesson.completed", "c", 5) == ["two"]
    adds_up(organisation)


def test_the_latest_statement_about_a_module_decides(organisation, adds_up):
    """A module that is completed again, but not well enough any more, counts no more; also in what is taken
    over from the past."""
    api = organisation.api
    asked = {"event": "lesson.completed", "count": 2, "conditions": {"score": {"gte": 80}}}

    def lesson(lesson_id, score, hour):
        properties = {"lesson_id": lesson_id, "score": score}
        return api.event("lesson.completed", properties=properties, timestamp=WHEN.format(hour))["badges"]

    define(organisation, "before", criteria={"events": asked})
    lesson("a", 90, 1)
    lesson("a", 10, 3)
    lesson("a", 95, 2)
    define(organisation, "after", criteria={"events": {**asked, "distinct": None}, "points": 1})
    assert lesson("b", 90, 4) == []
    adds_up(organisation)
    assert sorted(lesson("a", 90, 5)) == ["after", "before"]
    adds_up(organisation)


def test_distinct_values(organisation):
    """With `distinct`, events with the same value count once."""
    define(
        organisation,
        "reader",
        criteria={"events": {"event": "resource.viewed", "count": 2, "distinct": "course_id"}},
    )
    views = [("1", "a"), ("1", "b"), ("2", "c")]
    answers = [
        organisation.api.event("resource.viewed", properties={"course_id": course, "lesson_id": lesson})[
            "badges"
        ]
        for course, lesson in views
    ]
    assert answers == [[], [], ["reader"]]


def test_all_of_a_set_of_courses(organisation, adds_up):
    """Each course counts when it is completed or has enough progress."""
    define(organisation, "path", criteria={"courses": {"ids": ["1", "2", "3"]}})
    api = organisation.api
    assert api.event("course.completed", properties={"course_id": "1"})["badges"] == []
    assert api.event("course.progressed", properties={"course_id": "2", "progress_pct": 79})["badges"] == []
    assert api.event("course.progressed", properties={"course_id": "2", "progress_pct": 80})["badges"] == []
    assert api.event("course.completed", properties={"course_id": "9"})["badges"] == []
    assert api.event("course.completed", properties={"course_id": "3"})["badges"] == ["path"]
    adds_up(organisation)


def test_other_badges(organisation):
    """A badge for some of a list of badges follows from the last of them."""
    define(
        organisation,
        "collector",
        criteria={"badges": {"ids": ["quiz_master", "course_master", "none"], "at_least": 2}},
    )
    organisation.api.post("/v1/badges/award", {"user_id": "anna", "badge_id": "quiz_master"})
    assert held(organisation) == ["quiz_master"]
    organisation.api.post("/v1/badges/award", {"user_id": "anna", "badge_id": "course_master"})
    assert held(organisation) == ["collector", "course_master", "quiz_master"]


def test_revoked_by_hand_does_not_come_back_by_itself(organisation):
    """Criteria don't give again what somebody took back."""
    define(organisation, "twenty", criteria={"points": 20})
    organisation.api.event("quiz.completed", properties={"attempt_id": "1"})
    organisation.api.post("/v1/badges/revoke", {"user_id": "anna", "badge_id": "twenty", "reason": "x"})
    organisation.api.event("quiz.completed", properties={"attempt_id": "2"})
    assert held(organisation) == []


def test_criteria_under_concurrency(organisation, second_server, adds_up):
    """Posts from many connections and two processes at once: counted exactly, the badge given once."""
    define(organisation, "talker", criteria={"events": {"event": "forum.posted", "count": 40}})
    places = [organisation, organisation.on(second_server)] * 20

    def post(numbered):
        number, place = numbered
        return place.api.event("forum.posted", event_id=f"e{number % 39}")["badges"]

    with ThreadPoolExecutor(16) as pool:
        answers = [badge for badges in pool.map(post, enumerate(places)) for badge in badges]
    assert (answers, held(organisation)) == ([], [])
    assert organisation.api.event("forum.posted", event_id="39")["badges"] == ["talker"]
    adds_up(organisation)


# Told to others


def test_awards_and_revocations_are_told(organisation, owner):
    """An endpoint that wants badge events gets a delivery for each award and each revocation."""
    organisation_id = organisation.organisation_id
    owner.execute(
        "INSERT INTO endpoints (organisation_id, endpoint_id, kind, url, events)"
        " VALUES ($1, gen_random_uuid(), 'webhook', 'https://receiver.example',"
        " '{badge.awarded,badge.revoked}')",
        organisation_id,
    )
    owner.execute(
        "UPDATE organisations SET version = version + 1 WHERE organisation_id = $1", organisation_id
    )
    asked = {"user_id": "anna", "badge_id": "quiz_master"}
    award = organisation.api.post("/v1/badges/award", asked).json()
    organisation.api.post("/v1/badges/revoke", {**asked, "reason": "copied"})
    told = owner.fetch(
        "SELECT d.event, m.body FROM deliveries d LEFT JOIN messages m USING (organisation_id, event_id)"
        " WHERE d.organisation_id = $1 ORDER BY d.delivery_id",
        organisation_id,
    )
    assert [row["event"] for row in told] == ["badge.awarded", "badge.revoked"]
    body = json.loads(told[1]["body"])
    assert body["properties"] == {
        "badge_id": "quiz_master",
        "badge_name": "Quiz Master",
        "award_id": award["award_id"],
        "reason": "copied",
    }
    assert body["user_id"] == "anna"


# Badges that expire


def test_a_badge_expires_and_can_be_given_again(make_organisation, owner, adds_up):
    """Held until its day, shown as expired behind it, on the public page and in the credential too, and given
    anew by a rule."""
    organisation = make_organisation(rules=[])
    api = organisation.api
    made = api.post("/v1/badges", {"badge_id": "first_aid", "name": "First aid", "expires_after_days": 365})
    assert (made.status_code, made.json()["expires_after_days"]) == (201, 365)
    rule = {
        "rule_id": "aid",
        "trigger": "course.completed",
        "actions": {"issue_badge": "first_aid"},
        "constraints": {"unique_by": ["course_id", "@year"]},
    }
    assert api.post("/v1/rules", rule).status_code == 201

    def complete(year: int) -> list[str]:
        fields = {"timestamp": f"{year}-03-02T10:00:00Z", "properties": {"course_id": "7"}}
        return api.event("course.completed", **fields)["badges"]

    assert complete(2025) == ["first_aid"]
    assert complete(2024) == []

    (award,) = api.get("/v1/users/anna/badges").json()["badges"]
    since, until = (datetime.fromisoformat(award[key]) for key in ("awarded_at", "expires_at"))
    assert (award["status"], until - since) == ("awarded", timedelta(days=365))
    path = urlsplit(award["verification_url"]).path
    credential = organisation.server.client.get(f"{path}/credential.json").json()
    assert credential["validUntil"][:19] == award["expires_at"][:19]
    asked = {"user_id": "anna", "badge_id": "first_aid"}
    assert api.post("/v1/badges/award", asked).json()["status"] == "already_held"

    owner.execute(
        "UPDATE badge_awards SET awarded_at = awarded_at - interval '366 days',"
        " expires_at = expires_at - interval '366 days' WHERE award_id = $1",
        award["award_id"],
    )
    (award,) = api.get("/v1/users/anna/badges").json()["badges"]
    assert award["status"] == "expired"
    assert organisation.server.client.get(path).json()["status"] == "expired"
    page = organisation.server.client.get(path, headers={"Accept": "text/html"}).text
    assert "This badge expired on" in page
    assert complete(2026) == ["first_aid"]
    badges = api.get("/v1/users/anna/badges").json()["badges"]
    assert [badge["status"] for badge in badges] == ["awarded", "expired"]
    revoked = api.post("/v1/badges/revoke", {"award_id": award["award_id"], "reason": "copied"})
    assert revoked.status_code == 409
    adds_up(organisation)


@pytest.mark.parametrize("days", [0, -1, 36_501, 1.5, "365", True])
def test_what_an_expiry_may_not_be(organisation, days):
    """Days are a whole number from 1 to 36,500."""
    body = {"badge_id": "aid", "name": "Aid", "expires_after_days": days}
    answer = organisation.api.post("/v1/badges", body)
    assert (answer.status_code, answer.json()["details"]["field"]) == (400, "expires_after_days")
