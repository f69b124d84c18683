"""A person judges what no key can: written answers, by the rubric, with words for the learner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rocket_server.assessments.attempts import store
from rocket_server.assessments.attempts.store import Answer, Attempt, Regraded, Reviewed
from rocket_server.assessments.fields import Fields
from rocket_server.assessments.grading import Review, read_review, result_word, reviewed_score
from rocket_server.assessments.model import number
from rocket_server.assessments.papers import Paper
from rocket_server.assessments.refusals import NothingToReview, NotSubmitted
from rocket_server.assessments.scoring import Score
from rocket_server.audit.model import changed, subject_of
from rocket_server.conditions.reading import Problems
from rocket_server.configuration.snapshot import Configuration
from rocket_server.delivery import outbox
from rocket_server.errors import InvalidPayload, NotFound
from rocket_server.ids import uuid7
from rocket_server.learners import store as learners
from rocket_server.usecases.examination import told
from rocket_server.usecases.examination.authors import Author, note
from rocket_server.usecases.examination.papers import Papers
from rocket_server.usecases.examination.submitting import Submitted, state

MAX_REMARKS = 20_000


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a reviewer sends: for each answer its fields as they came, and words about the whole."""

    answers: Sequence[Mapping[str, Any]]
    remarks: str | None = None


async def review(
    conn: Any,
    configuration: Configuration,
    papers: Papers,
    attempt_id: str,
    judgement: Judgement,
    reviewer: Author,
) -> Submitted:
    """Keep a review and what the attempt comes to by it. A judged answer can be judged again, and the result
    follows. Raises NotFound, NotSubmitted, NothingToReview or InvalidPayload."""
    organisation_id = configuration.organisation_id
    attempt = (await store.lock(conn, organisation_id, [attempt_id])).get(attempt_id)
    if attempt is None:
        raise NotFound("There is no such attempt.", {"field": "attemptId"})
    if attempt.status != "submitted":
        raise NotSubmitted("Only a submitted attempt can be reviewed.", {"attemptId": attempt_id})
    paper = (await papers.get(conn, organisation_id, [attempt.paper_id]))[attempt.paper_id]
    if paper.grading_type == "quiz" and not any(
        paper.question(one).needs_review for one in attempt.question_ids
    ):
        raise NothingToReview("Every question of this attempt is scored by its key.")
    reviews = _read(attempt, paper, judgement)
    given = (await store.answers(conn, organisation_id, [attempt_id]))[attempt_id]
    scores = _scores(attempt, paper, given, reviews)
    outcome = paper.outcome(scores.values(), reviewed=True)
    await store.write_reviews(
        conn,
        organisation_id,
        attempt_id,
        [
            Reviewed(
                one.question_id,
                scores[one.question_id].marks or Decimal(0),
                one.remarks,
                [{"name": name, "score": number(score)} for name, score in one.criteria] or None,
            )
            for one in reviews
        ],
        reviewer.name,
    )
    done = Regraded(attempt_id, outcome.review_status, outcome.score, outcome.result, judgement.remarks)
    await store.write_results(conn, organisation_id, [done], reviewer.name)
    await _tell(conn, configuration, attempt, done, reviewer.name, len(reviews))
    before = _state(attempt.review, attempt.score, attempt.result)
    after = _state(done.review, done.score, done.result)
    acts = changed("attempt.reviewed", subject_of("attempt", attempt_id), before, after)
    await note(conn, organisation_id, reviewer, acts)
    return Submitted(attempt_id, outcome.score, outcome.review_status, outcome.result, attempt.max_score)


def _state(review: str | None, score: Decimal | None, result: str | None) -> dict[str, Any]:
    """What the audit log says of a result. Words and marks of single answers stand with the attempt."""
    return {"review_status": review, "score": None if score is None else number(score), "result": result}


async def to_review(conn: Any, organisation_id: str, test_id: str, user_id: str) -> str:
    """The attempt of a learner that a review of a test means: the last one submitted. Raises NotFound."""
    learner = await learners.find_one(conn, organisation_id, user_id)
    attempts = (
        [] if learner is None else await store.of_learner(conn, organisation_id, test_id, learner.learner_id)
    )
    for one in reversed(attempts):
        if one.status == "submitted":
            return one.attempt_id
    raise NotFound("This learner has submitted no attempt of this test.", {"field": "userId"})


def _read(attempt: Attempt, paper: Paper, judgement: Judgement) -> list[Review]:
    problems = Problems()
    reviews: dict[str, Review] = {}
    for place, data in enumerate(judgement.answers):
        fields = Fields(data, f"answers[{place}]", problems)
        question_id = data.get("questionId")
        if question_id not in attempt.question_ids:
            fields.fault("questionId", "must be a question of this attempt")
            continue
        question = paper.question(question_id)
        if not question.needs_review:
            fields.fault("questionId", "must be a written question; others are scored by their key")
            continue
        if question_id in reviews:
            fields.fault("questionId", "must be judged once in one review")
        read = read_review(question, fields)
        if read is not None:
            reviews[question_id] = read
    if judgement.remarks is not None and len(judgement.remarks) > MAX_REMARKS:
        problems.add("overallRemarks", f"must have at most {MAX_REMARKS} characters")
    if problems.errors:
        raise InvalidPayload.from_fields(problems.errors)
    return list(reviews.values())


def _scores(
    attempt: Attempt, paper: Paper, given: Mapping[str, Answer], reviews: Sequence[Review]
) -> dict[str, Score]:
    """What each answer is worth now: by the key, by an earlier review, or by this one."""
    answers = {question_id: one.answer for question_id, one in given.items()}
    scores = paper.score(attempt.question_ids, answers)
    for question_id, one in given.items():
        if one.reviewed_at is not None and one.score is not None:
            scores[question_id] = Score(one.score, one.is_correct)
    for judged in reviews:
        scores[judged.question_id] = reviewed_score(paper.question(judged.question_id), judged)
    return scores


async def _tell(
    conn: Any, configuration: Configuration, attempt: Attempt, done: Regraded, reviewer: str, answers: int
) -> None:
    now = datetime.now(UTC)
    data = {
        "attemptId": attempt.attempt_id,
        "testId": attempt.test_id,
        "score": None if done.score is None else number(done.score),
        "result": result_word(done.result),
        "reviewedBy": reviewer,
        "answersReviewed": answers,
    }
    message = told.message(uuid7(), "attempt.reviewed", attempt.user_id, data, now)
    await outbox.enqueue(conn, configuration.organisation_id, configuration.endpoints, [message], now)
    same = (attempt.review, attempt.score, attempt.result) == (done.review, done.score, done.result)
    if done.review == "R" and not same:
        await state(conn, configuration, [graded_event(attempt, done, now)], now)


def graded_event(attempt: Attempt, done: Regraded, now: datetime) -> Any:
    """What rules hear of a finished review."""
    properties = told.result_properties(
        test_id=attempt.test_id,
        attempt_id=attempt.attempt_id,
        attempt_number=attempt.number,
        score=done.score,
        max_score=attempt.max_score,
        result=done.result,
        time_spent_s=attempt.time_spent_s,
    )
    return told.learning_event("quiz.graded", attempt.user_id, attempt.attempt_id, properties, now)
