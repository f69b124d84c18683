"""Signatures: base58, did:key, and that nothing but the bundled contexts is known."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rocket_server.badges import signing

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"", "z"), (b"Hello World!", "z2NEpo7TZRRrLZSi2U"), (b"\0\0\x28\x7f\xb4\xcd", "z11233QC4")],
)
def test_base58(data: bytes, text: str):
    """The examples of the draft for base58, with zero bytes in front, behind multibase's letter."""
    assert signing.multibase58(data) == text


def test_a_did_holds_the_public_key():
    """The did:key of RFC 8032's first test key, and the name of its key."""
    secret = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    did = signing.did_of(secret)
    assert did.startswith("did:key:z6Mk")
    assert signing.verification_method(did) == f"{did}#{did[8:]}"


def test_a_signature_is_of_the_document_alone():
    """The same document, key and second give the same proof; another order of its members too."""
    secret = signing.generate_key()
    document = {"@context": [signing.CREDENTIALS_V2], "type": ["VerifiableCredential"], "name": "x"}
    first = signing.sign(document, secret, NOW)
    assert signing.sign(dict(reversed(document.items())), secret, NOW)["proof"] == first["proof"]
    assert signing.sign({**document, "name": "y"}, secret, NOW)["proof"] != first["proof"]
    assert first["proof"]["created"] == "2026-03-02T12:00:00Z"


def test_no_other_context_is_loaded():
    """A document with a context that isn't part of the program can't be signed; nothing is fetched."""
    document = {"@context": [signing.CREDENTIALS_V2, "https://elsewhere.example/context"], "name": "x"}
    with pytest.raises(signing.UnknownContext, match="elsewhere"):
        signing.sign(document, signing.generate_key(), NOW)
