"""What a learner is told of each decision: one sentence for each code, with the numbers behind it."""

from __future__ import annotations

import json
from datetime import datetime
from string import Formatter
from typing import Any

import pytest

from rocket_server.rules.calendar import Calendar
from rocket_server.rules.compile import RuleSet
from rocket_server.rules.explain import Decided, every_rule, in_words
from rocket_server.rules.model import RuleVersion
from rocket_server.rules.parse import parse_rule
from rocket_server.rules.sentences import TEXTS, Said, say

from .helpers import NOON, PARIS, Learner, at, compiled, event

NOW = at("2026-03-04T18:00:00")


def decision(outcome: str, points: int = 0, **detail: Any) -> dict[str, Any]:
    return {"rule_id": "r", "rule_version": 3, "outcome": outcome, "points": points, "detail": detail}


def said(
    decided: dict[str, Any],
    name: str = "forum.posted",
    *,
    occurred_at: datetime = NOON,
    now: datetime = NOW,
    **rule: Any,
) -> Said:
    written = {"rule_id": "r", "trigger": name, "actions": {"award_points": 10}, **rule}
    return say(
        decided,
        event=name,
        occurred_at=occurred_at,
        rule=parse_rule(written, stored=True),
        calendar=Calendar(PARIS),
        now=now,
    )


TODAY = {"since": "2026-03-03T23:00:00Z", "until": "2026-03-04T23:00:00Z"}
BY_TWO = {"base": 10, "factor": 2, "rules": []}
POINTS_CAP = {"caps": {"max_points_per_day": {"used": 20, "limit": 20}}}

