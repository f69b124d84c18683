"""Learning events to send, and what the default rules must make of them, counted without the server."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

LEARNERS = 20_000

# How often each kind of event is seen in a learning platform, roughly.
_WEIGHTS = {
    "resource.viewed": 40,
    "lesson.completed": 15,
    "user.logged_in": 12,
    "forum.posted": 8,
    "quiz.completed": 8,
    "course.viewed": 10,
    "assignment.submitted": 5,
    "course.completed": 2,
}
_POINTS = {
    "resource.viewed": 2,
    "lesson.completed": 10,
    "user.logged_in": 5,
    "forum.posted": 5,
    "quiz.completed": 20,
    "assignment.submitted": 15,
    "course.completed": 50,
}
_FORUM_POSTS_PER_DAY = 3


def events(label: str, count: int, learners: int = LEARNERS) -> list[dict[str, Any]]:
    """`count` events in the flat spelling, of the last 20 days. The label makes their ids and seeds what is
    random, so the events of two labels are different events."""
    rng = random.Random(label)
    now = datetime.now(UTC)
    names = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=count)
    return [
        {
            "event_id": f"{label}-{number}",
            "event": name,
            "user_id": f"learner-{rng.randrange(learners)}",
            "timestamp": (now - timedelta(seconds=rng.randrange(20 * 86_400))).isoformat(),
            "properties": {
                "course_id": str(rng.randrange(60)),
                "lesson_id": str(rng.randrange(3_000)),
                "object_id": f"{label}-{number}",
                "attempt_id": f"{label}-{number}",
                "module": rng.choice(("page", "url", "quiz", "book", "forum")),
                "title": rng.choice(("Food safety", "Advanced food safety", "Knives", "Hygiene")),
            },
            "metadata": {"source": "benchmark"},
        }
        for number, name in enumerate(names)
    ]


def bodies(made: Iterable[dict[str, Any]]) -> list[bytes]:
    """One body for each event."""
    return [msgspec.json.encode(event) for event in made]


def batches(made: list[dict[str, Any]], size: int) -> Iterator[bytes]:
    """Bodies of batches."""
    for start in range(0, len(made), size):
        yield msgspec.json.encode({"events": made[start : start + size]})


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be in the database once events were taken."""

    events: int
    entries: int
    points: int
    points_by_user: dict[str, int]


def expected(made: Iterable[dict[str, Any]]) -> Expected:
    """What the default rules give for all these events. Each rule's points are fixed and its cap counts
    awards, so neither order nor grouping matters."""
    counted: Counter[tuple[str, str, tuple[str, ...]]] = Counter()
    total = 0
    for event in made:
        total += 1
        if event["event"] in _POINTS:
            counted[event["user_id"], event["event"], _key(event)] += 1
    by_user: Counter[str] = Counter()
    entries = 0
    for (user, name, _), times in counted.items():
        awards = min(times, _FORUM_POSTS_PER_DAY) if name == "forum.posted" else 1
        entries += awards
        by_user[user] += awards * _POINTS[name]
    return Expected(total, entries, by_user.total(), dict(by_user))


def _key(event: dict[str, Any]) -> tuple[str, ...]:
    """What the default rule of an event counts by."""
    properties = event["properties"]
    match event["event"]:
        case "course.completed":
            return (properties["course_id"],)
        case "lesson.completed":
            return (properties["lesson_id"],)
        case "resource.viewed":
            return (properties["module"], properties["lesson_id"])
        case "assignment.submitted":
            return (properties["object_id"],)
        case "quiz.completed":
            return (properties["attempt_id"],)
        case _:  # logins and forum posts count by the day
            return (event["timestamp"][:10],)
