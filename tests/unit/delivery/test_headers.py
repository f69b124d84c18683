"""The headers of a delivery, and which an endpoint may add."""

from __future__ import annotations

import pytest

from rocket_server import __version__
from rocket_server.delivery import signing
from rocket_server.delivery.headers import MAX_HEADERS, RESERVED, check_headers, headers_of
from rocket_server.errors import InvalidPayload
from support.deliveries import DELIVERY_ID, NEWER_SECRET, SECRET, target

BODY = b'{"test": 2432232314}'
TIME_S = 1614265330


def test_every_delivery_has_these():
    """Content type, who sends, both signatures, the id and the time of the try."""
    made = headers_of(target("https://example.org/"), DELIVERY_ID, TIME_S, BODY)
    assert made == {
        "Content-Type": "application/json",
        "User-Agent": f"Rocket-Learning-Rewards/{__version__}",
        "Accept-Encoding": "identity",
        "webhook-id": DELIVERY_ID,
        "webhook-timestamp": str(TIME_S),
        "X-Signature": signing.sign(SECRET, BODY),
        "webhook-signature": signing.sign_standard(SECRET, DELIVERY_ID, TIME_S, BODY),
    }


def test_during_a_rotation_both_secrets_sign():
    """`webhook-signature` has both; `X-Signature` is by the older one, which receivers know already."""
    made = headers_of(
        target("https://example.org/", secrets=(SECRET, NEWER_SECRET)), DELIVERY_ID, TIME_S, BODY
    )
    assert signing.verify(SECRET, BODY, made["X-Signature"])
    assert len(made["webhook-signature"].split()) == 2
    for secret in (SECRET, NEWER_SECRET):
        verdict = signing.verify_standard(
            secret, DELIVERY_ID, str(TIME_S), made["webhook-signature"], BODY, now_s=TIME_S
        )
        assert verdict == "fits"


def test_without_secrets_nothing_is_signed():
    """A service of the environment knows us by its own credential."""
    made = headers_of(
        target("https://example.org/", secrets=(), headers={"Authorization": "Bearer key"}),
        DELIVERY_ID,
        TIME_S,
        BODY,
    )
    assert not {"x-signature", "webhook-signature"} & {name.lower() for name in made}
    assert (made["Authorization"], made["webhook-id"]) == ("Bearer key", DELIVERY_ID)


def test_own_headers_replace_none_of_ours():
    """Whatever the spelling, a stored header of a reserved name isn't sent."""
    before = headers_of(target("https://example.org/"), DELIVERY_ID, TIME_S, BODY)
    own = {name.upper(): "forged" for name in RESERVED} | {"X-Team": "grün"}
    made = headers_of(target("https://example.org/", headers=own), DELIVERY_ID, TIME_S, BODY)
    assert made == before | {"X-Team": "grün"}


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Signature": "x"},
        {"Content-type": "text/plain"},
        {"HOST": "elsewhere"},
        {"": "x"},
        {"X Y": "x"},
        {"X:Y": "x"},
        {"X-Ü": "x"},
        {"X-Y\r\n": "x"},
        {"Transfer-Encoding ": "chunked"},
        {"X-Y": "a\r\nX-Z: b"},
        {"X-Y": "a\x00b"},
        {"X-Y": " a"},
        {"X-Y": "a" * 4097},
        {f"X-{number}": "a" for number in range(MAX_HEADERS + 1)},
    ],
)
def test_what_an_endpoint_cant_have(headers: dict[str, str]):
    """Names that are ours or no names, and values with line breaks, are refused by field."""
    with pytest.raises(InvalidPayload) as refused:
        check_headers(headers)
    assert refused.value.details["field"].startswith("headers")


def test_what_an_endpoint_can_have():
    """Credentials, own names, an empty value and letters beyond ASCII."""
    check_headers({"Authorization": "Bearer abc.def", "X_y-1": "", "X-Colour": "grün\tja"})
