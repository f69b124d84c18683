"""Moodle's habits: second copies with more fields, withdrawn completions, other sites, filters."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.captures import capture

TIME = 1772445600


def body(eventname="\\core\\event\\course_completed", number=1, **fields):
    common = {"eventname": eventname, "id": str(number), "courseid": "4", "timecreated": str(TIME)}
    return json.dumps(common | {name: str(value) for name, value in fields.items()})


def completion(number, state, *, at=TIME, learner="9", module="77"):
    return body(
        "\\core\\event\\course_module_completion_updated", number,
        userid=learner, relateduserid=learner, contextlevel="70", contextinstanceid=module, timecreated=at,
        other_completionstate=state,
    )  # fmt: skip


def sent(organisation, text):
    response = organisation.hook(text)
    assert response.status_code == 200, response.text
    answer = response.json()
    return answer["status"], answer["points_awarded"]


def test_a_second_copy_names_the_learner_whom_the_first_lacked(organisation, adds_up):
    """A teacher's event, ignored, becomes the learner's award when a richer copy of it arrives."""
    poor = capture("scenario.course_completed.by-a-teacher.seed-template.json").body
    rich = capture("scenario.course_completed.by-a-teacher.rich-template.json").body
    first = organisation.hook(poor).json()
    assert (first["status"], first["reason"][:6]) == ("ignored", "staff:")
    second = organisation.hook(rich).json()
    assert (second["status"], second["points_awarded"]) == ("success", 50)
    assert second["event_id"] == first["event_id"]
    stored = organisation.api.read(first["event_id"])
    assert (stored["status"], stored["user_id"], stored["reason"]) == ("processed", "moodle:4", None)
    assert sent(organisation, poor) == sent(organisation, rich) == ("duplicate", 0)
    assert organisation.api.points("moodle:4") == 50
    adds_up(organisation)


def test_a_second_copy_that_changes_nothing_only_adds_fields(organisation, adds_up):
    """A processed event's richer copy is a duplicate; its fields are kept with the first."""
    assert sent(organisation, body(userid=9, relateduserid=9)) == ("success", 50)
    assert sent(organisation, body(userid=9, relateduserid=9, other_colour="green")) == ("duplicate", 0)
    (event,) = organisation.api.get("/v1/events").json()["events"]
    assert event["properties"]["colour"] == "green"
    assert [decision["outcome"] for decision in event["decisions"]] == ["awarded"]
    assert organisation.api.points("moodle:9") == 50
    adds_up(organisation)


def test_a_second_copy_is_merged_however_far_ahead_its_time(organisation, start_server, adds_up):
    """Where the server is set to believe clocks that run ahead, it believes them of a second copy as well."""
    lenient = organisation.on(start_server("captures", ROCKET_MAX_CLOCK_SKEW="1000000000"))
    ahead = int(time.time()) + 300 * 86_400
    assert sent(lenient, body(userid=5, timecreated=ahead)) == ("ignored", 0)
    assert sent(lenient, body(userid=5, relateduserid=9, timecreated=ahead)) == ("success", 50)
    assert sent(organisation, body(userid=9, number=2, courseid=7)) == ("success", 50)
    adds_up(organisation)


def test_a_second_copy_that_names_another_learner_moves_the_award(organisation, adds_up):
    """Where the richer copy says that somebody else was meant, the first award is reversed."""
    assert sent(organisation, body(userid=9)) == ("success", 50)
    sent(organisation, body(userid=9, relateduserid=12))
    assert (organisation.api.points("moodle:9"), organisation.api.points("moodle:12")) == (0, 50)
    kinds = [row["kind"] for row in organisation.api.get("/v1/users/moodle:9/ledger").json()["entries"]]
    assert kinds == ["reversal", "award"]
    adds_up(organisation)


def test_copies_that_arrive_together_are_one_event(organisation, adds_up):
    """Poor and rich copies from many workers at once end as one event with one award."""
    copies = [
        body(userid=5),
        body(userid=5, relateduserid=9),
        body(userid=5, relateduserid=9, objectid=3),
    ] * 5
    with ThreadPoolExecutor(15) as pool:
        responses = list(pool.map(organisation.hook, copies))
    assert {response.status_code for response in responses} == {200}
    assert len({response.json()["event_id"] for response in responses}) == 1
    assert organisation.api.points("moodle:9") == 50
    adds_up(organisation)


