"""How often a rule gives: keys, calendar units across changes of the clocks, cooldown, points per day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rocket_server.rules.calendar import Calendar
from rocket_server.rules.compile import RuleSet
from rocket_server.rules.evaluate import Count, Decision, Probe
from rocket_server.rules.model import RuleVersion
from rocket_server.rules.parse import parse_rule

from .helpers import NOON, PARIS, Learner, at, compiled, event


def outcomes(constraints: dict[str, Any], *events: Any) -> list[str]:
    """What a learner without history gets for events in this order."""
    return Learner(compiled(constraints=constraints)).outcomes(*events)


AWARDED, ALREADY, CAP, COOLDOWN = "awarded", "already_awarded", "cap_reached", "cooldown"


def test_without_constraints_every_event_counts():
    """A rule without constraints awards each event, counts nothing and stores no mark."""
    learner = Learner(compiled())
    assert learner.outcomes(event(), event(), event()) == [AWARDED] * 3
    assert learner.rule.probes(event()) == ()
    assert learner.rule.marks(event()) == ()


def test_once():
    """`once` is for ever."""
    assert outcomes({"once": True}, event(NOON), event(NOON + timedelta(days=4000))) == [AWARDED, ALREADY]


@pytest.mark.parametrize("scope", ["course", "lesson", "section"])
def test_once_per_scope(scope: str):
    """max_per_course, _lesson and _section count by their id, and absence is one value of its own."""
    key = f"{scope}_id"
    events = [event(**{key: "1"}), event(**{key: 1}), event(**{key: "2"}), event(), event(**{key: ""})]
    assert outcomes({f"max_per_{scope}": 1}, *events) == [AWARDED, ALREADY, AWARDED, AWARDED, ALREADY]


def test_more_than_once_per_course():
    """A limit above one answers cap_reached, with what was used."""
    learner = Learner(compiled(constraints={"max_per_course": 2}))
    first, second, third = (learner.does(event(course_id="9")) for _ in range(3))
    assert first.detail == {"caps": {"max_per_course": {"used": 1, "limit": 2}}}
    assert second.detail == {"caps": {"max_per_course": {"used": 2, "limit": 2}}}
    assert first.marks == ("course:9",)
    assert third.outcome == CAP
    assert third.detail == {
        "constraint": "max_per_course", "limit": 2, "used": 2, "since": None, "until": None,
        "last_awarded": "2026-03-04T12:00:00Z",
    }  # fmt: skip


def test_unique_by():
    """unique_by counts by all its values together; where one is absent, each event counts."""
    events = [event(a="1", b="x"), event(a=1, b="x"), event(a="1", b="y"), event(a="1"), event(a="1", b=None)]
    assert outcomes({"unique_by": ["a", "b"]}, *events) == [AWARDED, ALREADY, AWARDED, AWARDED, AWARDED]


def test_unique_by_isnt_fooled_by_separators():
    """Values that look alike when joined are different keys."""
    events = [event(a='1","2', b="3"), event(a="1", b='2","3'), event(a="1,2", b="3"), event(a="1", b="2,3")]
    assert outcomes({"unique_by": ["a", "b"]}, *events) == [AWARDED] * 4


def test_unique_by_day():
    """@day is the local date: one award per course and day, across midnight in the organisation's zone."""
    events = [
        event(at("2026-03-04T23:30:00"), course_id="1"),
        event(at("2026-03-04T23:59:59"), course_id="1"),
        event(at("2026-03-05T00:00:00"), course_id="1"),
        event(at("2026-03-05T00:00:00"), course_id="2"),
    ]
    constraints = {"unique_by": ["course_id", "@day"]}
    assert outcomes(constraints, *events) == [AWARDED, ALREADY, AWARDED, AWARDED]
    assert compiled(constraints=constraints).marks(events[0]) == ('unique:["1","2026-03-04"]',)


