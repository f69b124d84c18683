"""The audit log: what it says of an act, who may read it, and how it is found again."""

from __future__ import annotations

import asyncpg
import pytest

RULE = {"rule_id": "extra", "trigger": "course.viewed", "actions": {"award_points": 5}}


def lines(organisation, **filters):
    response = organisation.api.get("/v1/audit", **filters)
    assert response.status_code == 200, response.text
    return response.json()["audit"]


def test_an_act_is_told_with_who_when_and_what(organisation):
    """A line names the key, its address, the request, the subject, and what was before and after."""
    answer = organisation.api.post("/v1/rules", RULE)
    (line,) = lines(organisation)
    assert line["action"] == "rule.created"
    assert line["subject"] == "rule:extra"
    assert line["actor"].startswith("key:")
    assert line["actor_name"].startswith("key:rk_")
    assert line["address"] == "127.0.0.1"
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["before"] is None
    assert line["after"]["actions"] == {"award_points": 5}

    organisation.api.request("PUT", "/v1/rules/extra", json=RULE | {"actions": {"award_points": 6}})
    line = lines(organisation)[0]
    assert (line["action"], line["before"], line["after"]) == (
        "rule.changed",
        {"actions": {"award_points": 5}},
        {"actions": {"award_points": 6}},
    )


def test_what_changes_nothing_is_no_act(organisation):
    """The same rules again, a dry run and a refused request leave no line."""
    organisation.api.post("/v1/rules", RULE)
    assert len(lines(organisation)) == 1
    organisation.api.request("PUT", "/v1/rules/extra", json=RULE)
    organisation.api.request("PUT", "/v1/rules", json={"rules": [RULE]})
    dry = {"rules": [RULE | {"active": False}]}
    organisation.api.request("PUT", "/v1/rules?dry_run=true", json=dry)
    assert organisation.api.post("/v1/rules", RULE).status_code == 409
    assert organisation.api.post("/v1/rules", {"rule_id": "x"}).status_code == 400
    assert (
        organisation.api.post("/v1/points/deduct", {"user_id": "a", "points": 1, "reason": "x"}).status_code
        == 422
    )
    assert len(lines(organisation)) == 1


def test_a_replay_is_no_second_act(organisation):
    """The same key and body again answer the same, and the log has one line."""
    body = {"user_id": "anna", "points": 5, "reason": "help"}
    headers = {"Idempotency-Key": "once"}
    first = organisation.api.post("/v1/points/award", body, headers=headers)
    again = organisation.api.post("/v1/points/award", body, headers=headers)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    (line,) = lines(organisation)
    assert (line["action"], line["subject"]) == ("points.awarded", "user:anna")
    assert line["before"] == {"balance": 0}
    assert line["after"] == {"balance": 5, "points": 5, "entry_id": first.json()["entry_id"]}


def test_several_rules_of_one_request_are_several_lines(organisation):
    """Each rule that a set makes or changes has a line of its own, of the same request."""
    rules = [RULE | {"rule_id": f"extra{number}"} for number in range(3)]
    organisation.api.request("PUT", "/v1/rules", json={"rules": rules})
    found = lines(organisation)
    assert {line["subject"] for line in found} == {"rule:extra0", "rule:extra1", "rule:extra2"}
    assert len({line["request_id"] for line in found}) == 1


def test_filters_and_pages(organisation):
    """Each filter lets pass what fits, alone and together, and pages go through all of it once."""
    for number in range(5):
        organisation.api.post("/v1/rules", RULE | {"rule_id": f"extra{number}"})
        organisation.api.post("/v1/points/award", {"user_id": "anna", "points": 1, "reason": "x"})
    everything = lines(organisation)
    assert len(everything) == 10
    actor = everything[0]["actor"]
    assert len(lines(organisation, action="rule.created")) == 5
    assert len(lines(organisation, actor=actor)) == 10
    assert len(lines(organisation, actor=actor, action="points.awarded")) == 5
    assert lines(organisation, actor="key:nobody") == []
    (one,) = lines(organisation, subject="rule:extra3")
    later = lines(organisation, since=one["at"])
    earlier = lines(organisation, until=one["at"])
    assert one in later
    assert one not in earlier
    assert len(later) + len(earlier) == 10

    paged, cursor = [], None
    while True:
        page = organisation.api.get("/v1/audit", limit=3, **({"cursor": cursor} if cursor else {})).json()
        paged += page["audit"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert paged == everything


def test_a_learner_is_found_by_any_id_and_after_a_merge(organisation):
    """`subject=user:…` takes each of the person's ids, and shows what was done with both before they were
    one."""
    organisation.api.post("/v1/users", {"user_id": "anna", "identities": ["moodle:7"]})
    award = {"points": 1, "reason": "x"}
    organisation.api.post("/v1/points/award", {"user_id": "anna", **award})
    organisation.api.post("/v1/points/award", {"user_id": "other", **award})
    awarded = {"action": "points.awarded"}
    assert len(lines(organisation, subject="user:anna", **awarded)) == 1
    assert len(lines(organisation, subject="user:moodle:7", **awarded)) == 1
    organisation.api.post("/v1/users/anna/merge", {"from": "other"})
    found = lines(organisation, subject="user:other", **awarded)
    assert [line["subject"] for line in found] == ["user:anna", "user:anna"]
    assert lines(organisation, subject="user:nobody") == []


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET action = 'x.y'", "DELETE FROM audit", "TRUNCATE audit"],
    ids=lambda one: one.split()[0],
)
def test_the_server_may_only_add_lines(portal, store, statement):
    """The role that the server works as has no right to change or remove what was written."""

    async def work():
        async with store.transaction() as conn:
            await conn.execute(statement)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        portal.call(work)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "yesterday"}, "since"),
        ({"until": "x"}, "until"),
        ({"cursor": "x"}, "cursor"),
        ({"limit": "0"}, "limit"),
        ({"subject": ""}, "subject"),
        ({"actors": "x"}, "actors"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(organisation, query, field):
    """A time, cursor or name that isn't one is a 400 that names it."""
    response = organisation.api.get("/v1/audit", **query)
    assert response.status_code == 400
    assert field in response.json()["message"]
