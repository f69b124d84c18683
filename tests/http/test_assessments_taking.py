"""A learner takes a test: status, start, questions, answers, resume, submit, result, and what follows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from support.examination import Hall, code_of, details_of, right, wrong


@pytest.fixture
def hall(organisation) -> Hall:
    """A fresh organisation's tests."""
    return Hall(organisation)


def test_the_whole_way_of_a_learner(hall, adds_up):
    """Status, start, questions, answers, resume, submit, answer sheet; and the points for the attempt,
    once."""
    two = [hall.question(text="2 + 2?"), hall.question(text="3 + 1?")]
    test_id = hall.test(two, attempts=2)

    before = hall.get(f"/tests/{test_id}/users/anna/status")
    assert (before["attemptsMade"], before["canAttempt"], before["canStart"]) == (0, True, True)
    attempt_id = hall.start(test_id, "anna")
    seen = hall.get(f"/attempts/{attempt_id}/questions/anna")
    assert {one["questionId"] for one in seen} == {one["questionId"] for one in two}
    assert hall.get(f"/attempts/{attempt_id}/questions/anna") == seen
    assert not [one for one in seen for option in one["options"] if "isCorrect" in option]

    hall.save(attempt_id, "anna", {two[0]["questionId"]: right(two[0])}, timeSpent=20)
    hall.save(attempt_id, "anna", {two[1]["questionId"]: wrong(two[1])}, timeSpent=10)
    resumed = hall.get(f"/attempts/{attempt_id}/resume/anna")
    assert resumed["attempt"]["timeSpent"] == 30
    assert [one["answer"] for one in resumed["answers"]] == [right(two[0]), wrong(two[1])]

    done = hall.submit(attempt_id, "anna")
    assert done == {
        "attemptId": attempt_id,
        "score": 2,
        "reviewStatus": "R",
        "result": "P",
        "totalMarks": 4,
    }
    sheet = hall.get(f"/attempts/{attempt_id}/answersheet")
    assert [one["score"] for one in sheet["answers"]] in ([2, 0], [0, 2])
    after = hall.get(f"/tests/{test_id}/users/anna/status")
    assert after["gradedAttempt"]["score"] == 2
    assert hall.organisation.api.points("anna") == 20
    adds_up(hall.organisation)


def test_a_second_submission_answers_the_first_result(hall):
    """Submitting twice is a 409 with the first result, and earns nothing more."""
    one = hall.question()
    test_id = hall.test([one])
    attempt_id = hall.start(test_id, "anna")
    hall.save(attempt_id, "anna", {one["questionId"]: right(one)})
    first = hall.submit(attempt_id, "anna")
    again = hall.ask("POST", f"/attempts/{attempt_id}/submit", None, "anna")
    assert (again.status_code, code_of(again)) == (409, "already_submitted")
    assert again.json()["result"] == first
    late = hall.ask(
        "POST",
        f"/attempts/{attempt_id}/answers",
        {"answers": [{"questionId": one["questionId"], "answer": wrong(one)}]},
        "anna",
    )
    assert (late.status_code, code_of(late)) == (409, "already_submitted")
    assert hall.organisation.api.points("anna") == 20


def test_nobody_exceeds_the_limit_or_takes_two_at_once(hall):
    """A second start while one runs names the attempt to resume; after the last one there is no other."""
    one = hall.question()
    test_id = hall.test([one], attempts=2)
    first = hall.start(test_id, "anna")
    again = hall.ask("POST", f"/attempts/start/{test_id}", None, "anna")
    assert (again.status_code, code_of(again)) == (409, "attempt_in_progress")
    assert details_of(again)["attemptId"] == first
    hall.submit(first, "anna")
    hall.take(test_id, "anna", {})
    refused = hall.ask("POST", f"/attempts/start/{test_id}", None, "anna")
    assert (refused.status_code, code_of(refused)) == (409, "attempt_limit_reached")
    standing = hall.get(f"/tests/{test_id}/users/anna/status")
    assert (standing["canAttempt"], standing["reason"]) == (False, "attempt_limit_reached")


def test_two_tabs_begin_one_attempt(hall, organisation, second_server):
    """Thirty-two starts of one learner at once, at two servers, make one attempt of a test with one."""
    one = hall.question()
    test_id = hall.test([one], attempts=1)
    halls = [hall, Hall(organisation.on(second_server))]
    with ThreadPoolExecutor(16) as threads:
        answers = list(
            threads.map(
                lambda number: halls[number % 2].ask("POST", f"/attempts/start/{test_id}", None, "anna"),
                range(32),
            )
        )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 31
    assert hall.get(f"/tests/{test_id}/users/anna/status")["attemptsMade"] == 1


