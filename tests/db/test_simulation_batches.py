"""What a rule would have given in the past is given once, dated, within the caps, and can be undone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from rocket_server.errors import Conflict, NotFound
from rocket_server.ids import uuid7
from rocket_server.organisations import store as organisations
from rocket_server.rules import store as rules_store
from rocket_server.rules.parse import parse_rule
from rocket_server.simulation import batches, runs
from rocket_server.simulation.apply import Applied
from rocket_server.simulation.model import Period
from rocket_server.simulation.run import Settings
from rocket_server.verify.proof import verify
from support.histories import START, History, rule_sets, steps

LONG_AGO = START.replace(year=2020)


def rule(**fields: Any):
    """A rule that gives ten points for a completed course, once per course."""
    written = {
        "rule_id": "course",
        "trigger": {"event": "course.completed"},
        "actions": {"award_points": 10},
        "constraints": {"max_per_course": 1},
    }
    return parse_rule({**written, **fields})


@pytest.fixture
def apply(portal, store) -> Callable:
    """Sets rules in force and gives them to all of the past, as `rocket rules simulate --apply` does."""

    def run(organisation: Any, *rules: Any, settings: Settings | None = None) -> tuple[str, Applied]:
        async def work() -> tuple[str, Applied]:
            period = Period(LONG_AGO, datetime.now(UTC))
            batch = await runs.begin(store, organisation.organisation_id, rules, period, "tests")
            return batch.batch_id, await runs.apply(store, organisation, batch, settings or Settings())

        return portal.call(work)

    return run


@pytest.fixture
def undo(portal, store) -> Callable:
    """Undoes a batch."""

    def run(organisation: Any, batch_id: str) -> Applied:
        return portal.call(runs.undo, store, organisation.organisation_id, batch_id)

    return run


def course(organisation: Any, user: str, course_id: str, day: int = 2, **fields: Any) -> dict[str, Any]:
    return organisation.api.event(
        "course.completed",
        user,
        properties={"course_id": course_id},
        timestamp=f"2026-03-{day:02}T10:00:00Z",
        **fields,
    )


def entries(organisation: Any, user: str) -> list[dict[str, Any]]:
    return organisation.api.get(f"/v1/users/{user}/ledger").json()["entries"]


def test_a_new_rule_is_given_to_the_past(make_organisation, apply, undo, adds_up):
    """A rule that is new gives one entry for each event, dated as the event, naming the batch; run again it
    gives nothing; caps count what it gave from now on; undone, all balances are what they were."""
    organisation = make_organisation(rules=[])
    first = course(organisation, "anna", "c1", 2)
    course(organisation, "anna", "c1", 3)
    course(organisation, "ben", "c2", 4)
    assert organisation.api.points("anna") == 0

    batch_id, applied = apply(organisation.model, rule())
    assert applied == Applied(2, 20, 0)
    (entry,) = entries(organisation, "anna")
    assert (entry["points"], entry["event_id"], entry["metadata"]) == (
        10,
        first["event_id"],
        {"batch": batch_id},
    )
    assert entry["occurred_at"].startswith("2026-03-02T10:00:00")
    assert organisation.api.read(first["event_id"])["points_awarded"] == 10
    adds_up(organisation)

    assert apply(organisation.model, rule())[1] == Applied(0, 0, 0)
    assert course(organisation, "anna", "c1", 5)["decisions"][0]["outcome"] == "already_awarded"
    assert course(organisation, "anna", "c3", 5)["points_awarded"] == 10

    assert undo(organisation.model, batch_id) == Applied(2, 20, 0)
    assert (organisation.api.points("anna"), organisation.api.points("ben")) == (10, 0)
    assert organisation.api.read(first["event_id"])["points_awarded"] == 0
    adds_up(organisation)
    assert course(organisation, "anna", "c1", 6)["points_awarded"] == 10


def test_a_dearer_rule_adds_the_difference(make_organisation, apply, undo, adds_up):
    """Where the rule had given less, one entry adds what is missing and counts as the same award; a second
    batch adds to both; undone one after the other, the first award is left."""
    limits = {"max_per_course": 1, "max_points_per_day": 100}
    organisation = make_organisation(rules=[rule(constraints=limits)])
    event_id = course(organisation, "anna", "c1")["event_id"]
    one, applied = apply(organisation.model, rule(actions={"award_points": 15}, constraints=limits))
    assert applied == Applied(1, 5, 0)
    adds_up(organisation)
    wider = {"max_per_month": 3, **limits}
    two, applied = apply(organisation.model, rule(actions={"award_points": 40}, constraints=wider))
    assert applied == Applied(1, 25, 0)
    assert organisation.api.points("anna") == organisation.api.read(event_id)["points_awarded"] == 40
    adds_up(organisation)
    # One award for all: its 40 points are counted on its day, and its course is taken.
    assert [d["outcome"] for d in course(organisation, "anna", "c1", event_id="2")["decisions"]] == [
        "already_awarded"
    ]
    course(organisation, "anna", "c2")
    assert course(organisation, "anna", "c3")["points_awarded"] == 20
    adds_up(organisation)
    assert undo(organisation.model, one) == Applied(1, 5, 0)
    adds_up(organisation)
    assert undo(organisation.model, two) == Applied(1, 25, 0)
    assert organisation.api.read(event_id)["points_awarded"] == 10
    adds_up(organisation)


def test_caps_count_what_stands(make_organisation, apply, adds_up):
    """An award that a changed rule wouldn't give stays and counts: no cap is exceeded by what is added."""
    organisation = make_organisation(rules=[rule(constraints={"max_per_day": 1})])
    course(organisation, "anna", "c1")
    course(organisation, "anna", "c2")
    strict = rule(
        trigger={"event": "course.completed", "conditions": {"course_id": "c2"}},
        constraints={"max_per_day": 1},
    )
    assert apply(organisation.model, strict)[1] == Applied(0, 0, 1)
    assert organisation.api.points("anna") == 10
    adds_up(organisation)


