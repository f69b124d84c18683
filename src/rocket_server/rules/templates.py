"""Ready-made rules: the defaults of every new organisation, and one for each activity of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Any, Final

from rocket_server.catalogue import MAX_POINTS, ONCE_PER, Activity
from rocket_server.rules.model import Rule
from rocket_server.rules.parse import ResolveEvent, guide_event, parse_rule, parse_rules

_MAX_RULE_ID: Final = 100


@dataclass(frozen=True, slots=True)
class Template:
    """A rule that an administrator can switch on. `is_default`: every new organisation has it already."""

    rule: Rule
    title: str
    is_default: bool

    def as_dict(self) -> dict[str, Any]:
        return {"title": self.title, "is_default": self.is_default, "rule": self.rule.as_dict()}


_DEFAULTS: Final[tuple[dict[str, Any], ...]] = (
    {
        "rule_id": "course_completed",
        "title": "Completed a course",
        "trigger": {"event": "course.completed"},
        "actions": {"award_points": 50},
        "constraints": ONCE_PER["course"],
    },
    {
        "rule_id": "lesson_completed",
        "title": "Completed a lesson or activity",
        "trigger": {"event": "lesson.completed"},
        "actions": {"award_points": 10},
        "constraints": ONCE_PER["lesson"],
    },
    {
        "rule_id": "user_logged_in",
        "title": "Logged in, once a day",
        "trigger": {"event": "user.logged_in"},
        "actions": {"award_points": 5},
        "constraints": ONCE_PER["day"],
    },
    {
        "rule_id": "assignment_submitted",
        "title": "Handed in an assignment",
        "description": "A platform that reports each save of one submission is awarded for it once.",
        "trigger": {"event": "assignment.submitted"},
        "actions": {"award_points": 15},
        "constraints": ONCE_PER["object"],
    },
    {
        "rule_id": "quiz_completed",
        "title": "Completed an attempt at a quiz",
        "trigger": {"event": "quiz.completed"},
        "actions": {"award_points": 20},
        "constraints": ONCE_PER["attempt"],
    },
    {
        "rule_id": "forum_posted",
        "title": "Wrote in a forum, three times a day",
        "trigger": {"event": "forum.posted"},
        "actions": {"award_points": 5},
        "constraints": {"max_per_day": 3},
    },
    {
        "rule_id": "resource_viewed",
        "title": "Opened a resource for the first time",
        "trigger": {"event": "resource.viewed"},
        "actions": {"award_points": 2},
        "constraints": ONCE_PER["resource"],
    },
    {
        "rule_id": "badge_awarded",
        "title": "Earned a badge in Moodle",
        "description": "Hears Moodle's badges only, so that a badge which a rule gave earns no points.",
        "trigger": {"event": "badge.awarded", "source": "moodle"},
        "actions": {"award_points": 100},
        "constraints": ONCE_PER["object"],
        "active": False,
    },
)

_STRICTER: Final[tuple[dict[str, Any], ...]] = (
    {
        "rule_id": "quiz_completed_once",
        "title": "Completed a quiz, once, with points by score",
        "description": (
            "10 to 25 points by the score in per cent, or 10 where no score is sent, for the first attempt"
            " at each quiz. Takes the place of quiz_completed: switch that off."
        ),
        "trigger": {"event": "quiz.completed"},
        "actions": {"award_points": {"from": "score", "multiply": 0.25, "min": 10, "max": 25}},
        "constraints": {"unique_by": ["quiz_id"]},
        "active": False,
    },
)


@cache
def default_rules() -> tuple[Rule, ...]:
    """The rules that a new organisation has; `badge_awarded` is switched off."""
    return tuple(parse_rule(written) for written in _DEFAULTS)


def event_resolver(activities: Mapping[str, Activity]) -> ResolveEvent:
    """Finds the canonical event for a Moodle name: the guide's short ones, and every class of a catalogue."""

    def resolve(name: str) -> str | None:
        known = activities.get(name)
        return guide_event(name) or (known.event if known else None)

    return resolve


def read_rule(data: Any, activities: Mapping[str, Activity], *, rule_id: str | None = None) -> Rule:
    """A rule as somebody writes it: as `parse_rule`, and its event may have any name of the catalogue."""
    return parse_rule(data, rule_id=rule_id, resolve_event=event_resolver(activities))


def read_rules(data: Any, activities: Mapping[str, Activity]) -> tuple[Rule, ...]:
    """As `read_rule`, for several."""
    return parse_rules(data, resolve_event=event_resolver(activities))


def rule_from_activity(activity: Activity) -> Rule:
    """The rule that an activity suggests, switched off; its id is the event's name with `_` for the dot.

    Raises InvalidPayload where the condition can't be used.
    """
    return parse_rule(
        {
            "rule_id": activity.event.replace(".", "_"),
            "title": activity.title,
            "trigger": {"event": activity.event, "conditions": activity.condition or {}},
            "actions": {"award_points": activity.points},
            "constraints": activity.constraints(),
            "active": False,
        }
    )


def templates(activities: Iterable[Activity] = ()) -> tuple[Template, ...]:
    """The default rules, the stricter ones, and one for each event of the catalogue that has none yet.

    Where activities share an event (every kind of Moodle module is viewed as `resource.viewed`), the first
    of them gives the rule.
    """
    found = [Template(rule, rule.title or rule.rule_id, True) for rule in default_rules()]
    found += [Template(rule, rule.title or rule.rule_id, False) for rule in map(parse_rule, _STRICTER)]
    covered = {template.rule.trigger.event for template in found}
    for activity in activities:
        if activity.points > 0 and activity.event not in covered:
            covered.add(activity.event)
            found.append(Template(rule_from_activity(activity), activity.title, False))
    return tuple(found)


def rules_of_mappings(
    source: str, mappings: Mapping[str, Any], activities: Mapping[str, Activity]
) -> list[Rule]:
    """The rules of a source's mappings that name points: each hears its own platform event only.

    `points_from` reads the points from the event, and `points` are then what an event without that value
    is worth.
    """
    rules: list[Rule] = []
    for eventname, mapping in mappings.items():
        if not isinstance(mapping, Mapping) or ("points" not in mapping and "points_from" not in mapping):
            continue
        known = activities.get(eventname)
        event = mapping.get("event") or (known.event if known else None)
        once_per = mapping.get("once_per") or (known.once_per if known else "event")
        points: Any = mapping.get("points")
        if mapping.get("points_from"):
            points = {"from": mapping["points_from"], "multiply": 1, "min": points or 0, "max": MAX_POINTS}
        if event is None or not points:
            continue
        rule = parse_rule(
            {
                "rule_id": _mapping_rule_id(source, eventname),
                "title": f"Mapping of {eventname} on {source}",
                "trigger": {
                    "event": event,
                    "source": source,
                    "conditions": {"metadata.lms_eventname": eventname},
                },
                "actions": {"award_points": points},
                "constraints": ONCE_PER[once_per],
            }
        )
        rules.append(rule)
    return rules


def _mapping_rule_id(source: str, eventname: str) -> str:
    readable = f"mapping:{source}:{eventname.strip(chr(92)).replace(chr(92), '.')}"
    if len(readable) <= _MAX_RULE_ID:
        return readable
    return f"mapping:{blake2b(readable.encode(), digest_size=16).hexdigest()}"
