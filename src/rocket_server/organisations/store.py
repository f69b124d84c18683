"""Makes, reads and changes organisations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from rocket_server import accounts
from rocket_server.db.queries import load
from rocket_server.errors import NotFound
from rocket_server.ids import FIRST_ID, uuid7
from rocket_server.organisations import zones
from rocket_server.organisations.model import Organisation
from rocket_server.organisations.settings import OrganisationSettings

SQL = load(__file__, "store.sql")

DEFAULT_TENANT = "default"
DEMO_TENANT = "demo"  # of the organisation that `rocket demo` plays in


async def create(
    conn: Any,
    *,
    name: str,
    tenant_id: str = DEFAULT_TENANT,
    environment: Literal["production", "staging"] = "production",
    **settings: Any,
) -> Organisation:
    """Make an organisation with its own accounts, and its tenant where that is new. `settings` are those of
    OrganisationSettings that aren't as delivered."""
    chosen = await _checked(conn, OrganisationSettings(), settings)
    organisation_id = uuid7()
    await conn.execute(SQL["add_tenant"], tenant_id)
    await conn.execute(
        SQL["add_organisation"], organisation_id, tenant_id, name, environment, chosen.chosen()
    )
    await conn.execute(
        SQL["add_own_accounts"], organisation_id, list(accounts.OWN), list(accounts.OWN.values())
    )
    zone = zones.zone(chosen.timezone)
    return Organisation(organisation_id, tenant_id, name, environment, zone, chosen, 1)


async def version(conn: Any, organisation_id: str) -> int:
    """How often the organisation was changed. Raises NotFound where there is none."""
    found = await conn.fetchval(SQL["version"], organisation_id)
    if found is None:
        raise NotFound("There is no such organisation.")
    return int(found)


async def read(conn: Any, organisation_id: str) -> Organisation:
    """An organisation. Raises NotFound where there is none."""
    row = await conn.fetchrow(SQL["read"], organisation_id)
    if row is None:
        raise NotFound("There is no such organisation.")
    return _organisation(row)


async def all_organisations(conn: Any) -> list[Organisation]:
    """All organisations, in the order of their making."""
    return [_organisation(row) for row in await conn.fetch(SQL["all"])]


async def ids_after(conn: Any, after: tuple[str, ...] | None, limit: int) -> list[tuple[str]]:
    """The ids of the next organisations, behind `after`."""
    (before,) = after or (FIRST_ID,)
    return [(row[0],) for row in await conn.fetch(SQL["ids_after"], before, limit)]


async def find(conn: Any, tenant_id: str, name: str) -> str | None:
    """The id of the organisation of that name."""
    found: str | None = await conn.fetchval(SQL["find"], tenant_id, name)
    return found


async def change(
    conn: Any, organisation_id: str, *, name: str | None = None, **settings: Any
) -> Organisation:
    """Change the name and settings, those of OrganisationSettings; the others stay. The caller has locked the
    organisation, or is alone with it. Raises InvalidPayload for a zone that isn't known."""
    before = await read(conn, organisation_id)
    chosen = await _checked(conn, before.settings, settings)
    sets_zone = "timezone" in settings
    await conn.execute(SQL["change"], organisation_id, name, chosen.chosen(), sets_zone)
    return await read(conn, organisation_id)


async def touch(conn: Any, organisation_id: str) -> None:
    """Tell every process that what it remembers of the organisation is stale."""
    await conn.execute(SQL["touch"], organisation_id)


async def lock(conn: Any, organisation_id: str) -> None:
    """Wait for others who are changing the organisation, until the transaction ends."""
    await conn.execute(SQL["lock"], organisation_id)


async def touch_tenant(conn: Any, tenant_id: str) -> None:
    """Tell every process that what it remembers of the tenant's organisations is stale."""
    await conn.execute(SQL["touch_tenant"], tenant_id)


async def _checked(
    conn: Any, before: OrganisationSettings, changes: Mapping[str, Any]
) -> OrganisationSettings:
    """The settings with the changes; the zone in its canonical spelling."""
    if "timezone" in changes:
        changes = {**changes, "timezone": await zones.check(conn, changes["timezone"])}
    return before.with_changes(changes)


def _organisation(row: Any) -> Organisation:
    settings = OrganisationSettings.model_validate(row["settings"])
    return Organisation(
        row["organisation_id"],
        row["tenant_id"],
        row["name"],
        row["environment"],
        zones.zone(settings.timezone),
        settings,
        row["version"],
        row["timezone_replaced"],
    )
