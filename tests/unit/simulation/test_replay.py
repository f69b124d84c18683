"""Judging the past in memory: what is kept as it was decided, and what is judged anew."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rocket_server.events.model import Event
from rocket_server.rules.calendar import Calendar
from rocket_server.rules.compile import CompiledRule, RuleSet
from rocket_server.rules.model import RuleVersion
from rocket_server.rules.parse import parse_rule
from rocket_server.simulation.book import Book
from rocket_server.simulation.model import Addition
from rocket_server.simulation.replay import Replay
from rocket_server.simulation.stored import Before, StoredMark
from rocket_server.sources.stored import as_read
from rocket_server.sources.withdrawals import Withdrawals

ZONE = ZoneInfo("UTC")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOTHING = Before(True, [], [], [])
POST = {
    "rule_id": "post",
    "trigger": {"event": "forum.posted"},
    "actions": {"award_points": 5},
    "constraints": {"max_per_day": 2},
}


def event(name: str = "forum.posted", minutes: int = 0, **properties: Any) -> Event:
    return Event(name, "api", "anna", NOON + timedelta(minutes=minutes), properties, {}, b"")


def decision(outcome: str, points: int = 0, version: int = 1, rule_id: str = "post", **detail: Any) -> dict:
    return {
        "rule_id": rule_id,
        "rule_version": version,
        "outcome": outcome,
        "points": points,
        "detail": detail,
    }


class Past:
    """One learner's past under candidates; `decided_by` are the versions of the rules that decided."""

    def __init__(self, *candidates: dict, decided_by: tuple[dict, ...] = (POST,), **options: Any) -> None:
        calendar = Calendar(ZONE)
        self.book = Book(calendar, {}, 10)
        versions = {
            (rule["rule_id"], number): CompiledRule(RuleVersion(parse_rule(rule), number), calendar)
            for number, rule in enumerate(decided_by, 1)
        }
        rules = RuleSet([RuleVersion(parse_rule(rule), 9) for rule in candidates], ZONE)
        self.replay = Replay(self.book, rules, versions, {}, stated=Withdrawals({}).stated, **options)
        self._number = 0

    def begin(self, before: Before = NOTHING) -> Past:
        self.replay.begin("learner", before)
        return self

    def then(self, happened: Event, *decisions: dict) -> Past:
        self._number += 1
        event_id = f"019caaf2-0000-7000-8000-{self._number:012}"
        self.replay.event(event_id, happened, json.dumps(decisions))
        return self

    def end(self) -> list[Addition]:
        return self.replay.end()


def test_a_refusal_by_the_same_rule_stays_a_refusal():
    """What the same rule decided stands, though judging in the order of receipt would give another event the
    award: two requests raced, and the second one was decided first."""
    past = Past(POST, decided_by=({**POST, "title": "Wrote"},)).begin()
    past.then(event(course_id="a"), decision("cap_reached")).then(
        event(), decision("awarded", 5, entry_id="e")
    )
    assert past.end() == []
    assert (past.book.points.current, past.book.points.candidate, past.book.touched) == (5, 5, 0)
    anew = Past(POST, decided_by=({**POST, "title": "Wrote"},), trust=False).begin()
    anew.then(event(course_id="a"), decision("cap_reached")).then(
        event(), decision("awarded", 5, entry_id="e")
    )
    anew.end()
    assert anew.book.points.candidate == 10


def test_after_a_difference_everything_is_judged():
    """An award that the candidate gives and the rule hadn't uses the cap of what comes later."""
    first = {**POST, "constraints": {"max_per_day": 1}}
    past = Past(POST, decided_by=(first, POST), collect=True).begin()
    past.then(event(), decision("awarded", 5, entry_id="a"))
    past.then(event(minutes=1), decision("cap_reached"))
    past.then(event(minutes=2), decision("awarded", 5, version=2, entry_id="b"))
    assert past.end() == [Addition("019caaf2-0000-7000-8000-000000000002", "post", 5)]
    sums = past.book.rules["post"]
    assert (sums.points.current, sums.points.candidate, sums.events_changed) == (10, 10, 2)
    assert sums.decisions_candidate == {"awarded": 2, "cap_reached": 1}


