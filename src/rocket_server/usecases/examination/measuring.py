"""How the questions of a test did, for their authors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rocket_server.assessments.answers import stored_answer
from rocket_server.assessments.attempts import measures
from rocket_server.assessments.authoring import store as tests
from rocket_server.assessments.authoring.store import Test
from rocket_server.assessments.bank import store as bank
from rocket_server.assessments.model import Question
from rocket_server.assessments.statistics import Answers, Sums
from rocket_server.errors import NotFound
from rocket_server.usecases.examination.papers import Papers


@dataclass(frozen=True, slots=True)
class Measured:
    """A question, its sums and the answers to it."""

    question: Question
    sums: Sums
    answers: Answers


@dataclass(frozen=True, slots=True)
class Report:
    """Questions in the order of the test, over `attempts` whose result is known. `is_cut` where there are
    more answers than are counted one by one."""

    test: Test
    attempts: int
    questions: list[Measured]
    is_cut: bool


async def measure(conn: Any, organisation_id: str, papers: Papers, test_id: str) -> Report:
    """How the questions of a test did in the latest attempts. Raises NotFound."""
    test = await tests.find_test(conn, organisation_id, test_id)
    if test is None:
        raise NotFound("There is no such test.", {"field": "testId"})
    sums = await measures.sums(conn, organisation_id, test_id)
    known = await _questions(conn, organisation_id, papers, test, list(sums))
    chosen = [question_id for question_id, question in known.items() if not question.needs_review]
    counted = await measures.answers(conn, organisation_id, test_id, chosen)
    given = {question_id: Answers() for question_id in sums}
    for question_id, answer, times in counted:
        given[question_id].add(stored_answer(known[question_id].kind, answer), times)
    measured = []
    for question_id, question in known.items():
        of_question, written = sums[question_id]
        answers = given[question_id]
        if question.needs_review:
            answers.given = written
        answers.empty = of_question.count - answers.given
        measured.append(Measured(question, replace(of_question, answered=answers.given), answers))
    attempts = max((of_question.count for of_question, _ in sums.values()), default=0)
    return Report(test, attempts, measured, len(counted) == measures.MAX_ANSWERS)


async def _questions(
    conn: Any, organisation_id: str, papers: Papers, test: Test, question_ids: list[str]
) -> dict[str, Question]:
    """Questions as the test has them now, in its order; those that it no longer has, as the bank has them."""
    found: dict[str, Question] = {}
    asked = set(question_ids)
    if test.paper_id is not None:
        paper = (await papers.get(conn, organisation_id, [test.paper_id]))[test.paper_id]
        found = {one: entry.question for one, entry in paper.entries.items() if one in asked}
    gone = [one for one in question_ids if one not in found]
    kept = await bank.find(conn, organisation_id, gone)
    return found | {one: kept[one].question for one in gone if one in kept}
