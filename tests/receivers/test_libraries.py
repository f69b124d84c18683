"""The published libraries verify what we send."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import standardwebhooks
import svix.webhooks

from rocket_server.delivery import signing
from rocket_server.delivery.send import GuardedSender
from support.deliveries import DELIVERY_ID, NEWER_SECRET, SECRET, target
from support.receivers import Receivers, Request, answers

BODY = b'{"id":"1","event":"course.completed","note":"S\xc3\xbc\xc3\x9f"}'

LIBRARIES = (
    pytest.param(standardwebhooks.Webhook, standardwebhooks.WebhookVerificationError, id="standardwebhooks"),
    pytest.param(svix.webhooks.Webhook, svix.webhooks.WebhookVerificationError, id="svix"),
)


async def received(sender: GuardedSender, receivers: Receivers, *secrets: str) -> Request:
    receiver = receivers.open(answers(200))
    assert (await sender.send(target(receiver.url, secrets=secrets), DELIVERY_ID, BODY)).delivered
    return receiver.requests[0]


@pytest.mark.parametrize(("library", "refused"), LIBRARIES)
async def test_it_verifies_what_arrives(
    sender: GuardedSender, receivers: Receivers, library: Any, refused: type[Exception]
):
    """The request as it came over the socket fits; with another body, id or secret it doesn't."""
    request = await received(sender, receivers, SECRET)
    headers = dict(request.headers)
    library(SECRET).verify(request.body, headers)
    for secret, body, changed in (
        (NEWER_SECRET, BODY, {}),
        (SECRET, BODY.replace(b"course", b"cursed"), {}),
        (SECRET, BODY, {"webhook-id": "another"}),
        (SECRET, BODY, {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 600)}),
        (SECRET, BODY, {"webhook-signature": ""}),
    ):
        with pytest.raises(refused):
            library(secret).verify(body, {**headers, **changed})


@pytest.mark.parametrize(("library", "refused"), LIBRARIES)
async def test_it_verifies_with_either_secret_of_a_rotation(
    sender: GuardedSender, receivers: Receivers, library: Any, refused: type[Exception]
):
    """While two secrets are active, a receiver may know the old one or the new one."""
    request = await received(sender, receivers, SECRET, NEWER_SECRET)
    assert len(request.headers["webhook-signature"].split()) == 2
    for secret in (SECRET, NEWER_SECRET):
        library(secret).verify(request.body, dict(request.headers))
    with pytest.raises(refused):
        library("whsec_" + "RkdI" * 8).verify(request.body, dict(request.headers))


@pytest.mark.parametrize(("library", "refused"), LIBRARIES)
def test_it_signs_as_we_do(library: Any, refused: type[Exception]):
    """For the same id, time, body and secret it makes the same signature."""
    when = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    theirs = library(SECRET).sign(DELIVERY_ID, when, BODY.decode())
    assert theirs == signing.sign_standard(SECRET, DELIVERY_ID, int(when.timestamp()), BODY)
