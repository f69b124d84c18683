"""What is told of tests, questions, attempts and answers: messages for webhooks, events for the rules.
Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from rocket_server.assessments.grading import Result, result_word
from rocket_server.assessments.model import number
from rocket_server.delivery.outbox import Message, told
from rocket_server.events.model import Event, dedupe_key

SOURCE: Final = "rocket"


def message(event_id: str, event: str, user_id: str, data: Mapping[str, Any], now: datetime) -> Message:
    """Something that happened, in the form in which messages are kept."""
    return told(event, user_id, now, dict(data), points_awarded=None, message_id=event_id)


def learning_event(
    event: str, user_id: str, attempt_id: str, properties: Mapping[str, Any], occurred_at: datetime
) -> Event:
    """What rules hear of an attempt. The attempt is the once-key: each of its facts is stored once."""
    return Event(
        event=event,
        source=SOURCE,
        user_id=user_id,
        occurred_at=occurred_at,
        properties=dict(properties),
        metadata={},
        dedupe_key=dedupe_key(SOURCE, "assessment", attempt_id, event),
        source_kind=SOURCE,
    )


def result_properties(
    *,
    test_id: str,
    attempt_id: str,
    attempt_number: int,
    score: Decimal | None,
    max_score: Decimal,
    result: Result | None,
    time_spent_s: int | None,
) -> dict[str, Any]:
    """What rules may ask of a result: `score_pct` is 0 to 100, `passed` is there once it is known."""
    properties: dict[str, Any] = {
        "quiz_id": test_id,
        "attempt_id": attempt_id,
        "attempt_number": attempt_number,
        "max_score": number(max_score),
    }
    if score is not None:
        properties["score"] = number(score)
        if max_score > 0:
            share = min(max(score / max_score, Decimal(0)), Decimal(1))
            properties["score_pct"] = number(round(share * 100, 2))
    if result is not None:
        properties["passed"] = result == "P"
        properties["result"] = result_word(result)
    if time_spent_s is not None:
        properties["time_on_task_sec"] = time_spent_s
    return properties
