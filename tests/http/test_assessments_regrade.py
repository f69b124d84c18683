"""A key is corrected after attempts: previewed, scored anew, points settled, each attempt once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from rocket_server.audit.model import Actor
from rocket_server.configuration.snapshot import Configurations
from rocket_server.rules.parse import parse_rules
from rocket_server.usecases.examination import regrading
from rocket_server.usecases.examination.authors import Author
from rocket_server.usecases.examination.papers import Papers
from rocket_server.usecases.examination.regrading import Correction
from support.examination import Hall, code_of, details_of

# Points hang on the result: 20 for who passed, and one for each percent.
RULES = [
    {"rule_id": "passed", "trigger": {"event": "quiz.completed", "conditions": {"passed": True}},
     "actions": {"award_points": 20}},
    {"rule_id": "percent", "trigger": {"event": "quiz.completed"},
     "actions": {"award_points": {"from": "score_pct"}}},
]  # fmt: skip


@pytest.fixture
def hall(make_organisation) -> Hall:
    """The tests of an organisation whose rules give points by result."""
    return Hall(make_organisation(rules=parse_rules(RULES)))


def _picked(question, *texts):
    return {
        "selectedOptionIds": [one["questionOptionId"] for one in question["options"] if one["text"] in texts]
    }


def _key(question, *right):
    """A correction: these options are right, with their ids."""
    names = ("questionOptionId", "text")
    return {
        "options": [
            {**{name: one[name] for name in names}, "isCorrect": one["text"] in right}
            for one in question["options"]
        ]
    }


def _regrade(hall, question, key, **fields):
    body = {"question": key, "reason": "5 is right", **fields}
    return hall.post(f"/questions/{question['questionId']}/regrade", body)


@pytest.fixture
def taken(hall):
    """A question whose key says 4, where 5 is right: one learner said 4, two said 5, one nothing."""
    asked = hall.question(text="2 + 3?")
    test_id = hall.test([asked], attempts=2)
    for who, text in {"anna": "4", "ben": "5", "cleo": "5"}.items():
        hall.take(test_id, who, {asked["questionId"]: _picked(asked, text)})
    hall.take(test_id, "dora", {})
    return test_id, asked


def _points(hall):
    return {who: hall.organisation.api.points(who) for who in ("anna", "ben", "cleo", "dora")}


def test_a_preview_tells_all_and_changes_nothing(hall, taken, owner):
    """The preview names each attempt with old and new score, result and points, and leaves no trace."""
    test_id, asked = taken
    before = _points(hall)
    shown = _regrade(hall, asked, _key(asked, "5"), dryRun=True)
    assert (shown["regradeId"], shown["attempts"], shown["changed"], shown["finished"]) == (None, 4, 3, True)
    rows = {row["userId"]: row for row in shown["changes"]}
    told = ("oldScore", "newScore", "oldResult", "newResult")
    assert {who: tuple(row[name] for name in told) for who, row in rows.items()} == {
        "anna": (2, 0, "P", "F"), "ben": (0, 2, "F", "P"), "cleo": (0, 2, "F", "P"),
    }  # fmt: skip
    assert shown["points"] == sum(row["points"] for row in shown["changes"])
    assert _points(hall) == before
    assert hall.get(f"/questions/{asked['questionId']}")["options"][0]["isCorrect"] is True
    assert (
        owner.value("SELECT count(*) FROM assessment_regrades WHERE question_id = $1", asked["questionId"])
        == 0
    )
    assert hall.get(f"/tests/{test_id}/users/ben/status")["gradedAttempt"]["result"] == "F"


def test_a_correction_scores_anew_and_settles_points(hall, taken, adds_up):
    """Scores, results and points follow the new key as the preview said, in the ledger with their reasons;
    later attempts are scored by it at once."""
    test_id, asked = taken
    before = _points(hall)
    preview = _regrade(hall, asked, _key(asked, "5"), dryRun=True)
    done = _regrade(hall, asked, _key(asked, "5"))
    assert (done["attempts"], done["changed"], done["finished"]) == (4, 3, True)
    assert (done["points"], done["changes"]) == (preview["points"], preview["changes"])
    after = _points(hall)
    assert {row["userId"]: row["points"] for row in done["changes"]} == {
        who: after[who] - before[who] for who in ("anna", "ben", "cleo")
    }
    assert before == {"anna": 120, "ben": 0, "cleo": 0, "dora": 0}
    assert after == {"anna": 0, "ben": 120, "cleo": 120, "dora": 0}
    standing = {who: hall.get(f"/tests/{test_id}/users/{who}/status")["gradedAttempt"] for who in before}
    assert {who: (one["score"], one["result"]) for who, one in standing.items()} == {
        "anna": (0, "F"), "ben": (2, "P"), "cleo": (2, "P"), "dora": (0, "F"),
    }  # fmt: skip
    sheet = hall.get(f"/attempts/{standing['ben']['attemptId']}/answersheet")
    assert (sheet["answers"][0]["score"], sheet["answers"][0]["isCorrect"]) == (2, True)
    assert sheet["answers"][0]["correctAnswer"] == _picked(asked, "5")
    assert hall.take(test_id, "dora", {asked["questionId"]: _picked(asked, "5")})["result"] == "P"
    question_id = asked["questionId"]
    assert hall.get(f"/questions/{question_id}/regrades/{done['regradeId']}")["changed"] == 3
    adds_up(hall.organisation)


def test_correcting_back_gives_what_there_was(hall, taken, adds_up):
    """A correction and its contrary leave every score and balance as it was."""
    test_id, asked = taken
    before = _points(hall)
    _regrade(hall, asked, _key(asked, "5"))
    _regrade(hall, asked, _key(asked, "4"))
    assert _points(hall) == before
    assert hall.get(f"/tests/{test_id}/users/anna/status")["gradedAttempt"]["result"] == "P"
    adds_up(hall.organisation)


def test_who_takes_the_test_meanwhile_is_scored_by_the_new_key(hall):
    """A running attempt goes on, and its submission counts by the corrected key."""
    asked = hall.question()
    test_id = hall.test([asked])
    attempt_id = hall.start(test_id, "anna")
    hall.save(attempt_id, "anna", {asked["questionId"]: _picked(asked, "5")})
    assert _regrade(hall, asked, _key(asked, "5"))["attempts"] == 0
    hall.save(attempt_id, "anna", {asked["questionId"]: _picked(asked, "5")})
    assert hall.submit(attempt_id, "anna")["result"] == "P"


def test_another_word_of_a_blank_is_accepted_afterwards(hall):
    """A word that was right all along is added to the key; the test's other answers keep their scores."""
    blank = hall.question(type="fill_blank", text="a _ c", options=[{"text": "b", "blankIndex": 0}])
    other = hall.question()
    test_id = hall.test([blank, other])
    answers = {blank["questionId"]: {"blanks": ["bee"]}, other["questionId"]: _picked(other, "4")}
    assert hall.take(test_id, "anna", answers)["score"] == 2
    words = [{"text": "b", "blankIndex": 0}, {"text": "bee", "blankIndex": 0}]
    (row,) = _regrade(hall, blank, {"options": words})["changes"]
    assert (row["oldScore"], row["newScore"]) == (2, 4)


