"""Attempts end: by their learners or because their time is over, each once, scored and told in one
transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from rocket_server import pipeline
from rocket_server.assessments.attempts import store
from rocket_server.assessments.attempts.store import Attempt, Closing, Submission
from rocket_server.assessments.grading import Outcome, Result, ReviewStatus, result_word
from rocket_server.assessments.model import number
from rocket_server.assessments.refusals import AlreadySubmitted
from rocket_server.configuration.snapshot import Configuration, Configurations
from rocket_server.db.pool import Database
from rocket_server.delivery import outbox
from rocket_server.delivery.outbox import Message
from rocket_server.errors import InvalidPayload, NotFound, RocketError
from rocket_server.events.model import Event
from rocket_server.ids import uuid7
from rocket_server.usecases.examination import owning, told
from rocket_server.usecases.examination.papers import Papers

EXPIRED_AT_ONCE = 100  # attempts of one transaction


class Submit(msgspec.Struct, frozen=True):
    """A learner hands in an attempt."""

    attempt_id: str
    user_id: str


class Submitted(msgspec.Struct, frozen=True):
    """What an attempt came to."""

    attempt_id: str
    score: Decimal | None
    review: ReviewStatus
    result: Result | None
    max_score: Decimal

    def as_json(self) -> dict[str, Any]:
        """In the spelling of the API."""
        return {
            "attemptId": self.attempt_id,
            "score": None if self.score is None else number(self.score),
            "reviewStatus": self.review,
            "result": self.result,
            "totalMarks": number(self.max_score),
        }


async def submit(
    conn: Any, configuration: Configuration, papers: Papers, wanted: Sequence[Submit]
) -> list[Submitted | RocketError]:
    """Hand in attempts; what became of each wish, in their order. The second of one attempt is
    AlreadySubmitted with the first's result."""
    organisation_id = configuration.organisation_id
    locked = await store.lock(conn, organisation_id, {one.attempt_id for one in wanted})
    named = [(one.user_id, locked[one.attempt_id]) for one in wanted if one.attempt_id in locked]
    foreign = await owning.foreign(conn, organisation_id, named)
    own = {
        (user_id, attempt.attempt_id): attempt
        for place, (user_id, attempt) in enumerate(named)
        if place not in foreign
    }
    mine = {attempt.attempt_id: attempt for attempt in own.values()}
    running = {attempt_id: one for attempt_id, one in mine.items() if one.status == "running"}
    refused: dict[str, RocketError] = {}
    ended = await _close(conn, configuration, papers, running, "self", refused)

    answers: list[Submitted | RocketError] = []
    told_once: set[str] = set()
    for one in wanted:
        attempt = own.get((one.user_id, one.attempt_id))
        if attempt is None:
            answers.append(NotFound("There is no such attempt.", {"field": "attemptId"}))
        elif one.attempt_id in refused:
            answers.append(refused[one.attempt_id])
        elif one.attempt_id in ended and one.attempt_id not in told_once:
            told_once.add(one.attempt_id)
            answers.append(ended[one.attempt_id])
        else:
            first = ended.get(one.attempt_id) or as_submitted(attempt)
            answers.append(AlreadySubmitted("This attempt was submitted before.", first.as_json()))
    return answers


async def close(
    conn: Any,
    configuration: Configuration,
    papers: Papers,
    attempt_ids: Collection[str],
    *,
    submission: Submission,
) -> dict[str, Submitted]:
    """End those of the attempts that still run, whatever of them is answered; what each came to."""
    locked = await store.lock(conn, configuration.organisation_id, attempt_ids)
    running = {attempt_id: one for attempt_id, one in locked.items() if one.status == "running"}
    return await _close(conn, configuration, papers, running, submission, None)


async def close_expired(
    database: Database, configurations: Configurations, papers: Papers, organisation_id: str
) -> bool:
    """End a set of an organisation's attempts whose time is over; whether there may be more. Any number of
    workers may do this at once: each leaves to the others what they hold."""

    async def work(conn: Any) -> bool:
        attempt_ids = await store.expired(conn, organisation_id, EXPIRED_AT_ONCE)
        if attempt_ids:
            configuration = await configurations.current(conn, organisation_id)
            await close(conn, configuration, papers, attempt_ids, submission="expired")
        return len(attempt_ids) == EXPIRED_AT_ONCE

    return await database.run(work)


