"""API keys: made, found by hash, listed, revoked. A key is shown once, when it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rocket_server.db.queries import load
from rocket_server.errors import Conflict, InvalidPayload, NotFound
from rocket_server.ids import uuid7
from rocket_server.organisations import store
from rocket_server.organisations.credentials import SCOPES, credential_hash, new_key, shown_prefix
from rocket_server.organisations.model import Organisation

SQL = load(__file__, "keys.sql")

MAX_KEYS = 1_000  # of one organisation, its tenant's counted, that work


@dataclass(frozen=True, slots=True)
class Key:
    """An API key without its secret part. A key without an organisation is for all of its tenant."""

    key_id: str
    tenant_id: str
    organisation_id: str | None
    prefix: str
    scopes: frozenset[str]
    name: str = ""
    created_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """A key and the organisation that it opens, if any, as of a version of that organisation."""

    key: Key
    organisation_id: str | None
    version: int


async def create(
    conn: Any,
    organisation: Organisation,
    *,
    name: str,
    scopes: Sequence[str] = ("admin",),
    tenant_wide: bool = False,
) -> tuple[str, Key]:
    """Make a key; the secret is answered now and never again."""
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise InvalidPayload.field("scopes", f"must be one or more of {', '.join(SCOPES)}")
    await store.touch(conn, organisation.organisation_id)  # also the lock under which they are counted
    if await conn.fetchval(SQL["count"], organisation.tenant_id, organisation.organisation_id) >= MAX_KEYS:
        raise Conflict(
            f"An organisation has at most {MAX_KEYS} active keys. Revoke one that isn't used any more.",
            {"limit": MAX_KEYS},
        )
    secret = new_key(organisation.environment)
    key = Key(
        uuid7(),
        organisation.tenant_id,
        None if tenant_wide else organisation.organisation_id,
        shown_prefix(secret),
        frozenset(scopes),
        name,
    )
    await conn.execute(
        SQL["add"],
        credential_hash(secret),
        key.key_id,
        key.tenant_id,
        key.organisation_id,
        key.prefix,
        name,
        sorted(scopes),
    )
    return secret, key


async def find(conn: Any, key_hash: bytes, wanted_organisation: str | None) -> Access | None:
    """The key with that hash, unless it was revoked, and what it opens: its own organisation or, for a key of
    the whole tenant, the wanted one."""
    row = await conn.fetchrow(SQL["find"], key_hash, wanted_organisation)
    if row is None:
        return None
    key = Key(
        row["key_id"],
        row["tenant_id"],
        row["organisation_id"],
        row["prefix"],
        frozenset(row["scopes"]),
        row["name"],
    )
    return Access(key, row["opens"], row["version"] or 0)


async def live(conn: Any, hashes: Sequence[bytes]) -> set[bytes]:
    """Which of these hashes belong to keys that weren't revoked."""
    return {row[0] for row in await conn.fetch(SQL["live"], list(hashes))}


async def page(conn: Any, organisation: Organisation, after: str | None, limit: int) -> list[Key]:
    """The organisation's keys and its tenant's, revoked ones included, in the order of their making."""
    rows = await conn.fetch(SQL["page"], organisation.tenant_id, organisation.organisation_id, after, limit)
    return [
        Key(
            row["key_id"],
            organisation.tenant_id,
            row["organisation_id"],
            row["prefix"],
            frozenset(row["scopes"]),
            row["name"],
            row["created_at"],
            row["revoked_at"],
        )
        for row in rows
    ]


async def revoke(conn: Any, organisation: Organisation, key: str) -> Key:
    """Revoke the key with that id or prefix; it fails from the next request on, in every process.

    Raises Conflict where several keys begin alike; the caller's transaction then has to be rolled back.
    """
    rows = await conn.fetch(SQL["revoke"], organisation.tenant_id, organisation.organisation_id, key)
    if not rows:
        raise NotFound(f"There is no active key {key!r} in this organisation.")
    if len(rows) > 1:
        raise Conflict(f"{len(rows)} keys begin with {key!r}: name one by its id.", {"field": "key"})
    row = rows[0]
    if row["organisation_id"] is None:
        await store.touch_tenant(conn, organisation.tenant_id)
    else:
        await store.touch(conn, organisation.organisation_id)
    return Key(
        row["key_id"],
        organisation.tenant_id,
        row["organisation_id"],
        row["prefix"],
        frozenset(row["scopes"]),
        row["name"],
    )