@pytest.mark.parametrize(
    ("window", "inside", "outside"),
    [
        ("hour", ["2026-03-04T10:00:00", "2026-03-04T10:59:59.999999"], "2026-03-04T11:00:00"),
        ("day", ["2026-03-04T00:00:00", "2026-03-04T23:59:59.999999"], "2026-03-05T00:00:00"),
        ("day", ["2026-03-29T00:00:00", "2026-03-29T23:59:59"], "2026-03-30T00:00:00"),  # 23 hours
        ("day", ["2026-10-25T00:00:00", "2026-10-25T23:59:59"], "2026-10-26T00:00:00"),  # 25 hours
        ("week", ["2026-03-02T00:00:00", "2026-03-08T23:59:59"], "2026-03-09T00:00:00"),
        ("week", ["2026-03-23T00:00:00", "2026-03-29T23:59:59"], "2026-03-30T00:00:00"),
        ("week", ["2026-12-28T00:00:00", "2027-01-03T23:59:59"], "2027-01-04T00:00:00"),
        ("month", ["2026-02-01T00:00:00", "2026-02-28T23:59:59"], "2026-03-01T00:00:00"),
        ("month", ["2026-12-01T00:00:00", "2026-12-31T23:59:59"], "2027-01-01T00:00:00"),
        ("month", ["2028-02-01T00:00:00", "2028-02-29T23:59:59"], "2028-03-01T00:00:00"),
        ("year", ["2026-01-01T00:00:00", "2026-12-31T23:59:59.999999"], "2027-01-01T00:00:00"),
        ("year", ["2028-02-29T12:00:00", "2028-12-31T23:00:00"], "2029-01-01T00:00:00"),
    ],
)
def test_calendar_units(window: str, inside: list[str], outside: str):
    """A cap counts in the calendar unit of the organisation's zone, from its first to its last instant."""
    events = [event(at(time)) for time in [*inside, outside]]
    assert outcomes({f"max_per_{window}": 1}, *events) == [AWARDED, CAP, AWARDED]


@pytest.mark.parametrize(
    ("unit", "key", "same", "other"),
    [
        ("@week", "2026-W53", "2027-01-03T23:59:59", "2027-01-04T00:00:00"),
        ("@month", "2026-12", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
        ("@year", "2026", "2026-01-01T00:00:00", "2027-01-01T00:00:00"),
    ],
)
def test_unique_by_calendar_units(unit: str, key: str, same: str, other: str):
    """@week, @month and @year are those of the event in the organisation's zone; a week keeps its year."""
    last = event(at("2026-12-31T23:30:00"), course_id="1")
    events = [
        last,
        event(at(same), course_id="1"),
        event(at(same), course_id="2"),
        event(at(other), course_id="1"),
    ]
    constraints = {"unique_by": ["course_id", unit]}
    assert outcomes(constraints, *events) == [AWARDED, ALREADY, AWARDED, AWARDED]
    assert compiled(constraints=constraints).marks(last) == (f'unique:["1","{key}"]',)


@pytest.mark.parametrize(
    ("local_date", "since", "until"),
    [
        ("2026-03-29T12:00:00", "2026-03-28T23:00:00+00:00", "2026-03-29T22:00:00+00:00"),
        ("2026-10-25T12:00:00", "2026-10-24T22:00:00+00:00", "2026-10-25T23:00:00+00:00"),
    ],
)
def test_days_on_which_clocks_change(local_date: str, since: str, until: str):
    """In Paris the day on which clocks go forward has 23 hours, and the other one 25."""
    span = Calendar(PARIS).day(at(local_date)).day
    assert span == (datetime.fromisoformat(since), datetime.fromisoformat(until))


def test_an_hour_that_comes_twice_is_two_hours():
    """02:30 in summer time and 02:30 in winter time are an hour apart and count apart."""
    summer = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    winter = summer + timedelta(hours=1)
    assert summer.astimezone(PARIS).hour == winter.astimezone(PARIS).hour == 2
    assert outcomes({"max_per_hour": 1}, event(summer), event(winter)) == [AWARDED, AWARDED]


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("Europe/Paris", datetime(2026, 10, 24, tzinfo=UTC)),
        ("America/St_Johns", datetime(2010, 11, 6, tzinfo=UTC)),  # back across midnight, at 00:01
        ("America/Sao_Paulo", datetime(2018, 11, 3, tzinfo=UTC)),  # midnight doesn't exist
        ("Australia/Lord_Howe", datetime(2026, 4, 4, tzinfo=UTC)),  # half an hour
        ("Pacific/Apia", datetime(2011, 12, 29, tzinfo=UTC)),  # a day doesn't exist
        ("Asia/Kathmandu", datetime(2026, 1, 1, tzinfo=UTC)),
        ("Africa/Monrovia", datetime(1972, 1, 6, tzinfo=UTC)),  # an offset of seconds
    ],
)
def test_days_cover_time_without_gap_or_overlap(zone: str, first: datetime):
    """Wherever clocks change, each instant lies in its day, week, month and hour, and days touch."""
    calendar = Calendar(ZoneInfo(zone))
    before = calendar.day(first)
    for minutes in range(0, 3 * 24 * 60, 7):
        time = first + timedelta(minutes=minutes)
        day = calendar.day(time)
        for span in (day.day, day.week, day.month, calendar.hour(time)):
            assert span.since <= time < span.until
        assert day == before or day.day.since == before.day.until
        before = day


