"""Whatever is done, by however many at once, the ledger adds up and nothing in it ever changes."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("ROCKET_TEST_EXAMPLES", "100"))
LEARNERS = ("anna", "ben", "carla")

# What one client does, one after another.
steps = st.one_of(
    st.tuples(st.just("award"), st.sampled_from(LEARNERS), st.integers(1, 50)),
    st.tuples(st.just("deduct"), st.sampled_from(LEARNERS), st.integers(1, 60)),
    st.tuples(st.just("reverse"), st.sampled_from(LEARNERS), st.integers(0, 9)),
    st.tuples(st.just("forum.posted"), st.sampled_from(LEARNERS), st.integers(0, 9)),
    st.tuples(st.just("lesson.completed"), st.sampled_from(LEARNERS), st.integers(0, 5)),
    st.tuples(st.just("lesson.reopened"), st.sampled_from(LEARNERS), st.integers(0, 5)),
    st.tuples(st.just("retry"), st.sampled_from(LEARNERS), st.integers(0, 9)),
)
clients = st.lists(st.lists(steps, max_size=12), min_size=1, max_size=6)


def act(organisation, step):
    """Do one step; whatever it asks for, the answer is no failure of the server."""
    what, learner, number = step
    api = organisation.api
    if what in ("award", "deduct"):
        body = {"user_id": learner, "points": number, "reason": "x"}
        response = api.post(f"/v1/points/{what}", body)
        allowed = {200, 422}
    elif what == "reverse":
        entries = api.get(f"/v1/users/{learner}/ledger").json().get("entries", [])
        entry_id = entries[number % len(entries)]["entry_id"] if entries else "none"
        response = api.post("/v1/points/reverse", {"entry_id": entry_id, "reason": "x"})
        allowed = {200, 404, 409}
    elif what == "retry":
        events = api.get("/v1/events", user_id=learner).json()["events"]
        event_id = events[number % len(events)]["event_id"] if events else "none"
        response = api.post(f"/v1/events/{event_id}/retry")
        allowed = {200, 404}
    else:
        properties = {"lesson_id": str(number % 2), "course_id": "1"}
        event = {
            "event": what,
            "user_id": learner,
            "timestamp": 1772445600 + number,
            "properties": properties,
        }
        response = api.post("/v1/events", event)
        allowed = {200}
    assert response.status_code in allowed, (step, response.text)


def run(processes, plans):
    with ThreadPoolExecutor(len(plans)) as pool:
        list(
            pool.map(
                lambda numbered: [act(processes[numbered[0] % 2], step) for step in numbered[1]],
                enumerate(plans),
            )
        )


def entries_of(owner, organisation):
    rows = owner.fetch(
        "SELECT entry_id::text, learner_id::text, number, kind, from_account::text, to_account::text, amount,"
        " balance_after, reverses::text, e::text AS whole FROM entries e WHERE organisation_id = $1"
        " ORDER BY learner_id, number",
        organisation.organisation_id,
    )
    return {row["entry_id"]: row for row in rows}


def check(owner, organisation):
    """Balances are the sums of entries, numbers have no gap, all accounts together hold nothing."""
    entries = entries_of(owner, organisation)
    held: dict[str, int] = {}
    last: dict[str, int] = {}
    for entry in entries.values():
        held[entry["from_account"]] = held.get(entry["from_account"], 0) - entry["amount"]
        held[entry["to_account"]] = held.get(entry["to_account"], 0) + entry["amount"]
        learner = entry["learner_id"]
        assert entry["number"] == last.get(learner, 0) + 1
        assert entry["balance_after"] == held[learner]
        assert entry["kind"] != "deduction" or held[learner] >= 0
        last[learner] = entry["number"]
    assert sum(held.values()) == 0
    accounts = owner.fetch(
        "SELECT account_id::text, points, earned, spent, entries FROM accounts"
        " WHERE organisation_id = $1 AND kind = 'learner'",
        organisation.organisation_id,
    )
    for account in accounts:
        assert account["points"] == held.get(account["account_id"], 0) == account["earned"] - account["spent"]
        assert account["entries"] == last.get(account["account_id"], 0)
    reversed_ids = [entry["reverses"] for entry in entries.values() if entry["reverses"]]
    assert len(reversed_ids) == len(set(reversed_ids))
    assert set(reversed_ids) <= entries.keys()
    return entries


@pytest.mark.reliability
@given(first=clients, second=clients)
@settings(
    max_examples=max(5, EXAMPLES // 5),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_sequence_from_any_number_of_threads(
    make_organisation, second_server, owner, adds_up, first, second
):
    """After any acts of any clients at once the ledger adds up, and later acts change no earlier entry."""
    organisation = make_organisation()
    processes = (organisation, organisation.on(second_server))
    run(processes, first)
    before = check(owner, organisation)
    run(processes, second)
    after = check(owner, organisation)
    assert {entry_id: after[entry_id]["whole"] for entry_id in before} == {
        entry_id: entry["whole"] for entry_id, entry in before.items()
    }
    adds_up(organisation)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET amount = amount + 1",
        "UPDATE entries SET reason = 'another'",
        "DELETE FROM entries",
        "TRUNCATE entries",
        "DELETE FROM events",
        "UPDATE events SET occurred_at = now()",
        "UPDATE event_keys SET event_id = event_id",
        "DELETE FROM event_keys",
        "DELETE FROM accounts",
        "DELETE FROM idempotency_keys",
        "UPDATE rules SET version = 9",
        "ALTER TABLE entries ADD COLUMN x integer",
        "CREATE TABLE mine (x integer)",
    ],
)
def test_the_servers_role_cannot_change_what_happened(organisation, portal, store, statement):
    """PostgreSQL itself refuses the server's role to change or remove entries, keys or facts of events."""
    organisation.api.event("course.completed", properties={"course_id": "1"})

    async def attempt():
        async with store.transaction() as conn:
            await conn.execute(statement)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        portal.call(attempt)
