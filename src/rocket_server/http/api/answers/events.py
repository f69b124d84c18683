"""Answers about events: what became of one, as it is stored, and why it earned what it did."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rocket_server.http.models import Decision

Stored = Literal["processed", "ignored", "held", "failed"]
_ID = "01a1fbf5-eb02-7002-87b6-627106057b39"


class Explanation(Decision):
    """A decision in words. `opens_at`: from when the rule may give again, where that is known."""

    title: str | None
    code: str
    sentence: str
    opens_at: str | None


class Processed(BaseModel):
    """What became of an event. `reason` is there where it wasn't processed, or takes part in nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "processed",
                    "event_id": _ID,
                    "processed_at": "2026-03-02T08:15:30.188250Z",
                    "points_awarded": 50,
                    "badges": [],
                    "decisions": [
                        {
                            "rule_id": "course_completed",
                            "rule_version": 1,
                            "outcome": "awarded",
                            "points": 50,
                            "detail": {"caps": {"max_per_course": {"used": 1, "limit": 1}}},
                        }
                    ],
                }
            ]
        }
    )

    status: Literal["processed", "duplicate", "ignored", "held", "failed"]
    event_id: str
    processed_at: str
    points_awarded: int
    badges: list[str]
    decisions: list[Decision]
    reason: str | None = None


class Item(BaseModel):
    """What became of one event of a batch: `event_id` is null and `error` says why where it failed."""

    index: int
    status: Literal["processed", "duplicate", "ignored", "held", "failed"]
    event_id: str | None
    error: str | None = None
    points_awarded: int | None = None
    reason: str | None = None


class Batch(BaseModel):
    """What became of a batch; `processed` counts every event that is stored now and wasn't before."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "processed": 1,
                    "duplicates": 0,
                    "failed": 1,
                    "points_awarded": 50,
                    "results": [
                        {"index": 0, "status": "processed", "event_id": _ID, "points_awarded": 50},
                        {"index": 1, "status": "failed", "event_id": None, "error": "user_id: is required"},
                    ],
                }
            ]
        }
    )

    processed: int
    duplicates: int
    failed: int
    points_awarded: int
    errors_left_out: int | None = Field(default=None, description="Failed items whose error isn't said.")
    results: list[Item]


class Event(BaseModel):
    """A stored event. `source_event_id` is the caller's id."""

    event_id: str
    source_event_id: str | None
    source: str
    status: Stored
    reason: str | None
    event: str
    user_id: str | None
    timestamp: str
    received_at: str
    properties: dict[str, Any]
    metadata: dict[str, Any]
    points_awarded: int
    badges: list[str]
    decisions: list[Decision]


class ExplainedEvent(Event):
    """A stored event with what every rule says about it."""

    decisions: list[Explanation]  # type: ignore[assignment]


class EventPage(BaseModel):
    """Events, the latest received first."""

    events: list[Event]
    next_cursor: str | None


class ExplainedPage(BaseModel):
    """A learner's events with their reasons, the latest received first."""

    user_id: str
    events: list[ExplainedEvent]
    next_cursor: str | None


class Calculation(BaseModel):
    """What an event would give now."""

    status: Literal["processed", "duplicate", "ignored", "held", "failed"]
    reason: str | None
    event: dict[str, Any]
    points_awarded: int
    badges: list[str]
    decisions: list[Explanation]
