"""The log of deliveries, tests, sending again and recovering, with a real receiver and a real worker."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from rocket_server.ids import uuid7
from support.installation import wait_until
from support.receiver import Answer
from support.working import worker

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOBODY = "00000000-0000-7000-8000-000000000009"
PATIENCE_S = 60


@pytest.fixture
def make(caller, receiver):
    """Makes webhooks that lead to the receiver."""

    def make(**fields):
        fields = {"url": receiver.url(), "events": ["*"], **fields}
        response = caller.api.post("/v1/webhooks", fields)
        assert response.status_code == 201, response.text
        return response.json()["id"]

    return make


@pytest.fixture
def working(worker_database, tmp_path):
    """A worker for the time of a `with` block."""
    settings = {"ROCKET_ALLOW_PRIVATE_WEBHOOKS": "1", "ROCKET_WEBHOOK_RETRY_BASE": "0.05"}
    return lambda: worker(worker_database, tmp_path / "worker.log", settings)


def deliveries(caller, webhook_id, **filters):
    response = caller.api.get(f"/v1/webhooks/{webhook_id}/deliveries", **filters)
    assert response.status_code == 200, response.text
    return response.json()["deliveries"]


def test_a_test_is_sent_at_once(caller, receiver, make):
    """The answer says what the receiver said, and the log has the delivery with its one attempt."""
    receiver.answer = lambda call: Answer(201, text="thank you")
    webhook_id = make()
    response = caller.api.post(f"/v1/webhooks/{webhook_id}/test")
    assert response.status_code == 200, response.text
    answer = response.json()
    assert (answer["delivered"], answer["status"], answer["error"]) == (True, 201, None)
    assert answer["answer"] == "thank you"
    (call,) = receiver.calls
    assert call.webhook_id == answer["delivery_id"]
    body = json.loads(call.body)
    assert (body["event"], body["properties"]["endpoint_id"]) == ("webhook.test", webhook_id)
    read = caller.api.get(f"/v1/deliveries/{answer['delivery_id']}").json()
    assert read["body"] == body
    assert (read["status"], read["attempt_count"], read["next_at"]) == ("delivered", 1, None)
    (attempt,) = read["attempts"]
    assert (attempt["number"], attempt["status"], attempt["answer"]) == (1, 201, "thank you")
    assert attempt["duration_ms"] == answer["duration_ms"]


def test_a_failed_test_is_not_tried_again_and_does_not_open_the_breaker(caller, receiver, make, working):
    """Ten failures later the breaker is closed, each was called once, and the log has all of them."""
    receiver.answer = lambda call: Answer(500, text="no")
    webhook_id = make(events=["quiz.*"])
    with working():
        for _ in range(10):
            answer = caller.api.post(f"/v1/webhooks/{webhook_id}/test").json()
            assert (answer["delivered"], answer["status"]) == (False, 500)
        make(url=receiver.url("/other"))
        caller.api.event("course.viewed")
        wait_until(lambda: "/other" in [call.path for call in receiver.calls], PATIENCE_S, "the other")
    state = caller.api.get(f"/v1/webhooks/{webhook_id}").json()["state"]
    assert (state["breaker"], state["failures"], state["failing_since"]) == ("closed", 0, None)
    assert state["exhausted"] == 10
    tests = deliveries(caller, webhook_id, event="webhook.test")
    assert [item["status"] for item in tests] == ["exhausted"] * 10
    assert {item["attempt_count"] for item in tests} == {1}


def test_a_test_reaches_a_disabled_webhook(caller, receiver, make):
    """So that a receiver can be tried before it is enabled; in the format that it asked for."""
    webhook_id = make(enabled=False, format="assessment")
    assert caller.api.post(f"/v1/webhooks/{webhook_id}/test").json()["delivered"]
    body = json.loads(receiver.calls[0].body)
    assert body["name"] == "webhook.test"
    assert body["context"]["organisationId"] == caller.organisation_id


def test_a_test_of_a_receiver_that_is_not_there(caller, make):
    """Nobody listens: delivered is false, and the error has a code."""
    answer = caller.api.post(f"/v1/webhooks/{make(url='http://127.0.0.1:9/')}/test").json()
    assert (answer["delivered"], answer["status"]) == (False, None)
    assert answer["error"]


def test_a_server_that_may_not_call_privately_refuses_at_the_call_too(caller, organisation, receiver, owner):
    """A private address that stands in the database is not called without the setting."""
    made = organisation.api.post("/v1/webhooks", {"url": "https://receiver.example/", "events": ["*"]}).json()
    owner.execute("UPDATE endpoints SET url = $2 WHERE endpoint_id = $1", made["id"], receiver.url())
    answer = organisation.api.post(f"/v1/webhooks/{made['id']}/test").json()
    assert (answer["delivered"], answer["error"]) == (False, "forbidden_address")
    assert receiver.calls == []


def test_the_log_is_filtered_and_paged(caller, receiver, make, owner):
    """By status, name and time, the newest first, each delivery on one page."""
    webhook_id = make()
    names = ["course.viewed", "quiz.completed", "course.viewed", "user.logged_in", "course.viewed"]
    for number, name in enumerate(names):
        caller.api.event(name, timestamp=1772445600 + number)
    listed = deliveries(caller, webhook_id)
    assert [item["event"] for item in listed] == names[::-1]
    assert {item["status"] for item in listed} == {"pending"}
    assert all(item["next_at"] and item["last_attempt"] is None for item in listed)
    assert len(deliveries(caller, webhook_id, event="course.viewed")) == 3
    assert deliveries(caller, webhook_id, status="delivered") == []
    owner.execute(
        "UPDATE deliveries SET status = 'exhausted' WHERE endpoint_id = $1 AND event = 'quiz.completed'",
        webhook_id,
    )
    assert [item["event"] for item in deliveries(caller, webhook_id, status="exhausted")] == [
        "quiz.completed"
    ]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    earlier = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert len(deliveries(caller, webhook_id, since=earlier, until=later)) == 5
    assert deliveries(caller, webhook_id, since=later) == []
    assert deliveries(caller, webhook_id, until=earlier) == []
    state = caller.api.get(f"/v1/webhooks/{webhook_id}").json()["state"]
    assert (state["waiting"], state["exhausted"]) == (4, 1)
    seen, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        answer = caller.api.get(f"/v1/webhooks/{webhook_id}/deliveries", limit=2, **more).json()
        seen += [item["id"] for item in answer["deliveries"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert seen == [item["id"] for item in listed]


@pytest.mark.parametrize(
    "query", [{"status": "lost"}, {"since": "yesterday"}, {"cursor": "x"}, {"event": "\x00"}]
)
def test_a_faulty_filter_is_named(caller, make, query):
    """What can't be asked is a 400 that names the parameter."""
    response = caller.api.get(f"/v1/webhooks/{make()}/deliveries", **query)
    assert (response.status_code, response.json()["details"]["field"]) == (400, *query)


