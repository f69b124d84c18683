"""Attempts do what a plain model of them does, over random histories from several writers at two servers.

A failure names the seed; `ROCKET_TEST_SEED` plays it again, `ROCKET_TEST_EXAMPLES` makes it longer.
"""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest

from support.examination import Hall, code_of

pytestmark = pytest.mark.reliability

EXAMPLES = int(os.environ.get("ROCKET_TEST_EXAMPLES", "5"))
SEED = os.environ.get("ROCKET_TEST_SEED")
STEPS = 20  # of each writer in each of the rounds
CORRECTIONS = 4  # of keys, during the second of three rounds
WRITERS = 4
LIMIT = 6
PASS_MARK = 5
GOOD = 4
RULES = (
    {
        "rule_id": "done",
        "trigger": {"event": "quiz.completed"},
        "actions": {"award_points": 20},
        "constraints": {"unique_by": ["attempt_id"]},
    },
    {
        "rule_id": "passed",
        "trigger": {"event": "quiz.graded", "conditions": {"passed": True}},
        "actions": {"award_points": 7},
    },
    {
        "rule_id": "good",
        "trigger": {"event": "quiz.completed", "conditions": {"score": {"gte": GOOD}}},
        "actions": {"award_points": 3},
    },
)


@dataclass(slots=True)
class Key:
    """The choices and what is right of them; `might_be` has what a correction on its way may say."""

    choices: list[dict[str, Any]]
    right: dict[str, str] = field(default_factory=dict)  # option by question
    might_be: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.choices:
            (option,) = [o["questionOptionId"] for o in one["options"] if o["isCorrect"]]
            self.right[one["questionId"]] = option

    @property
    def marks(self) -> dict[str, int]:
        return {one["questionId"]: one["marks"] for one in self.choices}

    def score(self, answers: dict[str, str], right: dict[str, str] | None = None) -> int:
        right = self.right if right is None else right
        return sum(marks for one, marks in self.marks.items() if answers.get(one) == right[one])

    def possible(self, answers: dict[str, str]) -> set[int]:
        """The scores that answers may have, while keys are corrected."""
        options = [sorted(self.might_be.get(one, {option})) for one, option in self.right.items()]
        return {
            self.score(answers, dict(zip(self.right, chosen, strict=True))) for chosen in product(*options)
        }

    def correct(self, hall: Hall, rng: random.Random) -> None:
        """Say that the other option of a question was the right one."""
        question = rng.choice(self.choices)
        question_id = question["questionId"]
        before = self.right[question_id]
        (after,) = [
            one["questionOptionId"] for one in question["options"] if one["questionOptionId"] != before
        ]
        options = [
            {"questionOptionId": one["questionOptionId"], "text": one["text"],
             "isCorrect": one["questionOptionId"] == after}
            for one in question["options"]
        ]  # fmt: skip
        done = hall.post(
            f"/questions/{question_id}/regrade",
            {"question": {"options": options}, "reason": "It was the other."},
        )
        assert done["finished"]
        self.right[question_id] = after


@dataclass(slots=True)
class Try:
    """One attempt, plainly."""

    attempt_id: str
    answers: dict[str, str] = field(default_factory=dict)  # by question: the option picked; the essay's text
    submitted: bool = False
    judged: int | None = None


