"""The webhooks of an assessment service, as they were recorded: an attempt's facts count once, in any
order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.organisation import Hook

FOLDER = Path(__file__).parents[1] / "fixtures" / "shiksha"
LEARNER = "shiksha:44444444-4444-4444-8444-444444444444"


def bodies(pattern: str) -> list[str]:
    """The raw bodies of recorded webhooks, in the order of their names."""
    return [json.loads(path.read_text())["raw_body"] for path in sorted(FOLDER.glob(f"{pattern}.json"))]


@pytest.fixture
def send(organisation):
    """Send a raw body to a fresh source; the answer, which must be good."""
    made = organisation.api.post("/v1/sources", {"kind": "shiksha"})
    assert made.status_code == 201, made.text
    source = made.json()
    hook = Hook(source["source_id"], source["name"], "shiksha", source["slug"], source["token"])

    def post(body: str, status: int = 200):
        response = organisation.hook(body, hook, **{"X-Service-Name": "shiksha-assessment"})
        assert response.status_code == status, response.text
        return response.json()

    return post


@pytest.mark.parametrize(
    ("pattern", "event", "properties"),
    [
        ("attempt.started.1", "quiz.started", {"attempt_number": 1}),
        (
            "attempt.submitted.1-objective-fail",
            "quiz.completed",
            {"score": 6, "result": "fail", "passed": False, "time_on_task_sec": 75, "review_status": "R"},
        ),
        ("attempt.submitted.2-objective-pass", "quiz.completed", {"result": "pass", "passed": True}),
        ("attempt.submitted.3-review-pending", "quiz.completed", {"score": 2, "review_status": "P"}),
        ("attempt.reviewed.2-final-pass", "quiz.graded", {"result": "pass", "passed": True}),
        ("attempt.reviewed.5-decimal-score", "quiz.graded", {"score": 5.5}),
    ],
)
def test_each_event_becomes_ours(organisation, send, pattern, event, properties):
    """The service's events have our names and properties; its learners are the source's."""
    (body,) = bodies(pattern)
    stored = organisation.api.read(send(body)["event_id"])
    assert (stored["event"], stored["status"]) == (event, "processed")
    assert stored["user_id"].startswith("shiksha:")
    assert properties.items() <= stored["properties"].items()
    assert stored["properties"]["attempt_id"] == json.loads(body)["data"]["attemptId"]


def test_every_recorded_webhook_is_taken(organisation, send, adds_up):
    """All of them are answered with 200, and sent again they change no points."""
    everything = bodies("*")
    assert len(everything) > 25
    first = [send(body)["status"] for body in everything]
    points = organisation.api.points(LEARNER)
    assert {"success", "duplicate", "ignored"} >= set(first)
    assert points > 0
    assert {send(body)["status"] for body in everything} == {"duplicate"}
    assert organisation.api.points(LEARNER) == points
    adds_up(organisation)


@pytest.mark.parametrize(
    "pattern", ["attempt.submitted.6*", "attempt.submitted.8*", "sequence.receiver-slow15.*"]
)
def test_a_submission_counts_once_whatever_its_id(organisation, send, pattern):
    """Submitted twice, sent again for a slow receiver, with the same id or another: one award."""
    answers = [send(body)["status"] for body in bodies(pattern)]
    assert answers == ["success"] + ["duplicate"] * (len(answers) - 1)
    assert organisation.api.points(LEARNER) == 20


def test_order_doesnt_matter(organisation, send):
    """A submission that arrives before the start of its attempt earns what it is worth."""
    for body in bodies("sequence.out-of-order.*"):
        send(body)
    found = organisation.api.get("/v1/events", user_id=LEARNER).json()["events"]
    assert {one["event"] for one in found} >= {"quiz.started", "quiz.completed"}
    assert organisation.api.points(LEARNER) % 20 == 0


def test_a_review_counts_when_it_is_finished(organisation, send):
    """A step of a review is kept with the reason and decided when the result is told, under one event."""
    partial, final = bodies("attempt.reviewed.1*") + bodies("attempt.reviewed.2*")
    attempt = json.loads(partial)["data"]["attemptId"]
    final = json.dumps(json.loads(final) | {"data": json.loads(final)["data"] | {"attemptId": attempt}})
    first = send(partial)
    assert first["status"] == "ignored"
    assert organisation.api.read(first["event_id"])["reason"].startswith("review_pending")
    assert send(final)["event_id"] == first["event_id"]
    stored = organisation.api.read(first["event_id"])
    assert (stored["status"], stored["properties"]["passed"]) == ("processed", True)
    assert send(partial)["status"] == "duplicate"
    assert organisation.api.read(first["event_id"])["properties"]["passed"] is True


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": None}, "name"),
        ({"name": "Attempt"}, "name"),
        ({"context": {}}, "context.userId"),
        ({"context": {"userId": "undefined"}}, "context.userId"),
        ({"data": {}}, "data.attemptId"),
        ({"data": "x"}, "data"),
        ({"data": {"attemptId": "a", "result": "maybe"}}, "data.result"),
        ({"data": {"attemptId": "a", "score": "6"}}, "data.score"),
        ({"data": {"attemptId": "a", "timeSpent": -1}}, "data.timeSpent"),
        ({"timestamp": "yesterday"}, "timestamp"),
    ],
)
def test_faults_are_named(organisation, send, change, field):
    """What can't be read is a 400 that names the field, and nothing is stored."""
    (body,) = bodies("attempt.submitted.1-objective-fail")
    refused = send(json.dumps(json.loads(body) | change), 400)
    assert field in [error["path"] for error in refused["details"]["errors"]]
    assert organisation.api.get("/v1/events").json()["events"] == []


def test_other_events_are_kept_and_said_to_count_for_nothing(organisation, send):
    """Names of the guide that tell of answers and tests are events; unknown ones are ignored with the
    reason."""
    (body,) = bodies("attempt.started.1")
    for number, (name, status) in enumerate(
        {"answer.submitted": "success", "test.published": "success", "system.startup": "ignored"}.items()
    ):
        changed = json.loads(body) | {"name": name, "id": f"event-{number}", "data": {"testId": "t"}}
        answer = send(json.dumps(changed))
        assert answer["status"] == status
        assert organisation.api.read(answer["event_id"])["event"] == name


@pytest.mark.parametrize("attempt_id", ["undefined", "attempt-null", "0", True])
def test_an_attempt_that_many_would_have_is_refused(send, attempt_id):
    """An attempt's facts count once, so an id that isn't the attempt's own would make duplicates of all."""
    sent = json.loads(bodies("attempt.submitted.2-objective-pass")[0])
    sent["data"]["attemptId"] = attempt_id
    refused = send(json.dumps(sent), 400)
    assert refused["details"]["field"] == "data.attemptId"
