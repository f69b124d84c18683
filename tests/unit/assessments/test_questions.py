"""Questions from JSON and back, and what of them a learner sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rocket_server.assessments.answers import parse_answer
from rocket_server.assessments.model import Question
from rocket_server.assessments.questions import parse_question, read_question
from rocket_server.assessments.taker import answer_as_shown, correct_answer, for_taker
from rocket_server.errors import InvalidPayload

FIXTURES = Path(__file__).parents[2] / "fixtures" / "assessments"
QUESTIONS = [table["question"] for table in json.loads((FIXTURES / "scoring.json").read_text())]
FAULTY = json.loads((FIXTURES / "faulty_questions.json").read_text())


@pytest.mark.parametrize("data", QUESTIONS, ids=lambda data: f"{data['type']}: {data['text']}")
def test_a_question_comes_back_as_it_was_written(data):
    """What a question says of itself reads as the same question, whatever its kind."""
    question = parse_question(data)
    assert parse_question(json.loads(json.dumps(question.as_json()))) == question


@pytest.mark.parametrize(
    "case", FAULTY, ids=lambda case: f"{case['path']}: {json.dumps(case['question'])[:60]}"
)
def test_a_faulty_question_is_refused_by_the_field_at_fault(case):
    """Each fault names the field's path, also within options and rubric, and wherever the question stands."""
    with pytest.raises(InvalidPayload) as refused:
        parse_question(case["question"])
    assert case["path"] in [error["path"] for error in refused.value.details["errors"]]
    _, faults = read_question(case["question"], path="questions[3]")
    where = f"questions[3].{case['path']}" if case["path"] else "questions[3]"
    assert where in [fault.path for fault in faults]


def test_all_faults_are_named_at_once():
    """A question with several faults is answered with each of them."""
    data = {"type": "mcq", "text": "z", "marks": -1, "level": "odd", "options": [{"text": ""}, {"text": 5}]}
    _, faults = read_question(data)
    assert {fault.path for fault in faults} == {"marks", "level", "options[0].text", "options[1].text"}


def test_a_draft_may_lack_its_options():
    """A question can be written step by step; only what is published must be complete."""
    draft = parse_question({"type": "mcq", "text": "z", "marks": 2})
    assert (draft.status, draft.options) == ("draft", ())


def test_options_keep_their_ids_and_new_ones_get_some():
    """An id that was sent stays, so that stored answers stay true; the others are made."""
    made = iter(["n1", "n2"])
    question = parse_question(
        {
            "type": "mcq", "text": "z", "marks": 1,
            "options": [
                {"text": "a", "isCorrect": True}, {"questionOptionId": "b", "text": "b"}, {"text": "c"},
            ],
        },
        question_id="q1",
        new_id=lambda: next(made),
    )  # fmt: skip
    assert (question.id, [option.id for option in question.options]) == ("q1", ["n1", "b", "n2"])


def test_options_stand_by_their_ordering():
    """Where every option says its place, that is where it stands."""
    options = [{"text": "b", "ordering": 2}, {"text": "a", "ordering": 1, "isCorrect": True}]
    question = parse_question({"type": "mcq", "text": "z", "marks": 1, "options": options})
    assert [option.text for option in question.options] == ["a", "b"]


def _telling(question: Question) -> Question:
    """The question with a secret in every place that a learner must not see."""
    data = question.as_json()
    data |= {"alias": "SECRET name", "feedback": "SECRET"}
    for option in data["options"]:
        option["feedback"] = "SECRET"
        if question.kind == "fill_blank" or question.needs_review:
            option["text"] = f"SECRET {option['questionOptionId']}"
    if question.needs_review:
        data["options"] = [{"text": "SECRET answer"}]
        data["params"] = {**(data["params"] or {}), "graderInfo": "SECRET"}
    return parse_question(data)


@pytest.mark.parametrize("data", QUESTIONS, ids=lambda data: f"{data['type']}: {data['text']}")
@pytest.mark.parametrize("seed", [None, "attempt-1"])
def test_a_learner_sees_nothing_of_the_key(data, seed):
    """No right answer, mark of an option, pair, accepted word, feedback or note leaves with the question."""
    shown = json.dumps(for_taker(_telling(parse_question(data)), seed))
    for telling in ("SECRET", "isCorrect", "blankIndex", "caseSensitive", "rubric", "negativeMarks"):
        assert telling not in shown
    for option in json.loads(shown)["options"]:
        assert set(option) == {"questionOptionId", "text", "textFormat", "media", "ordering"}


