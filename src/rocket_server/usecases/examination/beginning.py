"""Attempts are begun: within the test's window and limit, one at a time, whatever arrives at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from rocket_server import pipeline
from rocket_server.assessments.attempts import store
from rocket_server.assessments.attempts.store import Latest, NewAttempt, Startable
from rocket_server.assessments.papers import Paper
from rocket_server.assessments.refusals import (
    AttemptInProgress,
    AttemptLimitReached,
    Closed,
    NotPublished,
    NotYetOpen,
    UnderReview,
)
from rocket_server.configuration.snapshot import Configuration
from rocket_server.db.pool import TryAgain
from rocket_server.delivery import outbox
from rocket_server.delivery.outbox import Message
from rocket_server.errors import Conflict, NotFound, RocketError
from rocket_server.events.model import Event
from rocket_server.ids import uuid7
from rocket_server.learners import store as learners
from rocket_server.learners.store import Learner, Wanted
from rocket_server.usecases.examination import told
from rocket_server.usecases.examination.papers import Papers
from rocket_server.usecases.examination.submitting import close


class Begin(msgspec.Struct, frozen=True):
    """A learner wants to take a test."""

    test_id: str
    user_id: str


class Begun(msgspec.Struct, frozen=True):
    """The attempt that a learner takes now. `is_new` unless it is one that goes on."""

    attempt_id: str
    number: int
    is_new: bool = True


async def begin(
    conn: Any, configuration: Configuration, papers: Papers, wanted: Sequence[Begin]
) -> list[Begun | RocketError]:
    """Begin attempts; what became of each wish, in their order.

    The database's unique keys settle every race: whoever comes second raises TryAgain, and finds the first's
    attempt when the transaction is done anew.
    """
    organisation_id = configuration.organisation_id
    tests = await store.tests(conn, organisation_id, {one.test_id for one in wanted})
    known = await _learners(conn, configuration, wanted)
    pairs = {
        (one.test_id, known[one.user_id].learner_id): None
        for one in wanted
        if one.test_id in tests and one.user_id in known
    }
    latest = await store.latest(conn, organisation_id, list(pairs))
    latest = await _end_expired(conn, configuration, papers, latest)
    used = [test.paper_id for test in tests.values() if test.paper_id is not None]
    sheets = await papers.get(conn, organisation_id, [*used, *(one.paper_id for one in latest.values())])

    answers: list[Begun | RocketError] = []
    new: list[NewAttempt] = []
    for one in wanted:
        test, learner = tests.get(one.test_id), known.get(one.user_id)
        if test is None:
            answers.append(NotFound("There is no such test.", {"field": "testId"}))
        elif learner is None:
            answers.append(NotFound("There is no such learner.", {"field": "userId"}))
        elif learner.status != "active":
            answers.append(Conflict(f"This learner is {learner.status}.", {"field": "userId"}))
        else:
            pair = (test.test_id, learner.learner_id)
            before = latest.get(pair)
            paper = None if test.paper_id is None else sheets[test.paper_id]
            answer = _decide(test, paper, before, None if before is None else sheets[before.paper_id])
            if isinstance(answer, Paper):
                attempt = _new_attempt(test, answer, learner, one.user_id, before)
                new.append(attempt)
                latest[pair] = Latest(
                    attempt.attempt_id, attempt.number, "running", None, attempt.paper_id, False
                )
                answer = Begun(attempt.attempt_id, attempt.number)
            elif isinstance(answer, Begun) and before is not None and before.status == "submitted":
                await store.lock(conn, organisation_id, [before.attempt_id])
                await store.reopen(conn, organisation_id, before.attempt_id)
            answers.append(answer)
    if new:
        await _write(conn, configuration, new)
    return answers


async def _learners(conn: Any, configuration: Configuration, wanted: Sequence[Begin]) -> dict[str, Learner]:
    create = configuration.organisation.settings.unknown_learner != "refuse"
    identities = sorted({one.user_id for one in wanted})
    return await learners.resolve(
        conn, configuration.organisation_id, [Wanted(identity, create=create) for identity in identities]
    )


async def _end_expired(
    conn: Any, configuration: Configuration, papers: Papers, latest: dict[tuple[str, str], Latest]
) -> dict[tuple[str, str], Latest]:
    """End the attempts whose time is over, so that their learners can begin the next."""
    over = {pair: one for pair, one in latest.items() if one.status == "running" and one.expired}
    if not over:
        return latest
    await close(conn, configuration, papers, [one.attempt_id for one in over.values()], submission="expired")
    return latest | await store.latest(conn, configuration.organisation_id, list(over))


def _decide(
    test: Startable, paper: Paper | None, before: Latest | None, earlier: Paper | None
) -> Paper | Begun | RocketError:
    """The paper of a new attempt, the attempt that goes on, or why neither may be."""
    refusal = _closed(test)
    if refusal is not None or paper is None:
        return refusal or NotPublished("This test isn't published.")
    if before is not None and earlier is not None and earlier.allow_resubmission:
        return Begun(before.attempt_id, before.number, is_new=False)
    if before is not None and before.status == "running":
        return AttemptInProgress(
            "There is an attempt that isn't submitted. Resume it.", {"attemptId": before.attempt_id}
        )
    if before is not None and before.number >= test.attempts:
        return AttemptLimitReached(
            f"All {test.attempts} attempts of this test were begun.", {"attempts": test.attempts}
        )
    if before is not None and before.review != "R":
        return UnderReview(
            "The last attempt waits for its review. The next one can begin when that is done.",
            {"attemptId": before.attempt_id},
        )
    return paper


def _closed(test: Startable) -> RocketError | None:
    if test.status != "published":
        return NotPublished("This test isn't published.")
    if test.not_yet:
        return NotYetOpen("This test can't be taken yet.")
    if test.over:
        return Closed("This test can't be taken any more.")
    return None


def _new_attempt(
    test: Startable, paper: Paper, learner: Learner, user_id: str, before: Latest | None
) -> NewAttempt:
    attempt_id = uuid7()
    return NewAttempt(
        attempt_id,
        test.test_id,
        paper.paper_id,
        learner.learner_id,
        user_id,
        1 if before is None else before.number + 1,
        paper.draw(attempt_id),
        paper.total_marks,
        paper.time_limit_min,
        test.ends_at,
    )


async def _write(conn: Any, configuration: Configuration, new: Sequence[NewAttempt]) -> None:
    organisation_id = configuration.organisation_id
    begun_at = await store.add(conn, organisation_id, new)
    if len(begun_at) < len(new):
        raise TryAgain("another attempt of the same learner and test was begun meanwhile")
    now = datetime.now(UTC)
    messages: list[Message] = []
    events: list[Event] = []
    for one in new:
        data = {"attemptId": one.attempt_id, "testId": one.test_id, "attemptNumber": one.number}
        messages.append(told.message(uuid7(), "attempt.started", one.user_id, data, now))
        properties = {
            "quiz_id": one.test_id,
            "attempt_id": one.attempt_id,
            "attempt_number": one.number,
        }
        events.append(
            told.learning_event(
                "quiz.started", one.user_id, one.attempt_id, properties, begun_at[one.attempt_id]
            )
        )
    await outbox.enqueue(conn, organisation_id, configuration.endpoints, messages, now)
    await pipeline.ingest(conn, configuration, events, now)
    # Whoever joins or parts learners has waited since the learners were locked, or was there before.
    found = await learners.find(conn, organisation_id, {one.user_id for one in new})
    whose = {one.user_id: one.learner_id for one in new}
    is_other = any(who not in found or found[who].learner_id != whose[who] for who in whose)
    if is_other or await store.leave_gaps(conn, organisation_id, [one.attempt_id for one in new]):
        raise TryAgain("a learner was joined with another, or parted, meanwhile")
