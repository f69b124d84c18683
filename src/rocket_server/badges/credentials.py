"""Open Badges 3.0: the documents that are signed. Pure.

An award is an `OpenBadgeCredential` (1EdTech Open Badges 3.0) in the form of the W3C's Verifiable Credentials
2.0; whether it was revoked stands in a Bitstring Status List 1.0 of the key that signed it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from rocket_server.badges.addresses import PublicUrls
from rocket_server.badges.model import Issuer
from rocket_server.badges.signing import CREDENTIALS_V2, OPEN_BADGES_V3

LIST_LENGTH: Final = 131_072  # places in one status list; the least that the specification allows
_LIST_VALID: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Facts:
    """An award with all that its credential and its page say."""

    organisation_id: str
    award_id: str
    public_id: str
    learner_id: str
    user_id: str
    email: str | None
    learner_status: str
    badge_id: str
    badge_name: str
    description: str
    criteria_text: str
    tags: tuple[str, ...]
    image_id: str | None
    status: str
    awarded_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


def open_badge(
    facts: Facts, issuer: Issuer, did: str, public: PublicUrls, status_list: str, status_index: int, salt: str
) -> dict[str, Any]:
    """The credential of an award, not signed yet."""
    name = facts.badge_name
    return {
        "@context": [CREDENTIALS_V2, OPEN_BADGES_V3],
        "id": public.award(facts.public_id),
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": name,
        "issuer": profile(issuer, did, public),
        "validFrom": _seconds(facts.awarded_at),
        **({"validUntil": _seconds(facts.expires_at)} if facts.expires_at else {}),
        "credentialSubject": {
            "type": ["AchievementSubject"],
            "identifier": [recipient(facts.email, facts.user_id, salt)],
            "achievement": {
                "id": f"urn:uuid:{uuid.uuid5(uuid.UUID(issuer.issuer_id), facts.badge_id)}",
                "type": ["Achievement"],
                "achievementType": "Badge",
                "name": name,
                "description": facts.description or name,
                "criteria": {"narrative": facts.criteria_text or facts.description or name},
                "image": {
                    "id": public.picture(facts.badge_id, facts.image_id),
                    "type": "Image",
                    "caption": name,
                },
                **({"tag": list(facts.tags)} if facts.tags else {}),
            },
        },
        "credentialStatus": {
            "id": f"{status_list}#{status_index % LIST_LENGTH}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": str(status_index % LIST_LENGTH),
            "statusListCredential": status_list,
        },
    }


def profile(issuer: Issuer, did: str, public: PublicUrls) -> dict[str, Any]:
    """The issuer as a credential names it. Its id is the `did:key`, which a verifier needs no network for;
    `url` is where the organisation says that this key is its own."""
    shown: dict[str, Any] = {"id": did, "type": ["Profile"], "name": issuer.name, "url": public.issuer}
    if issuer.email:
        shown["email"] = issuer.email
    if issuer.image_id:
        shown["image"] = {"id": public.image(issuer.image_id), "type": "Image", "caption": issuer.name}
    return shown


def recipient(email: str | None, user_id: str, salt: str) -> dict[str, Any]:
    """Who received it, for those who know the address (or, without one, the learner's id) already: SHA-256 of
    it and the salt behind it. Addresses are in lower case."""
    identity, kind = (email.lower(), "emailAddress") if email else (user_id, "systemId")
    digest = hashlib.sha256((identity + salt).encode()).hexdigest()
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": f"sha256${digest}",
        "identityType": kind,
        "salt": salt,
    }


def status_list(address: str, did: str, revoked: Iterable[int], now: datetime) -> dict[str, Any]:
    """A list of what was revoked, not signed yet. `revoked` are places in this list."""
    bits = bytearray(LIST_LENGTH // 8)
    for place in revoked:
        bits[place // 8] |= 0x80 >> place % 8  # place 0 is the leftmost bit
    packed = gzip.compress(bytes(bits), mtime=0)
    return {
        "@context": [CREDENTIALS_V2],
        "id": address,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": did,
        "validFrom": _seconds(now),
        "validUntil": _seconds(now + _LIST_VALID),
        "credentialSubject": {
            "id": f"{address}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": f"u{base64.urlsafe_b64encode(packed).decode().rstrip('=')}",
        },
    }


def _seconds(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
