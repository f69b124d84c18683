"""Events and rules that attackers send."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from benchmarks.attacks.wire import Target


def an_event(number: int, **properties: Any) -> dict[str, Any]:
    return {
        "event": "course.completed",
        "user_id": f"learner-{number % 500}",
        "timestamp": datetime.now(UTC).isoformat(),
        "event_id": f"attack-{number}",
        "properties": {"course_id": f"c{number}", **properties},
    }


def a_rule(rule_id: str, conditions: dict[str, Any]) -> dict[str, Any]:
    return {
        "rule_id": rule_id,
        "trigger": {"event": "course.completed", "conditions": conditions},
        "actions": {"award_points": 1},
    }


def costly_rule(number: int) -> dict[str, Any]:
    """A rule that no index can set aside, since it always holds; each counts by itself, some by a pattern."""
    conditions = {} if number % 20 else {"properties.text": {"matches": f"^(x|y|z{number})"}}
    costly = a_rule(f"costly-{number}", conditions)
    return costly | {"constraints": {"unique_by": ["course_id", f"f{number}"], "max_per_day": 5}}


async def put_rules(target: Target, number: int) -> None:
    for start in range(0, number, 90):
        some = [costly_rule(n) for n in range(start, min(start + 90, number))]
        await target.call("PUT", "/v1/rules", {"rules": some})
