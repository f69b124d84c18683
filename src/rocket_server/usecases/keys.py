"""API keys made and revoked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, subject_of
from rocket_server.organisations import keys
from rocket_server.organisations import store as organisations
from rocket_server.organisations.keys import Key
from rocket_server.usecases.acting import Services
from rocket_server.usecases.told import key_made, key_state


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key is for and what it opens; `tenant_wide` is for all organisations of the tenant."""

    name: str = ""
    scopes: Sequence[str] = ("admin",)
    tenant_wide: bool = False


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key, and its secret, which is answered now and never again."""

    key: Key
    secret: str


async def create(services: Services, organisation_id: str, actor: Actor, command: NewKey) -> MadeKey:
    """Make a key. Raises InvalidPayload for an unknown scope, Conflict where there are too many."""

    async def work(conn: Any) -> MadeKey:
        organisation = await organisations.read(conn, organisation_id)
        secret, key = await keys.create(
            conn, organisation, name=command.name, scopes=command.scopes, tenant_wide=command.tenant_wide
        )
        await audit.add(conn, organisation_id, actor, [key_made(key)])
        return MadeKey(key, secret)

    return await services.database.run(work)


async def revoke(services: Services, organisation_id: str, actor: Actor, named: str) -> Key:
    """Revoke the key with that id or beginning: it fails from the next request on. Raises NotFound, or
    Conflict where several keys begin alike."""

    async def work(conn: Any) -> Key:
        organisation = await organisations.read(conn, organisation_id)
        key = await keys.revoke(conn, organisation, named)
        act = Act("key.revoked", subject_of("key", key.key_id), key_state(key), None)
        await audit.add(conn, organisation_id, actor, [act])
        return key

    return await services.database.run(work)