def test_a_withdrawn_completion_takes_its_points_back(organisation, adds_up):
    """Ticked, unticked, ticked: ten points, taken back by a reversal, and awarded again, once."""
    assert sent(organisation, completion(1, 1)) == ("success", 10)
    answer = organisation.hook(completion(2, 0, at=TIME + 1)).json()
    assert answer["points_awarded"] == -10
    (decision,) = [
        decision
        for decision in organisation.api.read(answer["event_id"])["decisions"]
        if decision["outcome"] == "reversed"
    ]
    assert decision["points"] == -10
    assert sent(organisation, completion(2, 0, at=TIME + 1)) == ("duplicate", 0)
    assert sent(organisation, completion(3, 2, at=TIME + 2)) == ("success", 10)
    assert sent(organisation, completion(4, 1, at=TIME + 3)) == ("success", 0)
    assert organisation.api.points("moodle:9") == 10
    adds_up(organisation)


def test_completions_count_by_time_and_not_by_arrival(organisation, adds_up):
    """An older statement that arrives late changes nothing; within a second Moodle's number decides."""
    assert sent(organisation, completion(8, 1, at=TIME + 5)) == ("success", 10)
    assert sent(organisation, completion(3, 0, at=TIME + 4)) == ("success", 0)
    assert sent(organisation, completion(7, 0, at=TIME + 5)) == ("success", 0)
    assert organisation.api.points("moodle:9") == 10
    assert sent(organisation, completion(9, 0, at=TIME + 5)) == ("success", -10)
    assert sent(organisation, completion(5, 1, at=TIME + 5)) == ("success", 0)
    assert organisation.api.points("moodle:9") == 0
    adds_up(organisation)


def test_a_failed_completion_counts_for_nothing(organisation):
    """State 3 is lesson.failed and earns nothing."""
    answer = organisation.hook(completion(1, 3)).json()
    assert (answer["status"], answer["points_awarded"]) == ("success", 0)
    assert organisation.api.read(answer["event_id"])["event"] == "lesson.failed"


def test_a_completion_is_withdrawn_through_the_api_too(organisation, adds_up):
    """lesson.reopened by REST takes back what lesson.completed earned, and frees it."""
    lesson = {"lesson_id": "3", "course_id": "1"}
    times = ["2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z", "2026-03-02T12:00:00Z"]
    names = ["lesson.completed", "lesson.reopened", "lesson.completed"]
    answers = [
        organisation.api.event(name, timestamp=time, properties=lesson)
        for name, time in zip(names, times, strict=True)
    ]
    assert [answer["points_awarded"] for answer in answers] == [10, -10, 10]
    assert "reversed" in [decision["outcome"] for decision in answers[1]["decisions"]]
    late = organisation.api.event("lesson.reopened", timestamp="2026-03-02T11:30:00Z", properties=lesson)
    assert late["points_awarded"] == 0
    assert organisation.api.points("anna") == 10
    adds_up(organisation)


def test_a_second_site_is_ignored_with_advice(organisation):
    """One source is one site: another wwwroot's events are ignored, with the advice to make a source."""
    assert sent(organisation, body(userid=9, relateduserid=9, wwwroot="http://one.example")) == (
        "success",
        50,
    )
    answer = organisation.hook(body(number=2, userid=9, relateduserid=9, wwwroot="http://two.example")).json()
    assert answer["status"] == "ignored"
    assert answer["reason"].startswith("another_site:")
    assert "http://one.example" in answer["reason"]
    assert "source of its own" in answer["reason"]
    assert sent(organisation, body(number=3, courseid=5, userid=9, relateduserid=9)) == ("success", 50)
    (source,) = organisation.api.get("/v1/sources").json()["sources"]
    assert source["site"] == "http://one.example"
    assert len(organisation.api.get("/v1/users/moodle:9/events").json()["events"]) == 2


