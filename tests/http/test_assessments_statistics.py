"""The report on a test's questions: facility and discrimination beside the answers given."""

from __future__ import annotations

import pytest

from support.examination import Hall


@pytest.fixture
def hall(organisation) -> Hall:
    """A fresh organisation's tests."""
    return Hall(organisation)


def _pick(question, text):
    picked = [one["questionOptionId"] for one in question["options"] if one["text"] == text]
    return {"selectedOptionIds": picked}


def test_questions_are_measured(hall):
    """Five learners: what each question's score, its correlation with the rest, and its answers were."""
    easy = hall.question(text="easy?", marks=1)
    telling = hall.question(text="telling?", marks=1)
    blank = hall.question(type="fill_blank", text="a _ c", marks=2, options=[{"text": "b", "blankIndex": 0}])
    test_id = hall.test([easy, telling, blank], attempts=1, questionsShuffle=False)
    taken = {
        "anna": ("4", "4", "b"),
        "ben": ("4", "4", "B"),
        "cleo": ("4", "5", "x"),
        "dora": ("4", "5", None),
        "eva": (None, "5", "x"),
    }
    for who, (first, second, word) in taken.items():
        answers = {telling["questionId"]: _pick(telling, second)}
        if first is not None:
            answers[easy["questionId"]] = _pick(easy, first)
        if word is not None:
            answers[blank["questionId"]] = {"blanks": [word]}
        hall.take(test_id, who, answers)
    running = hall.start(test_id, "fritz")
    hall.save(running, "fritz", {easy["questionId"]: _pick(easy, "5")})

    report = hall.get(f"/tests/{test_id}/question-statistics")
    assert (report["testId"], report["attempts"], report["isCut"]) == (test_id, 5, False)
    found = {one["text"]: one for one in report["questions"]}
    assert list(found) == ["easy?", "telling?", "a _ c"]
    figures = {
        text: [one[name] for name in ("attempts", "answered", "correct", "facility", "noAnswer")]
        for text, one in found.items()
    }
    assert figures == {"easy?": [5, 4, 4, 80, 1], "telling?": [5, 5, 2, 40, 0], "a _ c": [5, 4, 2, 40, 1]}
    # Over (x, y): easy (1,3) (1,3) (1,0) (1,0) (0,0); telling (1,3) (1,3) (0,1) (0,1) (0,0), by hand.
    assert (found["easy?"]["discrimination"], found["telling?"]["discrimination"]) == (40.82, 95.26)
    assert [
        (one["text"], one["isCorrect"], one["count"], one["percent"]) for one in found["easy?"]["answers"]
    ] == [
        ("4", True, 4, 80),
        ("5", False, 0, 0),
    ]
    assert [(one["text"], one["isCorrect"], one["count"]) for one in found["a _ c"]["answers"]] == [
        ("x", False, 2),
        ("B", True, 1),
        ("b", True, 1),
    ]


def test_what_awaits_a_person_is_measured_after_the_review(hall):
    """An attempt counts once its result is known; written answers aren't listed."""
    essay = hall.question(type="essay", text="write", marks=4)
    test_id = hall.test([essay])
    attempt_id = hall.start(test_id, "anna")
    hall.save(attempt_id, "anna", {essay["questionId"]: {"text": "mine"}})
    hall.submit(attempt_id, "anna")
    assert hall.get(f"/tests/{test_id}/question-statistics")["questions"] == []
    review = {"answers": [{"questionId": essay["questionId"], "score": 3}]}
    hall.post(f"/attempts/{attempt_id}/review", review)
    (measured,) = hall.get(f"/tests/{test_id}/question-statistics")["questions"]
    assert (measured["facility"], measured["answered"], measured["answers"]) == (75, 1, [])
    assert measured["discrimination"] is None


def test_a_test_that_nobody_took_has_no_figures(hall):
    """No attempts, no questions; a test that isn't there is a 404."""
    test_id = hall.test([hall.question()])
    assert hall.get(f"/tests/{test_id}/question-statistics")["questions"] == []
    assert hall.ask("GET", f"/tests/{test_id[:-4]}0000/question-statistics").status_code == 404
