"""What the tests of the rules share: an event, a compiled rule, a learner's history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rocket_server.events.model import Event
from rocket_server.rules.compile import CompiledRule, RuleSet
from rocket_server.rules.evaluate import Decision
from rocket_server.rules.model import RuleVersion
from rocket_server.rules.parse import parse_rule
from rocket_server.rules.tally import Tally

PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday


def at(text: str, zone: Any = PARIS) -> datetime:
    """A local time as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def event(occurred_at: datetime = NOON, /, **properties: Any) -> Event:
    """A completed quiz with these properties."""
    return Event(
        event="quiz.completed",
        source="campus",
        user_id="u1",
        occurred_at=occurred_at,
        properties=properties,
        metadata={"event_id": "e1", "lms": {"site": "main"}},
        dedupe_key=b"0" * 16,
        source_kind="moodle",
    )


def compiled(zone: Any = PARIS, /, **parts: Any) -> CompiledRule:
    """A rule about completed quizzes worth 10 points, with some parts changed."""
    written = {"rule_id": "r", "trigger": "quiz.completed", "actions": {"award_points": 10}, **parts}
    return RuleSet([RuleVersion(parse_rule(written, stored=True), 3)], zone).rules[0]


class Learner:
    """A learner without history, to whom events happen one after the other."""

    def __init__(self, rule: CompiledRule) -> None:
        self.rule = rule
        self.tally = Tally()

    def does(self, happened: Event) -> Decision:
        """The decision about an event, after which an award counts."""
        decision = self.rule.decide(happened, self.tally.reader("u1", self.rule.rule_id))
        self.tally.add("u1", self.rule.rule_id, decision.marks, happened.occurred_at, decision.points)
        return decision

    def outcomes(self, *events: Event) -> list[str]:
        return [self.does(each).outcome for each in events]