def test_eight_submissions_at_once_make_one_result(hall, organisation, second_server):
    """Eight submissions of one attempt at once: one result, one award, seven refusals that carry it."""
    one = hall.question()
    test_id = hall.test([one])
    attempt_id = hall.start(test_id, "anna")
    hall.save(attempt_id, "anna", {one["questionId"]: right(one)})
    halls = [hall, Hall(organisation.on(second_server))]
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(
                lambda number: halls[number % 2].ask("POST", f"/attempts/{attempt_id}/submit", None, "anna"),
                range(8),
            )
        )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert len({str(answer.json()["result"]) for answer in answers}) == 1
    assert organisation.api.points("anna") == 20


def test_two_hundred_learners_submit_at_once(hall, organisation, adds_up):
    """Two hundred learners submit at once: each scored once, each awarded once."""
    one = hall.question()
    test_id = hall.test([one])
    learners = [f"learner-{number}" for number in range(200)]
    with ThreadPoolExecutor(32) as threads:
        attempts = dict(
            zip(learners, threads.map(lambda who: hall.start(test_id, who), learners), strict=True)
        )
        list(
            threads.map(lambda who: hall.save(attempts[who], who, {one["questionId"]: right(one)}), learners)
        )
        results = list(threads.map(lambda who: hall.submit(attempts[who], who), learners))
    assert {(result["score"], result["result"]) for result in results} == {(2, "P")}
    assert [organisation.api.points(who) for who in learners] == [20] * 200
    adds_up(organisation)


def test_an_answer_counts_once_however_often_it_is_sent(hall):
    """A batch that repeats a question, and sixteen answers at once, score the question once."""
    one = hall.question()
    test_id = hall.test([one])
    attempt_id = hall.start(test_id, "anna")
    repeated = [{"questionId": one["questionId"], "answer": right(one)}] * 4
    hall.post(f"/attempts/{attempt_id}/answers", {"answers": repeated}, "anna")
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: hall.save(attempt_id, "anna", {one["questionId"]: right(one)}), range(16)))
    assert hall.submit(attempt_id, "anna")["score"] == 2


def test_answers_that_dont_fit_are_refused(hall):
    """A question of another test, an option of another question, another shape: named, and nothing is
    kept."""
    one, other = hall.question(), hall.question(text="elsewhere")
    test_id = hall.test([one])
    attempt_id = hall.start(test_id, "anna")
    question_id = one["questionId"]
    faulty = [
        ({"questionId": other["questionId"], "answer": right(other)}, 404, "answers[0].questionId"),
        ({"questionId": "q1", "answer": {}}, 404, "questionId"),
        ({"questionId": question_id, "answer": right(other)}, 400, "answers[0].answer.selectedOptionIds[0]"),
        ({"questionId": question_id, "answer": {"text": "4"}}, 400, "answers[0].answer.text"),
        ({"questionId": question_id, "answer": ["x"]}, 400, "answers[0].answer"),
        ({"questionId": question_id}, 400, "answers[0].answer"),
    ]
    for answer, status, field in faulty:
        response = hall.ask("POST", f"/attempts/{attempt_id}/answers", {"answers": [answer]}, "anna")
        assert (response.status_code, details_of(response)["field"]) == (status, field), response.text
    negative = {"answers": [{"questionId": question_id, "answer": right(one)}], "timeSpent": -5}
    assert hall.ask("POST", f"/attempts/{attempt_id}/answers", negative, "anna").status_code == 400
    assert hall.get(f"/attempts/{attempt_id}/resume/anna")["answers"] == []


def test_an_attempt_is_its_learners_own(hall):
    """Another learner can't see, answer or submit it; the same person under another identity can."""
    one = hall.question()
    test_id = hall.test([one])
    attempt_id = hall.start(test_id, "anna")
    answers = {"answers": [{"questionId": one["questionId"], "answer": right(one)}]}
    assert hall.ask("POST", f"/attempts/{attempt_id}/answers", answers, "ben").status_code == 404
    assert hall.ask("POST", f"/attempts/{attempt_id}/submit", None, "ben").status_code == 404
    assert hall.ask("GET", f"/attempts/{attempt_id}/resume/ben").status_code == 404
    hall.organisation.api.post("/v1/users/anna/identities", {"identities": ["moodle:7"]})
    hall.post(f"/attempts/{attempt_id}/answers", answers, "moodle:7")
    assert hall.submit(attempt_id, "moodle:7")["score"] == 2


