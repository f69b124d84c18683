"""Signs webhooks and checks signatures: the plain `X-Signature` and Standard Webhooks v1. Pure."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from typing import Final, Literal

from rocket_server.errors import InvalidPayload

Verdict = Literal["fits", "doesn't fit", "too old", "in the future", "malformed"]

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what every secret begins with
TOLERANCE_S: Final = 300
_MIN_SECRET_BYTES: Final = 24
_MAX_SECRET_BYTES: Final = 64
_VERSION: Final = "v1"


def secret_bytes(secret: str, path: str = "secret") -> bytes:
    """The key in a secret: `whsec_` and the base64 of 24 to 64 bytes, as Standard Webhooks has it.

    Raises InvalidPayload, naming `path`, for anything else.
    """
    expected = f"{SECRET_PREFIX} and the base64 of {_MIN_SECRET_BYTES} to {_MAX_SECRET_BYTES} bytes"
    if not secret.startswith(SECRET_PREFIX):
        raise InvalidPayload.field(path, expected)
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidPayload.field(path, expected) from error
    if not _MIN_SECRET_BYTES <= len(key) <= _MAX_SECRET_BYTES:
        raise InvalidPayload.field(path, expected)
    return key


def sign(secret: str, body: bytes) -> str:
    """`X-Signature` of a raw body: `sha256=<hex HMAC-SHA256>`. The key is the whole secret as shown."""
    return f"sha256={hmac.digest(secret.encode(), body, 'sha256').hex()}"


def verify(secret: str, body: bytes, signature: str) -> bool:
    """Whether `signature` is the `X-Signature` of `body`. Takes the same time wherever they differ."""
    return _same(sign(secret, body), signature.strip())


def sign_standard(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature of Standard Webhooks: `v1,<base64 HMAC-SHA256 of id.timestamp.body>`.

    `timestamp` is in Unix seconds. See https://github.com/standard-webhooks/standard-webhooks, "Signature
    scheme". Raises InvalidPayload for a secret of another form.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.digest(secret_bytes(secret), signed, "sha256")
    return f"{_VERSION},{base64.b64encode(digest).decode()}"


def signature_header(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """`webhook-signature` for all active secrets, joined by blanks; two while one is being replaced."""
    return " ".join(sign_standard(secret, message_id, timestamp, body) for secret in secrets)


def verify_standard(
    secret: str, message_id: str, timestamp: str, signatures: str, body: bytes, *, now_s: float
) -> Verdict:
    """What the three headers of Standard Webhooks say of a body, `now_s` being the time in Unix seconds.

    One fitting signature among several is enough. The time may differ by TOLERANCE_S, so that a recorded
    request can't be sent again later; it is only looked at where a signature fits. Raises InvalidPayload for
    a secret of another form.
    """
    if not message_id or not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:
        return "malformed"
    expected = sign_standard(secret, message_id, int(timestamp), body)
    fits = False
    for signature in signatures.split():
        fits |= _same(expected, signature)
    if not fits:
        return "doesn't fit"
    age_s = now_s - int(timestamp)
    if age_s > TOLERANCE_S:
        return "too old"
    return "in the future" if age_s < -TOLERANCE_S else "fits"


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))
