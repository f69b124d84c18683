"""From decoded YAML or JSON to a rule: the canonical form, and the shorter one of the Moodle guide."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any, Final

from rocket_server.conditions.model import AllOf, Comparison, comparisons
from rocket_server.conditions.reading import Problems, is_clean, join, quoted, read_conditions
from rocket_server.conditions.values import as_time
from rocket_server.errors import InvalidPayload
from rocket_server.rules.actions import ID, IGNORED, read_actions, read_constraints, read_int, refuse_unknown
from rocket_server.rules.model import (
    MAX_PRIORITY,
    Actions,
    Constraints,
    Period,
    Rule,
    Trigger,
)
from rocket_server.rules.sense import add_contradictions

MAX_RULES: Final = 1000

# The source of the server's own events, such as the badges that rules give.
OWN_SOURCE: Final = "rocket"

_EVENT: Final = re.compile(r"[a-z]+\.[a-z_]+\Z")
_RULE: Final = (
    "rule_id", "name", "title", "description", "trigger", "conditions", "actions", "constraints", "active",
    "status", "starts_at", "ends_at", "priority", *IGNORED,
)  # fmt: skip
_STATUSES: Final = ("draft", "active", "inactive")
_TRIGGER: Final = ("event", "source", "conditions")

# Moodle's names in the guide's rules, by the last part of the event's class.
_MOODLE_EVENTS: Final = {
    "course_completed": "course.completed",
    "course_module_completion_updated": "lesson.completed",
    "user_loggedin": "user.logged_in",
    "assessable_submitted": "assignment.submitted",
    "attempt_submitted": "quiz.completed",
    "post_created": "forum.posted",
    "course_module_viewed": "resource.viewed",
    "badge_awarded": "badge.awarded",
}

ResolveEvent = Callable[[str], str | None]


def guide_event(name: str) -> str | None:
    """The canonical event for a Moodle name of the guide: `badge_awarded`, or the whole class."""
    return _MOODLE_EVENTS.get(name.rpartition("\\")[2])


def parse_rule(
    data: Any,
    *,
    rule_id: str | None = None,
    path: str = "",
    resolve_event: ResolveEvent = guide_event,
    stored: bool = False,
) -> Rule:
    """The rule in `data`, which is decoded JSON or YAML.

    `rule_id` is used where the data has none; without either, the id is made from the rule's content.
    `path` goes before the paths of errors (`rules[3]`). `resolve_event` finds the canonical event for a
    Moodle name, given as it was written. A `stored` rule was accepted once, and isn't asked again whether it
    contradicts itself; one with a pattern that isn't taken any more is switched off, and `fault` says so.
    Raises InvalidPayload, which names every faulty field.
    """
    problems = Problems(stored=stored)
    rule = _read_rule(data, rule_id, path, resolve_event, problems)
    if rule is not None and not stored:
        add_contradictions(rule, path, problems)
    if problems.errors or rule is None:
        raise InvalidPayload.from_fields(problems.errors)
    if problems.outdated:
        first = problems.outdated[0]
        return replace(rule, active=False, fault=f"{first.path}: {first.message}")
    return rule


def parse_rules(data: Any, *, resolve_event: ResolveEvent = guide_event) -> tuple[Rule, ...]:
    """The rules in a list, in `{"rules": [...]}`, or the single rule that `data` is.

    Raises InvalidPayload, also for two rules of one id.
    """
    path = ""
    if isinstance(data, Mapping):
        if "rules" not in data:
            return (parse_rule(data, resolve_event=resolve_event),)
        data, path = data["rules"], "rules"
    if not isinstance(data, list | tuple) or not 1 <= len(data) <= MAX_RULES:
        raise InvalidPayload.field(path or "rules", f"expected a list of 1 to {MAX_RULES} rules")
    problems = Problems()
    rules: dict[str, Rule] = {}
    for index, item in enumerate(data):
        here = f"{path}[{index}]"
        rule = _read_rule(item, None, here, resolve_event, problems)
        if rule is None:
            continue
        add_contradictions(rule, here, problems)
        if rule.rule_id in rules:
            problems.add(join(here, "rule_id"), f"{rule.rule_id} is the id of an earlier rule in this list")
        rules[rule.rule_id] = rule
    if problems.errors:
        raise InvalidPayload.from_fields(problems.errors)
    return tuple(rules.values())


def _read_rule(
    data: Any, rule_id: str | None, path: str, resolve_event: ResolveEvent, problems: Problems
) -> Rule | None:
    before = len(problems.errors)
    problems.begin()
    if not isinstance(data, Mapping):
        problems.add(path, "expected a rule: an object with trigger and actions")
        return None
    refuse_unknown(data, _RULE, path, problems)
    trigger = _read_trigger(data, path, resolve_event, problems)
    actions = read_actions(data.get("actions"), join(path, "actions"), problems)
    constraints = read_constraints(data.get("constraints"), join(path, "constraints"), problems)
    active, draft = _read_status(data, path, problems)
    period = Period(
        *(_read_moment(data.get(key), join(path, key), problems) for key in ("starts_at", "ends_at"))
    )
    priority = read_int(data.get("priority"), -MAX_PRIORITY, MAX_PRIORITY, join(path, "priority"), problems)
    given = data.get("rule_id")
    if given is None:
        given = rule_id
    if given is not None and (not isinstance(given, str) or not ID.match(given)):
        problems.add(join(path, "rule_id"), "expected 1 to 100 letters, digits, _, -, . or :")
    name, title = (_read_text(data, key, 200, path, problems) for key in ("name", "title"))
    description = _read_text(data, "description", 2000, path, problems)
    if len(problems.errors) > before or trigger is None:
        return None
    return Rule(
        rule_id=given if given is not None else _made_id(trigger, actions, constraints),
        trigger=trigger,
        actions=actions,
        constraints=constraints,
        active=active,
        name=name,
        title=title,
        description=description,
        draft=draft,
        period=period,
        priority=priority or 0,
    )


def _read_status(data: Mapping[Any, Any], path: str, problems: Problems) -> tuple[bool, bool]:
    """Whether the rule is active, and whether it is a draft: `active` and `status` say one thing."""
    active, status = data.get("active"), data.get("status")
    if active is not None and not isinstance(active, bool):
        problems.add(join(path, "active"), f"expected true or false, not {quoted(active)}")
        return False, False
    if status is None:
        return active is not False, False
    if status not in _STATUSES:
        where = join(path, "status")
        close = difflib.get_close_matches(str(status)[:100], _STATUSES, 1, 0.6)
        hint = f"did you mean {close[0]}?" if close else f"expected {', '.join(_STATUSES)}"
        problems.add(where, f"unknown status {quoted(status)}; {hint}")
        return False, False
    if active is not None and active is not (status == "active"):
        problems.add(
            join(path, "active"), f"contradicts status {status}; send one of them, or both saying the same"
        )
    return status == "active", status == "draft"


def _read_moment(value: Any, path: str, problems: Problems) -> str | None:
    """A moment as a rule keeps it: RFC 3339, the same without an offset, or a date."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime | date):  # YAML knows them
        value = value.isoformat()
    if isinstance(value, str) and len(value) <= 40 and is_clean(value):
        # Ten characters are a date to both who read it.
        moment = as_time(value, UTC)
        if moment is not None and (len(value) > 10) == (":" in value):
            return value
    problems.add(path, "expected a date, such as 2026-03-01, or a time in RFC 3339")
    return None


