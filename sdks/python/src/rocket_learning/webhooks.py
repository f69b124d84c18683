"""Checks that a webhook was sent by the server: Standard Webhooks, and the plain `X-Signature`."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from rocket_learning.errors import (
    ConfigurationError,
    MalformedSignatureError,
    MissingSignatureError,
    SignatureMismatchError,
    TimestampTooNewError,
    TimestampTooOldError,
)

TOLERANCE_S = 300

_PREFIX = "whsec_"
_is_timestamp = re.compile(r"[0-9]{1,12}").fullmatch
_is_signature = re.compile(r"v[0-9]+[a-z]*,\S*").fullmatch
_is_x_signature = re.compile(r"sha256=[0-9a-fA-F]{64}").fullmatch


def verify_webhook(
    body: bytes,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance_s: float = TOLERANCE_S,
    now_s: float | None = None,
) -> dict[str, Any]:
    """The event in a webhook whose `webhook-signature` fits; see https://www.standardwebhooks.com.

    `body` is the raw body as it was received: parsed and written again, it has another signature. Several
    secrets are taken while one replaces the other. `now_s` is in Unix seconds. Raises one of
    WebhookVerificationError's kinds, and ConfigurationError for a secret that isn't `whsec_` and base64.
    """
    keys = [_standard_key(each) for each in _all(secret)]
    message_id, timestamp, signatures = (
        _header(headers, name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    if not _is_timestamp(timestamp):
        raise MalformedSignatureError("webhook-timestamp must be Unix seconds")
    given = signatures.split()
    if not all(_is_signature(signature) for signature in given):
        raise MalformedSignatureError("webhook-signature must be of the form v1,<base64>")
    signed = f"{message_id}.{timestamp}.".encode() + body
    fits = False
    for key in keys:
        expected = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
        for signature in given:
            fits |= _same(expected, signature)
    if not fits:
        raise SignatureMismatchError("no signature fits the body with this secret")
    age_s = (time.time() if now_s is None else now_s) - int(timestamp)
    if age_s > tolerance_s:
        raise TimestampTooOldError(f"signed {age_s:.0f} s ago")
    if age_s < -tolerance_s:
        raise TimestampTooNewError(f"signed {-age_s:.0f} s in the future")
    return _event(body)


def verify_x_signature(
    body: bytes, headers: Mapping[str, str], secret: str | Sequence[str]
) -> dict[str, Any]:
    """The event in a webhook whose `X-Signature` fits; the key is the whole secret, prefix and all.

    This signature has no time, so a recorded request can be sent again: prefer `verify_webhook`, or remember
    the ids of the events that you have seen. Raises as `verify_webhook` does.
    """
    signature = _header(headers, "X-Signature")
    if not _is_x_signature(signature):
        raise MalformedSignatureError("X-Signature must be sha256= and 64 hexadecimal digits")
    fits = False
    for key in _all(secret):
        expected = f"sha256={hmac.digest(key.encode(), body, 'sha256').hex()}"
        fits |= _same(expected, signature.lower())
    if not fits:
        raise SignatureMismatchError("X-Signature doesn't fit the body with this secret")
    return _event(body)


def _all(secret: str | Sequence[str]) -> Sequence[str]:
    secrets = [secret] if isinstance(secret, str) else list(secret)
    if not secrets or not all(secrets):
        raise ConfigurationError("a webhook's secret is missing")
    return secrets


def _standard_key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or not key:
        raise ConfigurationError(f"a webhook's secret must be {_PREFIX} and base64")
    return key


def _header(headers: Mapping[str, str], wanted: str) -> str:
    value = next((value for name, value in headers.items() if name.lower() == wanted.lower()), "").strip()
    if not value:
        raise MissingSignatureError(f"there is no {wanted}")
    return value


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise MalformedSignatureError("the signed body is no JSON object")
    return event
