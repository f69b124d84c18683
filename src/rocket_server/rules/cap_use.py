"""How much of each rule's caps a learner has used: over time, and for courses where there was an award."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from rocket_server.errors import InvalidPayload
from rocket_server.rules import store
from rocket_server.rules.calendar import Calendar
from rocket_server.rules.compile import RuleSet
from rocket_server.rules.evaluate import NOTHING, Probe
from rocket_server.rules.explain import Limit, limits
from rocket_server.rules.model import PointsFrom, Rule
from rocket_server.rules.resets import EVERY_SOURCE, Resets
from rocket_server.rules.store import UsedKey
from rocket_server.times import rfc3339

_OVER_TIME: Final = 0
_BY_KEY: Final = 1


class Position(NamedTuple):
    """Where a row stands: by rule, caps over time first, then those for courses by their key."""

    rule_id: str
    kind: int
    number: int  # of the cap among those of the rule
    mark: str


_FIRST: Final = Position("", _OVER_TIME, -1, "")


@dataclass(frozen=True, slots=True)
class CapUse:
    """One cap and what is used of it. A rule without caps has `constraint`, `limit` and `used` None."""

    place: Position
    rule: Rule
    constraint: str | None
    limit: int | None
    used: int | None
    since: datetime | None = None
    until: datetime | None = None
    key: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        remaining = None if self.limit is None or self.used is None else max(0, self.limit - self.used)
        points = self.rule.actions.award_points
        return {
            "rule_id": self.rule.rule_id,
            "title": self.rule.title or self.rule.name,
            "event": self.rule.trigger.event,
            "points": points.as_dict() if isinstance(points, PointsFrom) else points,
            "constraint": self.constraint,
            "key": self.key,
            "limit": self.limit,
            "used": self.used,
            "remaining": remaining,
            "since": None if self.since is None else rfc3339(self.since),
            "resets_at": None if self.until is None else rfc3339(self.until),
            "opens_at": rfc3339(self.until) if remaining == 0 and self.until is not None else None,
        }


def text_of(place: Position) -> str:
    """A place as a cursor carries it."""
    return f"{place.kind} {place.number} {place.rule_id} {place.mark}"


def place_of(text: str | None) -> Position:
    """The place in a cursor; the first where there is none. Raises InvalidPayload."""
    if text is None:
        return _FIRST
    kind, number, rule_id, mark = [*text.split(" ", 3), "", "", ""][:4]
    if kind not in ("0", "1") or not number.isdecimal() or len(number) > 3 or not rule_id:
        raise InvalidPayload.field("cursor", "must be the next_cursor of an earlier answer")
    return Position(rule_id, int(kind), int(number), mark)


async def cap_use(
    conn: Any,
    organisation_id: str,
    learner_id: str,
    rules: RuleSet,
    calendar: Calendar,
    now: datetime,
    after: Position,
    limit: int,
) -> list[CapUse]:
    """At most `limit` rows above the place `after`: two statements, however many rules there are."""
    by_time = _numbered(limits(rules, calendar, now), after)[:limit]
    scoped: dict[tuple[str, str], tuple[Rule, int]] = {
        (rule.rule_id, scope): (rule.rule, most)
        for rule in rules.rules
        if rule.holds_at(now)
        for scope, most in rule.rule.constraints.scoped()
    }
    rows: list[CapUse] = []
    if scoped:
        place = (after.rule_id, after.mark if after.kind == _BY_KEY else "")
        keys = await store.used_keys(conn, organisation_id, learner_id, list(scoped), place, limit)
        rows += [
            _of_key(key, scoped)
            for key in await _in_present_run(conn, organisation_id, learner_id, keys, rules.resets, now)
        ]
    counted = await store.count(
        conn,
        organisation_id,
        [(learner_id, cap.rule.rule_id, cap.probe) for _, cap in by_time if cap.probe is not None],
    )
    found = {(rule_id, probe): count for _, rule_id, probe, count in counted}
    for position, cap in by_time:
        if cap.probe is None:
            rows.append(CapUse(position, cap.rule, None, None, None))
            continue
        count = found.get((cap.rule.rule_id, cap.probe), NOTHING)
        used = count.points if cap.counts_points else count.awards
        since, until = cap.span or (None, None)
        if cap.cooldown is not None and count.latest is not None:
            since, until = count.latest, count.latest + cap.cooldown
        rows.append(CapUse(position, cap.rule, cap.constraint, cap.limit, used, since, until))
    return sorted(rows, key=lambda row: row.place)[:limit]


async def _in_present_run(
    conn: Any, organisation_id: str, learner_id: str, keys: list[UsedKey], resets: Resets, now: datetime
) -> list[UsedKey]:
    """The same keys with what was awarded since their course began anew; one statement where one did."""
    probes: dict[int, Probe] = {}
    for number, key in enumerate(keys):
        properties = key.properties
        if properties is None:  # an award without points, of which only its mark is known
            scope, _, value = key.mark.partition(":")
            properties = {f"{scope}_id": value}
        since = resets.run(key.source or EVERY_SOURCE, properties, now).since
        if since is not None:
            probes[number] = Probe(key.mark, since, None)
    wanted = [(learner_id, keys[number].rule_id, probe) for number, probe in probes.items()]
    counted = await store.count(conn, organisation_id, wanted)
    awards = {(rule_id, probe): count.awards for _, rule_id, probe, count in counted}
    return [
        key._replace(awards=awards.get((key.rule_id, probes[number]), 0)) if number in probes else key
        for number, key in enumerate(keys)
    ]


def _numbered(caps: list[Limit], after: Position) -> list[tuple[Position, Limit]]:
    """Caps over time with their places, from the first above `after` on."""
    numbers: dict[str, int] = {}
    found: list[tuple[Position, Limit]] = []
    for cap in caps:
        number = numbers[cap.rule.rule_id] = numbers.get(cap.rule.rule_id, -1) + 1
        place = Position(cap.rule.rule_id, _OVER_TIME, number, "")
        if place > after:
            found.append((place, cap))
    return found


def _of_key(used: UsedKey, scoped: Mapping[tuple[str, str], tuple[Rule, int]]) -> CapUse:
    scope, _, value = used.mark.partition(":")
    rule, limit = scoped[used.rule_id, scope]
    properties = used.properties or {}
    # A long value is kept as its hash; the event has it in full.
    named = properties.get(f"{scope}_id") if value.startswith("#") else value
    key = {f"{scope}_id": named or None, "title": properties.get(f"{scope}_title"), "event_id": used.event_id}
    place = Position(used.rule_id, _BY_KEY, 0, used.mark)
    return CapUse(place, rule, f"max_per_{scope}", limit, used.awards, key=key)
