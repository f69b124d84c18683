"""What a learner's key never learns before the result may be shown, and what no answer can earn."""

from __future__ import annotations

import json
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from rocket_server.app import api_routes
from rocket_server.organisations import keys
from support.examination import Hall, code_of, details_of, right

SECRET = "SECRET"
# Every kind of question, with a secret in each place that tells what is right.
KINDS = [
    {"type": "mcq", "text": "2 + 2?", "options": [
        {"text": "4", "isCorrect": True, "feedback": SECRET}, *({"text": str(n)} for n in range(5, 12))]},
    {"type": "dropdown", "text": "pick", "negativeMarks": 1,
     "options": [{"text": "x", "isCorrect": True}, {"text": "y"}]},
    {"type": "true_false", "text": "so?",
     "options": [{"text": "True"}, {"text": "False", "isCorrect": True}]},
    {"type": "multiple_answer", "text": "even?", "allowPartialScoring": True, "options": [
        {"text": "2", "isCorrect": True}, {"text": "6", "isCorrect": True}, {"text": "5"}]},
    {"type": "fill_blank", "text": "a _ c _", "allowPartialScoring": True, "options": [
        {"text": f"{SECRET} b", "blankIndex": 0}, {"text": f"{SECRET} d", "blankIndex": 1}]},
    {"type": "match", "text": "capitals", "allowPartialScoring": True, "options": [
        {"text": "France", "matchWith": "Paris"}, {"text": "Italy", "matchWith": "Rome"},
        {"text": "", "matchWith": "Oslo"}]},
    {"type": "subjective", "text": "why?", "options": [{"text": f"{SECRET} answer"}],
     "params": {"minLength": 5, "graderInfo": SECRET}},
    {"type": "essay", "text": "write", "params": {
        "rubric": {"criteria": [{"name": SECRET, "maxScore": 2, "description": SECRET}]}}},
]  # fmt: skip
TELLING = (
    '"isCorrect"',
    '"blankIndex"',
    '"feedback"',
    '"rubric"',
    '"correctAnswer"',
    '"negativeMarks"',
    SECRET,
)


@pytest.fixture
def hall(organisation) -> Hall:
    """A fresh organisation's tests."""
    return Hall(organisation)


@pytest.fixture
def taking(hall, portal, store) -> Hall:
    """The same, by a key that may only take tests."""

    async def make():
        async with store.transaction() as conn:
            scopes = ["assessments:take"]
            return (await keys.create(conn, hall.organisation.model, name="taker", scopes=scopes))[0]

    return Hall(replace(hall.organisation, key=portal.call(make)))


def _all(hall):
    return [hall.question(alias=SECRET, feedback=SECRET, marks=2, **fields) for fields in KINDS]


def test_nothing_that_a_learner_reads_before_the_end_tells_what_is_right(hall, taking):
    """Outline, status, start, questions, answers, resume: no key, mark of an option, pair, word, note or
    name of a question, whatever its kind."""
    asked = _all(hall)
    test_id = hall.test(asked, attempts=2)
    said = [taking.get(f"/tests/{test_id}/hierarchy"), taking.get(f"/tests/{test_id}/users/anna/status")]
    attempt_id = taking.start(test_id, "anna")
    said.append(taking.get(f"/tests/{test_id}/hierarchy", "anna"))
    assert [len(one["questions"]) for one in said[-1]["sections"]] == [len(KINDS)]
    said.append(taking.get(f"/attempts/{attempt_id}/questions/anna", "anna"))
    essay = asked[-1]["questionId"]
    taking.save(attempt_id, "anna", {essay: {"text": "mine"}})
    said.append(taking.get(f"/attempts/{attempt_id}/resume/anna", "anna"))
    early = taking.ask("GET", f"/attempts/{attempt_id}/answersheet", None, "anna")
    assert (early.status_code, code_of(early)) == (409, "not_submitted")
    said.append(early.json())
    said.append(taking.submit(attempt_id, "anna"))
    shown = json.dumps(said)
    assert [word for word in TELLING if word in shown] == []


def test_a_learners_key_cannot_ask_for_the_key(hall, taking):
    """The bank, the tests with keys, the rules and the reviews are not for a key that takes tests."""
    (asked,) = _all(hall)[:1]
    test_id = hall.test([asked])
    for path in (
        f"/questions/{asked['questionId']}", "/questions", f"/tests/{test_id}", "/tests",
        f"/tests/{test_id}/test-hierarchy", "/rules", f"/rules/test/{test_id}", "/attempts/reviews/pending",
    ):  # fmt: skip
        assert taking.ask("GET", path, None, "anna").status_code == 403, path