def test_required_questions_are_answered_before_submitting(hall):
    """An attempt with an open required question stays open, and says which it is."""
    one = hall.question()
    test_id = hall.test([], publish=False)
    section_id = hall.get(f"/sections/test/{test_id}")[0]["sectionId"]
    link = {"sectionId": section_id, "questionId": one["questionId"], "isCompulsory": True}
    hall.post(f"/tests/{test_id}/questions", link)
    hall.post(f"/tests/{test_id}/publish")
    attempt_id = hall.start(test_id, "anna")
    refused = hall.ask("POST", f"/attempts/{attempt_id}/submit", None, "anna")
    assert (refused.status_code, details_of(refused)["questionIds"]) == (400, [one["questionId"]])
    hall.save(attempt_id, "anna", {one["questionId"]: wrong(one)})
    assert hall.submit(attempt_id, "anna")["score"] == 0


def test_the_window_is_kept(hall):
    """Before its start and after its end nobody begins a test, and nobody begins one that isn't published."""
    one = hall.question()
    cases = {
        "test_not_yet_open": hall.test([one], startDate="2100-01-01T00:00:00Z"),
        "test_closed": hall.test([one], endDate="2020-01-01T00:00:00Z"),
        "test_not_published": hall.test([one], publish=False),
    }
    for code, test_id in cases.items():
        refused = hall.ask("POST", f"/attempts/start/{test_id}", None, "anna")
        assert (refused.status_code, code_of(refused)) == (409, code)
        assert hall.get(f"/tests/{test_id}/users/anna/status")["reason"] == code


def test_time_is_kept_by_the_server(hall, owner):
    """After its deadline an attempt takes no answers; it ends with what was answered before."""
    one, two = hall.question(), hall.question(text="late")
    test_id = hall.test([one, two], timeDuration=1, attempts=2)
    attempt_id = hall.start(test_id, "anna")
    hall.save(attempt_id, "anna", {one["questionId"]: right(one)})
    owner.execute(
        "UPDATE assessment_attempts SET deadline = now() - interval '1 second' WHERE attempt_id = $1",
        attempt_id,
    )
    late = {"answers": [{"questionId": two["questionId"], "answer": right(two)}]}
    refused = hall.ask("POST", f"/attempts/{attempt_id}/answers", late, "anna")
    assert (refused.status_code, code_of(refused)) == (409, "time_over")
    following = hall.start(test_id, "anna")
    sheet = hall.get(f"/attempts/{attempt_id}/answersheet")
    assert (sheet["attempt"]["score"], sheet["attempt"]["submissionType"]) == (2, "auto")
    assert following != attempt_id


def test_unpublishing_leaves_takers_alone(hall):
    """Who takes a test that is unpublished and changed goes on with what they began."""
    one = hall.question()
    test_id = hall.test([one])
    attempt_id = hall.start(test_id, "anna")
    hall.post(f"/tests/{test_id}/unpublish")
    hall.patch(f"/questions/{one['questionId']}", {"text": "changed?"})
    hall.patch(f"/tests/{test_id}", {"totalMarks": 100, "passingMarks": 90})
    (seen,) = hall.get(f"/attempts/{attempt_id}/questions/anna")
    assert seen["text"] == "2 + 2?"
    hall.save(attempt_id, "anna", {one["questionId"]: right(one)})
    assert hall.submit(attempt_id, "anna")["result"] == "P"


def test_a_resubmission_replaces_the_result(hall, adds_up):
    """Where a test allows it, the one attempt goes on after its submission, and its points are decided
    anew."""
    one = hall.question()
    test_id = hall.test([one], allowResubmission=True)
    attempt_id = hall.start(test_id, "anna")
    hall.save(attempt_id, "anna", {one["questionId"]: wrong(one)})
    assert hall.submit(attempt_id, "anna")["result"] == "F"
    assert hall.start(test_id, "anna") == attempt_id
    hall.save(attempt_id, "anna", {one["questionId"]: right(one)})
    assert hall.submit(attempt_id, "anna")["result"] == "P"
    assert hall.organisation.api.points("anna") == 20
    (event,) = hall.organisation.api.get("/v1/events", user_id="anna", event="quiz.completed").json()[
        "events"
    ]
    assert event["properties"]["score"] == 2
    adds_up(hall.organisation)
