"""Attempts do what a plain model of them does, over random histories from several writers at two servers.

A failure names the seed; `ROCKET_TEST_SEED` plays it again, `ROCKET_TEST_EXAMPLES` makes it longer.
"""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from support.examination import Hall, code_of, right, wrong

pytestmark = pytest.mark.reliability

EXAMPLES = int(os.environ.get("ROCKET_TEST_EXAMPLES", "5"))
SEED = os.environ.get("ROCKET_TEST_SEED")
STEPS = 40
WRITERS = 4
LIMIT = 3
PASS_MARK = 5
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
        "trigger": {"event": "quiz.completed", "conditions": {"score": {"gte": 4}}},
        "actions": {"award_points": 3},
    },
)


@dataclass(slots=True)
class Try:
    """One attempt, plainly."""

    attempt_id: str
    answers: dict[str, bool] = field(default_factory=dict)  # by question: right or wrong; the essay: written
    submitted: bool = False
    judged: int | None = None

    def keyed(self, marks: dict[str, int]) -> int:
        return sum(marks[one] for one, is_right in self.answers.items() if is_right and one in marks)


@dataclass(slots=True)
class Learner:
    """One writer's learner: what the server should say, worked out by looking through everything."""

    hall: Hall
    name: str
    test_id: str
    choices: list[dict[str, Any]]
    essay: dict[str, Any]
    tries: list[Try] = field(default_factory=list)

    @property
    def marks(self) -> dict[str, int]:
        return {one["questionId"]: one["marks"] for one in self.choices}

    def waits(self, one: Try) -> bool:
        return self.essay["questionId"] in one.answers and one.judged is None

    def result(self, one: Try) -> tuple[int, str | None]:
        score = one.keyed(self.marks) + (one.judged or 0)
        return score, None if self.waits(one) else "P" if score >= PASS_MARK else "F"

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
                    assert (said["score"], said["result"]) == self.result(last)
            case "review" if last is not None:
                score = rng.randint(0, 5)
                body = {"answers": [{"questionId": self.essay["questionId"], "score": score}]}
                answer = self.hall.ask("POST", f"/attempts/{last.attempt_id}/review", body, "teacher")
                if running:
                    assert code_of(answer) == "not_submitted"
                else:
                    assert answer.status_code == 201, answer.text
                    last.answers.setdefault(self.essay["questionId"], True)
                    last.judged = score
                    said = answer.json()["result"]
                    assert (said["score"], said["result"]) == self.result(last)

    def save(self, last: Try, rng: random.Random) -> None:
        given: dict[str, Any] = {}
        meant: dict[str, bool] = {}
        for one in rng.sample([*self.choices, self.essay], rng.randint(1, 3)):
            is_right = one is self.essay or rng.random() < 0.6
            meant[one["questionId"]] = is_right
            given[one["questionId"]] = (
                {"text": f"because {rng.random()}"}
                if one is self.essay
                else right(one)
                if is_right
                else wrong(one)
            )
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
            score, result = self.result(one)
            assert (sheet["score"], sheet["result"]) == (score, result)
            points += 20 + 3 * (one.keyed(self.marks) >= 4) + 7 * (one.judged is not None and result == "P")
        assert self.hall.organisation.api.points(self.name) == points


@pytest.mark.parametrize("seed", [int(SEED)] if SEED else range(EXAMPLES))
def test_attempts_agree_with_the_model(seed, make_organisation, second_server, adds_up):
    """Each start, answer, submission and review is answered as the model says, and so are points in the
    end."""
    organisation = make_organisation(rules=[])
    for rule in RULES:
        assert organisation.api.post("/v1/rules", rule).status_code == 201
    halls = [Hall(organisation), Hall(organisation.on(second_server))]
    choices = [halls[0].question(text=f"{number}?", marks=number) for number in (2, 3)]
    essay = halls[0].question(type="essay", text="Why?", marks=5)
    test_id = halls[0].test([*choices, essay], attempts=LIMIT, passingMarks=PASS_MARK)
    learners = [
        Learner(halls[number % 2], f"learner-{number}", test_id, choices, essay) for number in range(WRITERS)
    ]

    def play(learner: Learner) -> None:
        rng = random.Random(f"{seed}/{learner.name}")
        for _ in range(STEPS):
            learner.step(rng)

    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(play, learners))
    for learner in learners:
        learner.check()
    adds_up(organisation)
