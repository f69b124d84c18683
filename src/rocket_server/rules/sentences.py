"""What a decision says to a learner: a stable code, and one sentence in English that is keyed by it.

A translation is another `TEXTS` and `THINGS`; the values that fill the braces are the same in all languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, NamedTuple

from rocket_server.conditions.values import is_absent
from rocket_server.rules.calendar import Calendar
from rocket_server.rules.model import CALENDAR_PATHS, MAX_POINTS, SCOPES, Rule

TEXTS: Final[dict[str, str]] = {
    "awarded": "You earned {points} for {thing}.",
    "awarded_multiplied": "You earned {points} for {thing}: {base}, multiplied by {factor}.",
    "awarded_in_part": (
        "You earned {points} for {thing}: that was all that was left of the {limit} you can earn on {span}."
    ),
    "awarded_better": "You earned {points} more for {thing}: your best result is now worth {best}.",
    "badge_issued": "You earned the badge {badge} for {thing}.",
    "awarded_nothing": "This gives no points.",
    "multiplied": "What you earned for {thing} was multiplied by {factor}.",
    "multiplied_by_rank": (
        "What you earned for {thing} was multiplied by {factor}, since your rank is {rank}."
    ),
    "rank_without_multiplier": "Your rank, {rank}, doesn't multiply what you earn.",
    "nothing_to_multiply": "Nothing else gave points for {thing}, so there was nothing to multiply.",
    "condition_not_met": "This only counts if {field} {operator} {expected}; it was {seen}.",
    "condition_absent": (
        "This only counts if {field} {operator} {expected}, and nothing was reported about that."
    ),
    "conditions_not_met": "This only counts under certain conditions ({fields}), which weren't met.",
    "other_source": "This only counts in {expected}; you did it in {seen}.",
    "other_event": "This is for {things}, not for {other_things}.",
    "withdrawn_later": "This was undone later, so it doesn't count.",
    "superseded": "A newer result of the same activity was known already, so this one doesn't count.",
    "already_awarded_once": "You already earned this{on}. It can be earned once.",
    "already_awarded_for": (
        "You already earned this for this {key}{on}. It can be earned once for each {key}."
    ),
    "already_awarded_today": (
        "You already earned this for {thing} on {day}. The next one counts from {opens}."
    ),
    "already_awarded_in": "You already earned this for {thing} {span}. The next one counts from {opens}.",
    "already_awarded_in_for": (
        "You already earned this for this {key} {span}. The next one counts from {opens}."
    ),
    "already_awarded_better": (
        "You already earned {best} for this {key}. A better result earns the difference."
    ),
    "cap_reached": "You already earned points for {used} {counted} {span}. The next one counts from {opens}.",
    "cap_reached_for": (
        "You already earned points for {used} {counted} in this {key}. No more of them count there."
    ),
    "points_cap_reached": (
        "You already earned {used} for {things} {span}, which is the most. The next one counts from {opens}."
    ),
    "cooldown": "Leave at least {wait} between {things}. The next one counts from {opens}.",
    "filtered": "This activity doesn't count: {reason}.",
    "event_ignored": "This activity doesn't count: {reason}.",
    "event_held": "This activity will be counted later: {reason}.",
    "event_failed": "This activity couldn't be counted: {reason}.",
    "suspended": "Your account was suspended at that time, so this earned nothing.",
    "not_active": "This wasn't available when you did it.",
    "draft": "This wasn't ready yet when you did it.",
    "not_yet": "This counts from {opens}.",
    "no_longer": "This counted until {closed}.",
    "made_later": "This was introduced on {since}, after you did it.",
    "reversed": "{points} taken back: {reason}.",
}

# What a learner did, as one and as several.
THINGS: Final[dict[str, tuple[str, str]]] = {
    "course.completed": ("a completed course", "completed courses"),
    "course.viewed": ("a visit to a course", "visits to courses"),
    "lesson.completed": ("a completed lesson", "completed lessons"),
    "lesson.reopened": ("a reopened lesson", "reopened lessons"),
    "lesson.failed": ("a failed lesson", "failed lessons"),
    "user.logged_in": ("a login", "logins"),
    "assignment.submitted": ("a submitted assignment", "submitted assignments"),
    "quiz.completed": ("a completed quiz", "completed quizzes"),
    "quiz.started": ("a started quiz", "started quizzes"),
    "forum.posted": ("a forum post", "forum posts"),
    "resource.viewed": ("an opened resource", "opened resources"),
    "badge.awarded": ("a badge", "badges"),
}
_OPERATORS: Final[dict[str, str]] = {
    "eq": "is",
    "ne": "isn't",
    "gt": "is above",
    "gte": "is at least",
    "lt": "is below",
    "lte": "is at most",
    "in": "is one of",
    "not_in": "is none of",
    "contains": "contains",
    "starts_with": "starts with",
    "matches": "looks like",
    "exists": "is",
}
_FIELDS: Final = {"progress_pct": "progress in per cent", "time_on_task_sec": "time on task in seconds"}
_REASONS: Final = {
    "completion withdrawn": "the completion was undone",
    "withdrawn": "what earned this was deleted or undone",
    "decided anew": "the activity was counted again",
}
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_LISTED: Final = 5


class Said(NamedTuple):
    """A decision in words. `opens_at` is when the rule gives again, where that is a matter of time."""

    code: str
    sentence: str
    opens_at: datetime | None


def say(
    decision: Mapping[str, Any],
    *,
    event: str,
    occurred_at: datetime,
    rule: Rule | None,
    calendar: Calendar,
    now: datetime,
) -> Said:
    """The code and the sentence of a decision (as `Decision.as_dict` has it) about an event.

    `rule` is the version that decided, where it is known. Times are told in the calendar's zone; the year is
    left out where it is this one.
    """
    words = _Words(decision, event, occurred_at, rule, calendar, now)
    code = words.code()
    return Said(code, TEXTS[code].format_map(words.values), words.opens_at)


class _Words:
    """Finds the code of one decision and what its sentence is filled with."""

    def __init__(
        self,
        decision: Mapping[str, Any],
        event: str,
        occurred_at: datetime,
        rule: Rule | None,
        calendar: Calendar,
        now: datetime,
    ) -> None:
        self._decision = decision
        self._detail: Mapping[str, Any] = decision["detail"]
        self._event = event
        self._occurred_at = occurred_at
        self._rule = rule
        self._calendar = calendar
        self._now = now
        self.opens_at: datetime | None = None
        thing, things = _thing(event)
        self.values: dict[str, str] = {
            "thing": thing,
            "things": things,
            "points": _points(abs(decision["points"])),
        }

    def code(self) -> str:
        match self._decision["outcome"]:
            case "awarded":
                return self._awarded()
            case "condition_not_met":
                return self._condition()
            case "already_awarded":
                return self._already()
            case "cap_reached":
                return self._cap()
            case "cooldown":
                minutes = self._detail.get("limit", 0)
                self.values["wait"] = _wait(minutes)
                self._opens(self._time("until"))
                return "cooldown"
            case "inactive":
                return self._inactive()
            case "filtered":
                status = self._detail.get("status")
                reason = str(self._detail.get("reason") or "it isn't among what is counted")
                # Stored reasons are "code: sentence".
                self.values["reason"] = reason.partition(": ")[2].rstrip(".") or reason.rstrip(".")
                return f"event_{status}" if f"event_{status}" in TEXTS else "filtered"
            case "reversed":
                reason = str(self._detail.get("reason") or "")
                self.values["reason"] = _REASONS.get(reason, reason or "it was corrected")
                return "reversed"
            case _:
                return "suspended"

    def _awarded(self) -> str:
        detail = self._detail
        multiplies = detail.get("multiplies")
        if multiplies is not None:
            self.values["factor"] = _number(multiplies["factor"])
            rank = detail.get("rank")
            if rank is not None:
                self.values["rank"] = rank["name"]
                return "multiplied_by_rank"
            return "multiplied"
        if not self._decision["points"]:
            badge = self._rule.actions.issue_badge if self._rule else None
            self.values["badge"] = badge or ""
            return "badge_issued" if badge else "awarded_nothing"
        multiplier = detail.get("multiplier")
        cap = detail.get("caps", {}).get("max_points_per_day")
        best = detail.get("caps", {}).get("best")
        if best is not None and cap is None and self._decision["points"] < best["used"]:
            self.values["best"] = _points(best["used"])
            return "awarded_better"
        if cap is not None and self._decision["points"] < self._worth():
            self.values["limit"] = _points(cap["limit"])
            self.values["span"] = self._date(self._occurred_at)
            return "awarded_in_part"
        if multiplier is not None:
            self.values["base"] = str(multiplier["base"])
            self.values["factor"] = _number(multiplier["factor"])
            return "awarded_multiplied"
        return "awarded"

    def _worth(self) -> int:
        """What the award would have been without a cap."""
        computed, multiplier = self._detail.get("computed"), self._detail.get("multiplier")
        if multiplier is not None:
            product = Decimal(multiplier["base"]) * Decimal(str(multiplier["factor"]))
            return min(int(product.quantize(Decimal(1), ROUND_HALF_UP)), MAX_POINTS)
        if computed is not None:
            return int(computed["points"])
        points = self._rule.actions.award_points if self._rule else 0
        return points if isinstance(points, int) else 0

    def _condition(self) -> str:
        detail = self._detail
        reason = detail.get("reason")
        if reason == "rank_without_multiplier":
            self.values["rank"] = detail["rank"]["name"] or "that you don't have yet"
            return str(reason)
        if reason in ("nothing_to_multiply", "withdrawn_later", "superseded"):
            return str(reason)
        path, operator, seen = detail.get("path"), detail.get("operator"), detail.get("seen")
        if path == "event" and operator == "eq":
            # The event isn't the rule's, so the rule's things are others.
            self.values["things"] = _thing(str(detail.get("expected")))[1]
            self.values["other_things"] = _thing(self._event)[1]
            return "other_event"
        if operator not in _OPERATORS:
            fields = [_field(name) for name in seen] if isinstance(seen, Mapping) else []
            self.values["fields"] = _listed(fields) or "it"
            return "conditions_not_met"
        expected = detail.get("expected")
        self.values["field"] = _field(str(path))
        self.values["operator"] = _OPERATORS[operator]
        self.values["expected"] = (
            ("given" if expected else "not given") if operator == "exists" else _value(expected)
        )
        self.values["seen"] = _value(seen)
        if path == "source":
            return "other_source"
        return "condition_absent" if is_absent(seen) else "condition_not_met"

    def _already(self) -> str:
        constraint = str(self._detail.get("constraint"))
        last = self._time("last_awarded")
        self.values["on"] = "" if last is None else f" on {self._date(last)}"
        if constraint in ("unique_by", "best"):
            paths = self._rule.constraints.unique_by if self._rule else ()
            named = [path for path in paths if path != "module" and path not in CALENDAR_PATHS]
            self.values["key"] = _listed([_field(path) for path in named], " and ") or "activity"
            if constraint == "best":
                self.values["best"] = _points(int(self._detail.get("used", 0)))
                return "already_awarded_better"
            units = [CALENDAR_PATHS[path] for path in paths if path in CALENDAR_PATHS]
            if not units:
                return "already_awarded_for"
            spans = [(self._calendar.span(unit, self._occurred_at), unit) for unit in units]
            span, unit = min(spans, key=lambda one: one[0].until)
            self._opens(span.until)
            if unit == "day":
                self.values["day"] = self._date(self._occurred_at)
                return "already_awarded_today"
            self.values["span"] = self._span(unit, *span)
            return "already_awarded_in_for" if named else "already_awarded_in"
        if constraint.startswith("max_per_"):
            self.values["key"] = constraint.removeprefix("max_per_")
            return "already_awarded_for"
        return "already_awarded_once"

    def _cap(self) -> str:
        constraint = str(self._detail.get("constraint"))
        used = int(self._detail.get("used", 0))
        thing, things = _thing(self._event)
        # "a forum post" after a number is "forum post".
        self.values["used"], self.values["counted"] = (
            str(used),
            things if used != 1 else thing.partition(" ")[2],
        )
        since, until = self._time("since"), self._time("until")
        key = constraint.removeprefix("max_per_")
        if key in SCOPES or since is None or until is None:
            self.values["key"] = key
            return "cap_reached_for"
        unit = constraint.removeprefix("max_per_").removeprefix("max_points_per_")
        self.values["span"] = self._span(unit, since, until)
        self._opens(until)
        if constraint == "max_points_per_day":
            self.values["used"] = _points(used)
            return "points_cap_reached"
        return "cap_reached"

    def _inactive(self) -> str:
        reason = self._detail.get("reason")
        if reason == "not_yet":
            self._opens(self._time("since"))
            return "not_yet"
        if reason == "no_longer":
            until = self._time("until")
            self.values["closed"] = "" if until is None else self._moment(until)
            return "no_longer"
        if reason == "made_later":
            since = self._time("since")
            self.values["since"] = "a later day" if since is None else self._moment(since)
            return "made_later"
        return "draft" if reason == "draft" else "not_active"

    def _opens(self, moment: datetime | None) -> None:
        self.opens_at = moment
        self.values["opens"] = "a later time" if moment is None else self._moment(moment)

    def _time(self, name: str) -> datetime | None:
        text = self._detail.get(name)
        return datetime.fromisoformat(text) if isinstance(text, str) else None

    def _span(self, unit: str, since: datetime, until: datetime) -> str:
        if unit == "hour":
            return f"between {self._clock(since)} and {self._clock(until)} on {self._date(since)}"
        if unit == "week":
            return f"in the week from {self._date(since)}"
        if unit == "month":
            local = since.astimezone(self._zone)
            return f"in {_MONTHS[local.month - 1]}{self._year(local)}"
        if unit == "year":
            return f"in {since.astimezone(self._zone).year}"
        return f"on {self._date(since)}"

    @property
    def _zone(self) -> tzinfo:
        return self._calendar.zone

    def _date(self, moment: datetime) -> str:
        local = moment.astimezone(self._zone)
        return f"{local.day} {_MONTHS[local.month - 1]}{self._year(local)}"

    def _clock(self, moment: datetime) -> str:
        local = moment.astimezone(self._zone)
        # A moment from which something counts is never told too early.
        if local.second or local.microsecond:
            local = (moment + timedelta(minutes=1)).astimezone(self._zone)
        return f"{local:%H:%M}"

    def _moment(self, moment: datetime) -> str:
        if moment.second or moment.microsecond:
            moment += timedelta(seconds=60 - moment.second, microseconds=-moment.microsecond)
        return f"{self._date(moment)} {self._clock(moment)}"

    def _year(self, local: datetime) -> str:
        return "" if local.year == self._now.astimezone(self._zone).year else f" {local.year}"


def _thing(event: str) -> tuple[str, str]:
    known = THINGS.get(event)
    if known is not None:
        return known
    words = event.replace(".", " ").replace("_", " ")
    return f"“{words}”", f"“{words}”"


def _points(number: int) -> str:
    return f"{number} point" if number == 1 else f"{number} points"


def _number(value: float) -> str:
    return f"{value:g}"


def _wait(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    days, left = divmod(hours, 24)
    if days and not left and not rest:
        return f"{days} days" if days > 1 else "a day"
    if hours and not rest:
        return f"{hours} hours" if hours > 1 else "an hour"
    return f"{minutes} minutes" if minutes > 1 else "a minute"


def _field(path: str) -> str:
    name = path.rpartition(".")[2]
    return _FIELDS.get(name) or name.removesuffix("_id").replace("_", " ")


def _listed(words: list[str], last: str = ", ") -> str:
    shown = list(dict.fromkeys(words))
    if len(shown) > _LISTED:
        return ", ".join(shown[:_LISTED]) + ", …"
    return last.join(shown) if len(shown) == 2 else ", ".join(shown)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return _listed([_value(each) for each in value])
    return "nothing" if is_absent(value) else str(value)
