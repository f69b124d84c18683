"""Points by hand: awards, deductions, reversals, idempotency keys."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest


def award(organisation, points, user_id="anna", key=None, **fields):
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"user_id": user_id, "points": points, "reason": "a good deed", **fields}
    return organisation.api.post("/v1/points/award", body, headers=headers)


def deduct(organisation, points, user_id="anna", key=None):
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"user_id": user_id, "points": points, "reason": "a mug"}
    return organisation.api.post("/v1/points/deduct", body, headers=headers)


def reverse(organisation, entry_id):
    return organisation.api.post("/v1/points/reverse", {"entry_id": entry_id, "reason": "a mistake"})


def test_an_award_makes_learner_and_entry(organisation):
    """Points for somebody unknown make the learner; the entry tells who gave them, why and when."""
    response = award(organisation, 30, metadata={"campaign": "spring"})
    assert response.status_code == 200
    answer = response.json()
    assert (answer["points"], answer["balance"]) == (30, 30)
    assert uuid.UUID(answer["entry_id"]).version == 7
    (entry,) = organisation.api.get("/v1/users/anna/ledger").json()["entries"]
    assert entry["entry_id"] == answer["entry_id"]
    assert (entry["kind"], entry["points"], entry["balance_after"]) == ("award", 30, 30)
    assert (entry["reason"], entry["metadata"]) == ("a good deed", {"campaign": "spring"})
    assert entry["actor"].startswith("key:rk_live_")
    assert organisation.key not in entry["actor"]


def test_a_deduction_never_goes_below_zero(organisation):
    """More than there is: 422 with the balance, and nothing changes."""
    award(organisation, 30)
    assert deduct(organisation, 10).json()["balance"] == 20
    response = deduct(organisation, 21)
    assert response.status_code == 422
    assert response.json()["error"] == "insufficient_points"
    assert response.json()["details"]["balance"] == 20
    balance = organisation.api.get("/v1/users/anna/balance").json()
    assert (balance["points"], balance["earned"], balance["spent"]) == (20, 30, 10)


def test_a_deduction_from_nobody_finds_nothing_to_spend(organisation):
    """A stranger has no points: 422, and no learner is made by a request that failed."""
    response = deduct(organisation, 1, "stranger")
    assert response.status_code == 422
    assert response.json()["details"]["balance"] == 0
    assert organisation.api.get("/v1/users/stranger/balance").status_code == 404


@pytest.mark.parametrize("path", ["award", "deduct"])
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"points": 0}, "points"),
        ({"points": -5}, "points"),
        ({"points": 1_000_001}, "points"),
        ({"points": 1.5}, "points"),
        ({"points": "5"}, "points"),
        ({"points": True}, "points"),
        ({"points": None}, "points"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "a/b"}, "user_id"),
        ({"user_id": "x" * 256}, "user_id"),
        ({"user_id": "a\x00"}, "user_id"),
        ({"reason": None}, "reason"),
        ({"reason": "a\x00b"}, "reason"),
        ({"metadata": {"a": "\x00"}}, "metadata.a"),
        ({"metadata": [1]}, "metadata"),
        ({"surprise": 1}, "surprise"),
    ],
    ids=str,
)
def test_a_faulty_field_is_named(organisation, path, change, field):
    """What can't be awarded or deducted is a 400 that names the field, and nothing changes."""
    body = {"user_id": "anna", "points": 5, "reason": "x"} | change
    response = organisation.api.post(f"/v1/points/{path}", body)
    assert response.status_code == 400, response.text
    assert response.json()["details"]["field"] == field
    assert organisation.api.get("/v1/users/anna/balance").status_code == 404


def test_an_idempotency_key_counts_once(organisation):
    """The same key and body again: the same answer, marked as a replay, and nothing new."""
    first = award(organisation, 30, key="order-1")
    again = award(organisation, 30, key="order-1")
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    assert organisation.api.points("anna") == 30


def test_an_idempotency_key_belongs_to_one_request(organisation, make_organisation):
    """The same key with another body or action is a conflict; in another organisation it is another key."""
    award(organisation, 30, key="order-1")
    for response in (award(organisation, 31, key="order-1"), deduct(organisation, 30, key="order-1")):
        assert response.status_code == 409
        assert response.json()["error"] == "conflict"
    assert organisation.api.points("anna") == 30
    other = make_organisation()
    assert award(other, 31, key="order-1").status_code == 200


def test_a_refused_request_does_not_use_up_its_key(organisation):
    """A deduction that was refused may be sent again with its key once there are points."""
    assert deduct(organisation, 10, key="mug").status_code == 422
    award(organisation, 10)
    assert deduct(organisation, 10, key="mug").json()["balance"] == 0


@pytest.mark.parametrize("key", ["", "x" * 256, "with blank", "ä".encode()])
def test_a_faulty_idempotency_key_is_refused(organisation, key):
    """A key has 1 to 255 printable ASCII characters without blanks."""
    response = award(organisation, 1, key=key)
    assert response.status_code == 400, response.text
    assert response.json()["details"]["field"] == "Idempotency-Key"


