"""Signs credentials by Data Integrity, cryptosuite eddsa-rdfc-2022, with bundled contexts.

The suite is W3C's *Data Integrity EdDSA Cryptosuites v1.0*: the credential and the options of its proof are
canonicalized as RDF (RDFC-1.0), both hashes (SHA-256, the options' first) are signed with Ed25519, and the
signature is written in base58 behind a `z`. The key is named by `did:key`, which holds the key itself, so a
verifier needs nothing from any network.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

CREDENTIALS_V2: Final = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES_V3: Final = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
_CONTEXT_FILES: Final = {CREDENTIALS_V2: "credentials-v2.json", OPEN_BADGES_V3: "ob-v3p0-3.0.3.json"}

_ED25519_PUBLIC: Final = b"\xed\x01"  # multicodec's prefix of such a key
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class UnknownContext(Exception):
    """A document names a context that isn't part of the program; nothing is ever fetched."""


def generate_key() -> bytes:
    """A new Ed25519 private key, 32 bytes."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())


def did_of(private_key: bytes) -> str:
    """The `did:key` of a key's public half."""
    public = Ed25519PrivateKey.from_private_bytes(private_key).public_key()
    return f"did:key:{multibase58(_ED25519_PUBLIC + public.public_bytes(Encoding.Raw, PublicFormat.Raw))}"


def verification_method(did: str) -> str:
    """The name of the one key that a `did:key` holds."""
    return f"{did}#{did.removeprefix('did:key:')}"


def sign(document: Mapping[str, Any], private_key: bytes, created: datetime) -> dict[str, Any]:
    """The document with its proof. `created` is aware and written in whole seconds of UTC.

    Raises UnknownContext. Takes some tens of milliseconds of processor time: call it off the event loop.
    """
    for url in document["@context"]:
        if url not in _CONTEXT_FILES:
            raise UnknownContext(url)
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "verificationMethod": verification_method(did_of(private_key)),
        "proofPurpose": "assertionMethod",
    }
    hashes = _hash({"@context": document["@context"], **options}) + _hash(document)
    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(hashes)
    return {**document, "proof": {**options, "proofValue": multibase58(signature)}}


def multibase58(data: bytes) -> str:
    """Bytes in base58 (Bitcoin's alphabet) behind multibase's `z`."""
    number, digits = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    return "z" + _BASE58[0] * (len(data) - len(data.lstrip(b"\0"))) + digits


def _hash(document: Mapping[str, Any]) -> bytes:
    # Imported when first needed: with its XML library it is the heaviest module of all, and most processes
    # never sign anything.
    from pyld import jsonld

    canonical = jsonld.normalize(
        document,
        {
            "algorithm": "URDNA2015",
            "format": "application/n-quads",
            "documentLoader": _bundled,
        },
    )
    return hashlib.sha256(canonical.encode()).digest()


def _bundled(url: str, _options: Any = None) -> dict[str, Any]:
    if url not in _CONTEXT_FILES:
        raise UnknownContext(url)
    return {
        "contentType": "application/ld+json",
        "contextUrl": None,
        "documentUrl": url,
        "document": context(url),
    }


@cache
def context(url: str) -> Any:
    """A bundled context."""
    path = Path(__file__).with_name("contexts") / _CONTEXT_FILES[url]
    return json.loads(path.read_text(encoding="utf-8"))
