"""Anonymising: nothing that names the person is left anywhere, the sums stay, and there is no way back."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

# Nothing else in the database is called so.
MOODLE_ID = "918273645"
NAMED = {
    "user_id": "anna-berg-4711",
    "email": "Anna.Berg@personal.example",
    "name": "Anna Zofia Berg",
    "identities": [f"moodle:{MOODLE_ID}"],
}
TRACES = ("anna-berg", "anna.berg", "zofia", MOODLE_ID, "personal.example", "secret of hers")


@pytest.fixture
def traces(owner):
    """Where in a dump of every column of every table one of the texts still stands."""

    def find(*texts):
        columns = owner.fetch(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' ORDER BY 1, 2"
        )
        assert len(columns) > 150
        found = []
        for column in columns:
            table, name = column["table_name"], column["column_name"]
            for text in texts:
                count = owner.value(
                    f'SELECT count(*) FROM "{table}" WHERE position($1 IN lower("{name}"::text)) > 0',
                    text.lower(),
                )
                if count:
                    found.append((table, name, text))
        return found

    return find


def hook(organisation, eventname, number, **fields):
    body = {
        "eventname": eventname,
        "id": str(number),
        "timecreated": "1772445600",
        "userid": MOODLE_ID,
        **fields,
    }
    response = organisation.hook(json.dumps(body))
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture
def person(organisation, owner):
    """Somebody who left traces in every table that may hold them."""
    api = organisation.api
    assert api.post("/v1/users", {**NAMED, "metadata": {"note": "secret of hers"}}).status_code == 201
    user_id = NAMED["user_id"]
    api.post("/v1/users", {"user_id": "anna-berg-before", "email": "before@personal.example"})
    api.event("course.completed", "anna-berg-before", properties={"course_id": "77"}, event_id="b")
    assert api.post(f"/v1/users/{user_id}/merge", {"from": "anna-berg-before"}).status_code == 200
    api.event(
        "course.completed",
        user_id,
        properties={"course_id": "1", "comment": "secret of hers", "teacher": {"mail": NAMED["email"]}},
        metadata={"browser": "secret of hers"},
        event_id=f"{user_id}-course-1",
    )
    api.event("lesson.completed", user_id, properties={"lesson_id": "l1"}, event_id="lesson")
    hook(organisation, "\\core\\event\\user_loggedin", 1, user_email=NAMED["email"], user_firstname="Zofia")
    hook(organisation, "\\mod_forum\\event\\post_created", 2, courseid="4", objectid="5")
    for kind, reason in (("award", "for Anna Zofia Berg"), ("deduct", "secret of hers")):
        body = {"user_id": user_id, "points": 9, "reason": reason, "metadata": {"by": NAMED["email"]}}
        headers = {"Idempotency-Key": f"{kind}-{user_id}"}
        assert api.post(f"/v1/points/{kind}", body, headers=headers).status_code == 200
    # What is about others and names her: points, an event, one of Moodle in which she acted, a refusal.
    body = {"user_id": "ben", "points": 1, "reason": "thanks to Anna Zofia Berg", "metadata": {user_id: 1}}
    assert api.post("/v1/points/award", body).status_code == 200
    api.event("quiz.completed", "ben", properties={"graded_by": user_id, "attempt_id": "1"}, event_id="q")
    hook(
        organisation,
        "\\mod_quiz\\event\\attempt_submitted",
        3,
        relateduserid="555",
        user_email=NAMED["email"],
        objectid="8",
    )
    organisation.hook(json.dumps({"userid": MOODLE_ID, "eventname": "x"}))
    # A receiver that answered with what it was told.
    owner.execute(
        "INSERT INTO endpoints (organisation_id, endpoint_id, kind, url, events)"
        " VALUES ($1, gen_random_uuid(), 'webhook', 'https://receiver.example/', '{*}')",
        organisation.organisation_id,
    )
    owner.execute(
        "UPDATE organisations SET version = version + 1 WHERE organisation_id = $1",
        organisation.organisation_id,
    )
    api.event("quiz.completed", user_id, properties={"attempt_id": "2"}, event_id="told")
    owner.execute(
        "INSERT INTO delivery_attempts (organisation_id, endpoint_id, delivery_id, number, started_at,"
        " duration_ms, delivered, status, answer, next_reason)"
        " SELECT organisation_id, endpoint_id, delivery_id, 1, now(), 5, true, 200, $2, ''"
        " FROM deliveries WHERE organisation_id = $1",
        organisation.organisation_id,
        f"hello {user_id}",
    )
    owner.execute(
        "UPDATE deliveries SET status = 'delivered' WHERE organisation_id = $1", organisation.organisation_id
    )
    return organisation


def test_no_trace_is_left(person, owner, traces, adds_up):
    """After DELETE, no column of any table has a name, address, id or text of hers; verification is clean."""
    api = person.api
    places = {(table, column) for table, column, _ in traces(*TRACES)}
    assert {
        ("events", "user_id"),
        ("events", "properties"),
        ("events", "metadata"),
        ("events", "received"),
        ("events", "source_event_id"),
        ("learners", "name"),
        ("learners", "email"),
        ("identities", "identity"),
        ("messages", "body"),
        ("entry_notes", "reason"),
        ("entry_notes", "metadata"),
        ("request_log", "body"),
        ("delivery_attempts", "answer"),
        ("idempotency_keys", "key"),
    } <= places
    before = api.get(f"/v1/users/{NAMED['user_id']}/balance").json()
    others = api.get("/v1/users/ben/balance").json()
    answer = api.request("DELETE", f"/v1/users/{NAMED['user_id']}")
    assert answer.status_code == 200, answer.text
    answer = answer.json()
    # One message still says whom to forget, until it is delivered.
    assert answer["erasure"] == "running"
    left = traces(*TRACES)
    assert {(table, column) for table, column, _ in left} == {("messages", "body")}, left
    owner.execute(
        "UPDATE deliveries SET status = 'delivered' WHERE organisation_id = $1", person.organisation_id
    )
    again = api.request("DELETE", f"/v1/users/{answer['user_id']}").json()
    assert (again["erasure"], again["user_id"]) == ("finished", answer["user_id"])
    assert traces(*TRACES) == []

    after = api.get(f"/v1/users/{answer['user_id']}/balance").json()
    for name in ("points", "earned", "spent"):
        assert after[name] == before[name]
    history = api.get(f"/v1/users/{answer['user_id']}/ledger").json()["entries"]
    assert sum(entry["points"] for entry in history) == before["points"]
    assert {entry["reason"] for entry in history} == {None}
    assert api.get("/v1/users/ben/balance").json() == others
    (course,) = [
        event
        for event in api.get(f"/v1/users/{answer['user_id']}/events").json()["events"]
        if event["properties"].get("course_id") == "1"
    ]
    assert course["points_awarded"] == 50
    assert course["properties"] == {"course_id": "1"}
    adds_up(person)


def test_receivers_are_told_whom_to_forget(person, owner):
    """The message names the ids that receivers know and the one that is left, and nothing else of her."""
    answer = person.api.request("DELETE", f"/v1/users/{NAMED['user_id']}").json()
    body = owner.value(
        "SELECT body FROM messages WHERE organisation_id = $1 AND event = 'user.anonymised'",
        person.organisation_id,
    )
    told = json.loads(body)
    assert told["user_id"] == NAMED["user_id"]
    assert told["properties"] == {
        "identities": sorted(["anna-berg-before", NAMED["user_id"], f"moodle:{MOODLE_ID}"]),
        "anonymous_id": answer["user_id"],
    }
    assert "personal.example" not in body
    waiting = "SELECT count(*) FROM deliveries WHERE organisation_id = $1 AND event = 'user.anonymised'"
    assert owner.value(waiting, person.organisation_id) == 1


def test_an_anonymous_learner_stays_as_he_is(person, adds_up):
    """The sums are read by the id that is left; nothing can be given, changed, merged or linked."""
    api = person.api
    nobody = api.request("DELETE", f"/v1/users/{NAMED['user_id']}").json()["user_id"]
    shown = api.get(f"/v1/users/{nobody}").json()
    assert (shown["status"], shown["identities"], shown["name"], shown["email"]) == (
        "anonymised",
        [nobody],
        None,
        None,
    )
    for identity in (NAMED["user_id"], "anna-berg-before", f"moodle:{MOODLE_ID}"):
        assert api.get(f"/v1/users/{identity}").status_code == 404
        assert api.request("DELETE", f"/v1/users/{identity}").status_code == 404
    points = {"user_id": nobody, "points": 1, "reason": "x"}
    for method, path, body in (
        ("POST", "/v1/points/award", points),
        ("POST", "/v1/points/deduct", points),
        ("PATCH", f"/v1/users/{nobody}", {"status": "active"}),
        ("POST", f"/v1/users/{nobody}/identities", {"identities": ["x:1"]}),
        ("POST", f"/v1/users/{nobody}/merge", {"from": "ben"}),
        ("POST", "/v1/users/ben/merge", {"from": nobody}),
    ):
        response = api.request(method, path, json=body)
        assert (response.status_code, response.json()["error"]) == (409, "conflict"), (method, path)
    assert [user["user_id"] for user in api.get("/v1/users", status="anonymised").json()["users"]] == [nobody]
    before = api.get(f"/v1/users/{nobody}/balance").json()
    for event in api.get(f"/v1/users/{nobody}/events").json()["events"]:
        assert api.post(f"/v1/events/{event['event_id']}/retry").status_code == 200
    kept = api.event("course.completed", nobody, properties={"course_id": "9"}, event_id="later")
    assert (kept["points_awarded"], kept["decisions"][0]["outcome"]) == (0, "suspended")
    assert api.get(f"/v1/users/{nobody}/balance").json() == before
    adds_up(person)


def test_who_comes_again_is_somebody_new(person, adds_up):
    """The same id afterwards is a new learner from zero; an event that was sent before stays a duplicate."""
    api, user_id = person.api, NAMED["user_id"]
    api.request("DELETE", f"/v1/users/{user_id}")
    old = api.event("course.completed", user_id, event_id=f"{user_id}-course-1")
    assert old["status"] == "duplicate"
    new = api.event("course.completed", user_id, properties={"course_id": "1"}, event_id="new")
    assert new["points_awarded"] == 50
    assert api.points(user_id) == 50
    adds_up(person)


def test_an_idempotency_key_that_named_somebody_still_counts(person):
    """A request that was answered before the deletion isn't done again by its key."""
    user_id = NAMED["user_id"]
    body = {
        "user_id": user_id,
        "points": 9,
        "reason": "for Anna Zofia Berg",
        "metadata": {"by": NAMED["email"]},
    }
    headers = {"Idempotency-Key": f"award-{user_id}"}
    person.api.request("DELETE", f"/v1/users/{user_id}")
    again = person.api.post("/v1/points/award", body, headers=headers)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert person.api.get(f"/v1/users/{user_id}").status_code == 404


