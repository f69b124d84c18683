"""Badges whose time is over are told, once each."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from rocket_server.people import expired_badges


@pytest.fixture
def told(owner):
    """What was told so far of an organisation's expired badges."""

    def told(organisation):
        rows = owner.fetch(
            "SELECT body FROM messages WHERE organisation_id = $1 AND event = 'badge.expired'"
            " ORDER BY event_id",
            organisation.organisation_id,
        )
        return [json.loads(row["body"]) for row in rows]

    return told


@pytest.fixture
def look(portal, store):
    """Tells all that is due for an organisation, as if it were so many days later; whether anything was."""

    def look(organisation, days):
        async def work():
            now = datetime.now(UTC) + timedelta(days=days)
            async with store.connection() as conn:
                due = {found for (found,) in await expired_badges.due(conn, now, None, 10_000)}
            more = True
            while more:
                async with store.transaction() as conn:
                    more = await expired_badges.tell(conn, organisation.organisation_id, now)
            return organisation.organisation_id in due

        return portal.call(work)

    return look


@pytest.fixture
def certificate(organisation):
    """An organisation with a badge that lasts 30 days, and an endpoint that wants all events."""
    badge = {"badge_id": "first_aid", "name": "First aid", "expires_after_days": 30}
    assert organisation.api.post("/v1/badges", badge).status_code == 201
    hook = {"url": "https://rocket-receiver.example.org/", "events": ["badge.expired"]}
    assert organisation.api.post("/v1/webhooks", hook).status_code == 201
    return organisation


def give(organisation, user_id="anna", badge_id="first_aid"):
    answer = organisation.api.post("/v1/badges/award", {"user_id": user_id, "badge_id": badge_id})
    assert answer.status_code == 200, answer.text
    return answer.json()["award_id"]


def test_a_badge_that_expires_is_told_once(certificate, look, told):
    """Not before its time, then once, with the award and the time at which it ended; others aren't told."""
    award_id = give(certificate)
    give(certificate, badge_id="quiz_master")
    assert not look(certificate, 29)
    assert told(certificate) == []
    assert look(certificate, 31)
    (body,) = told(certificate)
    assert (body["user_id"], body["points_awarded"]) == ("anna", 0)
    assert body["properties"] == {
        "badge_id": "first_aid",
        "badge_name": "First aid",
        "award_id": award_id,
        "awarded_at": body["properties"]["awarded_at"],
    }
    ended, given = (
        datetime.fromisoformat(one) for one in (body["timestamp"], body["properties"]["awarded_at"])
    )
    assert ended - given == timedelta(days=30)
    assert not look(certificate, 32)
    assert len(told(certificate)) == 1


def test_a_badge_that_was_given_again_in_time_is_told_all_the_same(certificate, owner, look, told):
    """The former award has expired, though the next one was made before anybody looked."""
    first = give(certificate)
    owner.execute(
        "UPDATE badge_awards SET expires_at = now() - interval '1 minute' WHERE organisation_id = $1",
        certificate.organisation_id,
    )
    second = give(certificate)
    assert second != first
    assert look(certificate, 0)
    assert [body["properties"]["award_id"] for body in told(certificate)] == [first]


def test_who_is_told_about(certificate, look, told):
    """A revoked badge and one of somebody who was anonymised aren't told; that of a merged learner is, as of
    who they turned out to be."""
    api = certificate.api
    for user_id in ("anna", "ben", "carla", "dora"):
        give(certificate, user_id)
    revoked = api.post("/v1/badges/revoke", {"user_id": "anna", "badge_id": "first_aid", "reason": "x"})
    assert revoked.status_code == 200, revoked.text
    assert api.request("DELETE", "/v1/users/ben").status_code == 200
    api.event("user.logged_in", "emil")
    assert api.post("/v1/users/emil/merge", {"from": "carla"}).status_code == 200
    assert look(certificate, 31)
    assert sorted(body["user_id"] for body in told(certificate)) == ["dora", "emil"]
    assert not look(certificate, 32)


def test_many_at_once_go_in_pieces(certificate, monkeypatch, look, told):
    """What expires together is told in bounded pieces, each award once."""
    monkeypatch.setattr(expired_badges, "_AT_ONCE", 2)
    for number in range(5):
        give(certificate, f"learner-{number}")
    assert look(certificate, 31)
    assert sorted(body["user_id"] for body in told(certificate)) == [f"learner-{n}" for n in range(5)]
