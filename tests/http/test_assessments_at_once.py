"""What learners ask most goes without the framework's routing; it is answered as it would be with it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from rocket_server.organisations import keys
from support.examination import BASE, Hall, code_of, right

JSON = {"Content-Type": "application/json"}
BODIES = {
    "no JSON": b"{",
    "nothing": b"",
    "a list": b"[]",
    "no UTF-8": b'{"answers": [], "timeSpent": "\xff"}',
    "NaN": b'{"answers": [], "timeSpent": NaN}',
    "endless number": b'{"answers": [], "timeSpent": 1e999}',
    "deep": b'{"answers": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "unknown field": b'{"answers": [], "more": 1}',
    "no answers": b"{}",
    "many parts": b'{"answers": [' + b"1," * 60_000 + b"1]}",
    "answers that are text": b'{"answers": "all"}',
    "negative time": b'{"answers": [], "timeSpent": -1}',
    "no question": b'{"answers": [{"answer": {}}]}',
    "half a character": b'{"answers": [], "timeSpent": "\\ud800"}',
}


@pytest.fixture
def hall(organisation) -> Hall:
    """A fresh organisation's tests."""
    return Hall(organisation)


def _said(response):
    """An answer without what differs from one to the next."""
    body = response.json()
    for name in ("resmsgid", "msgid"):
        body["params"].pop(name)
    body.pop("ts")
    return response.status_code, body


def _both_ways(hall, path, content=b"", user="anna"):
    """The same request as it is sent nearly always, and by the framework, where a parameter names the
    learner."""
    post = hall.organisation.server.client.post
    keyed = {"Authorization": f"Bearer {hall.organisation.key}", **JSON}
    straight = post(f"{BASE}{path}", content=content, headers={**keyed, "X-User-ID": user})
    routed = post(f"{BASE}{path}", content=content, headers=keyed, params={"userId": user})
    return straight, routed


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_bad_answers_are_refused_alike(hall, body):
    """Each bad body is the same 4xx on both ways, and changes nothing."""
    one = hall.question()
    attempt_id = hall.start(hall.test([one]), "anna")
    straight, routed = _both_ways(hall, f"/attempts/{attempt_id}/answers", body)
    assert 400 <= straight.status_code < 500, straight.text
    assert (straight.status_code, code_of(straight)) == (routed.status_code, code_of(routed))
    assert hall.get(f"/attempts/{attempt_id}/resume/anna", "anna")["answers"] == []


@pytest.mark.parametrize("path", ["/attempts/start/{id}", "/attempts/{id}/answers", "/attempts/{id}/submit"])
@pytest.mark.parametrize("named", ["unknown", "0198c2f4-0000-7000-8000-000000000000"])
def test_what_is_not_there_is_refused_alike(hall, path, named):
    """An id that can be none, or that nothing has, is a 404 of the same form."""
    straight, routed = _both_ways(hall, path.format(id=named), b'{"answers": []}')
    assert straight.status_code == 404
    assert _said(straight) == _said(routed)


def test_a_person_who_is_none_is_refused_alike(hall):
    """Without a learner, or with two, nothing begins."""
    test_id = hall.test([hall.question()])
    post = hall.organisation.server.client.post
    keyed = {"Authorization": f"Bearer {hall.organisation.key}"}
    missing = post(f"{BASE}/attempts/start/{test_id}", headers=keyed)
    assert (missing.status_code, code_of(missing)) == (400, "invalid_payload")
    both = {"X-User-ID": "anna", "userId": "ben", **keyed}
    assert post(f"{BASE}/attempts/start/{test_id}", headers=both).status_code == 403


def test_a_revoked_key_takes_no_test(hall, portal, store):
    """A key that the server remembers is a 401 as soon as it is revoked, by whatever server, and nothing of
    its request is kept."""
    one = hall.question()
    test_id = hall.test([one])

    async def make():
        async with store.transaction() as conn:
            scopes = ["assessments:take"]
            return await keys.create(conn, hall.organisation.model, name="taker", scopes=scopes)

    secret, key = portal.call(make)
    taking = Hall(replace(hall.organisation, key=secret))
    attempt_id = taking.start(test_id, "anna")
    taking.save(attempt_id, "anna", {one["questionId"]: {}})

    async def revoke():
        async with store.transaction() as conn:
            await keys.revoke(conn, hall.organisation.model, key.key_id)

    portal.call(revoke)
    late = {"answers": [{"questionId": one["questionId"], "answer": right(one)}]}
    for path, body in (
        (f"{attempt_id}/answers", late),
        (f"{attempt_id}/submit", None),
        (f"start/{test_id}", None),
    ):
        refused = taking.ask("POST", f"/attempts/{path}", body, "ben" if "start" in path else "anna")
        assert refused.status_code == 401, path
    assert json.dumps(right(one)) not in json.dumps(hall.get(f"/attempts/{attempt_id}/resume/anna", "anna"))
    assert hall.get(f"/tests/{test_id}/users/ben/status")["attemptsMade"] == 0
