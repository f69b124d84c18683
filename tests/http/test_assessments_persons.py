"""Attempts follow the persons whose they are: merged learners are one taker, forgotten ones leave nothing."""

from __future__ import annotations

import pytest

from support.examination import Hall, code_of, right


@pytest.fixture
def hall(organisation) -> Hall:
    """A fresh organisation's tests."""
    return Hall(organisation)


def test_two_who_are_one_have_their_attempts_together(hall, adds_up):
    """After a merge the attempts of both count against one limit, under each identity."""
    one = hall.question()
    test_id = hall.test([one], attempts=3)
    for who in ("anna", "moodle:7"):
        hall.take(test_id, who, {one["questionId"]: right(one)})
    api = hall.organisation.api
    assert api.post("/v1/users/anna/merge", {"from": "moodle:7"}).status_code == 200
    for who in ("anna", "moodle:7"):
        assert hall.get(f"/tests/{test_id}/users/{who}/status")["attemptsMade"] == 2
    hall.take(test_id, "moodle:7", {})
    refused = hall.ask("POST", f"/attempts/start/{test_id}", None, "anna")
    assert code_of(refused) == "attempt_limit_reached"
    adds_up(hall.organisation)


def test_two_attempts_that_run_become_one(hall, owner):
    """Where both take the test at the moment of the merge, one goes on and the time of the other is over."""
    one = hall.question()
    test_id = hall.test([one], attempts=3)
    kept = hall.start(test_id, "anna")
    other = hall.start(test_id, "moodle:7")
    assert hall.organisation.api.post("/v1/users/anna/merge", {"from": "moodle:7"}).status_code == 200
    again = hall.ask("POST", f"/attempts/start/{test_id}", None, "moodle:7")
    assert (code_of(again), again.json()["params"]["details"]["attemptId"]) == ("attempt_in_progress", kept)
    late = {"answers": [{"questionId": one["questionId"], "answer": right(one)}]}
    assert code_of(hall.ask("POST", f"/attempts/{other}/answers", late, "moodle:7")) == "time_over"


def test_who_is_forgotten_leaves_no_words(hall, owner):
    """Anonymising removes the learner's id and what was written by and about them; scores stay."""
    essay, choice = hall.question(type="essay", text="Why?", marks=5), hall.question()
    test_id = hall.test([essay, choice])
    answers = {essay["questionId"]: {"text": "I, Anna, think so."}, choice["questionId"]: right(choice)}
    attempt_id = hall.take(test_id, "anna", answers)["attemptId"]
    judged = {"questionId": essay["questionId"], "score": 3, "remarks": "Well done, Anna"}
    hall.post(f"/attempts/{attempt_id}/review", {"answers": [judged], "overallRemarks": "Anna!"})
    assert hall.organisation.api.request("DELETE", "/v1/users/anna").is_success
    attempt = owner.fetch(
        "SELECT user_id, score, remarks FROM assessment_attempts WHERE attempt_id = $1", attempt_id
    )[0]
    assert attempt["user_id"].startswith("anonymised:")
    assert (attempt["score"], attempt["remarks"]) == (5, None)
    kept = owner.value(
        "SELECT string_agg(a::text, ' ') FROM assessment_answers a WHERE attempt_id = $1", attempt_id
    )
    assert "Anna" not in kept
    assert right(choice)["selectedOptionIds"][0] in kept