def test_nobody_reads_questions_before_they_are_asked(hall, taking):
    """The outline has a learner's key see the sections of a published test, and no question until an attempt
    of the learner named asks it; authors see all of them."""
    test_id = hall.test(_all(hall)[:2])

    def seen(by, user=None):
        return [len(one["questions"]) for one in by.get(f"/tests/{test_id}/hierarchy", user)["sections"]]

    assert seen(taking) == seen(taking, "anna") == [0]
    taking.start(test_id, "anna")
    assert (seen(taking, "anna"), seen(taking, "ben"), seen(taking)) == ([2], [0], [0])
    assert seen(hall) == [2]


@pytest.mark.parametrize("moment", ["before", "during", "after"])
def test_no_route_tells_a_learners_key_what_is_right(hall, taking, moment):
    """Every route of the application, asked with a key that takes tests and the ids of a test, before an
    attempt, during it and after it, where the test never shows the key: nothing tells it."""
    asked = _all(hall)
    test_id = hall.test(asked, showCorrectAnswer=False, attempts=2)
    section_id = hall.get(f"/sections/test/{test_id}")[0]["sectionId"]
    ids = {
        "test_id": test_id,
        "section_id": section_id,
        "user_id": "anna",
        "attempt_id": "unknown",
    }
    if moment != "before":
        ids["attempt_id"] = taking.start(test_id, "anna")
        taking.save(ids["attempt_id"], "anna", {asked[0]["questionId"]: right(asked[0])})
    if moment == "after":
        taking.submit(ids["attempt_id"], "anna")
    api = taking.organisation.api
    named = {"testId": test_id, "userId": "anna"}
    bodies = ({}, {"answers": []}, named, {**named, "answers": []}, {"question": {"marks": 1}, "reason": "x"})
    told = []
    routes = {(method, route.path) for route in api_routes() for method in route.methods}
    # What ends an attempt comes last.
    for method, path in sorted(routes, key=lambda route: ("submit" in route[1], "start" in route[1], route)):
        for question in (asked[0], asked[4]):
            known = defaultdict(lambda one=question["questionId"]: one, ids)
            for body in (None,) if method == "GET" else (None, *bodies):
                options = {} if body is None else {"json": body}
                answer = api.request(method, path.format_map(known), headers={"X-User-ID": "anna"}, **options)
                assert answer.status_code < 500, (method, path, answer.text)
                # The document names fields, and a sheet says of an answer whether it was right.
                told += [
                    (method, path, word)
                    for word in TELLING
                    if word in answer.text
                    and path != "/openapi.json"
                    and (path.rpartition("/")[2], word) != ("answersheet", '"isCorrect"')
                ]
    assert told == []


def test_a_learner_sees_no_draft(hall, taking):
    """The outline of a test that isn't published is nobody's but its authors'."""
    test_id = hall.test(_all(hall)[:1], publish=False)
    assert taking.ask("GET", f"/tests/{test_id}/hierarchy").status_code == 404


def test_neither_ids_nor_the_outline_tell_the_authors_order(hall, taking):
    """Authors often write the right option first. Ids of options aren't made in that order, and the outline
    shuffles where attempts do."""
    options = [{"text": str(number), "isCorrect": number == 0} for number in range(8)]
    asked = [hall.question(options=options) for _ in range(6)]
    by_id = [
        [one["text"] for one in sorted(question["options"], key=lambda one: one["questionOptionId"])]
        for question in asked
    ]
    authored = [one["text"] for one in options]
    assert by_id.count(authored) < 6
    assert len({texts[0] for texts in by_id}) > 1
    test_id = hall.test(asked)
    taking.start(test_id, "anna")
    (section,) = taking.get(f"/tests/{test_id}/hierarchy", "anna")["sections"]
    shown = [[one["text"] for one in question["options"]] for question in section["questions"]]
    assert shown.count(authored) < 6
    fixed_id = hall.test(asked, answersShuffle=False)
    taking.start(fixed_id, "anna")
    (section,) = taking.get(f"/tests/{fixed_id}/hierarchy", "anna")["sections"]
    assert [[one["text"] for one in question["options"]] for question in section["questions"]] == [
        authored
    ] * 6


