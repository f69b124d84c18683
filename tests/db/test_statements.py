"""The work is done in sets: the number of SQL statements doesn't grow with the batch."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from rocket_server import pipeline, sources
from rocket_server.configuration.snapshot import Configurations
from rocket_server.rules.parse import parse_rule
from rocket_server.sources import rocket
from rocket_server.sources.adapter import ReadingContext
from support.counting import Counting

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def api_events(count):
    """Events of as many learners, of all that default rules hear, with badges, completions and repeats."""
    names = ["course.completed", "lesson.completed", "forum.posted", "quiz.completed", "lesson.reopened"]
    events = []
    for number in range(count):
        name = names[number % len(names)]
        body = {
            "event": name,
            "user_id": f"learner-{number // len(names)}",
            "timestamp": f"2026-03-02T10:00:{number % len(names):02}Z",
            "properties": {"course_id": "1", "lesson_id": "2", "attempt_id": str(number)},
            "event_id": f"e{number - number % 7 % 2}",  # some ids come twice
        }
        event = rocket.parse_event(body, timezone=ZoneInfo("UTC"), received_at=NOW)
        assert not isinstance(event, list)
        events.append(event)
    return events


def moodle_events(count, source, **more):
    """Course completions by a teacher, without the learner unless `more` names one."""
    bodies = (
        {
            "eventname": "\\core\\event\\course_completed",
            "id": str(number),
            "timecreated": "1772445600",
            "courseid": "4",
            "userid": "5",
            "wwwroot": "http://one.example",
            **{name: value.format(number + 100) for name, value in more.items()},
        }
        for number in range(1, count + 1)
    )
    return [
        sources.read(json.dumps(body).encode(), None, ReadingContext(source, ZoneInfo("UTC"), NOW))
        for body in bodies
    ]


@pytest.fixture
def statements(portal, store, make_organisation):
    """Counts the statements of ingesting groups of events into a fresh organisation, one after another."""

    def count(*groups, badges=(), **settings):
        organisation = make_organisation(**settings)
        for badge in badges:
            assert organisation.api.post("/v1/badges", badge).status_code == 201

        async def work():
            counted = []
            for make in groups:
                async with store.ingest_transaction() as conn:
                    configuration = await Configurations().current(conn, organisation.organisation_id)
                    counting = Counting(conn)
                    source = configuration.source_named("moodle")
                    results = await pipeline.ingest(counting, configuration, make(source), NOW)
                    counted.append((counting.statements, sum(result.points_awarded for result in results)))
            return counted

        return portal.call(work)

    return count


@pytest.mark.parametrize("size", [100, 1000])
def test_new_events_in_a_constant_number_of_statements(statements, size):
    """Ten or a thousand new events of new learners take the same statements; so do their repeats."""
    (few, few_points), (few_again, _) = statements(*[lambda _: api_events(10)] * 2)
    (many, many_points), (many_again, none) = statements(*[lambda _: api_events(size)] * 2)
    assert many_points > few_points > none == 0
    assert many == few
    assert many_again == few_again
    assert len(few) <= 20


def test_merged_copies_in_a_constant_number_of_statements(statements):
    """Copies that name learners whom the first copies lacked are decided anew in as many statements."""

    def groups(count):
        return (
            lambda source: moodle_events(count, source),
            lambda source: moodle_events(count, source, relateduserid="{}"),
            lambda source: moodle_events(count, source, relateduserid="9{}"),
        )

    few, many = statements(*groups(3)), statements(*groups(300))
    assert [len(counted) for counted, _ in many] == [len(counted) for counted, _ in few]
    assert [points for _, points in many] == [0, 300 * 50, 0]


def badge(badge_id, **criteria):
    """A badge by criteria."""
    return {"badge_id": badge_id, "name": badge_id, "criteria": criteria}


BADGE_RULES = [
    {"rule_id": "a", "trigger": {"event": "quiz.completed"}, "actions": {"issue_badge": "quiz_master"}},
    {
        "rule_id": "b",
        "trigger": {"event": "badge.awarded", "source": "rocket"},
        "actions": {"award_points": 5},
    },
]


@pytest.mark.parametrize("size", [100, 1000])
def test_badges_in_a_constant_number_of_statements(statements, size):
    """Badges by rule, for counts, points and other badges, for ten learners or for hundreds: as many
    statements, whose number has a bound."""
    badges = [
        badge("poster", events={"event": "forum.posted", "count": 1}),
        badge("rich", points=5),
        badge("both", badges={"ids": ["quiz_master", "poster"]}),
    ]
    rules = [parse_rule(rule) for rule in BADGE_RULES]
    ((few, few_points),) = statements(lambda _: api_events(10), badges=badges, rules=rules)
    ((many, many_points),) = statements(lambda _: api_events(size), badges=badges, rules=rules)
    assert many_points == few_points == 0  # they are those of the badges' own events
    assert len(many) == len(few) <= 80


def test_badges_that_are_not_involved_cost_no_statement(statements):
    """Where no rule gives a badge and criteria aren't touched, a group takes no more statements."""
    out_of_reach = [
        badge("rich", points=1_000_000),
        badge("other", events={"event": "wiki.edited", "count": 1}),
        badge("courses", courses={"ids": ["99"]}),
        badge("all", badges={"ids": ["rich"]}),
    ]
    ((without, _),) = statements(lambda _: api_events(100))
    ((with_badges, _),) = statements(lambda _: api_events(100), badges=out_of_reach)
    assert with_badges == without
