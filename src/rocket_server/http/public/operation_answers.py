"""Answers that need no key: the server's health, and what anybody may know of a badge that was awarded."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class Part(BaseModel):
    """How one part does; what else is there depends on the part."""

    status: Literal["ok", "behind", "unavailable"]
    revision: str | None = None
    waiting: int | None = None
    oldest_s: int | None = None


class Health(BaseModel):
    """Whether each part works: `database`, and where that does, `migrations` and `delivery`."""

    status: Literal["ok", "unavailable"]
    version: str
    parts: dict[str, Part]


class PublicBadge(BaseModel):
    """What an award says."""

    name: str
    description: str
    criteria: str
    image: str


class PublicIssuer(BaseModel):
    """Who awarded it."""

    name: str
    url: str
    email: str | None = None
    image: str | None = None


class Verification(BaseModel):
    """Whether an award stands, and where its credential is."""

    status: Literal["valid", "expired", "revoked"]
    badge: PublicBadge
    issuer: PublicIssuer
    awarded_at: str
    expires_at: str | None
    revoked_at: str | None
    credential: str | None
    baked_image: str | None


class VerificationMethod(BaseModel):
    """A public key of an issuer's, as the W3C's Multikey."""

    id: str
    type: Literal["Multikey"]
    controller: str
    publicKeyMultibase: str  # noqa: N815


class Profile(BaseModel):
    """The issuer as Open Badges 3.0 describes it."""

    id: str
    type: list[str]
    name: str
    url: str
    email: str | None = None
    image: str | None = None
    verificationMethod: list[VerificationMethod]  # noqa: N815