@pytest.mark.parametrize("data", QUESTIONS, ids=lambda data: f"{data['type']}: {data['text']}")
def test_a_learner_sees_the_same_whichever_option_is_right(data):
    """Two questions that differ in their key alone look the same, so that no order or id gives it away."""
    question = parse_question(data)
    if question.kind not in ("mcq", "dropdown", "true_false", "multiple_answer") or not question.is_scored:
        return
    turned = question.as_json()
    flags = [option["isCorrect"] for option in turned["options"]]
    for option, flag in zip(turned["options"], flags[1:] + flags[:1], strict=True):
        option |= {"isCorrect": flag, "marks": 0}
    assert for_taker(parse_question(turned), "s") == for_taker(question, "s")


def test_targets_of_a_matching_question_do_not_follow_their_pairs():
    """The targets' order hangs on their text alone, so exchanging pairs changes nothing that is shown."""
    names = [f"item {index}" for index in range(8)]
    pairs = [{"questionOptionId": name, "text": name, "matchWith": f"target {name}"} for name in names]
    turned = [{**pair, "matchWith": pairs[(index + 3) % 8]["matchWith"]} for index, pair in enumerate(pairs)]
    question = {"type": "match", "text": "z", "marks": 1}
    for seed in (None, "one", "two"):
        shown = for_taker(parse_question({**question, "options": pairs}), seed)
        assert shown == for_taker(parse_question({**question, "options": turned}), seed)
    assert [target["matchWith"] for target in shown["matchWithOptions"]] != [
        pair["matchWith"] for pair in pairs
    ]


def test_a_target_is_shown_once():
    """Several items may share a target, which is offered once."""
    options = [{"text": text, "matchWith": match} for text, match in (("a", "x"), ("b", "x"), ("", "y"))]
    shown = for_taker(parse_question({"type": "match", "text": "z", "marks": 1, "options": options}), None)
    assert sorted(target["matchWith"] for target in shown["matchWithOptions"]) == ["x", "y"]
    assert [option["text"] for option in shown["options"]] == ["a", "b"]


def test_an_attempt_has_its_own_order_and_keeps_it():
    """The same seed gives the same order, others give others, and true and false stay as they are."""
    options = [{"text": str(number), "isCorrect": number == 0} for number in range(10)]
    question = parse_question({"type": "mcq", "text": "z", "marks": 1, "options": options}, question_id="q")
    order = [[option["text"] for option in for_taker(question, seed)["options"]] for seed in "aab"]
    assert order[0] == order[1] != order[2]
    assert [option["text"] for option in for_taker(question, None)["options"]] == [str(n) for n in range(10)]
    pair = [{"text": "True"}, {"text": "False", "isCorrect": True}]
    claim = parse_question({"type": "true_false", "text": "z", "marks": 1, "options": pair})
    for seed in "abcdefgh":
        assert [option["text"] for option in for_taker(claim, seed)["options"]] == ["True", "False"]


def test_an_answer_sheet_says_what_was_right_only_where_it_may():
    """An answer is shown in the sheet's form; what of it was right, and the key, only on request."""
    pairs = [{"questionOptionId": "f", "text": "France", "matchWith": "Paris"},
             {"questionOptionId": "i", "text": "Italy", "matchWith": "Rome"}]  # fmt: skip
    question = parse_question({"type": "match", "text": "z", "marks": 1, "options": pairs})
    answer = parse_answer(question, {"matches": [{"optionId": "i", "matchWith": "Paris"}]})
    plain = {"questionOptionId": "i", "text": "Italy", "matchWith": "Paris"}
    assert answer_as_shown(question, answer, with_correct=False) == {"matches": [plain]}
    assert answer_as_shown(question, answer, with_correct=True) == {
        "matches": [{**plain, "isCorrect": False}]
    }
    assert correct_answer(question) == {
        "matches": [{"optionId": "f", "matchWith": "Paris"}, {"optionId": "i", "matchWith": "Rome"}]
    }
