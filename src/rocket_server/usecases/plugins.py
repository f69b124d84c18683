"""Plugins of the installation, switched on or off for one organisation."""

from __future__ import annotations

from typing import Any, Final

from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, subject_of
from rocket_server.errors import Conflict
from rocket_server.organisations import store as organisations
from rocket_server.plugins import dispatch, store
from rocket_server.plugins.store import SubscriptionState
from rocket_server.usecases.acting import Services

_NOT_ACTIVE: Final = "The plugin is not active in this installation, so there is nothing to switch."


def subscription_ids(plugin_id: str) -> tuple[str, str]:
    """Under what a plugin's hooks, and its external service, are told of events."""
    return plugin_id, f"{plugin_id}{dispatch.SERVICE_SUFFIX}"


async def switch(
    services: Services, organisation_id: str, actor: Actor, plugin_id: str, *, enabled: bool
) -> dict[str, SubscriptionState]:
    """Switch an installed plugin off or on; how it stands then. What waits for it meanwhile is sent when it
    is on. Raises Conflict where the plugin isn't active."""
    ids = subscription_ids(plugin_id)

    async def work(conn: Any) -> dict[str, SubscriptionState]:
        await services.configurations.equipped(conn, organisation_id)
        if not await store.states(conn, organisation_id, ids):
            raise Conflict(_NOT_ACTIVE)
        if await store.switch(conn, organisation_id, ids, enabled):
            await organisations.touch(conn, organisation_id)
            act = Act("plugin.enabled" if enabled else "plugin.disabled", subject_of("plugin", plugin_id))
            await audit.add(conn, organisation_id, actor, [act])
        return await store.states(conn, organisation_id, ids)

    return await services.database.run(work)
