"""Webhooks that are the server's own, and those that aren't."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.cases import cases, read

from rocket_learning import (
    ConfigurationError,
    MalformedSignatureError,
    MissingSignatureError,
    SignatureMismatchError,
    TimestampTooNewError,
    TimestampTooOldError,
    WebhookVerificationError,
    verify_webhook,
    verify_x_signature,
)

KINDS = {
    kind.code: kind
    for kind in (
        MissingSignatureError,
        MalformedSignatureError,
        SignatureMismatchError,
        TimestampTooOldError,
        TimestampTooNewError,
    )
}


def check(case: dict[str, Any], verify: Any) -> None:
    """The parsed body, or the refusal that the case says."""
    if case["refusal"] is None:
        assert verify() == json.loads(case["body"])
    else:
        with pytest.raises(WebhookVerificationError) as raised:
            verify()
        assert type(raised.value) is KINDS[case["refusal"]]


@cases("signatures", "x_signature")
def test_x_signature(case: dict[str, Any]) -> None:
    """The plain signature fits or is refused, with the reason."""
    check(case, lambda: verify_x_signature(case["body"].encode(), case["headers"], case["secrets"]))


@cases("signatures", "standard")
def test_standard_webhooks(case: dict[str, Any]) -> None:
    """The three headers fit or are refused, with the reason."""
    tolerance = {"tolerance_s": case["tolerance_s"]} if "tolerance_s" in case else {}
    check(
        case,
        lambda: verify_webhook(
            case["body"].encode(), case["headers"], case["secrets"], now_s=case["now_s"], **tolerance
        ),
    )


@cases("signatures", "bad_secrets")
def test_a_secret_of_another_form(case: dict[str, Any]) -> None:
    """A secret that can't be one is an error of the configuration, not of the webhook."""
    good = read("signatures")["standard"][0]
    with pytest.raises(ConfigurationError):
        verify_webhook(good["body"].encode(), good["headers"], case["secret"], now_s=good["now_s"])


def test_one_secret_is_given_as_it_is() -> None:
    """The usual receiver has one secret and needs no list."""
    good = read("signatures")["standard"][0]
    (secret,) = good["secrets"]
    assert verify_webhook(good["body"].encode(), good["headers"], secret, now_s=good["now_s"])
