"""Many clients at once, on two server processes: each event once, each cap and balance kept."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.reliability

CLIENTS = 32
EVENTS = [
    {
        "event": "course.completed",
        "user_id": f"learner-{number % 50}",
        "timestamp": "2026-03-02T10:00:00Z",
        "properties": {"course_id": str(number // 50)},
        "event_id": f"event-{number}",
    }
    for number in range(1000)
]


@pytest.fixture
def processes(organisation, second_server):
    """The same organisation through two server processes."""
    return organisation, organisation.on(second_server)


def test_the_same_events_from_all_sides_count_once(processes, adds_up, owner):
    """32 clients send the same 1,000 events in batches of their own order: each is awarded once, no error."""

    def client(number):
        order = random.Random(number)
        events = order.sample(EVENTS, len(EVENTS))
        answers = []
        while events:
            size = order.choice((1, 10, 100, 250))
            batch, events = events[:size], events[size:]
            path, body = ("/v1/events/batch", {"events": batch}) if size > 1 else ("/v1/events", batch[0])
            response = processes[number % 2].api.post(path, body)
            assert response.status_code == 200, response.text
            answer = response.json()
            answers.append(
                (answer["processed"], answer["points_awarded"])
                if size > 1
                else (int(answer["status"] == "processed"), answer["points_awarded"])
            )
        return answers

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = [answer for answers in pool.map(client, range(CLIENTS)) for answer in answers]
    assert sum(processed for processed, _ in answers) == 1000
    assert sum(points for _, points in answers) == 1000 * 50
    organisation = processes[0]
    for learner in ("learner-0", "learner-49"):
        assert organisation.api.points(learner) == 20 * 50
    count = "SELECT count(*), sum(amount) FROM entries WHERE organisation_id = $1"
    assert owner.fetch(count, organisation.organisation_id) == [{"count": 1000, "sum": 50_000}]
    adds_up(organisation)


def test_one_of_many_deductions_wins(processes, adds_up):
    """Of 64 deductions at once of a balance that covers one, exactly one succeeds."""
    organisation = processes[0]
    organisation.api.post("/v1/points/award", {"user_id": "anna", "points": 10, "reason": "x"})
    body = {"user_id": "anna", "points": 10, "reason": "a mug"}
    with ThreadPoolExecutor(64) as pool:
        responses = list(
            pool.map(lambda number: processes[number % 2].api.post("/v1/points/deduct", body), range(64))
        )
    assert Counter(response.status_code for response in responses) == {200: 1, 422: 63}
    assert {r.json()["details"]["balance"] for r in responses if r.status_code == 422} <= {0, 10}
    assert organisation.api.points("anna") == 0
    adds_up(organisation)


@pytest.mark.parametrize("by_hook", [False, True])
def test_a_cap_holds_whoever_races(processes, adds_up, by_hook):
    """Of 100 forum posts of one learner at once, exactly three are awarded; the others say why not."""

    def post(number):
        process = processes[number % 2]
        if by_hook:
            body = (
                f'{{"eventname": "\\\\mod_forum\\\\event\\\\post_created", "id": "{number}", "userid": "9",'
                ' "courseid": "4", "timecreated": "1772445600"}'
            )
            return process.hook(body)
        event = {
            "event": "forum.posted",
            "user_id": "moodle:9",
            "timestamp": 1772445600,
            "event_id": f"e{number}",
        }
        return process.api.post("/v1/events", event)

    with ThreadPoolExecutor(100) as pool:
        responses = list(pool.map(post, range(1, 101)))
    assert {response.status_code for response in responses} == {200}
    assert Counter(response.json()["points_awarded"] for response in responses) == {5: 3, 0: 97}
    organisation = processes[0]
    assert organisation.api.points("moodle:9") == 15
    events = organisation.api.get("/v1/events", limit=500).json()["events"]
    assert len(events) == 100
    assert Counter(event["decisions"][0]["outcome"] for event in events) == {"awarded": 3, "cap_reached": 97}
    adds_up(organisation)