@pytest.mark.parametrize("delivery_id", ["nonsense", NOBODY, "%00"])
def test_an_unknown_delivery_is_not_found(caller, delivery_id):
    """Reading it or sending it again is a 404."""
    assert caller.api.get(f"/v1/deliveries/{delivery_id}").status_code == 404
    assert caller.api.post(f"/v1/deliveries/{delivery_id}/redeliver").status_code == 404


def test_what_was_given_up_is_sent_again_under_its_id(caller, receiver, make, working):
    """Exhausted after its tries, it is queued again by hand, arrives, and may be sent once more."""
    receiver.answer = lambda call: Answer(503, text="busy")
    webhook_id = make(max_attempts=2, events=["course.viewed"])
    event_id = caller.api.event("course.viewed", properties={"course_id": "7"})["event_id"]
    (delivery,) = deliveries(caller, webhook_id)
    path = f"/v1/deliveries/{delivery['id']}"

    def read(status):
        return caller.api.get(path).json()["status"] == status

    with working():
        wait_until(lambda: read("exhausted"), PATIENCE_S, "the delivery to be given up")
        exhausted = caller.api.get(path).json()
        assert [attempt["status"] for attempt in exhausted["attempts"]] == [503, 503]
        assert exhausted["body"]["id"] == event_id
        assert exhausted["body"]["properties"] == {"course_id": "7"}
        first_page = caller.api.get(path, limit=1).json()
        (newest,) = first_page["attempts"]
        assert newest["number"] == 2
        (oldest,) = caller.api.get(path, limit=1, cursor=first_page["next_cursor"]).json()["attempts"]
        assert (oldest["number"], oldest["next_at"] is not None) == (1, True)
        (listed,) = deliveries(caller, webhook_id, status="exhausted")
        assert listed["last_attempt"] == newest
        last = caller.api.get(f"/v1/webhooks/{webhook_id}").json()["state"]["last_attempt"]
        assert last == {"delivery_id": delivery["id"], **newest}

        receiver.answer = lambda call: Answer(200)
        for attempts in (3, 4):
            again = caller.api.post(f"{path}/redeliver")
            assert again.status_code == 200, again.text
            assert (again.json()["result"], again.json()["tries"]) == ("queued", 0)
            wait_until(
                lambda attempts=attempts: (
                    read("delivered") and caller.api.get(path).json()["attempt_count"] == attempts
                ),
                PATIENCE_S,
                "the delivery to arrive",
            )
    assert set(receiver.ids()) == {delivery["id"]}
    assert len(receiver.calls) == 4