async def _close(
    conn: Any,
    configuration: Configuration,
    papers: Papers,
    running: Mapping[str, Attempt],
    submission: Submission,
    refused: dict[str, RocketError] | None,
) -> dict[str, Submitted]:
    """Score and end locked attempts. With `refused`, those that lack an answer to a compulsory question, or
    have one below its least length, aren't ended, unless their time is over, but noted there."""
    if not running:
        return {}
    organisation_id = configuration.organisation_id
    sheets = await papers.get(conn, organisation_id, {one.paper_id for one in running.values()})
    given = await store.answers(conn, organisation_id, running)
    closings: list[Closing] = []
    scores: list[tuple[str, str, Decimal | None, bool | None]] = []
    for attempt_id, attempt in running.items():
        paper = sheets[attempt.paper_id]
        answers = {question_id: one.answer for question_id, one in given[attempt_id].items()}
        missing = paper.unanswered(attempt.question_ids, answers)
        if refused is not None and missing and not attempt.expired:
            refused[attempt_id] = _unanswered(missing)
            continue
        short = paper.too_short(attempt.question_ids, answers)
        if refused is not None and short and not attempt.expired:
            refused[attempt_id] = _too_short(short)
            continue
        found = paper.score(attempt.question_ids, answers)
        scores += [
            (attempt_id, question_id, score.marks, score.is_correct)
            for question_id, score in found.items()
            if question_id in answers
        ]
        by = "expired" if attempt.expired else submission
        closings.append(_closing(attempt, by, paper.outcome(found.values())))
    if not closings:
        return {}
    await store.write_scores(conn, organisation_id, scores)
    ended_at = await store.close(conn, organisation_id, closings)
    await _tell(conn, configuration, running, closings, ended_at)
    return {
        one.attempt_id: Submitted(
            one.attempt_id, one.score, one.review, one.result, running[one.attempt_id].max_score
        )
        for one in closings
    }


def _closing(attempt: Attempt, submission: Submission, outcome: Outcome) -> Closing:
    return Closing(
        attempt.attempt_id,
        submission,
        outcome.review_status,
        outcome.score,
        outcome.result,
    )


async def _tell(
    conn: Any,
    configuration: Configuration,
    attempts: Mapping[str, Attempt],
    closings: Sequence[Closing],
    ended_at: Mapping[str, datetime],
) -> None:
    now = datetime.now(UTC)
    messages: list[Message] = []
    events: list[Event] = []
    for one in closings:
        attempt = attempts[one.attempt_id]
        messages.append(told.message(uuid7(), "attempt.submitted", attempt.user_id, _data(attempt, one), now))
        properties = told.result_properties(
            test_id=attempt.test_id,
            attempt_id=attempt.attempt_id,
            attempt_number=attempt.number,
            score=one.score,
            max_score=attempt.max_score,
            result=one.result,
            time_spent_s=attempt.time_spent_s,
        )
        events.append(
            told.learning_event(
                "quiz.completed", attempt.user_id, one.attempt_id, properties, ended_at[one.attempt_id]
            )
        )
    await outbox.enqueue(conn, configuration.organisation_id, configuration.endpoints, messages, now)
    await state(conn, configuration, events, now)


async def state(conn: Any, configuration: Configuration, events: Sequence[Event], now: datetime) -> None:
    """Let rules hear of results. Of an attempt that had one before, the event is the same, with another
    content: what it earned is decided anew."""
    results = await pipeline.ingest(conn, configuration, events, now)
    again = {
        result.event_id: event.properties
        for event, result in zip(events, results, strict=True)
        if result.status == "duplicate" and result.event_id is not None
    }
    if again:
        await pipeline.restate(conn, configuration, again, now)


def _data(attempt: Attempt, closing: Closing) -> dict[str, Any]:
    return {
        "attemptId": attempt.attempt_id,
        "testId": attempt.test_id,
        "score": None if closing.score is None else number(closing.score),
        "result": result_word(closing.result),
        "timeSpent": attempt.time_spent_s,
        "maxScore": number(attempt.max_score),
        "reviewStatus": closing.review,
        "attemptNumber": attempt.number,
    }


def as_submitted(attempt: Attempt) -> Submitted:
    """What an attempt came to that was submitted before."""
    assert attempt.review is not None
    return Submitted(attempt.attempt_id, attempt.score, attempt.review, attempt.result, attempt.max_score)


def _unanswered(question_ids: Sequence[str]) -> RocketError:
    return InvalidPayload(
        "Answer all required questions before you submit this attempt.",
        {"questionIds": list(question_ids)},
    )


def _too_short(question_ids: Sequence[str]) -> RocketError:
    return InvalidPayload(
        "Some answers are shorter than their question asks for. Write more or take them back, then submit.",
        {"questionIds": list(question_ids)},
    )