def test_the_same_key_from_many_at_once_counts_once(organisation):
    """Of simultaneous requests with one key, for somebody new, one is done and all get its answer."""
    with ThreadPoolExecutor(16) as pool:
        responses = list(pool.map(lambda _: award(organisation, 30, key="order-1"), range(16)))
    assert {response.status_code for response in responses} == {200}
    assert len({response.json()["entry_id"] for response in responses}) == 1
    assert sum("idempotency-replayed" not in response.headers for response in responses) == 1
    assert organisation.api.points("anna") == 30


def test_awards_for_somebody_new_from_many_at_once(organisation, adds_up):
    """Requests that race to make the same learner all succeed, and make him once."""
    with ThreadPoolExecutor(16) as pool:
        responses = list(pool.map(lambda number: award(organisation, 1 + number), range(16)))
    assert {response.status_code for response in responses} == {200}
    assert organisation.api.points("anna") == sum(range(1, 17))
    adds_up(organisation)


def test_a_reversal_is_a_new_entry_once(organisation, adds_up):
    """Reversing takes the points back by an entry that names the first one; twice is a conflict."""
    entry_id = award(organisation, 30).json()["entry_id"]
    response = reverse(organisation, entry_id)
    assert (response.status_code, response.json()["balance"]) == (200, 0)
    assert reverse(organisation, entry_id).status_code == 409
    assert reverse(organisation, response.json()["entry_id"]).status_code == 409
    latest, first = organisation.api.get("/v1/users/anna/ledger").json()["entries"]
    assert (latest["kind"], latest["points"], latest["reverses"]) == ("reversal", -30, entry_id)
    assert (first["kind"], first["points"], first["balance_after"]) == ("award", 30, 30)
    adds_up(organisation)


def test_one_of_many_simultaneous_reversals_succeeds(organisation, adds_up):
    """Of simultaneous reversals of one entry, one is done; the others are conflicts."""
    entry_id = award(organisation, 30).json()["entry_id"]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: reverse(organisation, entry_id).status_code, range(8)))
    assert sorted(statuses) == [200] + [409] * 7
    assert organisation.api.points("anna") == 0
    adds_up(organisation)


def test_a_reversal_may_leave_a_debt_that_later_points_repay(organisation, adds_up):
    """What was spent meanwhile is owed: the balance is below zero, nothing can be spent, points repay it."""
    entry_id = award(organisation, 30).json()["entry_id"]
    deduct(organisation, 20)
    assert reverse(organisation, entry_id).json()["balance"] == -20
    assert deduct(organisation, 1).json()["details"]["balance"] == -20
    assert award(organisation, 25).json()["balance"] == 5
    assert deduct(organisation, 5).json()["balance"] == 0
    adds_up(organisation)


def test_a_deduction_can_be_reversed(organisation, adds_up):
    """A reversed deduction gives the points back and counts as not spent."""
    award(organisation, 30)
    entry_id = deduct(organisation, 20).json()["entry_id"]
    assert reverse(organisation, entry_id).json()["balance"] == 30
    assert organisation.api.get("/v1/users/anna/balance").json()["spent"] == 0
    adds_up(organisation)


def test_a_rules_award_can_be_reversed_by_hand(organisation, adds_up):
    """An event's award is reversed by its entry, which its decision names, and frees what it had used."""
    answers = [organisation.api.event("forum.posted", event_id=f"post-{number}") for number in range(4)]
    assert [answer["points_awarded"] for answer in answers] == [5, 5, 5, 0]
    assert reverse(organisation, answers[0]["decisions"][0]["detail"]["entry_id"]).status_code == 200
    assert organisation.api.points("anna") == 10
    assert organisation.api.event("forum.posted", event_id="post-5")["points_awarded"] == 5
    assert organisation.api.event("forum.posted", event_id="post-6")["points_awarded"] == 0
    adds_up(organisation)


@pytest.mark.parametrize("entry_id", ["nonsense", "00000000-0000-7000-8000-000000000009", "a\x00"])
def test_an_unknown_entry_is_not_found(organisation, entry_id):
    """Reversing what isn't there is a 404."""
    assert reverse(organisation, entry_id).status_code == 404


@pytest.mark.parametrize(
    ("what", "stored"),
    [
        ("award", "2dd18d181ee5dddd6819bb3f941be36c292eb697474ca93823ad315737f0272b"),
        ("deduct", "14c4d2f39c246a78387adb74981fcff39d8f5b08c492cd37d1d591d547d30739"),
    ],
)
def test_a_key_of_an_earlier_release_is_known(organisation, owner, what, stored):
    """What stands for a request beside its key is the same in every release: a repetition stays one."""
    organisation.api.post("/v1/points/award", {"user_id": "anna", "points": 90, "reason": "start"})
    body = {"user_id": "anna", "points": 7, "reason": "good", "metadata": {"a": 1}}
    headers = {"Idempotency-Key": "k"}
    assert organisation.api.post(f"/v1/points/{what}", body, headers=headers).status_code == 200
    kept = owner.value(
        "SELECT encode(request_hash, 'hex') FROM idempotency_keys WHERE organisation_id = $1",
        organisation.organisation_id,
    )
    assert kept == stored
