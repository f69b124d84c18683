"""The plugins of this installation as one organisation sees them, and switching one off for it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from rocket_server.errors import NotFound
from rocket_server.http import openapi
from rocket_server.http.actors import acting
from rocket_server.http.api.answers import organisation as organisation_answers
from rocket_server.http.auth import AdminKey, ReadKey
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.plugins import store as plugins_store
from rocket_server.plugins.interface import ExternalService, Plugin
from rocket_server.plugins.manager import PluginManager
from rocket_server.plugins.store import SubscriptionState
from rocket_server.times import rfc3339
from rocket_server.usecases import plugins as acts
from rocket_server.usecases.plugins import subscription_ids

router = APIRouter(prefix="/v1/plugins", tags=["plugins"], responses=openapi.ERRORS)


class PluginChange(BaseModel):
    """Whether the organisation's events are told to a plugin."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool


@router.get("", response_model=organisation_answers.PluginList)
async def list_plugins(request: Request, principal: ReadKey) -> Json:
    """The installed plugins, those that failed to load included, and how their deliveries stand."""
    services = services_of(request)
    manager = services.plugins
    async with services.database.connection() as conn:
        states = await plugins_store.states(
            conn,
            principal.organisation_id,
            [name for plugin in manager.get_plugins() for name in subscription_ids(plugin.id)],
        )
    shown = [_shown(manager, plugin, states) for plugin in manager.get_plugins()]
    failed = [
        {"id": None, "entry_point": one.entry_point, "status": "failed", "error": one.message}
        for one in manager.failed
    ]
    return Json(
        {
            "plugins": [*shown, *failed],
            "registered_events": manager.get_registered_events(),
            "external_service_count": manager.get_external_service_count(),
            "next_cursor": None,
        }
    )


@router.patch("/{plugin_id}", response_model=organisation_answers.Plugin)
async def change_plugin(request: Request, principal: AdminKey, plugin_id: str, body: PluginChange) -> Json:
    """Switch a plugin off or on for the organisation. What waits for it meanwhile is sent when it is on."""
    services = services_of(request)
    manager = services.plugins
    plugin = manager.get_plugin(plugin_id)
    if plugin is None:
        raise NotFound("There is no such plugin.", {"field": "plugin_id"})
    states = await acts.switch(*acting(request, principal), plugin.id, enabled=body.enabled)
    return Json(_shown(manager, plugin, states))


def _shown(manager: PluginManager, plugin: Plugin, states: dict[str, SubscriptionState]) -> dict[str, Any]:
    own = [states[name] for name in subscription_ids(plugin.id) if name in states]
    off = next((one for one in own if not one.enabled), None)
    lines = [line for one in own for line in one.by_label.values()]
    last = max(lines, key=lambda line: line.last_at, default=None)
    hooks = states.get(plugin.id)
    return {
        "id": plugin.id,
        "name": plugin.name,
        "version": plugin.version,
        "description": plugin.description,
        "author": plugin.author,
        "type": plugin.type,
        "is_active": plugin.is_active,
        "entry_point": manager.entry_point(plugin.id),
        "status": "inactive" if not plugin.is_active else "disabled" if off else "active",
        "enabled": off is None,
        "disabled_reason": off.disabled_reason if off else None,
        "hooks": [
            {
                "name": hook.hook.name,
                "priority": hook.hook.priority,
                "failures": line.failures if line else 0,
                "last_error": line.last_said.partition(": ")[2] if line else None,
            }
            for hook in manager.hooks(plugin.id)
            for line in [hooks.by_label.get(hook.label) if hooks else None]
        ],
        "external_service": _service(plugin.external_service) if plugin.external_service else None,
        "waiting": sum(one.waiting for one in own),
        "exhausted": sum(one.exhausted for one in own),
        "failures": sum(one.failures for one in own),
        "last_error": last
        and {"at": rfc3339(last.last_at), "code": last.last_error, "message": last.last_said},
    }


def _service(service: ExternalService) -> dict[str, Any]:
    """What every organisation may know: a path, a query or a header may be a secret of the operator's."""
    webhook = service.webhook
    parts = urlsplit(webhook.url)
    port = f":{parts.port}" if parts.port else ""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return {
        "type": service.type,
        "webhook": {
            "url": f"{parts.scheme}://{host}{port}/…",
            "method": webhook.method,
            "headers": dict.fromkeys(webhook.headers, "***"),
            "timeout": webhook.timeout,
            "retries": webhook.retries,
            "events": list(webhook.events),
        },
    }