CASES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("awarded", decision("awarded", 10), {}, "You earned 10 points for a forum post."),
    ("awarded", decision("awarded", 1), {"name": "a.b_c"}, "You earned 1 point for “a b c”."),
    (
        "awarded_multiplied",
        decision("awarded", 20, multiplier=BY_TWO),
        {},
        "You earned 20 points for a forum post: 10, multiplied by 2.",
    ),
    (
        "awarded_in_part",
        decision("awarded", 4, **POINTS_CAP),
        {},
        "You earned 4 points for a forum post: that was all that was left of the 20 points you can earn on"
        " 4 March.",
    ),
    (
        "awarded_in_part",
        decision("awarded", 14, multiplier=BY_TWO, **POINTS_CAP),
        {},
        "You earned 14 points for a forum post: that was all that was left of the 20 points you can earn on"
        " 4 March.",
    ),
    (
        "badge_issued",
        decision("awarded"),
        {"actions": {"issue_badge": "star"}},
        "You earned the badge star for a forum post.",
    ),
    ("awarded_nothing", decision("awarded"), {}, "This gives no points."),
    (
        "multiplied",
        decision("awarded", multiplies={"factor": 1.5, "rules": ["a"]}),
        {},
        "What you earned for a forum post was multiplied by 1.5.",
    ),
    (
        "multiplied_by_rank",
        decision(
            "awarded",
            multiplies={"factor": 1.5, "rules": ["a"]},
            rank={"name": "Pilot", "factor": 1.5},
        ),
        {},
        "What you earned for a forum post was multiplied by 1.5, since your rank is Pilot.",
    ),
    (
        "rank_without_multiplier",
        decision(
            "condition_not_met", reason="rank_without_multiplier", rank={"name": "Explorer", "factor": 1}
        ),
        {},
        "Your rank, Explorer, doesn't multiply what you earn.",
    ),
    (
        "nothing_to_multiply",
        decision("condition_not_met", reason="nothing_to_multiply"),
        {},
        "Nothing else gave points for a forum post, so there was nothing to multiply.",
    ),
    (
        "condition_not_met",
        decision("condition_not_met", path="progress_pct", operator="gte", expected=80, seen="60"),
        {},
        "This only counts if progress in per cent is at least 80; it was 60.",
    ),
    (
        "condition_not_met",
        decision("condition_not_met", path="course_id", operator="in", expected=["1", "2"], seen="3"),
        {},
        "This only counts if course is one of 1, 2; it was 3.",
    ),
    (
        "condition_not_met",
        decision("condition_not_met", path="a", operator="exists", expected=False, seen=1),
        {},
        "This only counts if a is not given; it was 1.",
    ),
    (
        "condition_absent",
        decision("condition_not_met", path="metadata.grade_type", operator="eq", expected=True, seen=None),
        {},
        "This only counts if grade type is true, and nothing was reported about that.",
    ),
    (
        "conditions_not_met",
        decision("condition_not_met", path="any", operator="any", expected=[], seen={"score": 1, "a": 2}),
        {},
        "This only counts under certain conditions (score, a), which weren't met.",
    ),
    (
        "other_source",
        decision("condition_not_met", path="source", operator="eq", expected="moodle", seen="api"),
        {},
        "This only counts in moodle; you did it in api.",
    ),
    (
        "other_event",
        decision("condition_not_met", path="event", operator="eq", expected="course.completed", seen="x.y"),
        {},
        "This is for completed courses, not for forum posts.",
    ),
    (
        "withdrawn_later",
        decision("condition_not_met", reason="withdrawn_later", by_event="e"),
        {},
        "This was undone later, so it doesn't count.",
    ),
    (
        "superseded",
        decision("condition_not_met", reason="superseded"),
        {},
        "A newer result of the same activity was known already, so this one doesn't count.",
    ),
    (
        "already_awarded_once",
        decision("already_awarded", constraint="once", limit=1, used=1, last_awarded="2025-03-01T12:00:00Z"),
        {},
        "You already earned this on 1 March 2025. It can be earned once.",
    ),
    (
        "already_awarded_for",
        decision("already_awarded", constraint="max_per_course", last_awarded="2026-03-04T23:30:00Z"),
        {},
        "You already earned this for this course on 5 March. It can be earned once for each course.",
    ),
    (
        "already_awarded_for",
        decision("already_awarded", constraint="unique_by"),
        {"constraints": {"unique_by": ["course_id", "quiz_id"]}},
        "You already earned this for this course and quiz. It can be earned once for each course and quiz.",
    ),
    (
        "already_awarded_today",
        decision("already_awarded", constraint="unique_by"),
        {"name": "user.logged_in", "constraints": {"unique_by": "@day"}},
        "You already earned this for a login on 4 March. The next one counts from 5 March 00:00.",
    ),
    (
        "already_awarded_better",
        decision("already_awarded", constraint="best", used=40),
        {"constraints": {"unique_by": ["quiz_id"]}},
        "You already earned 40 points for this quiz. A better result earns the difference.",
    ),
    (
        "awarded_better",
        decision("awarded", 20, caps={"best": {"used": 60, "limit": 60}}),
        {"name": "quiz.completed"},
        "You earned 20 points more for a completed quiz: your best result is now worth 60 points.",
    ),
    (
        "already_awarded_in_for",
        decision("already_awarded", constraint="unique_by"),
        {"constraints": {"unique_by": ["course_id", "@year"]}},
        "You already earned this for this course in 2026. The next one counts from 1 January 2027 00:00.",
    ),
    (
        "already_awarded_in",
        decision("already_awarded", constraint="unique_by"),
        {"name": "user.logged_in", "constraints": {"unique_by": ["@month", "@year"]}},
        "You already earned this for a login in March. The next one counts from 1 April 00:00.",
    ),
    (
        "cap_reached",
        decision(
            "cap_reached",
            constraint="max_per_year",
            limit=1,
            used=1,
            since="2025-12-31T23:00:00Z",
            until="2026-12-31T23:00:00Z",
        ),
        {},
        "You already earned points for 1 forum post in 2026. The next one counts from 1 January 2027 00:00.",
    ),
    (
        "cap_reached",
        decision("cap_reached", constraint="max_per_day", limit=3, used=3, **TODAY),
        {},
        "You already earned points for 3 forum posts on 4 March. The next one counts from 5 March 00:00.",
    ),
    (
        "cap_reached",
        decision(
            "cap_reached",
            constraint="max_per_hour",
            limit=1,
            used=1,
            since="2026-03-04T11:00:00Z",
            until="2026-03-04T12:00:00Z",
        ),
        {},
        "You already earned points for 1 forum post between 12:00 and 13:00 on 4 March. The next one counts"
        " from 4 March 13:00.",
    ),
    (
        "cap_reached",
        decision(
            "cap_reached",
            constraint="max_per_week",
            limit=5,
            used=5,
            since="2026-03-01T23:00:00Z",
            until="2026-03-08T23:00:00Z",
        ),
        {},
        "You already earned points for 5 forum posts in the week from 2 March. The next one counts from"
        " 9 March 00:00.",
    ),
    (
        "cap_reached",
        decision(
            "cap_reached",
            constraint="max_per_month",
            limit=5,
            used=5,
            since="2025-11-30T23:00:00Z",
            until="2025-12-31T23:00:00Z",
        ),
        {},
        "You already earned points for 5 forum posts in December 2025. The next one counts from"
        " 1 January 00:00.",
    ),
    (
        "cap_reached_for",
        decision("cap_reached", constraint="max_per_course", limit=2, used=2, since=None, until=None),
        {},
        "You already earned points for 2 forum posts in this course. No more of them count there.",
    ),
    (
        "points_cap_reached",
        decision("cap_reached", constraint="max_points_per_day", limit=20, used=20, **TODAY),
        {},
        "You already earned 20 points for forum posts on 4 March, which is the most. The next one counts from"
        " 5 March 00:00.",
    ),
    (
        "cooldown",
        decision("cooldown", constraint="cooldown_minutes", limit=5, until="2026-03-04T12:03:20Z"),
        {},
        "Leave at least 5 minutes between forum posts. The next one counts from 4 March 13:04.",
    ),
    (
        "cooldown",
        decision("cooldown", constraint="cooldown_minutes", limit=1440, until="2026-03-05T12:00:00Z"),
        {},
        "Leave at least a day between forum posts. The next one counts from 5 March 13:00.",
    ),
    (
        "filtered",
        decision("filtered", reason="filtered: this course isn't counted."),
        {},
        "This activity doesn't count: this course isn't counted.",
    ),
    (
        "event_ignored",
        decision("filtered", status="ignored", reason="staff: done by a teacher"),
        {},
        "This activity doesn't count: done by a teacher.",
    ),
    (
        "event_held",
        decision("filtered", status="held", reason="unknown_learner: nobody is known as x"),
        {},
        "This activity will be counted later: nobody is known as x.",
    ),
    (
        "event_failed",
        decision("filtered", status="failed", reason=None),
        {},
        "This activity couldn't be counted: it isn't among what is counted.",
    ),
    (
        "suspended",
        decision("suspended"),
        {},
        "Your account was suspended at that time, so this earned nothing.",
    ),
    ("not_active", decision("inactive", reason="inactive"), {}, "This wasn't available when you did it."),
    ("not_active", decision("inactive"), {}, "This wasn't available when you did it."),
    ("draft", decision("inactive", reason="draft"), {}, "This wasn't ready yet when you did it."),
    (
        "not_yet",
        decision("inactive", reason="not_yet", since="2026-04-01T22:00:00Z"),
        {},
        "This counts from 2 April 00:00.",
    ),
    (
        "no_longer",
        decision("inactive", reason="no_longer", until="2026-01-31T23:00:00Z"),
        {},
        "This counted until 1 February 00:00.",
    ),
    (
        "made_later",
        decision("inactive", reason="made_later", since="2026-03-04T14:00:00Z"),
        {},
        "This was introduced on 4 March 15:00, after you did it.",
    ),
    (
        "reversed",
        decision("reversed", -10, reason="completion withdrawn"),
        {},
        "10 points taken back: the completion was undone.",
    ),
]