def test_late_events_count_in_their_own_day():
    """An event that arrives late takes part in the day on which it occurred, before and after."""
    monday, tuesday = NOON, NOON + timedelta(days=1)
    events = [event(tuesday), event(tuesday), event(monday), event(monday), event(tuesday)]
    assert outcomes({"max_per_day": 2}, *events) == [AWARDED, AWARDED, AWARDED, AWARDED, CAP]


def test_a_cap_that_is_reached_is_explained():
    """The detail has the limit, what was used, and the span in which it was counted."""
    learner = Learner(compiled(constraints={"max_per_day": 1}))
    assert learner.does(event()).marks == ("",)
    assert learner.does(event(NOON + timedelta(hours=1))).detail == {
        "constraint": "max_per_day",
        "limit": 1,
        "used": 1,
        "since": "2026-03-03T23:00:00Z",
        "until": "2026-03-04T23:00:00Z",
        "last_awarded": "2026-03-04T12:00:00Z",
    }


@pytest.mark.parametrize(
    ("minutes", "outcome"), [(0, COOLDOWN), (59, COOLDOWN), (60, AWARDED), (-59, COOLDOWN), (-60, AWARDED)]
)
def test_cooldown_in_both_directions(minutes: int, outcome: str):
    """Two awards are at least the cooldown apart, whichever of their events arrives first."""
    later = event(NOON + timedelta(minutes=minutes))
    assert outcomes({"cooldown_minutes": 60}, event(NOON), later) == [AWARDED, outcome]


def test_cooldown_is_exact():
    """A microsecond less than the cooldown is too little."""
    later = event(NOON + timedelta(minutes=60, microseconds=-1))
    assert outcomes({"cooldown_minutes": 60}, event(NOON), later) == [AWARDED, COOLDOWN]


def test_cooldown_says_how_long_it_lasts():
    """The detail has the seconds that are left, rounded up, and the time from which an award is free."""
    learner = Learner(compiled(constraints={"cooldown_minutes": 60}))
    learner.does(event(NOON))
    refused = learner.does(event(NOON + timedelta(minutes=10, milliseconds=1)))
    assert refused.detail == {
        "constraint": "cooldown_minutes",
        "limit": 60,
        "used": 1,
        "last_awarded": "2026-03-04T12:00:00Z",
        "until": "2026-03-04T13:00:00Z",
        "seconds_left": 3000,
    }


def test_points_per_day_award_what_fits():
    """The last award of a day is cut to what the cap leaves, and then nothing is left."""
    learner = Learner(compiled(constraints={"max_points_per_day": 25}))
    decisions = [learner.does(event()) for _ in range(4)]
    assert [decision.points for decision in decisions] == [10, 10, 5, 0]
    assert decisions[2].detail == {"caps": {"max_points_per_day": {"used": 25, "limit": 25}}}
    assert decisions[3].outcome == CAP
    assert decisions[3].detail["used"] == 25
    assert learner.does(event(NOON + timedelta(days=1))).points == 10


@pytest.mark.parametrize(
    ("seen", "points"),
    [
        ("100", 25),
        (85, 21),
        ("86", 22),
        (40, 10),
        ("0", 10),
        (1000, 25),
        (-5, 10),
        ("x", 10),
        (None, 10),
        ("", 10),
    ],
)
def test_points_computed_from_a_value(seen: Any, points: int):
    """Computed points are rounded half up and kept in bounds; without a number they are the minimum."""
    rule = compiled(actions={"award_points": {"from": "score", "multiply": 0.25, "min": 10, "max": 25}})
    decision = Learner(rule).does(event(score=seen))
    assert decision.points == points
    assert decision.detail == {
        "computed": {"from": "score", "seen": seen, "multiply": 0.25, "points": points}
    }