@pytest.mark.parametrize("shows", [True, False])
def test_the_key_is_shown_after_the_end_as_the_test_says(hall, taking, shows):
    """With `showCorrectAnswer` a learner reads the key once the attempt is submitted, else never."""
    asked = _all(hall)
    test_id = hall.test(asked, showCorrectAnswer=shows)
    attempt_id = taking.start(test_id, "anna")
    taking.save(attempt_id, "anna", {asked[0]["questionId"]: {}, asked[5]["questionId"]: {"matches": []}})
    taking.submit(attempt_id, "anna")
    sheet = json.dumps(taking.get(f"/attempts/{attempt_id}/answersheet", "anna"))
    assert ('"correctAnswer"' in sheet) is shows
    assert ('"Paris"' in sheet) is shows
    hidden_id = hall.test(asked, answerSheet=False)
    attempt_id = taking.start(hidden_id, "anna")
    taking.submit(attempt_id, "anna")
    hidden = taking.ask("GET", f"/attempts/{attempt_id}/answersheet", None, "anna")
    assert (hidden.status_code, code_of(hidden)) == (409, "not_shown")


def _options(question, *texts):
    return [one["questionOptionId"] for one in question["options"] if one["text"] in texts]


def test_no_answer_earns_what_it_should_not(hall, taking):
    """Every option, half the blanks, a pair sent twice: each earns its part at most, by `POST` as by rule."""
    asked = {one["type"]: one for one in _all(hall)}
    test_id = hall.test(list(asked.values()))
    several, blanks, match = asked["multiple_answer"], asked["fill_blank"], asked["match"]
    (france,) = _options(match, "France")
    attempt_id = taking.start(test_id, "anna")
    pair = {"optionId": france, "matchWith": "Paris"}
    taking.save(
        attempt_id,
        "anna",
        {
            several["questionId"]: {"selectedOptionIds": _options(several, "2", "6", "5")},
            blanks["questionId"]: {"blanks": [f"{SECRET} b"]},
            match["questionId"]: {"matches": [pair, pair]},
        },
    )
    assert taking.submit(attempt_id, "anna")["score"] == 2
    sheet = taking.get(f"/attempts/{attempt_id}/answersheet", "anna")
    scores = {one["questionId"]: one["score"] for one in sheet["answers"]}
    assert scores == {several["questionId"]: 0, blanks["questionId"]: 1, match["questionId"]: 1}


def test_average_grading_counts(hall, taking):
    """The average of two attempts is their average, and not 0."""
    one = hall.question()
    test_id = hall.test([one], attempts=2, attemptsGrading="average")
    taking.take(test_id, "anna", {one["questionId"]: {"selectedOptionIds": _options(one, "4")}})
    taking.take(test_id, "anna", {})
    graded = taking.get(f"/tests/{test_id}/users/anna/status")["gradedAttempt"]
    assert (graded["score"], graded["result"]) == (1, "P")


@pytest.mark.parametrize("score", [500, 2.01, -3, "2"])
def test_a_review_stays_within_the_marks(hall, taking, score):
    """More than the marks, less than nothing or no number is refused, and changes nothing."""
    essay = _all(hall)[-1]
    test_id = hall.test([essay])
    attempt_id = taking.start(test_id, "anna")
    taking.save(attempt_id, "anna", {essay["questionId"]: {"text": "mine"}})
    assert taking.submit(attempt_id, "anna")["reviewStatus"] == "P"
    body = {"answers": [{"questionId": essay["questionId"], "score": score}]}
    refused = hall.ask("POST", f"/attempts/{attempt_id}/review", body)
    assert (refused.status_code, details_of(refused)["field"]) == (400, "answers[0].score")
    assert hall.get(f"/attempts/{attempt_id}/answersheet")["attempt"]["result"] is None


def test_a_text_that_is_too_short_is_kept_and_not_handed_in(hall, taking):
    """Below its least length a written answer is saved; submitting says which one it is, and goes once it is
    long enough or taken back."""
    short = next(one for one in _all(hall) if one["type"] == "subjective")
    test_id = hall.test([short], attempts=2)
    attempt_id = taking.start(test_id, "anna")
    taking.save(attempt_id, "anna", {short["questionId"]: {"text": "abc"}})
    refused = taking.ask("POST", f"/attempts/{attempt_id}/submit", None, "anna")
    assert (refused.status_code, details_of(refused)["questionIds"]) == (400, [short["questionId"]])
    taking.save(attempt_id, "anna", {short["questionId"]: {}})
    assert taking.submit(attempt_id, "anna")["score"] == 0