def _made_id(trigger: Trigger, actions: Actions, constraints: Constraints) -> str:
    """An id for a rule without one; the same rule gets the same id, so that applying a file again changes
    nothing."""
    content = [part.as_dict() for part in (trigger, actions, constraints)]
    digest = blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=4).hexdigest()
    return f"{trigger.event.replace('.', '_')[:90]}_{digest}"


def _read_trigger(
    data: Mapping[Any, Any], path: str, resolve_event: ResolveEvent, problems: Problems
) -> Trigger | None:
    where = join(path, "trigger")
    trigger = data.get("trigger")
    beside = data.get("conditions")
    conditions_at = join(path, "conditions")
    source: Any = None
    if isinstance(trigger, Mapping):
        refuse_unknown(trigger, _TRIGGER, where, problems)
        name, name_at = trigger.get("event"), join(where, "event")
        source = trigger.get("source")
        inside = trigger.get("conditions")
        if inside is not None and beside is not None:
            problems.add(conditions_at, "conditions may stand in the trigger or beside it, not both")
        if inside is not None:
            beside, conditions_at = inside, join(where, "conditions")
    else:
        name, name_at = trigger, where
    event, is_moodle = _read_event(name, name_at, resolve_event, problems)
    conditions = AllOf() if beside is None else read_conditions(beside, conditions_at, problems)
    if source is not None and (not isinstance(source, str) or not ID.match(source)):
        problems.add(join(where, "source"), "expected the name of a source, such as moodle")
        return None
    if event is None:
        return None
    if is_moodle and source is None and all(part.path != "source" for part in comparisons(conditions)):
        # Moodle's name means a platform's event: a badge that a rule gave must not earn points once more.
        conditions = AllOf((*conditions.parts, Comparison("source", "ne", OWN_SOURCE)))
    return Trigger(event, source, conditions)


def _read_event(
    name: Any, path: str, resolve_event: ResolveEvent, problems: Problems
) -> tuple[str | None, bool]:
    """The canonical event, and whether it was named as Moodle names it."""
    if not isinstance(name, str) or not name or len(name) > 200:
        problems.add(path, "expected the name of an event, such as course.completed")
        return None, False
    if _EVENT.match(name):
        return name, False
    resolved = resolve_event(name)
    if resolved is None:
        problems.add(path, "expected an event such as course.completed, or Moodle's name of a known event")
    return resolved, True


def _read_text(data: Mapping[Any, Any], key: str, most: int, path: str, problems: Problems) -> str | None:
    value = data.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) <= most and is_clean(value):
        return value
    problems.add(join(path, key), f"expected text of at most {most} characters, without control characters")
    return None
