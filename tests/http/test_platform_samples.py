"""Platforms that sign: what they document becomes events and points, once, with a good signature."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rocket_server import sources
from support.platforms import SECRET, Sample, headers_of, hexdigest, samples

KINDS = ("learnworlds", "thinkific")
SAMPLES = {str(sample): sample for sample in samples(*KINDS)}
FIELDS = {"learnworlds": "signature", "thinkific": "hmac"}


class Platform:
    """A source that signs, and what may be sent to it."""

    def __init__(self, organisation: Any, kind: str, **fields: Any) -> None:
        made = organisation.api.post("/v1/sources", {"kind": kind, "hmac_secret": SECRET, **fields})
        assert made.status_code == 201, made.text
        self.organisation, self.kind, self.source = organisation, kind, made.json()

    def send(self, body: Any, headers: dict[str, str] | None = None, addressed: str | None = None) -> Any:
        """Post a body, signed as the platform signs unless other headers are given."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.organisation.server.client.post(
            f"/api/public/hook/{addressed or self.source['slug']}/event",
            content=raw,
            headers=headers_of(self.kind, raw) if headers is None else headers,
        )

    def taken(self, body: Any) -> dict[str, Any]:
        """The answer to a body that has to be taken."""
        response = self.send(body)
        assert response.status_code == 200, response.text
        return dict(response.json())


@pytest.fixture(params=KINDS)
def platform(request, organisation):
    """A source of each kind that signs."""
    return Platform(organisation, request.param)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_becomes_an_event_and_points(organisation, adds_up, name):
    """A documented body is stored once with what it is worth by the default rules; the same body again is a
    duplicate, and unsigned or wrongly signed it is a 401 that stores nothing."""
    sample: Sample = SAMPLES[name]
    expected = sample.expected
    platform = Platform(organisation, sample.kind)
    for headers in ({}, {"X-Signature": "sha256=" + "0" * 64}, headers_of(sample.kind, b"", "x" * 16)):
        assert platform.send(sample.raw, headers).status_code == 401
    assert organisation.api.get("/v1/events").json()["events"] == []

    answer = platform.taken(sample.raw)
    assert (answer["status"], answer["points_awarded"]) == (expected["status"], expected["points"])
    stored = organisation.api.read(answer["event_id"])
    assert (stored["event"], stored["user_id"]) == (expected["event"], expected["user_id"])
    assert stored["properties"] == expected["properties"]
    assert (stored["reason"] or "").split(":")[0] == expected.get("reason", "")

    again = platform.taken(sample.raw)
    assert (again["status"], again["event_id"]) == ("duplicate", answer["event_id"])
    assert len(organisation.api.get("/v1/events").json()["events"]) == 1
    if expected["user_id"] is not None:
        assert organisation.api.points(expected["user_id"]) == expected["points"]
    adds_up(organisation)


def test_the_signature_inside_the_body(platform):
    """A body that carries its signature is opened by it, and by no other; a changed body isn't."""
    field = FIELDS[platform.kind]
    body = SAMPLES[f"{platform.kind}.older.lesson_completed"].body
    good = body | {field: f"sha256={hexdigest(json.dumps(body).encode())}"}
    assert platform.send(body | {field: "sha256=" + "0" * 64}, {}).status_code == 401
    assert platform.send(good | {"extra": 1}, {}).status_code == 401
    assert platform.send(good, {}, addressed=platform.kind).status_code == 401
    assert platform.send(good, {}).json()["status"] == "success"
    assert (
        platform.send(body, {"X-Signature": hexdigest(json.dumps(body).encode())}).json()["status"]
        == "duplicate"
    )
    logged = platform.organisation.api.get(f"/v1/sources/{platform.source['source_id']}/requests").json()
    assert good[field] not in json.dumps(logged)


def test_a_token_is_as_good_as_a_signature(organisation, platform):
    """A source that has a token is opened by it at its kind's address as well."""
    path = f"/v1/sources/{platform.source['source_id']}/rotate"
    token = organisation.api.post(path, {"kind": "token"}).json()["token"]
    body = SAMPLES[f"{platform.kind}.older.lesson_completed"].body
    headers = {"Authorization": f"Bearer {token}"}
    assert platform.send(body, headers, addressed=platform.kind).json()["status"] == "success"


def test_a_secret_is_changed_without_a_gap(organisation, platform):
    """Both secrets work until the old one is revoked; then it fails at the next request."""
    path = f"/v1/sources/{platform.source['source_id']}/rotate"
    body = SAMPLES[f"{platform.kind}.older.lesson_completed"].raw
    new = organisation.api.post(path, {"kind": "hmac_secret"}).json()["hmac_secret"]

    def statuses():
        both = (headers_of(platform.kind, body, secret) for secret in (SECRET, new))
        return [platform.send(body, headers).status_code for headers in both]

    assert statuses() == [200, 200]
    old = platform.source["credentials"][0]["credential_id"]
    assert organisation.api.post(path, {"kind": "hmac_secret", "revoke": old}).status_code == 201
    assert statuses() == [401, 200]
    assert new not in organisation.api.get("/v1/sources").text