def test_what_a_person_judged_stays(hall):
    """In an attempt with a reviewed answer, a corrected key changes its own question alone."""
    essay, asked = hall.question(type="essay", text="write", marks=4), hall.question()
    test_id = hall.test([essay, asked])
    attempt_id = hall.start(test_id, "anna")
    answers = {essay["questionId"]: {"text": "mine"}, asked["questionId"]: _picked(asked, "5")}
    hall.save(attempt_id, "anna", answers)
    hall.submit(attempt_id, "anna")
    (row,) = _regrade(hall, asked, _key(asked, "5"))["changes"]
    assert (row["oldScore"], row["newScore"], row["newResult"]) == (0, 2, None)
    hall.post(
        f"/attempts/{attempt_id}/review", {"answers": [{"questionId": essay["questionId"], "score": 3}]}
    )
    (row,) = _regrade(hall, asked, _key(asked, "4"))["changes"]
    assert (row["oldScore"], row["newScore"], row["oldResult"], row["newResult"]) == (5, 3, "P", "P")


def test_a_correction_at_once_with_submissions_leaves_nobody_out(hall, adds_up):
    """Learners who submit while the key is corrected are all scored by it in the end, each once."""
    asked = hall.question()
    test_id = hall.test([asked])
    learners = [f"learner-{number}" for number in range(24)]
    attempts = {who: hall.start(test_id, who) for who in learners}
    for who in learners:
        hall.save(attempts[who], who, {asked["questionId"]: _picked(asked, "5")})
    with ThreadPoolExecutor(9) as threads:
        corrected = threads.submit(_regrade, hall, asked, _key(asked, "5"))
        list(threads.map(lambda who: hall.submit(attempts[who], who), learners))
        corrected.result()
    for who in learners:
        graded = hall.get(f"/tests/{test_id}/users/{who}/status")["gradedAttempt"]
        assert (graded["score"], graded["result"]) == (2, "P"), who
    assert {hall.organisation.api.points(who) for who in learners} == {120}
    adds_up(hall.organisation)


