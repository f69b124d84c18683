"""Attempts follow the persons whose they are: merged learners are one taker, forgotten ones leave nothing."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Event

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


def _merge(hall, user_id, from_id):
    answer = hall.organisation.api.post(f"/v1/users/{user_id}/merge", {"from": from_id})
    assert answer.status_code == 200, answer.text


def _split(hall, user_id, identity):
    answer = hall.organisation.api.post(f"/v1/users/{user_id}/split", {"identities": [identity]})
    assert answer.is_success, answer.text


def test_of_two_attempts_that_run_one_goes_on(hall, adds_up):
    """Where both take the test at the moment of the merge, the attempt of the one who is left goes on; the
    other ends with what was answered, earns what it is worth, and counts against the limit."""
    one = hall.question()
    test_id = hall.test([one], attempts=2)
    kept = hall.start(test_id, "anna")
    other = hall.start(test_id, "moodle:7")
    hall.save(other, "moodle:7", {one["questionId"]: right(one)})
    _merge(hall, "anna", "moodle:7")
    assert hall.get(f"/attempts/{other}/answersheet")["attempt"]["score"] == 2
    again = hall.ask("POST", f"/attempts/start/{test_id}", None, "moodle:7")
    assert (code_of(again), again.json()["params"]["details"]["attemptId"]) == ("attempt_in_progress", kept)
    late = {"answers": [{"questionId": one["questionId"], "answer": {}}]}
    assert code_of(hall.ask("POST", f"/attempts/{other}/answers", late, "moodle:7")) == "time_over"
    standing = hall.get(f"/tests/{test_id}/users/anna/status")
    assert (standing["attemptsMade"], standing["lastAttempt"]["attemptId"]) == (2, kept)
    hall.save(kept, "moodle:7", {one["questionId"]: right(one)})
    assert hall.submit(kept, "moodle:7")["score"] == 2
    refused = hall.ask("POST", f"/attempts/start/{test_id}", None, "anna")
    assert code_of(refused) == "attempt_limit_reached"
    assert hall.organisation.api.points("anna") == 40
    adds_up(hall.organisation)


def test_an_attempt_that_runs_goes_on_before_those_that_were_joined(hall, adds_up):
    """Attempts that the other had ended before stand behind the one that runs, which is still the one to
    resume; the next begins behind them all."""
    one = hall.question()
    test_id = hall.test([one], attempts=4)
    kept = hall.start(test_id, "anna")
    for _ in range(2):
        hall.take(test_id, "moodle:7", {})
    _merge(hall, "anna", "moodle:7")
    standing = hall.get(f"/tests/{test_id}/users/anna/status")
    assert (standing["reason"], standing["lastAttempt"]["attemptId"]) == ("attempt_in_progress", kept)
    for who in ("anna", "moodle:7"):
        refused = hall.ask("POST", f"/attempts/start/{test_id}", None, who)
        assert code_of(refused) == "attempt_in_progress"
    hall.submit(kept, "anna")
    hall.take(test_id, "moodle:7", {})
    refused = hall.ask("POST", f"/attempts/start/{test_id}", None, "anna")
    assert code_of(refused) == "attempt_limit_reached"
    adds_up(hall.organisation)


def test_an_attempt_whose_time_is_over_keeps_nobody_from_the_next(hall, owner):
    """Also where attempts that were joined stand behind it."""
    test_id = hall.test([hall.question()], attempts=4)
    over = hall.start(test_id, "anna")
    for _ in range(2):
        hall.take(test_id, "moodle:7", {})
    _merge(hall, "anna", "moodle:7")
    owner.fetch("UPDATE assessment_attempts SET deadline = now() WHERE attempt_id = $1", over)
    hall.start(test_id, "anna")
    assert hall.get(f"/tests/{test_id}/users/anna/status")["attemptsMade"] == 4


def test_who_was_joined_goes_on_under_either_identity(hall):
    """An attempt that the server remembers as one learner's takes answers under the other's identity from
    the merge on, and from the split on no more."""
    one = hall.question()
    attempt_id = hall.start(hall.test([one]), "moodle:7")
    hall.save(attempt_id, "moodle:7", {one["questionId"]: {}})
    listed = {"answers": [{"questionId": one["questionId"], "answer": right(one)}]}
    assert hall.ask("POST", f"/attempts/{attempt_id}/answers", listed, "anna").status_code == 404
    hall.organisation.api.post("/v1/users", {"user_id": "anna"})
    _merge(hall, "anna", "moodle:7")
    hall.save(attempt_id, "anna", {one["questionId"]: right(one)})
    _split(hall, "anna", "moodle:7")
    assert hall.ask("POST", f"/attempts/{attempt_id}/answers", listed, "anna").status_code == 404
    assert hall.submit(attempt_id, "moodle:7")["score"] == 2


def test_who_is_parted_again_has_their_own_attempts(hall, adds_up):
    """A split gives each the attempts that were begun under their identities, with their points; each limit
    counts one person's own again."""
    one = hall.question()
    test_id = hall.test([one], attempts=2)
    for who in ("anna", "moodle:7"):
        hall.take(test_id, who, {one["questionId"]: right(one)})
    _merge(hall, "anna", "moodle:7")
    assert hall.organisation.api.points("anna") == 40
    _split(hall, "anna", "moodle:7")
    for who in ("anna", "moodle:7"):
        assert hall.get(f"/tests/{test_id}/users/{who}/status")["attemptsMade"] == 1
        assert hall.organisation.api.points(who) == 20
        hall.take(test_id, who, {})
        refused = hall.ask("POST", f"/attempts/start/{test_id}", None, who)
        assert code_of(refused) == "attempt_limit_reached"
        assert hall.organisation.api.points(who) == 40
    adds_up(hall.organisation)


@pytest.mark.parametrize("seed", range(3))
def test_attempts_begun_during_a_merge_are_the_one_persons(hall, owner, adds_up, seed):
    """Whatever both begin and hand in while they become one, and one of them while they are parted: nothing
    fails, and each attempt is its person's."""
    tests = [hall.test([hall.question()], attempts=50) for _ in range(4)]
    people = ("anna", "moodle:7")
    for who in people:
        hall.start(tests[0], who)
    done = Event()

    def take(number):
        rng = random.Random(f"{seed}/{number}")
        while not done.is_set():
            answer = hall.ask("POST", f"/attempts/start/{rng.choice(tests)}", None, rng.choice(people))
            assert answer.status_code in (201, 409), answer.text
            result = answer.json()["result"]
            if result and rng.random() < 0.8:
                hall.ask("POST", f"/attempts/{result['attemptId']}/submit", None, rng.choice(people))

    def join_and_part():
        try:
            for _ in range(3):
                _merge(hall, "anna", "moodle:7")
                _split(hall, "anna", "moodle:7")
        finally:
            done.set()

    with ThreadPoolExecutor(5) as threads:
        for work in [threads.submit(take, number) for number in range(4)] + [threads.submit(join_and_part)]:
            work.result()
    rows = owner.fetch(
        "SELECT a.user_id, a.learner_id = i.learner_id AS is_own, a.number, count(*) OVER w AS of_all,"
        " max(a.number) OVER w AS last FROM assessment_attempts a"
        " JOIN identities i ON i.organisation_id = a.organisation_id AND i.identity = a.user_id"
        " WHERE a.organisation_id = $1 WINDOW w AS (PARTITION BY a.test_id, a.learner_id)",
        hall.organisation.organisation_id,
    )
    assert {row["user_id"] for row in rows} == set(people)
    assert all(row["is_own"] and row["of_all"] == row["last"] for row in rows)
    adds_up(hall.organisation)


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