@pytest.mark.parametrize(("code", "decided", "about", "sentence"), CASES, ids=[case[0] for case in CASES])
def test_each_code_has_its_sentence(code: str, decided: dict[str, Any], about: dict[str, Any], sentence: str):
    """A decision is told in a sentence with local times and without jargon, under a stable code."""
    found = said(
        decided, about.get("name", "forum.posted"), **{k: v for k, v in about.items() if k != "name"}
    )
    assert (found.code, found.sentence) == (code, sentence)


def test_every_code_is_tested():
    """No code is without a test, and none is tested that there isn't."""
    assert {case[0] for case in CASES} == TEXTS.keys()
    for text in TEXTS.values():
        assert all(name is None or name.isidentifier() for _, name, _, _ in Formatter().parse(text))


@pytest.mark.parametrize(
    ("decided", "opens_at"),
    [
        (decision("cap_reached", constraint="max_per_day", used=3, **TODAY), "2026-03-05T00:00:00"),
        (decision("cooldown", limit=5, until="2026-03-04T12:03:20Z"), "2026-03-04T13:03:20"),
        (decision("inactive", reason="not_yet", since="2026-04-01T22:00:00Z"), "2026-04-02T00:00:00"),
        (decision("already_awarded", constraint="once"), None),
        (decision("awarded", 10), None),
    ],
)
def test_when_it_opens_again(decided: dict[str, Any], opens_at: str | None):
    """Where waiting helps, the moment is told exactly; elsewhere there is none."""
    assert said(decided).opens_at == (None if opens_at is None else at(opens_at))