def _rule(hall, test_id, section_id, name, level, count, **more):
    body = {
        "name": name, "ruleType": "mixed", "testId": test_id, "sectionId": section_id,
        "numberOfQuestions": count, "poolSize": count, "criteria": {"difficultyLevels": level}, **more,
    }  # fmt: skip
    return hall.post("/rules", body)["ruleId"]


def test_rules_get_what_they_need_beside_what_is_put_aside(hall, taking):
    """A question that is put aside for one rule is no other rule's, neither when the test is checked nor when
    an attempt is drawn: a test that can be published gives each attempt all its questions."""
    for level in ("easy", "easy", "hard"):
        hall.question(level=level)
    test_id = hall.post("/tests", {
        "title": "R", "type": "rule_based", "gradingType": "quiz", "totalMarks": 6, "passingMarks": 1,
    })["testId"]  # fmt: skip
    section_id = hall.post("/sections", {"title": "A", "testId": test_id})["sectionId"]
    aside = _rule(hall, test_id, section_id, "aside", ["easy"], 2, selectionMode="PRESELECTED")
    assert hall.post(f"/rules/{aside}/questions")["result"]["added"] == 2
    _rule(hall, test_id, section_id, "any", ["easy", "hard"], 2)
    refused = hall.ask("POST", f"/tests/{test_id}/publish")
    assert (refused.status_code, code_of(refused)) == (422, "not_publishable")
    assert "needs 2 questions and finds 1" in refused.text
    hall.question(level="easy")
    hall.post(f"/tests/{test_id}/publish")
    for who in ("anna", "ben", "eva"):
        attempt_id = taking.start(test_id, who)
        seen = taking.get(f"/attempts/{attempt_id}/questions/{who}", who)
        assert len({one["questionId"] for one in seen}) == 4


def test_a_pool_is_put_aside_once(hall):
    """However often and by how many at once the pool of a rule is asked for, it has as many questions as it
    says; what was taken out is filled up again, and by hand no more fit in."""
    asked = [hall.question(level="easy") for _ in range(12)]
    test_id = hall.post("/tests", {"title": "R", "type": "rule_based", "gradingType": "quiz"})["testId"]
    section_id = hall.post("/sections", {"title": "A", "testId": test_id})["sectionId"]
    rule = _rule(hall, test_id, section_id, "aside", ["easy"], 2, poolSize=4, selectionMode="PRESELECTED")

    def aside():
        (section,) = hall.get(f"/tests/{test_id}/test-hierarchy")["sections"]
        return [one["questionId"] for one in section["questions"] if one["ruleId"] == rule]

    with ThreadPoolExecutor(4) as threads:
        said = list(threads.map(lambda _: hall.post(f"/rules/{rule}/questions")["result"], range(4)))
    assert sorted((one["added"], one["skipped"]) for one in said) == [(0, 4), (0, 4), (0, 4), (4, 0)]
    assert len(aside()) == 4
    path = f"/tests/{test_id}/question/{aside()[0]}"
    assert hall.ask("DELETE", path).is_success
    again = hall.post(f"/rules/{rule}/questions")["result"]
    assert (again["added"], again["skipped"], len(aside())) == (1, 3, 4)
    (free,) = [one["questionId"] for one in asked if one["questionId"] not in aside()][:1]
    place = {"sectionId": section_id, "questionId": free, "ruleId": rule}
    refused = hall.ask("POST", f"/tests/{test_id}/questions", place)
    assert (refused.status_code, details_of(refused)["field"]) == (409, "ruleId")
    unknown = hall.ask("POST", f"/tests/{test_id}/questions", {**place, "ruleId": test_id})
    assert (unknown.status_code, details_of(unknown)["field"]) == (404, "ruleId")


def test_weighted_rules_prefer_what_stands_in_fewer_tests(hall):
    """A question that stands in many tests comes second to one that stands in none, nearly always."""
    often, never = hall.question(level="hard"), hall.question(level="hard")
    for _ in range(30):
        hall.test([often], publish=False)
    test_id = hall.post("/tests", {"title": "R", "type": "rule_based", "gradingType": "quiz"})["testId"]
    section_id = hall.post("/sections", {"title": "A", "testId": test_id})["sectionId"]
    found = [
        hall.get(f"/rules/{rule}/preview")["rules"][0]["questionIds"]
        for rule in (
            _rule(hall, test_id, section_id, str(number), ["hard"], 1, selectionStrategy="weighted")
            for number in range(12)
        )
    ]
    assert found.count([never["questionId"]]) > 6
