"""How platforms sign: the raw body, in a header or inside of it, under one of several secrets."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocket_server import sources
from rocket_server.sources import signatures
from support.platforms import SECRET, hexdigest

BODY = b'{"topic": "course.completed",\n "data": {"user_id": "\xc3\xa9", "progress": 1.0}}'
OTHER = "another secret of the same source"


def signed(kind: str, body: bytes, secrets: list[str] | None = None, **headers: str) -> bool:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    assert signatures.may_be_signed(sources.scheme_at(f"{kind}-0123456789abcdef"), sent) or not sent
    return signatures.is_signed(sources.KINDS[kind].scheme, body, sent, secrets or [OTHER, SECRET])


@pytest.mark.parametrize("kind", ["learnworlds", "thinkific", "custom", "moodle", "valamis"])
@pytest.mark.parametrize("prefix", ["sha256=", ""])
def test_the_header_of_all(kind: str, prefix: str) -> None:
    """`X-Signature` is the HMAC of the raw body under any of the secrets, with or without a prefix, in
    letters of either size; a changed body, secret or signature isn't."""
    good = prefix + hexdigest(BODY)
    assert signed(kind, BODY, x_signature=good)
    assert signed(kind, BODY, x_signature=prefix + hexdigest(BODY).upper())
    assert not signed(kind, BODY + b" ", x_signature=good)
    assert not signed(kind, BODY, [OTHER], x_signature=good)
    assert not signed(kind, BODY, x_signature=good[:-1])
    assert not signed(kind, BODY, x_signature="sha256=é")


def test_thinkifics_own_header() -> None:
    """Thinkific's header is the hex HMAC of the raw body."""
    assert signed("thinkific", BODY, x_thinkific_hmac_sha256=hexdigest(BODY))
    assert not signed("thinkific", BODY, x_thinkific_hmac_sha256=hexdigest(BODY, OTHER + "x"))


def test_learnworlds_own_header() -> None:
    """LearnWorlds' header is the secret itself behind `v1=`, or an HMAC; other kinds take no secret."""
    assert signed("learnworlds", BODY, learnworlds_webhook_signature=f"v1={SECRET}")
    assert signed("learnworlds", BODY, learnworlds_webhook_signature=SECRET)
    assert signed("learnworlds", BODY, learnworlds_webhook_signature=f"v1={hexdigest(BODY)}")
    assert not signed("learnworlds", BODY, learnworlds_webhook_signature="v1=")
    assert not signed("learnworlds", BODY, learnworlds_webhook_signature=f"v1={SECRET}x")
    assert not signed("learnworlds", BODY, x_signature=SECRET)
    assert not signatures.is_signed(
        sources.KINDS["custom"].scheme, BODY, {"learnworlds-webhook-signature": f"v1={SECRET}"}, [SECRET]
    )


FIELDS = {"learnworlds": "signature", "thinkific": "hmac"}


@pytest.mark.parametrize(("kind", "field"), FIELDS.items())
@pytest.mark.parametrize(
    "unsigned", [BODY, b"{}", json.dumps({"a": [1, {"hmac": "x", "signature": "y"}]}).encode()]
)
@pytest.mark.parametrize("place", ["first", "last"])
def test_inside_the_body(kind: str, field: str, unsigned: bytes, place: str) -> None:
    """A signature inside the body was made of the body without it, wherever it stands."""
    for signature, good in ((hexdigest(unsigned), True), (hexdigest(unsigned, "x"), False)):
        member = f'"{field}": "sha256={signature}"'.encode()
        rest = unsigned.strip()[1:-1]
        comma = b", " if rest else b""
        body = b"{" + (member + comma + rest if place == "first" else rest + comma + member) + b"}"
        assert signed(kind, body) is good
        assert not signed("custom", body)
        assert not signed(kind, body.replace(b"sha256", b"sha256=", 1))


@pytest.mark.parametrize(("kind", "field"), FIELDS.items())
@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'"x"', b"\xff", b'{"%s": 5}', b'{"%s": ""}', b'{"%s": null}', b"[" * 50_000,
     b'{"a": "' + b"x" * 70_000 + b'", "%s": "00"}'],
    ids=str,
)  # fmt: skip
def test_what_holds_no_signature(kind: str, field: str, body: bytes) -> None:
    """A body that isn't signed inside, can't be read or is too long to look into is signed by nobody."""
    assert not signed(kind, body.replace(b"%s", field.encode()))


def test_a_header_comes_before_the_body() -> None:
    """Where a header is sent, it is what counts: a good one inside doesn't mend it."""
    body = json.dumps({"a": 1, "signature": hexdigest(b'{"a": 1}')}).encode()
    assert signed("learnworlds", body)
    assert not signed("learnworlds", body, x_signature="sha256=00")


@given(
    st.dictionaries(
        st.text(max_size=10),
        st.integers() | st.text(max_size=10) | st.lists(st.booleans(), max_size=3),
        max_size=5,
    ).filter(lambda fields: "signature" not in fields),
    st.sampled_from([(",", ":"), (", ", ": ")]),
    st.booleans(),
)
def test_programs_that_write_the_body_anew(
    fields: dict[str, object], separators: tuple[str, str], ascii_only: bool
) -> None:
    """A sender that signs its JSON and writes it again with the signature in it is believed."""

    def written(content: object) -> bytes:
        return json.dumps(content, separators=separators, ensure_ascii=ascii_only).encode()

    body = written({**fields, "signature": f"sha256={hexdigest(written(fields))}"})
    assert signed("learnworlds", body)
