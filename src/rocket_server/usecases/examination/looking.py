"""What learners and reviewers see of attempts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rocket_server.assessments.attempts import store
from rocket_server.assessments.attempts.store import Answer, Attempt
from rocket_server.assessments.authoring import store as tests
from rocket_server.assessments.authoring.store import Test
from rocket_server.assessments.grading import Finished, grade
from rocket_server.assessments.papers import Paper
from rocket_server.assessments.refusals import NotShown, NotSubmitted
from rocket_server.errors import NotFound
from rocket_server.learners import store as learners
from rocket_server.usecases.examination import owning
from rocket_server.usecases.examination.papers import Papers


@dataclass(frozen=True, slots=True)
class Standing:
    """How a learner stands with a test. `reason` is the code of why no attempt can be begun now."""

    test: Test
    begun: int
    attempts_left: bool
    graded: Finished | None
    graded_attempt: Attempt | None
    resumable: Attempt | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Taken:
    """An attempt with its paper and its answers."""

    attempt: Attempt
    paper: Paper
    answers: Mapping[str, Answer]
    test: Test | None = None


async def standing(conn: Any, organisation_id: str, test_id: str, user_id: str) -> Standing:
    """How a learner stands with a test; one whom nobody knows has begun nothing. Raises NotFound."""
    test = await tests.find_test(conn, organisation_id, test_id)
    if test is None:
        raise NotFound("There is no such test.", {"field": "testId"})
    learner = await learners.find_one(conn, organisation_id, user_id)
    attempts = (
        [] if learner is None else await store.of_learner(conn, organisation_id, test_id, learner.learner_id)
    )
    definition = test.definition
    submitted = [one for one in attempts if one.status == "submitted"]
    graded = grade(
        [Finished(one.attempt_id, one.number, one.score, one.result) for one in submitted],
        definition.attempts_grading,
        definition.passing_marks,
    )
    last = attempts[-1] if attempts else None
    running = last if last is not None and last.status == "running" and not last.expired else None
    resumable = running
    if last is not None and definition.allow_resubmission:
        resumable = last
    left = len(attempts) < definition.attempts and not (attempts and definition.allow_resubmission)
    return Standing(
        test,
        len(attempts),
        left,
        graded,
        next((one for one in submitted if graded is not None and one.attempt_id == graded.attempt_id), None),
        resumable,
        await _reason(conn, organisation_id, test, last, running, left),
    )


async def _reason(
    conn: Any, organisation_id: str, test: Test, last: Attempt | None, running: Attempt | None, left: bool
) -> str | None:
    begin = (await store.tests(conn, organisation_id, [test.test_id])).get(test.test_id)
    if begin is None or begin.status != "published":
        return "test_not_published"
    if begin.not_yet:
        return "test_not_yet_open"
    if begin.over:
        return "test_closed"
    if running is not None:
        return "attempt_in_progress"
    if not left:
        return "attempt_limit_reached"
    if last is not None and last.status == "submitted" and last.review != "R":
        return "attempt_under_review"
    return None


async def asked(conn: Any, organisation_id: str, test_id: str, user_id: str | None) -> set[str]:
    """The questions that a learner's attempts of a test ask."""
    learner = None if user_id is None else await learners.find_one(conn, organisation_id, user_id)
    if learner is None:
        return set()
    attempts = await store.of_learner(conn, organisation_id, test_id, learner.learner_id)
    return {question_id for one in attempts for question_id in one.question_ids}


async def taken(
    conn: Any, organisation_id: str, papers: Papers, attempt_id: str, user_id: str | None
) -> Taken:
    """An attempt with its answers. With `user_id` it must be that learner's own. Raises NotFound."""
    attempt = (await store.find(conn, organisation_id, [attempt_id])).get(attempt_id)
    if attempt is None or (
        user_id is not None and await owning.foreign(conn, organisation_id, [(user_id, attempt)])
    ):
        raise NotFound("There is no such attempt.", {"field": "attemptId"})
    paper = (await papers.get(conn, organisation_id, [attempt.paper_id]))[attempt.paper_id]
    answers = (await store.answers(conn, organisation_id, [attempt_id]))[attempt_id]
    return Taken(attempt, paper, answers)


async def result(
    conn: Any, organisation_id: str, papers: Papers, attempt_id: str, user_id: str | None
) -> Taken:
    """A submitted attempt as far as the test's settings let a learner see it; a reviewer, who names no
    `user_id`, sees all of it. Raises NotFound, NotSubmitted or NotShown."""
    found = await taken(conn, organisation_id, papers, attempt_id, user_id)
    if found.attempt.status != "submitted":
        raise NotSubmitted(
            "This attempt isn't submitted, so it has no result yet.", {"attemptId": attempt_id}
        )
    test = await tests.find_test(conn, organisation_id, found.attempt.test_id)
    if user_id is not None and (test is None or not test.definition.answer_sheet):
        raise NotShown("This test shows no answer sheet.", {"field": "answerSheet"})
    return Taken(found.attempt, found.paper, found.answers, test)


async def waiting(
    conn: Any, organisation_id: str, after: str | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Attempts that wait for a review, the oldest first."""
    return await store.to_review(conn, organisation_id, after, limit)
