"""As many rules as an organisation may have: events are taken, and what rules say is told when asked for."""

from __future__ import annotations

import pytest

from support.fixtures import MakeOrganisation


def rules(number, conditions):
    """Rules about forum posts, each with its conditions."""
    return [
        {
            "rule_id": f"r{one:03}",
            "trigger": {"event": "forum.posted", "conditions": conditions(one)},
            "actions": {"award_points": 2},
        }
        for one in range(number)
    ]


@pytest.fixture
def ruled(make_organisation: MakeOrganisation):
    """An organisation without rules."""
    return make_organisation(rules=[])


def posts(number, **properties):
    return [
        {
            "event": "forum.posted",
            "user_id": f"u{one % 7}",
            "timestamp": "2026-03-02T10:00:00Z",
            "event_id": f"p{one}",
            "properties": {"course_id": str(one), "score": one} | properties,
        }
        for one in range(number)
    ]


def test_a_batch_under_nine_hundred_rules(ruled, adds_up):
    """Each event is decided by the rule of its course; the other 899 say why not when somebody asks."""
    made = ruled.api.request(
        "PUT", "/v1/rules", json={"rules": rules(900, lambda one: {"course_id": str(one)})}
    )
    assert made.status_code == 200, made.text
    answer = ruled.api.post("/v1/events/batch", {"events": posts(1_500)}).json()
    assert (answer["processed"], answer["failed"], answer["points_awarded"]) == (1_500, 0, 1_800)
    single = ruled.api.event("forum.posted", properties={"course_id": "899"})
    assert [decision["rule_id"] for decision in single["decisions"]] == ["r899"]
    decisions = ruled.api.read(single["event_id"])["decisions"]
    assert len(decisions) == 900
    other = next(decision for decision in decisions if decision["rule_id"] == "r000")
    assert (other["outcome"], other["detail"]["path"]) == ("condition_not_met", "course_id")
    adds_up(ruled)


def test_a_batch_under_rules_that_all_have_to_be_asked(ruled, adds_up):
    """Rules that no index tells apart make the transactions small, and nothing is lost or given twice."""
    made = ruled.api.request(
        "PUT", "/v1/rules", json={"rules": rules(300, lambda one: {"score": {"gte": one}})}
    )
    assert made.status_code == 200, made.text
    answer = ruled.api.post("/v1/events/batch", {"events": posts(60, score=9)}).json()
    assert (answer["processed"], answer["points_awarded"]) == (60, 60 * 10 * 2)
    again = ruled.api.post("/v1/events/batch", {"events": posts(60, score=9)}).json()
    assert (again["duplicates"], again["points_awarded"]) == (60, 0)
    tried = ruled.api.post("/v1/rules/calculate", posts(1, score=4)[0]).json()
    assert (tried["points_awarded"], len(tried["decisions"])) == (10, 300)
    adds_up(ruled)


def test_fifty_rules_each_leave_a_decision(ruled):
    """Up to fifty rules of one event are all answered and stored, met or not."""
    ruled.api.request("PUT", "/v1/rules", json={"rules": rules(50, lambda one: {"course_id": str(one)})})
    answer = ruled.api.event("forum.posted", properties={"course_id": "3"})
    assert len(answer["decisions"]) == 50
    assert answer["points_awarded"] == 2


def test_all_rules_together_are_bounded(ruled):
    """Beyond ten thousand conditions in all rules a change is refused, unless it makes them less."""
    api = ruled.api

    def put(first, conditions):
        made = [
            {
                "rule_id": f"r{one}",
                "trigger": {"event": "a.b", "conditions": {f"f{n}": 1 for n in range(conditions)}},
                "actions": {"award_points": 1},
            }
            for one in range(first, first + 60)
        ]
        return api.request("PUT", "/v1/rules", json={"rules": made})

    assert put(0, 99).status_code == 200
    refused = put(60, 99)
    assert (refused.status_code, refused.json()["details"]["field"]) == (400, "rules")
    assert "10000 conditions" in refused.json()["message"]
    assert put(0, 98).status_code == 200
    large = [{"f": {"matches": r"\pL"}, "g": {"matches": r"\pL+"}} for _ in range(35)]
    patterns = [
        {"rule_id": f"p{n}", "trigger": {"event": "a.b", "conditions": each}, "actions": {"award_points": 1}}
        for n, each in enumerate(large)
    ]
    assert api.request("PUT", "/v1/rules", json={"rules": patterns}).status_code == 400
    assert api.request("PUT", "/v1/rules", json={"rules": patterns[:20]}).status_code == 200
    one = {"trigger": {"event": "a.b", "conditions": {"c": {"in": [str(n) for n in range(1_000)]}}}}
    several = [one | {"rule_id": f"l{n}", "actions": {"award_points": 1}} for n in range(42)]
    assert api.request("PUT", "/v1/rules", json={"rules": several}).status_code == 400


