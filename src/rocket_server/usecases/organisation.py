"""An organisation's settings changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rocket_server.audit import store as audit
from rocket_server.audit.model import Actor, changed, subject_of
from rocket_server.organisations import store
from rocket_server.organisations.model import Organisation
from rocket_server.usecases.acting import Services
from rocket_server.usecases.told import organisation_state


async def change(
    services: Services, organisation_id: str, actor: Actor, changes: Mapping[str, Any]
) -> Organisation:
    """Change the name and settings, those of OrganisationSettings; the others stay. Raises InvalidPayload."""

    async def work(conn: Any) -> Organisation:
        await store.lock(conn, organisation_id)
        before = await store.read(conn, organisation_id)
        after = await store.change(conn, organisation_id, **changes)
        subject = subject_of("organisation", organisation_id)
        acts = changed("organisation.changed", subject, organisation_state(before), organisation_state(after))
        await audit.add(conn, organisation_id, actor, acts)
        return after

    return await services.database.run(work)