@dataclass(slots=True)
class Learner:
    """One writer's learner: what the server should say, worked out by looking through everything."""

    hall: Hall
    name: str
    test_id: str
    key: Key
    essay: dict[str, Any]
    tries: list[Try] = field(default_factory=list)

    def waits(self, one: Try) -> bool:
        return self.essay["questionId"] in one.answers and one.judged is None

    def results(self, one: Try) -> set[tuple[int, str | None]]:
        """What an attempt may come to: one thing, unless a key is corrected at this moment."""
        waits = self.waits(one)
        scores = {score + (one.judged or 0) for score in self.key.possible(one.answers)}
        return {(score, None if waits else "P" if score >= PASS_MARK else "F") for score in scores}

    def step(self, rng: random.Random) -> None:
        last = self.tries[-1] if self.tries else None
        running = last is not None and not last.submitted
        match rng.choice(["start", "save", "save", "save", "submit", "submit", "review"]):
            case "start":
                answer = self.hall.ask("POST", f"/attempts/start/{self.test_id}", None, self.name)
                if running:
                    assert code_of(answer) == "attempt_in_progress"
                elif len(self.tries) == LIMIT:
                    assert code_of(answer) == "attempt_limit_reached"
                elif last is not None and self.waits(last):
                    assert code_of(answer) == "attempt_under_review"
                else:
                    assert answer.status_code == 201, answer.text
                    self.tries.append(Try(answer.json()["result"]["attemptId"]))
            case "save" if last is not None:
                self.save(last, rng)
            case "submit" if last is not None:
                answer = self.hall.ask("POST", f"/attempts/{last.attempt_id}/submit", None, self.name)
                assert answer.status_code == (201 if running else 409), answer.text
                last.submitted = True
                if running:
                    said = answer.json()["result"]
                    assert (said["score"], said["result"]) in self.results(last)
            case "review" if last is not None:
                score = rng.randint(0, 5)
                body = {"answers": [{"questionId": self.essay["questionId"], "score": score}]}
                answer = self.hall.ask("POST", f"/attempts/{last.attempt_id}/review", body, "teacher")
                if running:
                    assert code_of(answer) == "not_submitted"
                else:
                    assert answer.status_code == 201, answer.text
                    last.answers.setdefault(self.essay["questionId"], "")
                    last.judged = score
                    said = answer.json()["result"]
                    assert (said["score"], said["result"]) in self.results(last)

    def save(self, last: Try, rng: random.Random) -> None:
        given: dict[str, Any] = {}
        meant: dict[str, str] = {}
        for one in rng.sample([*self.key.choices, self.essay], rng.randint(1, 3)):
            if one is self.essay:
                meant[one["questionId"]] = f"because {rng.random()}"
                given[one["questionId"]] = {"text": meant[one["questionId"]]}
            else:
                picked = rng.choice(one["options"])["questionOptionId"]
                meant[one["questionId"]] = picked
                given[one["questionId"]] = {"selectedOptionIds": [picked]}
        listed = [{"questionId": question, "answer": answer} for question, answer in given.items()]
        answer = self.hall.ask("POST", f"/attempts/{last.attempt_id}/answers", {"answers": listed}, self.name)
        assert answer.status_code == (409 if last.submitted else 201), answer.text
        if not last.submitted:
            last.answers |= meant

    def check(self) -> None:
        """Attempts, results and points are the model's."""
        standing = self.hall.get(f"/tests/{self.test_id}/users/{self.name}/status")
        assert standing["attemptsMade"] == len(self.tries)
        points = 0
        for one in self.tries:
            if not one.submitted:
                continue
            sheet = self.hall.get(f"/attempts/{one.attempt_id}/answersheet")["attempt"]
            ((score, result),) = self.results(one)
            assert (sheet["score"], sheet["result"]) == (score, result), one
            is_good = self.key.score(one.answers) >= GOOD
            points += 20 + 3 * is_good + 7 * (one.judged is not None and result == "P")
        assert self.hall.organisation.api.points(self.name) == points


@pytest.mark.parametrize("seed", [int(SEED)] if SEED else range(EXAMPLES))
def test_attempts_agree_with_the_model(seed, make_organisation, second_server, adds_up):
    """Each start, answer, submission and review is answered as the model says, also while keys are
    corrected, and so are results and points after each round."""
    organisation = make_organisation(rules=[])
    for rule in RULES:
        assert organisation.api.post("/v1/rules", rule).status_code == 201
    halls = [Hall(organisation), Hall(organisation.on(second_server))]
    choices = [halls[0].question(text=f"{number}?", marks=number) for number in (2, 3)]
    essay = halls[0].question(type="essay", text="Why?", marks=5)
    test_id = halls[0].test([*choices, essay], attempts=LIMIT, passingMarks=PASS_MARK)
    key = Key(choices)
    learners = [
        Learner(halls[number % 2], f"learner-{number}", test_id, key, essay) for number in range(WRITERS)
    ]

    def play(learner: Learner, number: int) -> None:
        rng = random.Random(f"{seed}/{number}/{learner.name}")
        for _ in range(STEPS):
            learner.step(rng)

    def correct() -> None:
        rng = random.Random(f"{seed}/keys")
        for _ in range(CORRECTIONS):
            key.correct(halls[1], rng)

    for number in range(3):
        if number == 1:
            key.might_be = {
                one["questionId"]: {option["questionOptionId"] for option in one["options"]}
                for one in choices
            }
        with ThreadPoolExecutor(WRITERS + 1) as threads:
            works = [threads.submit(play, learner, number) for learner in learners]
            works += [threads.submit(correct)] if number == 1 else []
        for work in works:
            work.result()
        key.might_be = {}
        for learner in learners:
            learner.check()
        adds_up(organisation)