def test_resending_takes_the_place_of_the_waiting_try(caller, make, owner):
    """A delivery that waits for its next try is due now, with all its tries before it; there is still one."""
    webhook_id = make()
    caller.api.event("course.viewed")
    (delivery,) = deliveries(caller, webhook_id)
    owner.execute(
        "UPDATE deliveries SET due_at = now() + interval '5 h', tries = 3, attempts = 3"
        " WHERE delivery_id = $1",
        delivery["id"],
    )
    answer = caller.api.post(f"/v1/deliveries/{delivery['id']}/redeliver").json()
    assert (answer["result"], answer["status"], answer["tries"]) == ("queued", "pending", 0)
    assert datetime.fromisoformat(answer["next_at"]) <= datetime.now(UTC) + timedelta(seconds=5)
    assert [item["id"] for item in deliveries(caller, webhook_id)] == [delivery["id"]]


def test_what_is_being_sent_is_left_alone(caller, make, owner):
    """While a worker holds it, resending changes nothing and says so; after the lease it is queued."""
    webhook_id = make()
    caller.api.event("course.viewed")
    (delivery,) = deliveries(caller, webhook_id)
    lease = (
        "UPDATE deliveries SET leased = true, tries = 2, due_at = now() + $2::interval WHERE delivery_id = $1"
    )
    row = "SELECT d::text FROM deliveries d WHERE delivery_id = $1"
    owner.execute(lease, delivery["id"], timedelta(minutes=5))
    before = owner.value(row, delivery["id"])
    answer = caller.api.post(f"/v1/deliveries/{delivery['id']}/redeliver").json()
    assert (answer["result"], answer["being_sent"], answer["next_at"]) == ("being_sent", True, None)
    assert owner.value(row, delivery["id"]) == before
    owner.execute(lease, delivery["id"], timedelta(seconds=-1))
    answer = caller.api.post(f"/v1/deliveries/{delivery['id']}/redeliver").json()
    assert (answer["result"], answer["tries"]) == ("queued", 0)


def test_resending_needs_an_enabled_webhook_and_a_stored_event(caller, make, owner):
    """A disabled webhook and an event that is gone are a 409 that says what is the matter."""
    webhook_id = make()
    caller.api.event("course.viewed")
    (delivery,) = deliveries(caller, webhook_id)
    path = f"/v1/deliveries/{delivery['id']}/redeliver"
    caller.api.patch(f"/v1/webhooks/{webhook_id}", {"enabled": False})
    refused = caller.api.post(path)
    assert refused.status_code == 409
    assert "Enable it first" in refused.json()["message"]
    caller.api.patch(f"/v1/webhooks/{webhook_id}", {"enabled": True})
    owner.execute("UPDATE deliveries SET event_id = $2 WHERE delivery_id = $1", delivery["id"], uuid7())
    gone = caller.api.post(path)
    assert gone.status_code == 409
    assert "isn't stored" in gone.json()["message"]
    assert caller.api.get(f"/v1/deliveries/{delivery['id']}").json()["body"] is None