def test_awards_from_before_use_the_caps():
    """A mark of an earlier award on the same day leaves room for one more of two."""
    before = Before(True, [StoredMark("post", "", NOON, 5)], [], [])
    past = Past({**POST, "actions": {"award_points": 7}}).begin(before)
    past.then(event(), decision("awarded", 5)).then(event(minutes=1), decision("cap_reached"))
    past.end()
    assert (past.book.points.current, past.book.points.candidate) == (5, 7)


@pytest.mark.parametrize(("active", "expected"), [(True, 7), (False, 0)])
def test_suspension_where_no_rule_had_heard(active: bool, expected: int):
    """Of an event without decisions only the learner's present state is known."""
    past = Past({**POST, "rule_id": "new", "actions": {"award_points": 7}}).begin(Before(active, [], [], []))
    past.then(event())
    past.end()
    assert past.book.points.candidate == expected


def test_a_suspended_event_stays_suspended():
    """An event that was decided during a suspension gives nothing to new rules, though it is over."""
    past = Past({**POST, "rule_id": "new"}).begin()
    past.then(event(), decision("suspended"))
    past.end()
    assert past.book.rules["new"].decisions_candidate == {"suspended": 1}


def test_rules_that_are_not_tried_count_on_both_sides():
    """What other rules gave and took back is the same for the candidates."""
    past = Past({**POST, "rule_id": "new", "actions": {"award_points": 1}}).begin()
    past.then(event(), decision("awarded", 5, entry_id="e"))
    past.then(event(), decision("reversed", -5, reverses="e", reason="completion withdrawn"))
    past.end()
    sums = past.book.rules["post"]
    assert (sums.points.current, sums.points.candidate, sums.events_changed) == (0, 0, 0)
    assert past.book.points.difference == 2


def test_what_a_batch_gave_and_took_back_is_nothing():
    """An undone addition leaves the event as it was decided before."""
    past = Past(POST).begin()
    past.then(
        event(),
        decision("awarded", 5, entry_id="a"),
        decision("awarded", 3, entry_id="b", batch="x"),
        decision("reversed", -3, entry_id="c", reverses="b", batch="x", reason="batch undone"),
    )
    assert past.end() == []
    assert (past.book.points.current, past.book.points.difference) == (5, 0)


def test_a_multiplier_is_judged_with_what_it_multiplies():
    """Where a candidate multiplies, another that is unchanged gives more for the same event."""
    double = {
        "rule_id": "double",
        "trigger": {"event": "forum.posted"},
        "actions": {"multiplier": 2},
    }
    past = Past(POST, double).begin()
    past.then(event(), decision("awarded", 5, entry_id="e"))
    past.end()
    assert (past.book.points.current, past.book.points.candidate) == (5, 10)


@pytest.mark.parametrize(
    ("kind", "name", "properties", "expected"),
    [
        ("api", "lesson.completed", {"lesson_id": "1"}, ("completed", 0)),
        ("api", "lesson.reopened", {"lesson_id": "1"}, ("reopened", 0)),
        ("api", "lesson.completed", {}, (None, 0)),
        ("api", "course.completed", {"lesson_id": "1"}, (None, 0)),
        ("moodle", "lesson.completed", {"lesson_id": "1", "completionstate": "2"}, ("completed", 77)),
        ("moodle", "lesson.reopened", {"lesson_id": "1", "completionstate": "0"}, ("reopened", 77)),
        ("moodle", "lesson.failed", {"lesson_id": "1", "completionstate": "3"}, (None, 0)),
        ("moodle", "lesson.completed", {"lesson_id": "1"}, (None, 0)),
    ],
)
def test_which_completion_a_stored_event_states(kind, name, properties, expected):
    """It follows from what is stored, as the adapters set it when they read the event."""
    happened = Event(name, "s", "anna", NOON, properties, {}, b"", source_event_id="77", source_kind=kind)
    read = as_read(happened)
    assert (read.completion, read.sequence if read.completion else 0) == expected
