"""The best of several: whatever becomes of one of them, the others give what the best of them is worth."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from rocket_server.organisations.store import read
from rocket_server.simulation.model import Period
from rocket_server.simulation.run import Settings, simulate
from support.histories import START

BEST = {
    "rule_id": "quiz",
    "trigger": "quiz.completed",
    "actions": {"award_points": {"from": "score", "best": True}},
    "constraints": {"unique_by": ["quiz_id"]},
}


def attempt(organisation, number: int, score: int, **properties: Any) -> dict[str, Any]:
    body = {"quiz_id": "7", "attempt_id": str(number), "score": score, **properties}
    at = f"2026-03-02T10:0{number}:00Z"
    return organisation.api.event("quiz.completed", properties=body, timestamp=at)


def delete(organisation, number: int) -> dict[str, Any]:
    gone = {"timestamp": "2026-03-02T11:00:00Z", "properties": {"attempt_id": str(number)}}
    return organisation.api.event("quiz.attempt_deleted", **gone)


@pytest.mark.parametrize(
    ("scores", "gone", "left"),
    [
        ((40, 60), (1,), 40),
        ((40, 60), (0,), 60),
        ((40, 25), (0,), 25),
        ((40, 25, 60), (2,), 40),
        ((40, 25, 60), (0,), 60),
        ((40, 25, 60), (0, 2), 25),
        ((40, 25, 60), (2, 0), 25),
        ((60, 25, 40), (0,), 40),
        ((60, 25, 40), (1, 0), 40),
        ((60, 25, 40), (0, 2, 1), 0),
        ((60, 60), (0,), 60),
    ],
    ids=str,
)
@pytest.mark.parametrize("active", [True, False], ids=["active", "off"])
def test_the_best_of_the_rest(make_organisation, adds_up, scores, gone, left: int, active: bool):
    """Whichever attempt is withdrawn, there is what the best of the others is worth, also where the rule was
    switched off in the meantime; the events say what they are worth, and another attempt adds to it."""
    organisation = make_organisation(rules=[])
    assert organisation.api.post("/v1/rules", BEST).status_code == 201
    events = [attempt(organisation, number, score)["event_id"] for number, score in enumerate(scores)]
    assert organisation.api.points("anna") == max(scores)
    if not active:
        assert (
            organisation.api.request("PUT", "/v1/rules/quiz", json={**BEST, "active": False}).status_code
            == 200
        )
    told = [delete(organisation, number) for number in gone]
    assert organisation.api.points("anna") == left
    worth = [organisation.api.read(event_id)["points_awarded"] for event_id in events]
    assert sum(worth) + sum(one["points_awarded"] for one in told) == left
    adds_up(organisation)
    if active:
        assert attempt(organisation, 9, 100)["points_awarded"] == 100 - left
        adds_up(organisation)


def make(organisation, **changes: Any) -> None:
    assert organisation.api.post("/v1/rules", {**BEST, **changes}).status_code == 201


def badges(organisation, user_id: str = "anna") -> list[str]:
    return [one["badge_id"] for one in organisation.api.get(f"/v1/users/{user_id}/badges").json()["badges"]]


def retry(organisation, event_id: str) -> dict[str, Any]:
    response = organisation.api.post(f"/v1/events/{event_id}/retry")
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("again", [(0,), (1,), (2,), (0, 1, 2), (2, 1, 0)], ids=str)
def test_an_attempt_that_is_run_again_changes_nothing(make_organisation, adds_up, again):
    """Running events again gives what running them once gives, in whatever order."""
    organisation = make_organisation(rules=[])
    make(organisation)
    events = [attempt(organisation, number, score)["event_id"] for number, score in enumerate((40, 25, 60))]
    for number in again:
        retry(organisation, events[number])
        assert organisation.api.points("anna") == 60
    adds_up(organisation)
    assert delete(organisation, 2)["points_awarded"] < 0
    assert organisation.api.points("anna") == 40
    adds_up(organisation)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1)], ids=str)
def test_attempts_and_their_deletion_in_one_batch(make_organisation, adds_up, order):
    """In one batch as one by one: each event is answered with what it is worth in the end."""
    organisation = make_organisation(rules=[])
    make(organisation)
    bodies = []
    for place, number in enumerate(order):
        properties = {"quiz_id": "7", "attempt_id": str(number), "score": (40, 25, 60)[number]}
        at = f"2026-03-02T10:0{place}:00Z"
        bodies.append(
            {"event": "quiz.completed", "user_id": "anna", "timestamp": at, "properties": properties}
        )
    gone = {"event": "quiz.attempt_deleted", "user_id": "anna", "timestamp": "2026-03-02T11:00:00Z"}
    bodies.append({**gone, "properties": {"attempt_id": "2"}})
    answer = organisation.api.post("/v1/events/batch", {"events": bodies}).json()
    assert (answer["processed"], answer["points_awarded"]) == (4, 40), answer
    assert organisation.api.points("anna") == 40
    told = [organisation.api.read(one["event_id"])["points_awarded"] for one in answer["results"]]
    assert sum(told) == 40
    adds_up(organisation)


def test_other_limits_of_the_rule_hold(make_organisation, adds_up):
    """The best that is left may be refused by another limit; then the next best takes its place."""
    organisation = make_organisation(rules=[])
    make(organisation, constraints={"unique_by": ["quiz_id"], "max_per_day": 1})

    def on(day: int, number: int, score: int, quiz: str = "7") -> int:
        properties = {"quiz_id": quiz, "attempt_id": str(number), "score": score}
        at = f"2026-03-0{day}T10:0{number}:00Z"
        return organisation.api.event("quiz.completed", properties=properties, timestamp=at)["points_awarded"]

    assert on(2, 1, 60) == 60
    assert on(3, 2, 10, quiz="8") == 10
    assert on(3, 3, 50) == 0
    assert on(4, 4, 30) == 0
    gone = {"timestamp": "2026-03-05T11:00:00Z", "properties": {"attempt_id": "1"}}
    assert organisation.api.event("quiz.attempt_deleted", **gone)["points_awarded"] == -60
    assert organisation.api.points("anna") == 40
    adds_up(organisation)


@pytest.mark.parametrize("scores", [(40, 60), (60, 40)], ids=str)
def test_the_badge_of_the_best(make_organisation, adds_up, scores):
    """A badge that came with a withdrawn attempt is given for the one that is left, and stays with it; it
    goes when its points are reversed by hand."""
    organisation = make_organisation(rules=[])
    points = {"from": "score", "best": True}
    make(organisation, actions={"award_points": points, "issue_badge": "quiz_master"})
    first, second = (attempt(organisation, number, score) for number, score in enumerate(scores))
    assert (first["badges"], second["badges"]) == (["quiz_master"], [])
    delete(organisation, 0)
    assert organisation.api.points("anna") == scores[1]
    assert badges(organisation) == ["quiz_master"]
    assert organisation.api.read(second["event_id"])["badges"] == ["quiz_master"]
    adds_up(organisation)
    ledger = organisation.api.get("/v1/users/anna/ledger").json()["entries"]
    entry = next(one for one in ledger if one["kind"] == "award")
    assert (entry["event_id"], entry["points"]) == (second["event_id"], scores[1])
    undone = organisation.api.post("/v1/points/reverse", {"entry_id": entry["entry_id"], "reason": "no"})
    assert undone.status_code == 200, undone.text
    assert (organisation.api.points("anna"), badges(organisation)) == (0, [])
    adds_up(organisation)


def test_what_was_reversed_by_hand_does_not_come_back(make_organisation, adds_up):
    """An attempt whose points a person took back isn't given them again when another is withdrawn."""
    organisation = make_organisation(rules=[])
    make(organisation)
    attempt(organisation, 1, 25)
    attempt(organisation, 2, 60)
    ledger = organisation.api.get("/v1/users/anna/ledger").json()["entries"]
    best = next(one for one in ledger if one["points"] == 35)
    organisation.api.post("/v1/points/reverse", {"entry_id": best["entry_id"], "reason": "copied"})
    assert organisation.api.points("anna") == 25
    delete(organisation, 1)
    assert organisation.api.points("anna") == 0
    adds_up(organisation)