def test_the_day_after_a_change_of_the_clocks():
    """A cap of the day on which the clocks go forward opens at the next local midnight."""
    learner = Learner(compiled(constraints={"max_per_day": 1}))
    time = at("2026-03-29T01:30:00")
    learner.does(event(time))
    refused = learner.does(event(time)).as_dict()
    found = said(refused, "quiz.completed", occurred_at=time)
    assert found.opens_at == at("2026-03-30T00:00:00")
    assert found.sentence.endswith("on 29 March. The next one counts from 30 March 00:00.")


def rule_set(*written: dict[str, Any]) -> RuleSet:
    return RuleSet([RuleVersion(parse_rule(rule), 1) for rule in written], PARIS)


def test_every_rule_says_something():
    """Rules that left no decision are told apart: off, a draft, another event, made later, ignored."""
    quiz = {"trigger": "quiz.completed", "actions": {"award_points": 1}}
    then = rule_set(
        quiz | {"rule_id": "decided"},
        quiz | {"rule_id": "off", "active": False},
        quiz | {"rule_id": "draft", "status": "draft"},
        quiz | {"rule_id": "superseded"},
        {"rule_id": "forum", "trigger": "forum.posted", "actions": {"award_points": 1}},
    )
    now = rule_set(quiz | {"rule_id": "decided"}, quiz | {"rule_id": "new"})
    happened = event()
    stored = [decision("awarded", 1) | {"rule_id": "decided", "rule_version": 1}]

    def codes(status: str, decisions: list[dict[str, Any]]) -> dict[str, str]:
        told = every_rule(
            happened, decisions, status=status, reason="x: y", then=then, now=now, made_since={"new": NOW}
        )
        words = [in_words(one, happened, Calendar(PARIS), NOW) for one in told]
        json.dumps(words)
        return {word["rule_id"]: word["code"] for word in words}

    rest = {"off": "not_active", "draft": "draft", "forum": "other_event", "new": "made_later"}
    assert codes("processed", stored) == {"decided": "awarded", "superseded": "superseded", **rest}
    assert codes("held", []) == {"decided": "event_held", "superseded": "event_held", **rest}


def test_a_decision_of_a_rule_that_is_gone():
    """A decision whose rule isn't known any more is told all the same."""
    found = in_words(
        Decided(decision("already_awarded", constraint="unique_by"), None), event(), Calendar(PARIS), NOW
    )
    assert (
        found["sentence"]
        == "You already earned this for this activity. It can be earned once for each activity."
    )
    assert found["title"] is None


def test_an_award_taken_back_is_told_once():
    """A rule of another event, whose award this event took back, says that and nothing beside it."""
    rules = rule_set({"rule_id": "r", "trigger": "forum.posted", "actions": {"award_points": 1}})
    taken = decision("reversed", -1, reason="completion withdrawn")
    told = every_rule(event(), [taken], status="processed", reason=None, then=rules, now=rules, made_since={})
    assert [one.decision["outcome"] for one in told] == ["reversed"]
