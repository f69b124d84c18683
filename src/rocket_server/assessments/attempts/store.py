"""Attempts and answers in the database. Who changes an attempt has locked it, before anything else."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from rocket_server.assessments.grading import Result, ReviewStatus
from rocket_server.db.queries import load
from rocket_server.jobs import Key

SQL = load(__file__, "store.sql")

MAX_OF_LEARNER = 10_000  # attempts of one test

Submission = Literal["self", "expired"]


# Structs, not dataclasses: one is made for every request of a learner.
class Startable(msgspec.Struct, frozen=True):
    """What beginning an attempt of a test asks for; `not_yet` and `over` by the database's clock."""

    test_id: str
    status: str
    title: str
    attempts: int
    paper_id: str | None
    not_yet: bool
    over: bool
    ends_at: datetime | None


class Latest(msgspec.Struct, frozen=True):
    """The attempt that a learner began last of a test."""

    attempt_id: str
    number: int
    status: str
    review: str | None
    paper_id: str
    expired: bool


class NewAttempt(msgspec.Struct, frozen=True):
    """An attempt to be begun. It ends `time_limit_min` minutes later, or at `ends_at`."""

    attempt_id: str
    test_id: str
    paper_id: str
    learner_id: str
    user_id: str
    number: int
    question_ids: Sequence[str]
    max_score: Decimal
    time_limit_min: int | None
    ends_at: datetime | None


class Attempt(msgspec.Struct, frozen=True):
    """One try of a learner at a test. `expired` where its time is over by the database's clock; `result` is
    known once nothing waits for a review."""

    attempt_id: str
    test_id: str
    paper_id: str
    learner_id: str
    user_id: str
    number: int
    status: Literal["running", "submitted"]
    review: ReviewStatus | None
    question_ids: list[str]
    max_score: Decimal
    score: Decimal | None
    result: Result | None
    time_spent_s: int | None
    started_at: datetime
    deadline: datetime | None
    submitted_at: datetime | None
    submission: Submission | None
    remarks: str | None
    updated_by: str | None
    expired: bool


class Answer(msgspec.Struct, frozen=True):
    """What a learner answered, and what it earned once that is known."""

    question_id: str
    answer: dict[str, Any]
    score: Decimal | None = None
    is_correct: bool | None = None
    remarks: str | None = None
    rubric: list[dict[str, Any]] | None = None
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None


class Closing(msgspec.Struct, frozen=True):
    """How an attempt ends."""

    attempt_id: str
    submission: Submission
    review: ReviewStatus
    score: Decimal | None
    result: Result | None


class Regraded(msgspec.Struct, frozen=True):
    """Another result of an attempt that was submitted."""

    attempt_id: str
    review: ReviewStatus
    score: Decimal | None
    result: Result | None
    remarks: str | None = None


class Reviewed(msgspec.Struct, frozen=True):
    """What a person says of one answer."""

    question_id: str
    score: Decimal
    remarks: str | None = None
    rubric: list[dict[str, Any]] | None = None


async def tests(conn: Any, organisation_id: str, test_ids: Collection[str]) -> dict[str, Startable]:
    """Tests as beginning an attempt sees them, kept so until the transaction ends."""
    rows = await conn.fetch(SQL["tests"], organisation_id, sorted(test_ids))
    return {row["test_id"]: Startable(**dict(row)) for row in rows}