def test_a_multiplied_attempt_stays_multiplied(make_organisation, adds_up):
    """What multiplied an attempt when it came multiplies it when it is decided again."""
    organisation = make_organisation(rules=[])
    make(organisation)
    twice = {
        "rule_id": "twice",
        "trigger": {"event": "quiz.completed", "conditions": {"exam": True}},
        "actions": {"multiplier": 2},
    }
    assert organisation.api.post("/v1/rules", twice).status_code == 201
    attempt(organisation, 1, 40)
    assert attempt(organisation, 2, 30, exam=True)["points_awarded"] == 20
    delete(organisation, 1)
    assert organisation.api.points("anna") == 60
    adds_up(organisation)


@pytest.mark.parametrize("scores", [(40, 60), (60, 40), (40, 25)], ids=str)
def test_attempts_of_two_who_were_one(make_organisation, adds_up, scores):
    """After a split each has what the own best attempt is worth."""
    organisation = make_organisation(rules=[])
    make(organisation)
    assert organisation.api.post("/v1/users", {"user_id": "anna", "identities": ["ben"]}).status_code == 201
    for number, (user_id, score) in enumerate(zip(("anna", "ben"), scores, strict=True)):
        properties = {"quiz_id": "7", "attempt_id": str(number), "score": score}
        at = f"2026-03-02T10:0{number}:00Z"
        organisation.api.event("quiz.completed", user_id, properties=properties, timestamp=at)
    assert organisation.api.points("anna") == max(scores)
    answer = organisation.api.post("/v1/users/anna/split", {"identities": ["ben"]})
    assert answer.status_code == 200, answer.text
    assert (organisation.api.points("anna"), organisation.api.points("ben")) == scores
    adds_up(organisation)


