"""A change made through one process takes effect in every other from the next request."""

from __future__ import annotations

import json

import pytest

from rocket_server.organisations import store as organisations
from rocket_server.rules import store as rules_store
from rocket_server.rules.parse import parse_rule


def login(number: int, user: str = "9") -> str:
    return json.dumps(
        {
            "eventname": "\\core\\event\\user_loggedin",
            "id": str(number),
            "userid": user,
            "courseid": "0",
            "timecreated": "1772445600",
        }
    )


@pytest.fixture
def apply_rule(portal, store):
    """Stores a new version of a rule, as `rocket rules apply` does."""

    def apply(organisation, rule):
        async def work():
            async with store.transaction() as conn:
                await rules_store.save(conn, organisation.organisation_id, [parse_rule(rule)], "tests")
                await organisations.touch(conn, organisation.organisation_id)

        portal.call(work)

    return apply


def test_a_changed_rule_decides_the_next_event_everywhere(organisation, second_server, apply_rule):
    """Both processes award by the new version, which the decision names."""
    rule = {"rule_id": "water", "trigger": {"event": "garden.watered"}, "actions": {"award_points": 3}}
    processes = (organisation, organisation.on(second_server))
    for number, points in enumerate((3, 7, 11), 1):
        apply_rule(organisation, rule | {"actions": {"award_points": points}})
        for index, process in enumerate(processes):
            answer = process.api.event("garden.watered", timestamp=1772445600 + 10 * number + index)
            (decision,) = answer["decisions"]
            assert (decision["points"], decision["rule_version"]) == (points, number)
    apply_rule(organisation, rule | {"active": False})
    for process in processes:
        assert process.api.event("garden.watered", timestamp=1772440000)["points_awarded"] == 0


def test_changed_source_settings_hold_for_the_next_request_everywhere(organisation, second_server):
    """Staff, address ranges and filters set through one process are obeyed by the other at once."""
    other = organisation.on(second_server)
    path = f"/v1/sources/{organisation.moodle.source_id}"
    assert other.hook(login(1)).json()["status"] == "success"
    organisation.api.patch(path, {"staff_ids": ["9"]})
    answer = other.hook(login(2)).json()
    assert (answer["status"], answer["reason"][:6]) == ("ignored", "staff:")
    organisation.api.patch(path, {"staff_ids": [], "allowed_cidrs": ["192.0.2.0/24"]})
    refused = other.hook(login(3))
    assert (refused.status_code, refused.json()["error"]) == (403, "forbidden")
    organisation.api.patch(path, {"allowed_cidrs": ["127.0.0.0/8"]})
    assert other.hook(login(4)).status_code == 200


def test_a_changed_organisation_is_obeyed_everywhere(organisation, second_server):
    """The zone set through one process is the zone of a time without offset in the other."""
    other = organisation.on(second_server)
    other.api.event("course.viewed")
    assert organisation.api.patch("/v1/organisation", {"timezone": "Asia/Tokyo"}).status_code == 200
    answer = other.api.event("course.viewed", timestamp="2026-03-02T10:00:00")
    assert other.api.read(answer["event_id"])["timestamp"] == "2026-03-02T01:00:00Z"


def test_a_token_is_rotated_without_a_gap(organisation, second_server):
    """Old and new token work side by side; the revoked one fails at the next request, in every process."""
    other = organisation.on(second_server)
    source = f"/v1/sources/{organisation.moodle.source_id}"
    old = organisation.api.get("/v1/sources").json()["sources"][0]["credentials"][0]
    new_token = organisation.api.post(f"{source}/rotate", {}).json()["token"]
    number = 0
    for process in (organisation, other):
        for token in (organisation.moodle.token, new_token):
            number += 1
            assert process.hook(login(number), Authorization=f"Bearer {token}").status_code == 200
    response = organisation.api.post(f"{source}/rotate", {"revoke": old["credential_id"]})
    assert response.status_code == 201
    for process in (other, organisation):
        refused = process.hook(login(50))
        assert (refused.status_code, refused.json()["error"]) == (401, "authentication_failed")
        assert process.server.client.post(
            "/api/public/validate/webhook", content=login(51),
            headers={"Authorization": f"Bearer {organisation.moodle.token}"},
        ).status_code == 401  # fmt: skip
        for token in (new_token, response.json()["token"]):
            assert process.hook(login(52), Authorization=f"Bearer {token}").status_code == 200