def test_recovering_sends_what_was_missed_and_passes_the_filters(caller, receiver, make, working):
    """Events of the time when it was disabled arrive, those that filters hold back don't, nothing twice."""
    webhook_id = make(
        events=["course.viewed", "points.awarded"], filters={"any": [{"course_id": "1"}, {"reason": "help"}]}
    )
    path = f"/v1/webhooks/{webhook_id}"
    told = caller.api.event("course.viewed", properties={"course_id": "1"})["event_id"]
    caller.api.patch(path, {"enabled": False})
    refused = caller.api.post(f"{path}/recover", {"since": time.time() - 60})
    assert refused.status_code == 409
    missed = caller.api.event("course.viewed", timestamp=1772445700, properties={"course_id": "1"})[
        "event_id"
    ]
    caller.api.event("course.viewed", timestamp=1772445800, properties={"course_id": "2"})
    for reason in ("help", "prize"):
        caller.api.post("/v1/points/award", {"user_id": "anna", "points": 5, "reason": reason})
    caller.api.patch(path, {"enabled": True})
    with working():
        made = caller.api.post(f"{path}/recover", {"since": time.time() - 600})
        assert made.status_code == 201, made.text
        assert (made.json()["status"], made.json()["queued"]) == ("running", 0)

        def recovery():
            (found,) = caller.api.get(f"{path}/recoveries").json()["recoveries"]
            return found

        wait_until(lambda: recovery()["status"] == "finished", PATIENCE_S, "the recovery to finish")
        assert (recovery()["queued"], recovery()["progress_pct"]) == (2, 100)
        wait_until(
            lambda: len(deliveries(caller, webhook_id, status="delivered")) == 3,
            PATIENCE_S,
            "what was missed",
        )
    bodies = [json.loads(call.body) for call in receiver.calls]
    assert {body["id"] for body in bodies if body["event"] == "course.viewed"} == {told, missed}
    assert [body["properties"]["reason"] for body in bodies if body["event"] == "points.awarded"] == ["help"]
    assert len(set(receiver.ids())) == len(receiver.calls) == 3


def test_one_recovery_runs_at_a_time(caller, make):
    """A second is a 409 while the first runs; the webhook shows it."""
    path = f"/v1/webhooks/{make()}"
    since = datetime.now(UTC) - timedelta(hours=2)
    first = caller.api.post(f"{path}/recover", {"since": since.isoformat()})
    assert first.status_code == 201
    second = caller.api.post(f"{path}/recover", {"since": since.isoformat()})
    assert second.status_code == 409
    assert "recoveries" in second.json()["message"]
    assert caller.api.get(path).json()["state"]["recovery"] == first.json()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "since"),
        ({"since": None}, "since"),
        ({"since": "yesterday"}, "since"),
        ({"since": time.time() + 3600}, "since"),
        ({"since": time.time() - 31 * 86_400}, "since"),
        ({"since": time.time() - 60, "until": time.time() - 120}, "until"),
        ({"since": time.time() - 60, "till": 1}, "till"),
    ],
    ids=["none", "null", "words", "ahead", "too-long-ago", "backwards", "unknown"],
)
def test_a_faulty_recovery_is_refused(caller, make, body, field):
    """Times that are missing, ahead, older than what is kept or the wrong way round are named."""
    path = f"/v1/webhooks/{make()}"
    response = caller.api.post(f"{path}/recover", body)
    assert (response.status_code, response.json()["details"]["field"]) == (400, field)
    assert caller.api.get(f"{path}/recoveries").json()["recoveries"] == []
