"""Ready-made rules: the defaults, the stricter ones, and one for each activity of a catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from rocket_server.catalogue import Activity, Cap
from rocket_server.errors import InvalidPayload
from rocket_server.events.model import Event
from rocket_server.rules.compile import CompiledRule, RuleSet
from rocket_server.rules.model import Rule, RuleVersion
from rocket_server.rules.parse import parse_rule
from rocket_server.rules.templates import default_rules, rule_from_activity, templates

from .helpers import NOON, PARIS, Learner


def activity(
    event: str = "wiki.page_edited",
    title: str = "Edited a wiki page",
    once_per: str = "event",
    points: int = 4,
    cap: Cap | None = None,
    condition: Mapping[str, Any] | None = None,
) -> Activity:
    """An activity as the catalogue has it."""
    return Activity(
        "\\mod_wiki\\event\\page_updated",
        event,
        title,
        "userid",
        once_per,
        points,
        cap=cap,
        condition=condition,
    )


def ready(rule: Rule) -> CompiledRule:
    """A rule compiled as if it were switched on."""
    written = rule.as_dict() | {"active": True}
    return RuleSet([RuleVersion(parse_rule(written), 1)], PARIS).rules[0]


def default(rule_id: str) -> Learner:
    """A learner without history before one of the default rules."""
    return Learner(ready(next(rule for rule in default_rules() if rule.rule_id == rule_id)))


def happens(name: str, hours: int = 0, /, source: str = "moodle", **properties: Any) -> Event:
    return Event(name, source, "u1", NOON + timedelta(hours=hours), properties, {}, b"")


@pytest.mark.parametrize(
    ("rule_id", "events", "points"),
    [
        ("course_completed", [{"course_id": "1"}, {"course_id": "1"}, {"course_id": "2"}], [50, 0, 50]),
        ("lesson_completed", [{"lesson_id": "1"}, {"lesson_id": "1"}, {"lesson_id": "2"}], [10, 0, 10]),
        ("user_logged_in", [{}, {}], [5, 0]),
        (
            "assignment_submitted",
            [{"object_id": "1"}, {"object_id": "1"}, {"object_id": "2"}, {}],
            [15, 0, 15, 15],
        ),
        (
            "quiz_completed",
            [{"attempt_id": "1"}, {"attempt_id": "1"}, {"attempt_id": "2"}, {}],
            [20, 0, 20, 20],
        ),
        ("forum_posted", [{}, {}, {}, {}], [5, 5, 5, 0]),
        (
            "resource_viewed",
            [{"module": "page", "lesson_id": "1"}] * 2 + [{"module": "url", "lesson_id": "1"}],
            [2, 0, 2],
        ),
        ("badge_awarded", [{"object_id": "1"}, {"object_id": "1"}, {"object_id": "2"}], [100, 0, 100]),
    ],
)
def test_default_rules(rule_id: str, events: list[dict[str, Any]], points: list[int]):
    """Each default rule gives its points and counts by its key."""
    learner = default(rule_id)
    name = learner.rule.rule.trigger.event
    assert [learner.does(happens(name, **each)).points for each in events] == points


def test_a_login_counts_again_the_next_day():
    """The login of the next day counts again."""
    learner = default("user_logged_in")
    assert [learner.does(happens("user.logged_in", hours)).points for hours in (0, 10, 11, 24)] == [
        5,
        0,
        5,
        0,
    ]


def test_only_the_badge_rule_is_off_and_hears_moodle_only():
    """badge_awarded waits to be switched on, and our own badges earn nothing under it."""
    assert [rule.rule_id for rule in default_rules() if not rule.active] == ["badge_awarded"]
    assert [rule.rule_id for rule in default_rules() if rule.trigger.source] == ["badge_awarded"]
    own = happens("badge.awarded", source="rocket", object_id="1")
    assert default("badge_awarded").does(own).outcome == "condition_not_met"


def test_the_stricter_quiz_rule():
    """quiz_completed_once gives 10 to 25 points by score, once per quiz, and waits to be switched on."""
    (template,) = [each for each in templates() if not each.is_default]
    assert not template.rule.active
    learner = Learner(ready(template.rule))
    given = [
        learner.does(happens("quiz.completed", quiz_id=quiz, score=score)).points
        for quiz, score in [("1", "90"), ("1", "100"), ("2", "100"), ("3", "10"), ("4", None)]
    ]
    assert given == [23, 0, 25, 10, 10]


@pytest.mark.parametrize(
    ("activity", "constraints"),
    [
        (activity(once_per="event", cap=Cap("day", 3)), {"max_per_day": 3}),
        (activity(once_per="once"), {"once": True}),
        (activity(once_per="day", cap=Cap("day", 2)), {"max_per_day": 1}),
        (activity(once_per="course"), {"max_per_course": 1}),
        (activity(once_per="lesson"), {"max_per_lesson": 1}),
        (activity(once_per="resource"), {"unique_by": ["module", "lesson_id"]}),
        (activity(once_per="object", cap=Cap("week", 2)), {"unique_by": ["object_id"], "max_per_week": 2}),
        (activity(once_per="attempt"), {"unique_by": ["attempt_id"]}),
        (activity(once_per="course+day"), {"unique_by": ["course_id", "@day"]}),
        (activity(once_per="object+day"), {"unique_by": ["object_id", "@day"]}),
    ],
)
def test_an_activity_becomes_a_rule(activity: Activity, constraints: dict[str, Any]):
    """once_per and cap become constraints; the rule is named by its event and switched off."""
    rule = rule_from_activity(activity)
    assert rule.as_dict() == {
        "rule_id": "wiki_page_edited",
        "title": "Edited a wiki page",
        "trigger": {"event": "wiki.page_edited"},
        "actions": {"award_points": 4},
        "constraints": constraints,
        "active": False,
    }


def test_an_activitys_condition_is_a_rules_condition():
    """The catalogue's condition is read as any rule's, and refused like one."""
    rule = rule_from_activity(activity(condition={"by_self": True}))
    assert rule.as_dict()["trigger"]["conditions"] == {"by_self": {"eq": True}}
    with pytest.raises(InvalidPayload):
        rule_from_activity(activity(condition={"by_self": {"equals": 1}}))


def test_one_template_for_each_event():
    """Activities that share an event share a rule, defaults are kept, and no points means no rule."""
    found = templates(
        [
            activity(),
            activity(points=9),
            activity(event="resource.viewed"),
            activity(event="course.searched", points=0),
        ]
    )
    ids = [template.rule.rule_id for template in found]
    assert len(ids) == len(set(ids)) == 10
    assert ids[:8] == [rule.rule_id for rule in default_rules()]
    assert ids[8:] == ["quiz_completed_once", "wiki_page_edited"]
    assert found[-1].as_dict()["rule"]["actions"] == {"award_points": 4}