def test_an_award_may_be_taken_back_from_nobody(person, adds_up):
    """Sums of somebody anonymous can still be corrected by a reversal."""
    user_id = NAMED["user_id"]
    entry = next(
        entry
        for entry in person.api.get(f"/v1/users/{user_id}/ledger").json()["entries"]
        if entry["rule_id"] == "course_completed"
    )
    person.api.request("DELETE", f"/v1/users/{user_id}")
    body = {"entry_id": entry["entry_id"], "reason": "x"}
    assert person.api.post("/v1/points/reverse", body).status_code == 200
    adds_up(person)


def test_forgetting_while_events_arrive(organisation, second_server, adds_up):
    """Events that race with the deletion are of the one who was or of somebody new; none is lost."""
    other = organisation.on(second_server)
    organisation.api.event("course.completed", properties={"course_id": "0"}, event_id="first")

    def act(number):
        process = (organisation, other)[number % 2]
        if number == 6:
            return process.api.request("DELETE", "/v1/users/anna")
        body = {
            "event": "course.completed",
            "user_id": "anna",
            "timestamp": "2026-03-02T10:00:00Z",
            "event_id": f"e{number}",
            "properties": {"course_id": f"c{number}"},
        }
        return process.api.post("/v1/events", body)

    with ThreadPoolExecutor(20) as pool:
        responses = list(pool.map(act, range(20)))
    assert {response.status_code for response in responses} == {200}
    nobody = responses[6].json()["user_id"]
    total = organisation.api.points("anna") + organisation.api.points(nobody)
    assert total == 50 * 20
    adds_up(organisation)


def test_deleting_a_stranger_is_a_404(organisation):
    """Nobody of that name, nothing done."""
    assert organisation.api.request("DELETE", "/v1/users/nobody").status_code == 404