@pytest.mark.parametrize(
    ("value", "points"), [(50, 15), (10**400, 1_000_000), (1e308, 1_000_000), (float("inf"), 0)]
)
def test_computed_points_are_exact_and_bounded(value: Any, points: int):
    """0.29 * 50 is 14.5 and rounds to 15, and no value is too large to be answered."""
    rule = compiled(actions={"award_points": {"from": "score", "multiply": 0.29}})
    assert Learner(rule).does(event(score=value)).points == points


def test_a_rule_that_only_gives_a_badge():
    """A badge needs no points, and a cap of points doesn't hold it back."""
    rule = compiled(actions={"issue_badge": "quiz_master"}, constraints={"max_points_per_day": 5})
    decision = Learner(rule).does(event())
    assert (decision.outcome, decision.points, decision.badge) == (AWARDED, 0, "quiz_master")


def test_constraints_are_asked_in_order_and_marked_once():
    """Each keyed constraint has its mark, all constraints over time share one, and keys answer first."""
    rule = compiled(constraints={"max_per_course": 1, "max_per_day": 3, "cooldown_minutes": 60, "once": True})
    happened = event(course_id="9")
    assert rule.marks(happened) == ("", "course:9")
    day = Calendar(PARIS).day(NOON).day
    assert rule.probes(happened) == (
        Probe("", None, None),
        Probe("course:9", None, None),
        Probe("", *day),
        Probe("", NOON - timedelta(minutes=60) + timedelta(microseconds=1), NOON + timedelta(minutes=60)),
    )
    refused = rule.decide(happened, lambda probe: Count(1, 10, NOON, NOON))
    assert refused.outcome == ALREADY
    assert refused.detail["constraint"] == "once"


def test_one_probe_serves_two_constraints():
    """A cap of awards and one of points in the same day are counted at once."""
    rule = compiled(constraints={"max_per_day": 3, "max_points_per_day": 30})
    assert len(rule.probes(event())) == 1


@pytest.mark.parametrize("value", ["x" * 5000, "é" * 5000, "\ud800", "a\x00b", "#looks like a hash"])
def test_marks_are_short_and_storable(value: str):
    """A long or unclean key is hashed, so that a mark always fits in an index and in a text column."""
    marks = {
        compiled(constraints={"max_per_course": 1}).marks(event(course_id=v))[0] for v in (value, value + "!")
    }
    assert len(marks) == 2
    assert all(len(mark.encode()) < 200 and mark.isprintable() for mark in marks)


def test_inactive_rules_are_off_the_hot_path():
    """A rule that is switched off is only found, and only says so, for someone who asks why."""
    rules = RuleSet(
        [
            RuleVersion(
                parse_rule(
                    {"rule_id": name, "trigger": "a.b", "actions": {"award_points": 1}, "active": active}
                ),
                1,
            )
            for name, active in (("on", True), ("off", False))
        ],
        PARIS,
    )
    assert [rule.rule_id for rule in rules.triggered("a.b")] == ["on"]
    assert [rule.rule_id for rule in rules.triggered("a.b", explain=True)] == ["on", "off"]
    assert rules.triggered("a.c") == ()
    off = rules.triggered("a.b", explain=True)[1]
    assert off.probes(event()) == off.marks(event()) == ()
    assert off.decide(event(), lambda probe: Count(0, 0, None, None)).outcome == "inactive"


def test_decisions_of_the_pipeline():
    """The pipeline's own outcomes name the rule and its version as well."""
    rule = compiled()
    assert Decision.without_points(rule, "suspended", {"a": 1}).as_dict() == {
        "rule_id": "r", "rule_version": 3, "outcome": "suspended", "points": 0, "detail": {"a": 1},
    }  # fmt: skip
    assert Decision.reversal(rule, 10).as_dict() == {
        "rule_id": "r", "rule_version": 3, "outcome": "reversed", "points": -10, "detail": {},
    }  # fmt: skip