def test_who_is_suspended_is_given_nothing(make_organisation, apply, owner, adds_up):
    """A learner who is suspended now gets nothing for the past."""
    organisation = make_organisation(rules=[])
    course(organisation, "anna", "c1")
    owner.execute(
        "UPDATE learners SET status = 'suspended' WHERE organisation_id = $1", organisation.organisation_id
    )
    assert apply(organisation.model, rule())[1].entries == 0
    adds_up(organisation)


def test_multipliers_are_refused(make_organisation, apply):
    """What one rule multiplies can't be given to the past by itself: nothing is written, the rule neither."""
    organisation = make_organisation(rules=[])
    double = parse_rule(
        {"rule_id": "double", "trigger": {"event": "course.completed"}, "actions": {"multiplier": 2}}
    )
    with pytest.raises(Conflict):
        apply(organisation.model, rule(), double)
    assert organisation.api.get("/v1/rules").json()["rules"] == []


def test_a_draft_is_set_in_force(make_organisation, apply, adds_up):
    """A draft that is given to the past is active from then on."""
    organisation = make_organisation(rules=[rule(status="draft", active=False)])
    course(organisation, "anna", "c1")
    draft = rule(status="draft", active=False)
    assert apply(organisation.model, draft)[1] == Applied(1, 10, 0)
    assert course(organisation, "anna", "c2")["points_awarded"] == 10
    adds_up(organisation)


def test_a_withdrawal_takes_back_what_was_added(make_organisation, apply, adds_up):
    """A completion that is withdrawn later takes its late award along; one withdrawn before gets none."""
    done = rule(rule_id="done", trigger={"event": "lesson.completed"}, constraints={"max_per_lesson": 1})
    organisation = make_organisation(rules=[])
    api = organisation.api
    api.event("lesson.completed", properties={"lesson_id": "l1"}, timestamp="2026-03-02T10:00:00Z")
    api.event("lesson.completed", properties={"lesson_id": "l2"}, timestamp="2026-03-02T10:00:00Z")
    api.event("lesson.reopened", properties={"lesson_id": "l2"}, timestamp="2026-03-02T11:00:00Z")
    assert apply(organisation.model, done)[1] == Applied(1, 10, 0)
    answer = api.event("lesson.reopened", properties={"lesson_id": "l1"}, timestamp="2026-03-02T12:00:00Z")
    assert (answer["points_awarded"], api.points("anna")) == (-10, 0)
    adds_up(organisation)


