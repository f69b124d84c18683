"""Signatures of webhooks, against the published example and against tampering."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocket_server.delivery import signing
from rocket_server.errors import InvalidPayload

# The example of the Standard Webhooks libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIME_S = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER_SECRET = "whsec_" + "QUJD" * 10


def verdict(**changed: str | bytes | float) -> str:
    values = {
        "secret": SECRET,
        "message_id": MESSAGE_ID,
        "timestamp": str(TIME_S),
        "signatures": SIGNATURE,
        "body": BODY,
        "now_s": TIME_S,
    }
    return signing.verify_standard(**(values | changed))


def test_the_published_example():
    """The example of Standard Webhooks gives the published signature, and that fits."""
    assert signing.sign_standard(SECRET, MESSAGE_ID, TIME_S, BODY) == SIGNATURE
    assert verdict() == "fits"


@pytest.mark.parametrize(
    "changed",
    [
        {"body": BODY + b" "},
        {"message_id": "msg_other"},
        {"timestamp": str(TIME_S + 1)},
        {"secret": OTHER_SECRET},
        {"signatures": SIGNATURE.replace("v1,", "v2,")},
        {"signatures": ""},
        {"signatures": "v1,é\udcff"},
    ],
)
def test_anything_changed_does_not_fit(changed):
    """A signature covers id, time and body, and only that of version 1 counts."""
    assert verdict(**changed) == "doesn't fit"


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [(0, "fits"), (300, "fits"), (301, "too old"), (-300, "fits"), (-301, "in the future")],
)
def test_the_time_is_bounded_in_both_directions(age_s, expected):
    """A good signature is refused when its time is more than five minutes away."""
    assert verdict(now_s=TIME_S + age_s) == expected


@pytest.mark.parametrize(
    "changed",
    [{"timestamp": ""}, {"timestamp": "-5"}, {"timestamp": "1.5"}, {"timestamp": "²"}, {"message_id": ""}],
)
def test_headers_that_cannot_be_read(changed):
    """Missing or senseless headers are told apart from a signature that doesn't fit."""
    assert verdict(**changed) == "malformed"


def test_two_secrets_during_a_rotation():
    """While a secret is replaced the header carries both signatures, and each secret accepts it."""
    header = signing.signature_header([SECRET, OTHER_SECRET], MESSAGE_ID, TIME_S, BODY)
    assert header.split()[0] == SIGNATURE
    assert verdict(signatures=header) == "fits"
    assert verdict(signatures=header, secret=OTHER_SECRET) == "fits"


def test_the_plain_signature_uses_the_secret_as_shown():
    """`X-Signature` is the HMAC under the whole string, prefix included; worked out with openssl."""
    expected = "sha256=80ec8a89ce3cd22133a1066caecb4d04fea7467657c8514d717ec42c38a5c94c"
    assert signing.sign(SECRET, BODY) == expected
    assert signing.verify(SECRET, BODY, f" {expected} ")
    assert not signing.verify(SECRET, BODY + b" ", expected)
    assert not signing.verify(OTHER_SECRET, BODY, expected)
    assert not signing.verify(SECRET, BODY, "sha256=é")


@pytest.mark.parametrize(
    "secret",
    ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_QUJD", "whsec_é", "whsec_" + "QUJD" * 22],
)
def test_secrets_of_another_form(secret):
    """A secret without its prefix, that is no base64, or with too few or too many bytes, is refused."""
    with pytest.raises(InvalidPayload) as refused:
        signing.secret_bytes(secret)
    assert refused.value.details["field"] == "secret"


@given(body=st.binary(), time_s=st.integers(0, 10**11), message_id=st.text(min_size=1).map(ascii))
def test_what_is_signed_verifies(body, time_s, message_id):
    """Both schemes accept what they signed, whatever it is."""
    assert signing.verify(SECRET, body, signing.sign(SECRET, body))
    signature = signing.sign_standard(SECRET, message_id, time_s, body)
    answer = signing.verify_standard(SECRET, message_id, str(time_s), signature, body, now_s=time_s)
    assert answer == "fits"
