"""Events for trying things out."""

from __future__ import annotations

import random
from typing import Any

from rocket_learning.events import rfc3339, utc_now

_EVENTS = ("lesson.completed", "quiz.completed", "assignment.submitted")


def generate_test_events(user_id: str, count: int = 10) -> list[dict[str, Any]]:
    """So many events of one learner, of several kinds in turn, in three lessons a course, now."""
    return [
        {
            "event": _EVENTS[index % len(_EVENTS)],
            "user_id": user_id,
            "timestamp": rfc3339(utc_now()),
            "properties": {
                "course_id": f"course-{index // 3 + 1}",
                "lesson_id": f"lesson-{index + 1}",
                "progress_pct": random.randrange(100),  # noqa: S311 - not a secret
            },
        }
        for index in range(count)
    ]
