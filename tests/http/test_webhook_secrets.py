"""Secrets of webhooks: replaced without a gap, shown once, never anywhere else."""

from __future__ import annotations

import json

import pytest

from rocket_server.delivery import signing
from support.receiver import Answer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@pytest.fixture
def webhook(caller, receiver):
    """A webhook that leads to the receiver; `secret` is SECRET."""
    response = caller.api.post("/v1/webhooks", {"url": receiver.url(), "events": ["*"], "secret": SECRET})
    assert response.status_code == 201, response.text
    return response.json()


def signers(caller, receiver, webhook, *secrets):
    """Which of `secrets` sign a test, and which of them makes `X-Signature`."""
    answer = caller.api.post(f"/v1/webhooks/{webhook['id']}/test").json()
    assert answer["delivered"], answer
    call = receiver.calls[-1]
    headers = call.headers
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    standard = [
        secret
        for secret in secrets
        if signing.verify_standard(
            secret, *(headers[name] for name in names), call.body, now_s=float(headers["webhook-timestamp"])
        )
        == "fits"
    ]
    plain = [secret for secret in secrets if signing.verify(secret, call.body, headers["x-signature"])]
    return standard, plain


def test_a_rotation_overlaps_until_the_old_secret_is_retired(caller, receiver, webhook):
    """After a rotation both sign; after retiring the old one only the new one does."""
    path = f"/v1/webhooks/{webhook['id']}"
    response = caller.api.post(f"{path}/rotate-secret")
    assert response.status_code == 201, response.text
    rotated = response.json()
    new = rotated["secret"]
    assert new != SECRET
    assert [secret["active"] for secret in rotated["secrets"]] == [True, True]
    assert rotated["old_retires_at"] == rotated["secrets"][0]["retires_at"] is not None
    assert rotated["secrets"][1]["retires_at"] is None
    assert signers(caller, receiver, webhook, SECRET, new) == ([SECRET, new], [SECRET])
    retired = caller.api.post(f"{path}/retire-secret")
    assert retired.status_code == 200
    assert [secret["active"] for secret in retired.json()["secrets"]] == [False, True]
    assert signers(caller, receiver, webhook, SECRET, new) == ([new], [new])
    assert caller.api.post(f"{path}/retire-secret").status_code == 409
    assert signers(caller, receiver, webhook, SECRET, new) == ([new], [new])


def test_without_overlap_the_old_secrets_end_at_once(caller, receiver, webhook):
    """`overlap_s` 0 leaves the new secret alone, also where two were active: the way out after a leak."""
    path = f"/v1/webhooks/{webhook['id']}/rotate-secret"
    second = caller.api.post(path, {"overlap_s": 3600}).json()["secret"]
    third = caller.api.post(path, {"overlap_s": 60})
    assert third.status_code == 409
    assert "retire-secret" in third.json()["message"]
    assert signers(caller, receiver, webhook, SECRET, second)[0] == [SECRET, second]
    last = caller.api.post(path, {"overlap_s": 0, "secret": OTHER})
    assert (last.status_code, last.json()["secret"]) == (201, OTHER)
    assert signers(caller, receiver, webhook, SECRET, second, OTHER) == ([OTHER], [OTHER])


def test_an_overlap_ends_by_itself(caller, receiver, webhook, owner):
    """When its time has come the old secret signs no more, and another rotation is possible."""
    path = f"/v1/webhooks/{webhook['id']}/rotate-secret"
    new = caller.api.post(path, {"overlap_s": 3600}).json()["secret"]
    owner.execute(
        "UPDATE endpoint_secrets SET retires_at = now() - interval '1 s'"
        " WHERE endpoint_id = $1 AND retires_at IS NOT NULL",
        webhook["id"],
    )
    assert signers(caller, receiver, webhook, SECRET, new) == ([new], [new])
    assert caller.api.post(path, {}).status_code == 201
    listed = caller.api.get(f"/v1/webhooks/{webhook['id']}").json()["secrets"]
    assert [secret["active"] for secret in listed] == [True, True]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"secret": "short"}, "secret"),
        ({"secret": SECRET}, "secret"),
        ({"secret": 7}, "secret"),
        ({"overlap_s": -1}, "overlap_s"),
        ({"overlap_s": 2_592_001}, "overlap_s"),
        ({"overlap_s": 1.5}, "overlap_s"),
        ({"overlap_s": True}, "overlap_s"),
        ({"overlap": 5}, "overlap"),
    ],
    ids=str,
)
def test_a_faulty_rotation_changes_nothing(caller, webhook, body, field):
    """What can't be is named, a secret that the webhook has already too; the old one stays alone."""
    path = f"/v1/webhooks/{webhook['id']}"
    response = caller.api.post(f"{path}/rotate-secret", body)
    assert (response.status_code, response.json()["details"]["field"]) == (400, field)
    (secret,) = caller.api.get(path).json()["secrets"]
    assert (secret["active"], secret["retires_at"]) == (True, None)


def test_no_answer_and_no_log_has_a_secret(caller, receiver, webhook):
    """Everything that can be read of a webhook has the beginning of its secret at most, headers masked."""
    path = f"/v1/webhooks/{webhook['id']}"
    new = caller.api.post(f"{path}/rotate-secret").json()["secret"]
    caller.api.patch(path, {"headers": {"Authorization": "Bearer let-me-in", "X-Key": "also-secret"}})
    receiver.answer = lambda call: Answer(500)
    delivery_id = caller.api.post(f"{path}/test").json()["delivery_id"]
    assert receiver.calls[-1].headers["authorization"] == "Bearer let-me-in"
    for read in (
        "/v1/webhooks",
        path,
        f"{path}/deliveries",
        f"/v1/deliveries/{delivery_id}",
        f"{path}/recoveries",
    ):
        answer = caller.api.get(read)
        assert answer.status_code == 200
        for secret in (SECRET, new, "let-me-in", "also-secret"):
            assert secret not in answer.text
    assert caller.api.post("/v1/webhooks", {"url": "x", "events": [], "secret": new + "!"}).status_code == 400
    log = caller.server.log.read_text()
    for secret in (SECRET, new, "let-me-in", "also-secret"):
        assert secret not in log


def test_the_refusal_of_a_secret_does_not_repeat_it(caller):
    """A secret of another form is refused without being shown."""
    faulty = "whsec_" + "A" * 10 + "!"
    response = caller.api.post(
        "/v1/webhooks", {"url": "https://receiver.example/", "events": ["*"], "secret": faulty}
    )
    assert response.status_code == 400
    assert faulty not in json.dumps(response.json())
