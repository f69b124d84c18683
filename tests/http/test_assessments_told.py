"""What is told of tests and attempts: the guide's payloads, field for field, and what rules hear."""

from __future__ import annotations

import asyncio
import json

import pytest

from rocket_server.configuration.snapshot import Configurations
from rocket_server.usecases.examination.papers import Papers
from rocket_server.usecases.examination.submitting import close_expired
from support.examination import Hall, right


@pytest.fixture
def hall(organisation) -> Hall:
    """A fresh organisation's tests."""
    return Hall(organisation)


@pytest.fixture
def told(organisation, owner):
    """Everything that the organisation has told, oldest first: names and bodies."""

    def read(event: str | None = None):
        rows = owner.fetch(
            "SELECT event, body::text AS body FROM messages WHERE organisation_id = $1 ORDER BY event_id",
            organisation.organisation_id,
        )
        found = [(row["event"], json.loads(row["body"])) for row in rows]
        return [body for name, body in found if name == event] if event else [name for name, _ in found]

    return read


def test_the_guides_three_payloads(hall, told):
    """`attempt.started`, `test.published` and `attempt.submitted` have the guide's data, and ours beside
    it."""
    one = hall.question()
    test_id = hall.test([one], title="Mathematics Final Exam")
    attempt_id = hall.start(test_id, "user-789")
    hall.save(attempt_id, "user-789", {one["questionId"]: right(one)}, timeSpent=3600)
    hall.submit(attempt_id, "user-789")
    (published,) = told("test.published")
    assert published["properties"] == {
        "testId": test_id,
        "testTitle": "Mathematics Final Exam",
        "testType": "plain",
        "totalMarks": 2,
        "questionCount": 1,
    }
    (started,) = told("attempt.started")
    assert started["user_id"] == "user-789"
    assert started["properties"] == {"attemptId": attempt_id, "testId": test_id, "attemptNumber": 1}
    (submitted,) = told("attempt.submitted")
    assert submitted["properties"] == {
        "attemptId": attempt_id,
        "testId": test_id,
        "score": 2,
        "result": "pass",
        "timeSpent": 3600,
        "maxScore": 2,
        "reviewStatus": "R",
        "attemptNumber": 1,
    }


def test_a_receiver_gets_them_in_the_assessment_format(hall, organisation, told, owner):
    """Each is queued for a webhook that wants it, an answer once for each change of it."""
    webhook = {
        "url": "https://example.org/hook",
        "events": ["attempt.*", "answer.submitted", "test.*", "question.*"],
        "format": "assessment",
    }
    assert organisation.api.post("/v1/webhooks", webhook).status_code == 201
    one = hall.question()
    test_id = hall.test([one])
    attempt_id = hall.start(test_id, "anna")
    for _ in range(2):
        hall.save(attempt_id, "anna", {one["questionId"]: right(one)})
    hall.submit(attempt_id, "anna")
    hall.ask("POST", f"/attempts/{attempt_id}/submit", None, "anna")
    hall.post(f"/tests/{test_id}/unpublish")
    expected = [
        "question.created",
        "question.published",
        "test.created",
        "test.published",
        "attempt.started",
        "answer.submitted",
        "attempt.submitted",
        "test.unpublished",
    ]
    queued = owner.fetch(
        "SELECT event FROM deliveries WHERE organisation_id = $1 ORDER BY event_id",
        organisation.organisation_id,
    )
    assert [row["event"] for row in queued if not row["event"].startswith("endpoint.")] == expected
    (answered,) = told("answer.submitted")
    assert answered["properties"] == {
        "attemptId": attempt_id,
        "testId": test_id,
        "questionId": one["questionId"],
    }


def test_a_review_by_the_rubric_is_told_and_heard(hall, told, adds_up):
    """A review keeps the scores by criterion; once finished, rules hear of it once, and again when it
    changes."""
    rubric = {"criteria": [{"name": "Reasons", "maxScore": 3}, {"name": "Words", "maxScore": 2}]}
    essay = hall.question(type="essay", text="Why?", marks=5, params={"rubric": rubric})
    test_id = hall.test([essay])
    rule = {
        "rule_id": "passed",
        "trigger": {"event": "quiz.graded", "conditions": {"passed": True}},
        "actions": {"award_points": 7},
    }
    assert hall.organisation.api.post("/v1/rules", rule).status_code == 201
    attempt_id = hall.start(test_id, "anna")
    hall.save(attempt_id, "anna", {essay["questionId"]: {"text": "Because."}})
    assert hall.submit(attempt_id, "anna")["result"] is None
    (waiting,) = hall.get("/attempts/reviews/pending")
    assert waiting["attemptId"] == attempt_id

    def judge(reasons: int, words: int):
        criteria = [{"name": "Reasons", "score": reasons}, {"name": "Words", "score": words}]
        answer = {"questionId": essay["questionId"], "criteria": criteria, "remarks": "Clear."}
        return hall.post(f"/attempts/{attempt_id}/review", {"answers": [answer]}, "teacher")

    assert judge(2, 2) == {"attemptId": attempt_id, "score": 4, "result": "P", "reviewStatus": "R"}
    assert hall.organisation.api.points("anna") == 27
    (answer,) = hall.get(f"/attempts/{attempt_id}/answersheet")["answers"]
    assert answer["criteria"] == [{"name": "Reasons", "score": 2}, {"name": "Words", "score": 2}]
    assert judge(1, 1)["result"] == "F"
    assert hall.organisation.api.points("anna") == 20
    assert [one["properties"]["result"] for one in told("attempt.reviewed")] == ["pass", "fail"]
    (graded,) = hall.organisation.api.get("/v1/events", event="quiz.graded").json()["events"]
    assert (graded["properties"]["score"], graded["properties"]["passed"]) == (2, False)
    adds_up(hall.organisation)


def test_workers_end_what_is_over_once(hall, organisation, owner, portal, store, told, adds_up):
    """Three workers at once submit twelve attempts whose time is over: each once, each awarded once."""
    one = hall.question()
    test_id = hall.test([one], timeDuration=1)
    learners = [f"learner-{number}" for number in range(12)]
    for who in learners:
        hall.save(hall.start(test_id, who), who, {one["questionId"]: right(one)})
    owner.execute(
        "UPDATE assessment_attempts SET deadline = now() - interval '1 second' WHERE test_id = $1", test_id
    )

    async def work() -> None:
        async def worker() -> None:
            await close_expired(store, Configurations(), Papers(), organisation.organisation_id)

        await asyncio.gather(worker(), worker(), worker())

    portal.call(work)
    assert [organisation.api.points(who) for who in learners] == [20] * 12
    submitted = told("attempt.submitted")
    assert len(submitted) == 12
    assert {body["properties"]["score"] for body in submitted} == {2}
    assert hall.get(f"/tests/{test_id}/users/learner-0/status")["gradedAttempt"]["result"] == "P"
    adds_up(organisation)
