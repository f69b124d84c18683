"""Makes an organisation that is ready for its first event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rocket_server.badges import store as badges
from rocket_server.organisations import keys, sources, store
from rocket_server.organisations.keys import Key
from rocket_server.organisations.model import DEFAULT_STAFF_IDS, Organisation, Source
from rocket_server.rules import store as rules
from rocket_server.rules.templates import default_rules

_MOODLE = "moodle"


@dataclass(frozen=True, slots=True)
class NewOrganisation:
    """What was made. The key and the token are known only now: the database keeps their hashes."""

    organisation: Organisation
    key: Key
    api_key: str
    source: Source
    moodle_token: str

    def as_dict(self, public_url: str) -> dict[str, Any]:
        """What `rocket init --json` prints. `public_url` is where platforms reach the server."""
        return {
            "tenant_id": self.organisation.tenant_id,
            "organisation_id": self.organisation.organisation_id,
            "api_key": self.api_key,
            "sources": {_MOODLE: {"token": self.moodle_token, "url": sources.hook_url(public_url, _MOODLE)}},
        }


async def create_organisation(
    conn: Any,
    *,
    name: str,
    tenant: str = store.DEFAULT_TENANT,
    timezone: str = "UTC",
    environment: Literal["production", "staging"] = "production",
    staff_ids: frozenset[str] = DEFAULT_STAFF_IDS,
    key_name: str = "first key",
) -> NewOrganisation:
    """An organisation with the default rules and badges, an administrator's key and a Moodle source.

    `conn` is in a transaction of the caller's. Raises InvalidPayload for an unknown time zone; asyncpg's
    UniqueViolationError where the tenant has an organisation of that name.
    """
    organisation = await store.create(
        conn, name=name, tenant_id=tenant, environment=environment, timezone=timezone
    )
    organisation_id = organisation.organisation_id
    await rules.save(conn, organisation_id, default_rules(), "setup")
    await badges.define(conn, organisation_id, badges.STARTERS)
    api_key, key = await keys.create(conn, organisation, name=key_name)
    source = await sources.create(conn, Source(organisation_id, "", _MOODLE, _MOODLE, "", staff_ids))
    token = await sources.add_token(conn, source)
    return NewOrganisation(organisation, key, api_key, source, token)