def test_a_changed_rule_is_another_one_at_once(ruled):
    """What a process remembers of rules that stayed never hides the one that was changed, or a new zone."""
    api = ruled.api
    api.request("PUT", "/v1/rules", json={"rules": rules(3, lambda one: {"score": {"gte": one}})})
    assert api.event("forum.posted", properties={"score": 5})["points_awarded"] == 6
    changed = rules(1, lambda one: {"score": {"gte": 9}})[0]
    assert api.request("PUT", "/v1/rules/r000", json=changed).status_code == 200
    assert api.event("forum.posted", event_id="2", properties={"score": 5})["points_awarded"] == 4
    daily = rules(1, lambda one: {})[0] | {"constraints": {"max_per_day": 1}}
    assert api.request("PUT", "/v1/rules/r000", json=daily).status_code == 200
    late = {"user_id": "zoe", "properties": {"score": -1}}
    assert api.event("forum.posted", event_id="3", **late)["points_awarded"] == 2
    assert (
        api.event("forum.posted", event_id="4", timestamp="2026-03-02T23:30:00Z", **late)["points_awarded"]
        == 0
    )
    assert api.patch("/v1/organisation", {"timezone": "Europe/Paris"}).status_code == 200
    assert (
        api.event("forum.posted", event_id="5", timestamp="2026-03-02T23:40:00Z", **late)["points_awarded"]
        == 2
    )


def _groups(organisation) -> tuple[int, int]:
    """Transactions of events that the server made until now, and the events in them."""
    found = {}
    for line in organisation.server.client.get("/metrics").text.splitlines():
        name, _, value = line.rpartition(" ")
        found[name] = float(value) if name.startswith("rocket_group_events_") else 0
    return int(found["rocket_group_events_count"]), int(found["rocket_group_events_sum"])


def test_more_awards_than_can_be_waited_for_are_refused(ruled):
    """Two thousand events under 900 rules that award each of them are refused with a number that is taken,
    before anything of them is stored."""
    ruled.api.request("PUT", "/v1/rules", json={"rules": rules(900, lambda one: {})})
    before = _groups(ruled)
    refused = ruled.api.post("/v1/events/batch", {"events": posts(2_000)})
    assert (refused.status_code, refused.json()["details"]["field"]) == (400, "events")
    assert "the first 222 are few enough" in refused.json()["message"]
    assert _groups(ruled) == before
    assert ruled.api.get("/v1/events").json()["events"] == []


def test_rules_that_award_little_let_large_batches_through(ruled, adds_up):
    """Where many rules could award an event and few do, a batch is judged by what they do."""
    ruled.api.request("PUT", "/v1/rules", json={"rules": rules(300, lambda one: {"score": {"gte": one}})})
    answer = ruled.api.post("/v1/events/batch", {"events": posts(700, score=0)})
    assert (answer.status_code, answer.json()["processed"]) == (200, 700)
    adds_up(ruled)


def test_a_heavy_batch_takes_as_many_transactions_as_its_weight(make_organisation, adds_up):
    """A server that sees an organisation's rules for the first time doesn't find the size of its groups by
    trying: events under 900 rules that all award them come two by two."""
    made = make_organisation(rules=[])
    made.api.request("PUT", "/v1/rules", json={"rules": rules(900, lambda one: {})})
    before, events = _groups(made)
    answer = made.api.post("/v1/events/batch", {"events": posts(12)})
    assert (answer.status_code, answer.json()["points_awarded"]) == (200, 12 * 900 * 2)
    assert _groups(made) == (before + 6, events + 12)
    adds_up(made)