def test_who_is_not_a_learner_gets_nothing(organisation):
    """Staff, nobody, the guest and an administrator logged in as a learner: kept, with the reason."""
    login = "\\core\\event\\user_loggedin"
    for number, (fields, reason) in enumerate(
        [
            ({"userid": 2}, "staff"),
            ({"userid": 5}, "staff"),
            ({"userid": 0}, "nobody"),
            ({"userid": -1}, "nobody"),
            ({"userid": 1}, "guest"),
            ({"userid": 9, "realuserid": 2}, "logged_in_as"),
        ],
        1,
    ):
        answer = organisation.hook(body(login, number, **fields)).json()
        assert answer["status"] == "ignored"
        assert answer["reason"].startswith(f"{reason}:")
    answer = organisation.hook(body(number=9, userid=5)).json()
    assert "relateduserid" in answer["reason"]
    assert organisation.api.points("moodle:9") == 0


@pytest.mark.parametrize(
    ("filters", "fields", "passes"),
    [
        ({"course_ids": ["4"]}, {}, True),
        ({"course_ids": ["5"]}, {}, False),
        ({"category_ids": ["7"]}, {"course_category": "7"}, True),
        ({"category_ids": ["7"]}, {"course_category": "8"}, False),
        ({"category_ids": ["7"]}, {}, True),
        ({"context_levels": ["50"]}, {"contextlevel": "50"}, True),
        ({"context_levels": ["70"]}, {"contextlevel": "50"}, False),
        ({"exclude_suspended": True}, {"learner_id": "9", "learner_suspended": "1"}, False),
        ({"exclude_suspended": True}, {"learner_id": "9", "learner_suspended": "0"}, True),
    ],
    ids=str,
)
def test_filters_of_a_source(organisation, filters, fields, passes):
    """What a filter keeps out is stored as ignored, with a decision `filtered`; a value not sent passes."""
    path = f"/v1/sources/{organisation.moodle.source_id}"
    assert organisation.api.patch(path, {"filters": filters}).status_code == 200
    answer = organisation.hook(body(userid=9, relateduserid=9, **fields)).json()
    stored = organisation.api.read(answer["event_id"])
    if passes:
        assert (answer["status"], answer["points_awarded"]) == ("success", 50)
        noted = json.dumps([decision["detail"] for decision in stored["decisions"]])
        assert ("wasn't sent" in noted) == ("course_category" not in fields and "category_ids" in filters)
    else:
        assert (answer["status"], answer["points_awarded"]) == ("ignored", 0)
        assert stored["reason"].startswith("filtered:")
        decision = stored["decisions"][0]
        assert (decision["outcome"], decision["code"]) == ("filtered", "filtered")


def test_a_suspended_learner_gets_no_points(organisation, owner):
    """A suspended learner's events are stored and decided as suspended; later ones count again."""
    organisation.api.event("course.completed", properties={"course_id": "1"})
    change = "UPDATE learners SET status = $2 WHERE organisation_id = $1"
    owner.execute(change, organisation.organisation_id, "suspended")
    answer = organisation.api.event("course.completed", properties={"course_id": "2"})
    assert (answer["points_awarded"], [d["outcome"] for d in answer["decisions"]]) == (0, ["suspended"])
    owner.execute(change, organisation.organisation_id, "active")
    assert organisation.api.event("course.completed", properties={"course_id": "3"})["points_awarded"] == 50


def test_an_email_links_sources_only_where_it_is_trustworthy(organisation):
    """A URL-encoded address joins one person's identities; one from the damaging encoding doesn't."""
    event = {
        "event": "course.viewed",
        "occurred_at": TIME,
        "user": {"id": "anna", "email": "Anna@Example.org"},
    }
    assert organisation.api.post("/v1/events", event).status_code == 200
    encoded = "%5Ccore%5Cevent%5Ccourse_completed"
    person = {"userid": 9, "relateduserid": 9, "learner_id": 9, "learner_email": "anna%40example.org"}
    assert sent(organisation, body(encoded, 1, **person)) == ("success", 50)
    assert organisation.api.points("anna") == organisation.api.points("moodle:9") == 50
    plain = person | {
        "userid": 10,
        "relateduserid": 10,
        "learner_id": 10,
        "learner_email": "anna@example.org",
    }
    assert sent(organisation, body(number=2, **plain)) == ("success", 50)
    assert organisation.api.points("anna") == 50
    assert organisation.api.points("moodle:10") == 50
