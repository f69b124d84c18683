"""Organisations as issuers: what they say of themselves, and the keys that sign for them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rocket_server.badges import signing
from rocket_server.badges.model import Issuer
from rocket_server.db.queries import load
from rocket_server.errors import Conflict, Unavailable
from rocket_server.ids import uuid7

SQL = load(__file__, "issuers.sql")

MAX_KEYS = 200  # of one issuer, for a rotation each month over sixteen years
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A key without its private half. `issued` counts the credentials that it signed."""

    key_id: str
    did: str
    sealed: bool
    issued: int
    created_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A key that can sign, and the place of the next credential in its lists (or how many there are)."""

    key_id: str
    did: str
    private_key: bytes
    number: int


class Sealer:
    """Encrypts private keys with AES-256-GCM, where the operator has given a key for that."""

    def __init__(self, secret: bytes | None) -> None:
        self._cipher = AESGCM(secret) if secret is not None else None

    def seal(self, private_key: bytes, key_id: str) -> tuple[bytes, bool]:
        """The bytes to store, and whether they are encrypted. The id is bound to them."""
        if self._cipher is None:
            return private_key, False
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, private_key, key_id.encode()), True

    def open(self, stored: bytes, sealed: bool, key_id: str) -> bytes:
        """The private key. Raises Unavailable where it was encrypted with another secret."""
        if not sealed:
            return stored
        try:
            if self._cipher is not None:
                return self._cipher.decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], key_id.encode())
        except InvalidTag:
            pass
        raise Unavailable(
            "The issuer's key was encrypted with another ROCKET_ENCRYPTION_KEY; the operator has to set that."
        )


async def read(conn: Any, organisation_id: str) -> Issuer:
    """The organisation as an issuer."""
    row = await conn.fetchrow(SQL["read"], organisation_id)
    profile = row["issuer_profile"]
    return Issuer(
        row["issuer_id"],
        profile.get("name") or row["name"],
        profile.get("url"),
        profile.get("email"),
        profile.get("image_id"),
    )


async def find(conn: Any, issuer_id: str) -> str | None:
    """The organisation behind a public id."""
    found: str | None = await conn.fetchval(SQL["find"], issuer_id)
    return found


async def set_profile(conn: Any, organisation_id: str, profile: dict[str, Any]) -> None:
    """Set what the issuer says of itself; credentials that were issued keep what they say."""
    await conn.execute(SQL["set_profile"], organisation_id, profile)


async def keys(conn: Any, organisation_id: str) -> list[ShownKey]:
    """The issuer's keys, the latest first."""
    return [ShownKey(*row.values()) for row in await conn.fetch(SQL["keys"], organisation_id)]


async def rotate(conn: Any, organisation_id: str, sealer: Sealer) -> None:
    """Sign with a new key from now on. Old ones go on to verify what they signed and to sign its status.

    Raises Conflict where the issuer has MAX_KEYS already: keys are kept for ever.
    """
    if len(await keys(conn, organisation_id)) >= MAX_KEYS:
        raise Conflict(f"An issuer has at most {MAX_KEYS} keys, old ones counted.", {"limit": MAX_KEYS})
    await conn.execute(SQL["retire"], organisation_id)
    await _add_key(conn, organisation_id, sealer)


async def take_place(conn: Any, organisation_id: str, sealer: Sealer) -> SigningKey:
    """The current key, made where there is none, with the next place in its status lists. Others who issue
    for this organisation wait until the transaction ends."""
    row = await conn.fetchrow(SQL["take_place"], organisation_id)
    if row is None:
        await _add_key(conn, organisation_id, sealer)
        row = await conn.fetchrow(SQL["take_place"], organisation_id)
    private_key = sealer.open(row["private_key"], row["sealed"], row["key_id"])
    return SigningKey(row["key_id"], row["did"], private_key, row["status_index"])


async def key(conn: Any, organisation_id: str, key_id: str, sealer: Sealer) -> SigningKey | None:
    """One key, and how many credentials it signed."""
    row = await conn.fetchrow(SQL["key"], organisation_id, key_id)
    if row is None:
        return None
    private_key = sealer.open(row["private_key"], row["sealed"], row["key_id"])
    return SigningKey(row["key_id"], row["did"], private_key, row["issued"])


async def _add_key(conn: Any, organisation_id: str, sealer: Sealer) -> None:
    key_id, private_key = uuid7(), signing.generate_key()
    stored, sealed = sealer.seal(private_key, key_id)
    await conn.execute(SQL["add_key"], organisation_id, key_id, signing.did_of(private_key), stored, sealed)
