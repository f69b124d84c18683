"""Compiled rules and the tally agree with a plain reading of the specification, over random histories.

The plain reading, `support/plain_rules.py`, looks through a list of all awards for every event.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rocket_server.errors import InvalidPayload
from rocket_server.events.model import Event
from rocket_server.rules.compile import Case, RuleSet
from rocket_server.rules.evaluate import Count, Probe
from rocket_server.rules.judge import judge
from rocket_server.rules.model import RuleVersion
from rocket_server.rules.parse import parse_rule
from rocket_server.rules.tally import Tally
from support.plain_rules import Given, decision, decisions, local_day

from .helpers import PARIS

START = datetime(2026, 3, 27, tzinfo=UTC)  # two days before the clocks go forward

# ---- random rules and events -------------------------------------------------------------------------------

fields = st.sampled_from(["course_id", "lesson_id", "score", "passed"])
scalars = st.sampled_from([1, 2, 80, "1", "2", "80", "80.5", "x", True, False, "true"])
numbers = st.sampled_from([1, 2, 80, "2", "80.5"])
tests = (
    scalars
    | st.fixed_dictionaries({}, optional={"gte": numbers, "ne": scalars})
    | st.builds(lambda name, value: {name: value}, st.sampled_from(["gt", "gte", "lt", "lte"]), numbers)
    | st.builds(
        lambda name, values: {name: values},
        st.sampled_from(["in", "not_in"]),
        st.lists(scalars, min_size=1, max_size=3),
    )
    | st.builds(lambda value: {"exists": value}, st.booleans())
    | st.builds(lambda value: {"starts_with": value}, st.sampled_from(["8", "x", "1"]))
).filter(lambda test: test != {})
plain = st.dictionaries(fields, tests, max_size=2)
conditions = st.recursive(
    plain,
    lambda inner: st.builds(
        lambda base, groups: base | groups,
        plain,
        st.fixed_dictionaries(
            {},
            optional={
                "any": st.lists(inner.filter(bool), min_size=1, max_size=3),
                "all": st.lists(inner.filter(bool), min_size=1, max_size=2),
                "not": inner.filter(bool),
            },
        ),
    ),
    max_leaves=6,
)
small = st.integers(1, 3)
limits = st.fixed_dictionaries(
    {},
    optional={
        "once": st.booleans(),
        "unique_by": st.lists(
            st.sampled_from(["course_id", "lesson_id", "@day", "@week", "@month", "@year"]),
            min_size=1,
            max_size=3,
            unique=True,
        ),
        "max_per_course": small,
        "max_per_lesson": small,
        "max_per_day": small,
        "max_per_week": st.integers(1, 6),
        "max_per_month": st.integers(1, 8),
        "max_per_year": st.integers(1, 8),
        "cooldown_minutes": st.sampled_from([1, 60, 600]),
        "max_points_per_day": st.integers(1, 30),
    },
)
moments = st.integers(0, 8 * 24 * 4).map(lambda quarters: START + timedelta(minutes=15 * quarters))
properties = st.fixed_dictionaries(
    {},
    optional={
        "course_id": st.sampled_from(["1", "2", 1, None, ""]),
        "lesson_id": st.sampled_from(["1", "2", "3"]),
        "score": st.sampled_from([1, 80, 80.5, "80", "80.5", "x", "", None]),
        "passed": st.sampled_from([True, False, "1", "0", "true", 1]),
    },
)
events = st.builds(
    lambda time, values: Event("quiz.completed", "s", "u", time, values, {}, b""), moments, properties
)
periods = st.fixed_dictionaries(
    {},
    optional={
        "starts_at": st.sampled_from(
            ["2026-03-28", "2026-03-29", "2026-03-29T02:30:00", "2026-03-29T01:00:00Z", "2026-03-27T12:00:00"]
        ),
        "ends_at": st.sampled_from(
            ["2026-03-29", "2026-03-31", "2026-04-01T00:00:00+02:00", "2026-03-29T03:15:00", "2026-04-03"]
        ),
    },
)
rules = st.builds(
    lambda when, how_often, points, period: {
        "rule_id": "r", "trigger": "quiz.completed", "conditions": when,
        "actions": {"award_points": points}, "constraints": how_often, **period,
    },
    conditions, limits, st.integers(1, 12), periods | st.just({}),
)  # fmt: skip
actions = (
    st.builds(lambda points: {"award_points": points}, st.integers(1, 12))
    | st.builds(
        lambda factor: {"multiplier": factor}, st.sampled_from([0.1, 0.25, 0.5, 1.15, 1.5, 2, 3, 7.5, 10])
    )
    | st.just({"issue_badge": "star"})
    | st.just({"multiplier": 2, "issue_badge": "star"})
)
rule_sets = st.lists(
    st.builds(
        lambda when, how_often, gives, period, priority, active: {
            "trigger": "quiz.completed",
            "conditions": when,
            "actions": gives,
            "constraints": how_often,
            **period,
            "priority": priority,
            "active": active,
        },
        plain,
        limits,
        actions,
        periods | st.just({}),
        st.integers(-2, 2),
        st.sampled_from([True, True, False]),
    ),
    min_size=2,
    max_size=6,
)


@settings(max_examples=300)
@given(rules, st.lists(events, min_size=1, max_size=25), st.data())
def test_decisions_agree_with_the_plain_reading(written: dict[str, Any], history: list[Event], data: Any):
    """Outcome and points of every event are those of the plain reading, through awards and reversals, and
    whether the counts come from one transaction or were stored by earlier ones."""
    try:
        parsed = parse_rule(json.loads(json.dumps(written)), stored=True)
    except InvalidPayload as error:
        reject_unless(error.message.count("no value can be") == 1)
        return
    rule = RuleSet([RuleVersion(parsed, 1)], PARIS).rules[0]
    awards: list[tuple[Event, int]] = []
    committed: list[tuple[Event, int]] = []
    tally = Tally()
    for event in history:
        if data.draw(st.integers(0, 9)) == 0:  # a new transaction counts what was committed
            committed, tally = list(awards), Tally()
        for probe in rule.probes(event):
            tally.store("u", "r", probe, counted(rule, probe, committed))
        found = rule.decide(event, tally.reader("u", "r"))
        standing = [Given(each, points, written["constraints"]) for each, points in awards]
        assert (found.outcome, found.points) == decision(written, event, standing)
        json.dumps(found.as_dict())
        if found.outcome == "awarded":
            assert found.marks == rule.marks(event)
            awards.append((event, found.points))
            tally.add("u", "r", found.marks, event.occurred_at, found.points)
        elif awards and data.draw(st.integers(0, 4)) == 0:
            taken, points = awards.pop(data.draw(st.integers(0, len(awards) - 1)))
            tally.remove("u", "r", rule.marks(taken), taken.occurred_at, points)


@settings(max_examples=300)
@given(rule_sets, st.lists(events, min_size=1, max_size=20), st.data())
def test_rules_that_multiply_agree_with_the_plain_reading(
    written: list[dict[str, Any]], history: list[Event], data: Any
):
    """Several rules about the same events, multipliers among them, decide as the plain reading does: each by
    its own counts, points multiplied before caps, multipliers used up only where something was multiplied."""
    for number, rule in enumerate(written):
        rule["rule_id"] = f"r{number}"
    try:
        versions = [RuleVersion(parse_rule(rule, stored=True), 1) for rule in written]
    except InvalidPayload as error:
        reject_unless(error.message.count("no value can be") == 1)
        return
    rule_set = RuleSet(versions, PARIS)
    awards: dict[str, list[tuple[Event, int]]] = {rule["rule_id"]: [] for rule in written}
    committed = {rule_id: list(given) for rule_id, given in awards.items()}
    tally = Tally()
    for event in history:
        if data.draw(st.integers(0, 9)) == 0:
            committed, tally = {rule_id: list(given) for rule_id, given in awards.items()}, Tally()
        considered = [(rule, rule.consider(event)) for rule in rule_set.triggered(event.event, explain=True)]
        for rule, case in considered:
            for probe in case.probes() if isinstance(case, Case) else ():
                tally.store("u", rule.rule_id, probe, counted(rule, probe, committed[rule.rule_id]))
        decided = judge(considered, partial(tally.reader, "u"))
        assert [one.rule_id for one in decided] == [rule.rule_id for rule, _ in considered]
        found = {one.rule_id: (one.outcome, one.points) for one in decided}
        standing = {
            rule["rule_id"]: [
                Given(each, points, rule["constraints"]) for each, points in awards[rule["rule_id"]]
            ]
            for rule in written
        }
        assert found == decisions(written, event, standing)
        for one in decided:
            json.dumps(one.as_dict())
            if one.outcome == "awarded":
                awards[one.rule_id].append((event, one.points))
                tally.add("u", one.rule_id, one.marks, event.occurred_at, one.points)


def reject_unless(is_impossible: bool) -> None:
    """Ranges that no value can meet are refused, as they should be; nothing else may be."""
    assert is_impossible


def counted(rule: Any, probe: Probe, awards: list[tuple[Event, int]]) -> Count:
    """What a database would count: awards under the mark in [since, until)."""
    found = [
        (event.occurred_at, points)
        for event, points in awards
        if probe.mark in rule.marks(event)
        and (probe.since is None or event.occurred_at >= probe.since)
        and (probe.until is None or event.occurred_at < probe.until)
    ]
    times = [time for time, _ in found]
    total = sum(points for _, points in found)
    return Count(len(found), total, min(times, default=None), max(times, default=None))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "add", "add", "remove", "count"]),
            st.sampled_from([("",), ("a",), ("", "a"), ("b",)]),
            st.integers(0, 20),
            st.integers(0, 3),
            st.none() | st.integers(0, 20),
            st.none() | st.integers(0, 20),
        ),
        max_size=60,
    ),
    st.integers(0, 20),
)
def test_the_tally_agrees_with_a_list(steps: list[Any], split: int):
    """A tally counts as a plain list would, in any order of times, with awards and reversals, whether an
    award was stored before or made in this transaction."""
    hours = [START + timedelta(hours=hour) for hour in range(21)]
    stored: list[tuple[str, datetime, int]] = []
    listed: list[tuple[str, datetime, int]] = []
    tally = Tally()

    def matching(kept: list[tuple[str, datetime, int]], probe: Probe) -> list[tuple[datetime, int]]:
        return sorted(
            (time, points)
            for mark, time, points in kept
            if mark == probe.mark
            and (probe.since is None or time >= probe.since)
            and (probe.until is None or time < probe.until)
        )

    def as_count(found: list[tuple[datetime, int]]) -> Count:
        if not found:
            return Count(0, 0, None, None)
        return Count(len(found), sum(points for _, points in found), found[0][0], found[-1][0])

    probes = [
        Probe(marks[0], None if since is None else hours[since], None if until is None else hours[until])
        for _, marks, _, _, since, until in steps
    ]
    for number, (step, marks, hour, points, _, _) in enumerate(steps):
        if number == split:  # what came before was committed, and is counted by the database
            stored, tally = list(listed), Tally()
            for probe in probes:
                tally.store("u", "r", probe, as_count(matching(stored, probe)))
        time, probe = hours[hour], probes[number]
        if step == "add":
            tally.add("u", "r", marks, time, points)
            listed += [(mark, time, points) for mark in marks]
        elif step == "remove" and all((mark, time, points) in listed for mark in marks):
            tally.remove("u", "r", marks, time, points)
            for mark in marks:
                listed.remove((mark, time, points))
        else:
            expected = as_count(matching(listed, probe))
            found = tally.count("u", "r", probe)
            assert found[:2] == expected[:2]
            if stored == []:
                assert found == expected
        assert tally.count("v", "r", probe) == tally.count("u", "s", probe) == Count(0, 0, None, None)


def test_ten_thousand_events_of_one_learner():
    """A batch of one learner's events, out of order, is counted right under every kind of constraint."""
    rule = RuleSet(
        [
            RuleVersion(
                parse_rule(
                    {
                        "rule_id": "r",
                        "trigger": "quiz.completed",
                        "actions": {"award_points": 3},
                        "constraints": {"max_per_day": 9, "cooldown_minutes": 5, "max_points_per_day": 20},
                    }
                ),
                1,
            )
        ],
        PARIS,
    ).rules[0]
    tally = Tally()
    total: dict[date, int] = {}
    for number in range(10_000):
        minutes = (number * 7919) % (60 * 24 * 60)
        event = Event("quiz.completed", "s", "u", START + timedelta(minutes=minutes), {}, {}, b"")
        found = rule.decide(event, tally.reader("u", "r"))
        tally.add("u", "r", found.marks, event.occurred_at, found.points)
        total[local_day(event)] = total.get(local_day(event), 0) + found.points
    assert len(total) >= 60
    assert set(list(total.values())[1:-1]) == {20}
