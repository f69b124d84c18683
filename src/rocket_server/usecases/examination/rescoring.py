"""An attempt by a corrected paper: what it comes to, and what follows for its learner's points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rocket_server import pipeline
from rocket_server.assessments.attempts import store
from rocket_server.assessments.attempts.regrades import Change, Regrade
from rocket_server.assessments.attempts.store import Answer, Attempt, Regraded
from rocket_server.assessments.grading import result_word
from rocket_server.assessments.model import number
from rocket_server.assessments.papers import Paper
from rocket_server.assessments.scoring import Score
from rocket_server.configuration.snapshot import Configuration
from rocket_server.delivery import outbox
from rocket_server.events import store as events_store
from rocket_server.events.model import Event
from rocket_server.ids import uuid7
from rocket_server.usecases.examination import told


@dataclass(frozen=True, slots=True)
class Scored:
    """A submitted attempt, its scores by the corrected paper and what it comes to: now, and when it was
    submitted, before anybody had reviewed it."""

    attempt: Attempt
    paper: Paper
    given: Mapping[str, Answer]
    scores: Mapping[str, Score]
    now: Regraded
    at_submit: Regraded

    @classmethod
    def of(cls, attempt: Attempt, paper: Paper, given: Mapping[str, Answer]) -> Scored:
        """The attempt by the corrected paper; what a person judged stays, within the question's marks."""
        answers = {question_id: one.answer for question_id, one in given.items()}
        by_key = paper.score(attempt.question_ids, answers)
        scores = dict(by_key)
        for question_id, one in given.items():
            if one.reviewed_at is not None and one.score is not None and question_id in scores:
                kept = min(one.score, paper.question(question_id).marks)
                scores[question_id] = Score(kept, kept > 0)
        return cls(
            attempt,
            paper,
            given,
            scores,
            _came_to(attempt, paper, scores, reviewed=attempt.review in ("U", "R")),
            _came_to(attempt, paper, by_key, reviewed=False),
        )

    def differs(self, question_id: str) -> bool:
        """Whether the corrected question changes anything in the attempt."""
        before = self.given.get(question_id)
        after = self.scores.get(question_id)
        answer = before is not None and after is not None and before.score != after.marks
        return answer or (self.attempt.score, self.attempt.result) != (self.now.score, self.now.result)

    def change(self, points: int) -> Change:
        """The attempt's row in the correction."""
        old, new = self.attempt, self.now
        return Change(old.attempt_id, old.score, new.score, old.result, new.result, points)

    def events(self, now: datetime) -> list[Event]:
        """What rules heard of the attempt, as it is now."""
        # Also where nothing waited for it: a person may judge what was left out.
        was_reviewed = self.now.review == "R" and any(one.reviewed_at for one in self.given.values())
        submitted_at = self.attempt.submitted_at or now
        stated = [("quiz.completed", self.at_submit, submitted_at)]
        if was_reviewed:
            stated.append(("quiz.graded", self.now, now))
        return [
            told.learning_event(
                event,
                self.attempt.user_id,
                self.attempt.attempt_id,
                told.result_properties(
                    test_id=self.attempt.test_id,
                    attempt_id=self.attempt.attempt_id,
                    attempt_number=self.attempt.number,
                    score=done.score,
                    max_score=self.attempt.max_score,
                    result=done.result,
                    time_spent_s=self.attempt.time_spent_s,
                ),
                at,
            )
            for event, done, at in stated
        ]


def _came_to(attempt: Attempt, paper: Paper, scores: Mapping[str, Score], *, reviewed: bool) -> Regraded:
    outcome = paper.outcome(scores.values(), reviewed=reviewed)
    return Regraded(attempt.attempt_id, outcome.review_status, outcome.score, outcome.result)


async def write(
    conn: Any, configuration: Configuration, regrade: Regrade, changed: Sequence[Scored]
) -> dict[str, int]:
    """Keep what changed, tell it, and let rules hear it; the points that each attempt gained or lost."""
    if not changed:
        return {}
    organisation_id = configuration.organisation_id
    question_id = regrade.question_id
    rows: list[tuple[str, str, Decimal | None, bool | None]] = [
        (one.attempt.attempt_id, question_id, score.marks, score.is_correct)
        for one in changed
        if question_id in one.given and (score := one.scores.get(question_id)) is not None
    ]
    await store.write_scores(conn, organisation_id, rows)
    await store.write_results(conn, organisation_id, [one.now for one in changed], regrade.created_by)
    now = datetime.now(UTC)
    messages = [
        told.message(
            uuid7(),
            "attempt.reviewed",
            one.attempt.user_id,
            {
                "attemptId": one.attempt.attempt_id,
                "testId": one.attempt.test_id,
                "score": None if one.now.score is None else number(one.now.score),
                "result": result_word(one.now.result),
                "reviewedBy": regrade.created_by,
                "answersReviewed": 1,
                "reason": regrade.reason,
            },
            now,
        )
        for one in changed
    ]
    await outbox.enqueue(conn, organisation_id, configuration.endpoints, messages, now)
    return await _restate(conn, configuration, changed, now)


async def _restate(
    conn: Any, configuration: Configuration, changed: Sequence[Scored], now: datetime
) -> dict[str, int]:
    events = [(one.attempt.attempt_id, event) for one in changed for event in one.events(now)]
    results = await pipeline.ingest(conn, configuration, [event for _, event in events], now)
    points = dict.fromkeys((attempt_id for attempt_id, _ in events), 0)
    again: dict[str, dict[str, Any]] = {}
    attempt_of: dict[str, str] = {}
    for (attempt_id, event), result in zip(events, results, strict=True):
        if result.event_id is not None and result.status == "duplicate":
            again[result.event_id] = event.properties
            attempt_of[result.event_id] = attempt_id
        else:
            points[attempt_id] += result.points_awarded
    before = await events_store.lock(conn, configuration.organisation_id, again)
    after = await pipeline.restate(conn, configuration, again, now)
    for event_id, result in after.items():
        points[attempt_of[event_id]] += result.points_awarded - before[event_id].points_awarded
    return points