def test_one_organisation_is_nothing_to_another(make_organisation, platform):
    """The same body, signed with the same secret, is each organisation's own; a signature opens no other
    organisation's address."""
    other = Platform(make_organisation(), platform.kind, hmac_secret="the secret of somebody else")
    body = SAMPLES[f"{platform.kind}.older.course_completed"].raw
    learner = SAMPLES[f"{platform.kind}.older.course_completed"].expected["user_id"]
    assert other.send(body).status_code == 401
    theirs = headers_of(platform.kind, body, "the secret of somebody else")
    assert platform.taken(body)["points_awarded"] == 50
    assert other.organisation.api.points(learner) == 0
    assert other.send(body, theirs).json()["status"] == "success"
    assert platform.organisation.api.points(learner) == 50


def test_validation_says_what_a_body_would_become(organisation, platform):
    """Every sample can be tried with a key; nothing is stored, and what is wrong is named."""
    path = f"/api/public/validate/webhook?source={platform.kind}"
    for sample in samples(platform.kind):
        answer = organisation.api.post(path, sample.body).json()
        assert answer["valid"] is True, answer
        assert (answer["event"]["event"], answer["points_awarded"]) == (
            sample.expected["event"],
            sample.expected["points"],
        )
    answer = organisation.api.post(path, {"topic": "lesson.completed"}).json()
    assert answer["valid"] is False
    assert len({error["path"] for error in answer["errors"]}) > 2
    assert organisation.api.get("/v1/events").json()["events"] == []


def test_an_enrolment_that_ends_takes_its_points_back(organisation, adds_up):
    """Where an administrator rewards enrolments, one that ends takes the points back and frees the cap; what
    was completed meanwhile stays."""
    rules = {
        rule["rule"]["rule_id"]: rule["rule"]
        for rule in organisation.api.get("/v1/rules/templates").json()["templates"]
    }
    rule = rules["course_enrolled"] | {"active": True}
    assert organisation.api.post("/v1/rules", rule).status_code == 201
    platform = Platform(organisation, "learnworlds")
    enrolled = SAMPLES["learnworlds.enrolled_free"]
    learner = enrolled.expected["user_id"]
    assert platform.taken(enrolled.raw)["points_awarded"] == 5
    assert platform.taken(SAMPLES["learnworlds.course_completed"].raw)["points_awarded"] == 50
    assert platform.taken(SAMPLES["learnworlds.unenrolled.course"].raw)["points_awarded"] == -5
    assert organisation.api.points(learner) == 50
    adds_up(organisation)


def test_a_refund_takes_back_what_the_order_earned(organisation, adds_up):
    """Where an administrator rewards orders, a refund takes the points back, whichever arrives first."""
    rule = {"rule_id": "bought", "trigger": {"event": "order.created"}, "actions": {"award_points": 7}}
    assert organisation.api.post("/v1/rules", rule).status_code == 201
    platform = Platform(organisation, "thinkific")
    order, refund = SAMPLES["thinkific.order_created"].body, SAMPLES["thinkific.order_refunded"].body
    order, refund = order | {"id": "1"}, refund | {"id": "2", "created_at": "2025-09-10T10:00:00Z"}
    assert platform.taken(order)["points_awarded"] == 7
    assert platform.taken(refund)["points_awarded"] == -7

    def other(body, number):
        return json.loads(json.dumps(body | {"id": number}).replace("19796", "20000"))

    assert platform.taken(other(refund, "3"))["points_awarded"] == 0
    assert platform.taken(other(order, "4"))["points_awarded"] == 0
    assert organisation.api.points("thinkific:123456") == 0
    adds_up(organisation)


def test_nobody_is_staff_unless_they_are_listed(organisation):
    """User 2 is Moodle's first administrator and nobody's elsewhere."""
    platform = Platform(organisation, "thinkific")
    assert platform.source["staff_ids"] == []
    body = json.loads(json.dumps(SAMPLES["thinkific.lesson_completed"].body).replace("123456", "2"))
    assert platform.taken(body)["points_awarded"] == 10
    moodle = organisation.api.post("/v1/sources", {"kind": "openlms"}).json()
    assert moodle["staff_ids"] == ["2"]


FIRST_FAULTS = {
    "moodle": "eventname",
    "openlms": "eventname",
    "learnworlds": "type",
    "thinkific": "topic",
    "valamis": "verb.id",
    "shiksha": "name",
    "custom": "$.type",
    "test": "event",
}


@pytest.mark.parametrize("kind", sources.KINDS)
def test_validation_names_what_is_wrong_for_every_kind(organisation, kind):
    """Each kind of source can be tried with a body, by a key and by the source's token, and names the field
    that is missing where its platform has it."""
    mappings = {"mappings": {"event": "$.type", "user_id": "$.who"}} if kind == "custom" else {}
    made = organisation.api.post("/v1/sources", {"kind": kind, "name": f"my-{kind}", **mappings}).json()
    by_key = organisation.api.post(f"/api/public/validate/webhook?source=my-{kind}", {"nothing": 1})
    by_token = organisation.server.client.post(
        "/api/public/validate/webhook",
        json={"nothing": 1},
        headers={"Authorization": f"Bearer {made['token']}"},
    )
    assert by_key.json() == by_token.json()
    assert by_key.json()["valid"] is False
    said = by_key.json()["errors"]
    assert any(FIRST_FAULTS[kind] in error["path"] + error["message"] for error in said), said
