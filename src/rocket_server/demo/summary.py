"""Who got what and why, from events as the API shows them. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

# What kept an event from earning points: the code in its reason, or the outcome of the rule that heard it.
_WORDS: Final = {
    "staff": "done by a teacher or the administrator, who are listed as staff",
    "nobody": "nobody's: Moodle names no user",
    "guest": "done by Moodle's guest account",
    "logged_in_as": "done by an administrator who was logged in as a learner",
    "unknown_event": "an event that neither the catalogue nor a mapping knows",
    "filtered": "kept out by one of the source's filters",
    "held": "held until somebody says whose it is",
    "failed": "could not be processed",
    "no_rule": "an event for which no rule is switched on",
    "already_awarded": "awarded already: the rule counts each thing once",
    "cap_reached": "above a cap of its rule",
    "cooldown": "too soon after the last award of its rule",
    "condition_not_met": "a condition of its rule wasn't met",
    "inactive": "its rule is switched off",
    "suspended": "the learner is suspended",
}


@dataclass(frozen=True, slots=True)
class Earned:
    """What one rule gave one learner: how many awards stand, and their sum in points."""

    rule_id: str
    awards: int
    points: int


@dataclass(slots=True)
class Summary:
    """Learners by their user id with what they earned by rule, and why other events gave nothing."""

    learners: dict[str, list[Earned]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # as the platform sent them
    nothing: list[tuple[str, int]] = field(default_factory=list)  # in words, the commonest first

    def points(self, user_id: str) -> int:
        """What the learner earned in all."""
        return sum(earned.points for earned in self.learners[user_id])


def summarise(events: Iterable[dict[str, Any]]) -> Summary:
    """Counts events as `GET /v1/events` shows them. Those who earned most come first."""
    awards: dict[str, Counter[str]] = defaultdict(Counter)
    points: dict[str, Counter[str]] = defaultdict(Counter)
    names: dict[str, str] = {}
    nothing: Counter[str] = Counter()
    for event in events:
        personal = event["metadata"].get("personal", {})
        if event["user_id"] == f"{event['source']}:{personal.get('learner_id')}":
            names[event["user_id"]] = personal.get("learner_fullname", "")
        moved = [decision for decision in event["decisions"] if decision["points"]]
        for decision in moved:
            awards[event["user_id"]][decision["rule_id"]] += 1 if decision["points"] > 0 else -1
            points[event["user_id"]][decision["rule_id"]] += decision["points"]
        if not moved:
            nothing[_why(event)] += 1
    learners = {
        user_id: sorted(
            (Earned(rule_id, awards[user_id][rule_id], sum_) for rule_id, sum_ in by_rule.items()),
            key=lambda earned: (-earned.points, earned.rule_id),
        )
        for user_id, by_rule in sorted(points.items(), key=lambda item: (-item[1].total(), item[0]))
    }
    words = [(_WORDS.get(code, code), count) for code, count in nothing.most_common()]
    return Summary(learners, names, words)


def _why(event: dict[str, Any]) -> str:
    if event["status"] == "ignored":
        return str(event["reason"] or "").partition(":")[0]
    if event["status"] != "processed":
        return str(event["status"])
    return str(event["decisions"][0]["outcome"]) if event["decisions"] else "no_rule"