def test_the_best_of_one_run_of_a_course(make_organisation, adds_up):
    """Only attempts of the same run of the course take the place of one that was withdrawn."""
    organisation = make_organisation(rules=[])
    make(organisation)
    for number, score in ((1, 80), (2, 40)):
        attempt(organisation, number, score, course_id="3")
    reset = organisation.api.post("/v1/courses/3/reset", {"at": "2026-03-02T10:03:00Z"})
    assert reset.status_code == 200, reset.text
    for number, score in ((4, 50), (5, 30)):
        attempt(organisation, number, score, course_id="3")
    assert organisation.api.points("anna") == 130
    delete(organisation, 4)
    assert organisation.api.points("anna") == 110
    delete(organisation, 1)
    assert organisation.api.points("anna") == 70
    adds_up(organisation)


def test_what_was_withdrawn_does_not_take_the_place(make_organisation, adds_up):
    """An attempt that gave nothing and was deleted isn't the best of what is left."""
    organisation = make_organisation(rules=[])
    make(organisation)
    for number, score in ((1, 60), (2, 50), (3, 40)):
        attempt(organisation, number, score)
    assert delete(organisation, 2)["points_awarded"] == 0
    delete(organisation, 1)
    assert organisation.api.points("anna") == 40
    adds_up(organisation)


def test_attempts_and_deletions_at_once(make_organisation, adds_up):
    """However attempts, deletions and runs of an old event race, in the end there is the best that stands."""
    organisation = make_organisation(rules=[])
    make(organisation)
    scores = random.Random(9).sample(range(1, 100), 24)
    old = {"quiz_id": "7", "attempt_id": "old", "score": 50}
    first = organisation.api.event("quiz.completed", properties=old)["event_id"]

    def send(number: int) -> None:
        properties = {"quiz_id": "7", "attempt_id": str(number), "score": scores[number]}
        at = f"2026-03-02T10:{number:02}:00Z"
        organisation.api.event("quiz.completed", properties=properties, timestamp=at)

    acts: list[Any] = [partial(send, number) for number in range(24)]
    acts += [partial(delete, organisation, number) for number in range(0, 24, 2)]
    acts += [partial(retry, organisation, first)] * 6
    random.Random(10).shuffle(acts)
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(act) for act in acts]:
            done.result()
    left = [50, *(score for number, score in enumerate(scores) if number % 2)]
    assert organisation.api.points("anna") == max(left)
    adds_up(organisation)


@pytest.mark.parametrize("trust", [True, False])
@pytest.mark.parametrize(
    ("scores", "gone"),
    [((40, 60), (0,)), ((40, 25), (0,)), ((60, 25, 40), (0, 2)), ((40, 60), (1,))],
    ids=str,
)
def test_simulation_restores_the_best(make_organisation, portal, store, scores, gone, trust):
    """Judging the past again finds the same points, whether decisions are taken over or judged anew; and a
    new rule of the kind would have given the same."""
    organisation = make_organisation(rules=[])
    make(organisation)
    for number, score in enumerate(scores):
        attempt(organisation, number, score)
    for number in gone:
        delete(organisation, number)
    left = organisation.api.points("anna")
    assert left == max(score for number, score in enumerate(scores) if number not in gone)

    async def work():
        async with store.transaction() as conn:
            there = await read(conn, organisation.organisation_id)
            period = Period(START.replace(year=2020))
            return await simulate(conn, there, None, period, Settings(trust=trust))

    outcome = portal.call(work)
    assert outcome.events_judged > 0
    (rule,) = outcome.rules
    assert (rule.points.current, rule.points.candidate) == (left, left)
    other = {**BEST, "rule_id": "other"}
    answer = organisation.api.post("/v1/rules/simulate", {"rules": [other], "since": "3000d"}).json()
    assert (answer["points_current"], answer["points_candidate"]) == (left, 2 * left), answer


def test_simulation_takes_back_an_award_of_nothing(make_organisation, portal, store):
    """An award worth no points counts against caps until what it is for is withdrawn; judged again, too."""
    organisation = make_organisation(rules=[])
    make(
        organisation,
        trigger="lesson.completed",
        actions={"award_points": {"from": "score"}},
        constraints={"max_per_lesson": 1},
    )
    lesson = {"lesson_id": "70", "score": 0}
    organisation.api.event("lesson.completed", properties=lesson)
    organisation.api.event("lesson.reopened", properties=lesson, timestamp="2026-03-02T11:00:00Z")
    again = {"properties": {**lesson, "score": 5}, "timestamp": "2026-03-02T12:00:00Z"}
    assert organisation.api.event("lesson.completed", **again)["points_awarded"] == 5

    async def work():
        async with store.transaction() as conn:
            there = await read(conn, organisation.organisation_id)
            period = Period(START.replace(year=2020))
            return await simulate(conn, there, None, period, Settings(trust=False))

    (rule,) = portal.call(work).rules
    assert rule.decisions_current == rule.decisions_candidate == {"awarded": 2, "reversed": 1}
    assert rule.events_changed == 0