@pytest.mark.parametrize(
    ("key", "status", "where"),
    [
        ({"text": "other?"}, 400, "question.text"),
        (
            {"options": [{"text": "4"}, {"text": "5", "isCorrect": True}]},
            400,
            "question.options[0].questionOptionId",
        ),
        ({"options": "x"}, 400, "options"),
        ({}, 409, "question"),
    ],
)
def test_what_is_no_correction_is_refused(hall, taken, key, status, where):
    """A text, options without their ids, or nothing at all is refused under its path, and changes nothing."""
    _, asked = taken
    body = {"question": key, "reason": "x"}
    refused = hall.ask("POST", f"/questions/{asked['questionId']}/regrade", body)
    assert (refused.status_code, details_of(refused)["field"]) == (status, where)
    missing = hall.ask("POST", f"/questions/{asked['questionId']}/regrade", {"question": {}})
    assert (missing.status_code, details_of(missing)["field"]) == (400, "reason")
    assert code_of(missing) == "invalid_payload"


def test_workers_finish_what_a_request_began(hall, taken, portal, store, monkeypatch, adds_up):
    """A correction that a process only began is finished by workers, two at a time and in small sets, each
    attempt once."""
    test_id, asked = taken
    for number in range(10):
        hall.take(test_id, f"more-{number}", {asked["questionId"]: _picked(asked, "5")})
    monkeypatch.setattr(regrading, "AT_ONCE", 3)
    organisation_id = hall.organisation.organisation_id
    author = Author(Actor("command", "tests", "tests"), "tests")
    wanted = Correction(asked["questionId"], _key(asked, "5"), "5 is right")
    configurations = Configurations()

    async def begin(conn):
        configuration = await configurations.current(conn, organisation_id)
        return await regrading.begin(conn, configuration, Papers(), wanted, author)

    async def work():
        begun = await store.run(begin)

        async def worker():
            while await regrading.go_on_somewhere(store, configurations, Papers(), organisation_id):
                pass

        await asyncio.gather(worker(), worker())
        return begun

    begun = portal.call(work)
    path = f"/questions/{asked['questionId']}/regrades/{begun.regrade_id}"
    state = hall.get(path)
    assert (state["attempts"], state["changed"], state["finished"]) == (14, 13, True)
    changed = {row["attemptId"] for row in state["changes"]}
    assert len(changed) == len(state["changes"]) == 13
    assert state["points"] == sum(row["points"] for row in state["changes"]) == 11 * 120
    assert hall.get(f"{path}?after={max(changed)}")["changes"] == []
    adds_up(hall.organisation)


def test_one_correction_at_a_time(hall, taken, portal, store):
    """While a correction isn't finished, another is refused, and goes once it is."""
    _, asked = taken
    organisation_id = hall.organisation.organisation_id
    author = Author(Actor("command", "tests", "tests"), "tests")
    wanted = Correction(asked["questionId"], _key(asked, "5"), "5 is right")
    configurations, papers = Configurations(), Papers()

    async def begin(conn):
        configuration = await configurations.current(conn, organisation_id)
        return await regrading.begin(conn, configuration, papers, wanted, author)

    async def finish():
        while await regrading.go_on_somewhere(store, configurations, papers, organisation_id):
            pass

    portal.call(store.run, begin)
    body = {"question": _key(asked, "4"), "reason": "x"}
    refused = hall.ask("POST", f"/questions/{asked['questionId']}/regrade", body)
    assert (refused.status_code, code_of(refused)) == (409, "conflict")
    portal.call(finish)
    assert _regrade(hall, asked, _key(asked, "4"))["changed"] == 3


@pytest.mark.parametrize("named", [[], {}, [["x"]], 7, True, None, "unknown", "\u0000"])
def test_an_option_is_named_by_an_id(hall, taken, named):
    """Whatever else stands in its place is refused by its path, and nothing is corrected."""
    _, asked = taken
    key = _key(asked, "5")
    key["options"][0]["questionOptionId"] = named
    body = {"question": key, "reason": "x"}
    refused = hall.ask("POST", f"/questions/{asked['questionId']}/regrade", body)
    assert (refused.status_code, details_of(refused)["field"]) == (
        400,
        "question.options[0].questionOptionId",
    )


def test_what_a_review_of_nothing_had_earned_is_settled_too(make_organisation, adds_up):
    """A person may judge an answer that was left out, so that nothing waited for it; what that earned follows
    the corrected key as well."""
    trigger = {"event": "quiz.graded", "conditions": {"passed": True}}
    rule = {"rule_id": "graded", "trigger": trigger, "actions": {"award_points": 7}}
    hall = Hall(make_organisation(rules=parse_rules([rule])))
    asked, essay = hall.question(), hall.question(type="essay", text="Why?", marks=2)
    test_id = hall.test([asked, essay])
    attempt_id = hall.take(test_id, "anna", {asked["questionId"]: _picked(asked, "4")})["attemptId"]
    judged = {"answers": [{"questionId": essay["questionId"], "score": 1}]}
    hall.post(f"/attempts/{attempt_id}/review", judged, "teacher")
    assert hall.organisation.api.points("anna") == 7
    assert _regrade(hall, asked, _key(asked, "5"))["points"] == -7
    assert hall.organisation.api.points("anna") == 0
    adds_up(hall.organisation)