async def latest(
    conn: Any, organisation_id: str, pairs: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Latest]:
    """Of each test and learner who has one, the attempt that runs, or else the last."""
    if not pairs:
        return {}
    rows = await conn.fetch(
        SQL["latest"], organisation_id, [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    )
    return {
        pairs[row["pair"] - 1]: Latest(
            row["attempt_id"], row["number"], row["status"], row["review"], row["paper_id"], row["expired"]
        )
        for row in rows
    }


async def add(conn: Any, organisation_id: str, new: Sequence[NewAttempt]) -> dict[str, datetime]:
    """Begin attempts; when each was begun. One that isn't in the answer lost a race against another that was
    begun for the same learner and test."""
    rows = await conn.fetch(
        SQL["add"],
        organisation_id,
        [one.attempt_id for one in new],
        [one.test_id for one in new],
        [one.paper_id for one in new],
        [one.learner_id for one in new],
        [one.user_id for one in new],
        [one.number for one in new],
        [",".join(one.question_ids) for one in new],
        [one.max_score for one in new],
        [one.time_limit_min for one in new],
        [one.ends_at for one in new],
    )
    return {row["attempt_id"]: row["started_at"] for row in rows}


async def leave_gaps(conn: Any, organisation_id: str, attempt_ids: Collection[str]) -> bool:
    """Whether one of the attempts follows on a number that none has any more."""
    found: bool = await conn.fetchval(SQL["leave_gaps"], organisation_id, list(attempt_ids))
    return found


async def find(conn: Any, organisation_id: str, attempt_ids: Collection[str]) -> dict[str, Attempt]:
    """Attempts as they are."""
    return _attempts(await conn.fetch(SQL["find"], organisation_id, list(attempt_ids)))


async def lock(conn: Any, organisation_id: str, attempt_ids: Collection[str]) -> dict[str, Attempt]:
    """Attempts, locked until the transaction ends."""
    if not attempt_ids:
        return {}
    return _attempts(await conn.fetch(SQL["lock"], organisation_id, list(attempt_ids)))


async def of_learner(conn: Any, organisation_id: str, test_id: str, learner_id: str) -> list[Attempt]:
    """A learner's attempts of a test, in the order in which they were begun; one that runs comes last."""
    rows = await conn.fetch(SQL["of_learner"], organisation_id, test_id, learner_id, MAX_OF_LEARNER)
    return list(_attempts(rows).values())


def _attempts(rows: Sequence[Any]) -> dict[str, Attempt]:
    return {row["attempt_id"]: Attempt(**dict(row)) for row in rows}


async def save(
    conn: Any, organisation_id: str, answers: Mapping[str, Mapping[str, dict[str, Any]]]
) -> dict[str, list[str]]:
    """Keep answers by attempt and question; of each attempt that took them, the questions whose answer is
    another than before. An attempt that isn't in the answer doesn't run, or its time is over."""
    flat = [(one, question, answer) for one, given in answers.items() for question, answer in given.items()]
    rows = await conn.fetch(
        SQL["save"],
        organisation_id,
        list(answers),
        [one for one, _, _ in flat],
        [question for _, question, _ in flat],
        [answer for _, _, answer in flat],
    )
    return {row["attempt_id"]: row["question_ids"] for row in rows}


async def spend(conn: Any, organisation_id: str, seconds: Mapping[str, int]) -> None:
    """Add to the time that learners say they have spent on locked attempts."""
    if seconds:
        await conn.execute(SQL["spend"], organisation_id, list(seconds), list(seconds.values()))


async def answers(
    conn: Any, organisation_id: str, attempt_ids: Collection[str]
) -> dict[str, dict[str, Answer]]:
    """The answers of attempts by question, in the order in which they were saved."""
    found: dict[str, dict[str, Answer]] = {attempt_id: {} for attempt_id in attempt_ids}
    for row in await conn.fetch(SQL["answers"], organisation_id, list(attempt_ids)):
        attempt_id, question_id, *values = row.values()
        found[attempt_id][question_id] = Answer(question_id, *values)
    return found


async def write_scores(
    conn: Any, organisation_id: str, scores: Sequence[tuple[str, str, Decimal | None, bool | None]]
) -> None:
    """Keep what answers are worth: attempt, question, marks, whether it is right."""
    if scores:
        attempt_ids, question_ids, marks, right = map(list, zip(*scores, strict=True))
        await conn.execute(SQL["write_scores"], organisation_id, attempt_ids, question_ids, marks, right)


async def write_reviews(
    conn: Any, organisation_id: str, attempt_id: str, reviews: Sequence[Reviewed], reviewer: str
) -> None:
    """Keep what a person says of answers of a locked attempt."""
    if reviews:
        await conn.execute(
            SQL["write_reviews"],
            organisation_id,
            attempt_id,
            [one.question_id for one in reviews],
            [one.score for one in reviews],
            [one.remarks for one in reviews],
            # As text: the driver takes a list of lists for an array of two dimensions.
            [None if one.rubric is None else msgspec.json.encode(one.rubric).decode() for one in reviews],
            reviewer,
        )


async def close(conn: Any, organisation_id: str, closings: Sequence[Closing]) -> dict[str, datetime]:
    """End locked attempts; when each ended."""
    rows = await conn.fetch(
        SQL["close"],
        organisation_id,
        [one.attempt_id for one in closings],
        [one.submission for one in closings],
        [one.review for one in closings],
        [one.score for one in closings],
        [one.result for one in closings],
    )
    return {row["attempt_id"]: row["submitted_at"] for row in rows}


async def reopen(conn: Any, organisation_id: str, attempt_id: str) -> None:
    """Let a locked attempt run again."""
    await conn.execute(SQL["reopen"], organisation_id, attempt_id)


async def write_results(conn: Any, organisation_id: str, results: Sequence[Regraded], actor: str) -> None:
    """Keep new results of locked attempts."""
    if results:
        await conn.execute(
            SQL["write_results"],
            organisation_id,
            [one.attempt_id for one in results],
            [one.review for one in results],
            [one.score for one in results],
            [one.result for one in results],
            actor,
            [one.remarks for one in results],
        )


async def to_review(conn: Any, organisation_id: str, after: str | None, limit: int) -> list[dict[str, Any]]:
    """Attempts that wait for a review, the oldest first."""
    return [dict(row) for row in await conn.fetch(SQL["to_review"], organisation_id, after, limit)]


async def has_attempts(conn: Any, organisation_id: str, test_id: str) -> bool:
    """Whether anybody has begun a test."""
    found: bool = await conn.fetchval(SQL["has_attempts"], organisation_id, test_id)
    return found


async def due(conn: Any, after: Key | None, limit: int) -> Sequence[Key]:
    """Organisations with attempts whose time is over, for a job."""
    rows = await conn.fetch(SQL["due"], after[0] if after else None, limit)
    return [(row["organisation_id"],) for row in rows]


async def expired(conn: Any, organisation_id: str, limit: int) -> list[str]:
    """Attempts whose time is over, locked until the transaction ends; what others hold is left to them."""
    rows = await conn.fetch(SQL["expired"], organisation_id, limit)
    return [row["attempt_id"] for row in rows]