def test_an_interrupted_batch_goes_on(make_organisation, apply, undo, portal, store, adds_up):
    """Stopped half way, a batch is found again with the same rules and completed; other rules have to wait;
    an undo that is stopped goes on as well."""
    organisation = make_organisation(rules=[])
    events = [
        {
            "event": "course.completed",
            "user_id": f"learner-{number}",
            "timestamp": "2026-03-02T10:00:00Z",
            "properties": {"course_id": "c1"},
        }
        for number in range(1200)
    ]
    assert organisation.api.post("/v1/events/batch", {"events": events}).json()["processed"] == 1200

    class Stop(Exception):
        pass

    def stop(done: int, events: int) -> None:
        if done >= 1000:
            raise Stop

    with pytest.raises(Stop):
        apply(organisation.model, rule(), settings=Settings(on_progress=stop))
    given = portal_points(portal, store, organisation)
    assert 0 < given < 12_000
    with pytest.raises(Conflict):
        apply(organisation.model, rule(rule_id="another"))
    batch_id, applied = apply(organisation.model, rule())
    assert applied.points == 12_000 - given
    adds_up(organisation)

    def stop_undo(entries: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        portal.call(runs.undo, store, organisation.organisation_id, batch_id, stop_undo)
    assert 0 < portal_points(portal, store, organisation) < 12_000
    undo(organisation.model, batch_id)
    assert portal_points(portal, store, organisation) == 0
    adds_up(organisation)
    with pytest.raises(Conflict):
        undo(organisation.model, batch_id)
    with pytest.raises(NotFound):
        undo(organisation.model, uuid7())


def portal_points(portal, store, organisation) -> int:
    """The points of all learners together."""

    async def work() -> int:
        async with store.connection() as conn:
            return await conn.fetchval(
                "SELECT coalesce(sum(points), 0)::bigint FROM accounts"
                " WHERE organisation_id = $1 AND kind = 'learner'",
                organisation.organisation_id,
            )

    return portal.call(work)


def test_events_that_come_in_meanwhile_are_safe(make_organisation, apply, adds_up):
    """While a batch is given, the same learners' new events are decided by the same caps: never two awards
    for one course, and no lost balance."""
    organisation = make_organisation(rules=[])
    for number in range(40):
        course(organisation, f"learner-{number % 4}", f"c{number % 5}", event_id=f"before-{number}")
    stopped = threading.Event()
    failures: list[Exception] = []

    def send() -> None:
        number = 0
        try:
            while not stopped.is_set():
                course(organisation, f"learner-{number % 4}", f"c{number % 7}", event_id=f"while-{number}")
                number += 1
        except Exception as error:
            failures.append(error)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        for _ in range(5):
            apply(organisation.model, rule())
    finally:
        stopped.set()
        sender.join()
    assert failures == []
    adds_up(organisation)
    for learner in range(4):
        seen = [entry["event_id"] for entry in entries(organisation, f"learner-{learner}")]
        courses = [organisation.api.read(event_id)["properties"]["course_id"] for event_id in seen]
        assert len(courses) == len(set(courses))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rules=rule_sets, candidates=rule_sets, happened=steps("rule", "suspend", "resume", "reverse", "retry"))
def test_any_history_adds_up_after_each_step(portal, store, rules, candidates, happened):
    """Whatever happened and whatever rules are given to the past: the ledger is proved from scratch after
    giving, giving again gives nothing, and undoing leaves every balance as it was."""

    async def work() -> None:
        async with store.transaction() as conn:
            history = await History.begin(conn, rules)
            for step in happened:
                await history.happen(step)
        organisation = history.organisation
        organisation_id = organisation.organisation_id

        async def state() -> tuple[list[Any], list[tuple[Any, ...]]]:
            async with store.transaction() as conn:
                rows = await conn.fetch(
                    "SELECT account_id, points FROM accounts WHERE organisation_id = $1 ORDER BY 1",
                    organisation_id,
                )
                marks = await conn.fetch(
                    "SELECT learner_id, rule_id, mark, occurred_at, award_id, points FROM award_marks"
                    " WHERE organisation_id = $1 ORDER BY 1, 2, 3, 4, 5",
                    organisation_id,
                )
                return await verify(conn, organisation_id), [*map(tuple, rows), *map(tuple, marks)]

        found, before = await state()
        assert found == []
        period = Period(LONG_AGO, datetime.now(UTC))
        batch = await runs.begin(store, organisation_id, candidates, period, "tests")
        applied = await runs.apply(store, organisation, batch, Settings())
        found, _ = await state()
        assert found == []
        again = await runs.begin(store, organisation_id, candidates, period, "tests")
        assert (await runs.apply(store, organisation, again, Settings())).entries == 0
        undone = await runs.undo(store, organisation_id, batch.batch_id)
        assert undone[:2] == applied[:2]
        found, after = await state()
        assert found == []
        assert after == before
        async with store.transaction() as conn:
            listed = await batches.latest(conn, organisation_id, 10)
            assert [one.status for one in listed] == ["applied", "undone"]
            assert len(await rules_store.current(conn, organisation_id)) == 3
            await organisations.touch(conn, organisation_id)

    portal.call(work)


def test_an_award_is_measured_by_what_was_before_it(make_organisation, apply, adds_up):
    """A cap that is raised in the middle of a day doesn't make the day's first awards too many."""
    organisation = make_organisation(rules=[rule(constraints={"max_per_day": 1})])
    course(organisation, "anna", "c1")
    apply(organisation.model, rule(constraints={"max_per_day": 3}))
    course(organisation, "anna", "c2")
    course(organisation, "anna", "c3")
    assert organisation.api.points("anna") == 30
    adds_up(organisation)
