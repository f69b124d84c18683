"""Finds the plugins of this installation: those of entry points, and the services of the environment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import structlog

from rocket_server.config.settings import Settings
from rocket_server.plugins import loading, services
from rocket_server.plugins.check import PluginError
from rocket_server.plugins.hosts import Hosts
from rocket_server.plugins.interface import Plugin
from rocket_server.plugins.loading import Found
from rocket_server.plugins.manager import FailedPlugin, PluginManager
from rocket_server.plugins.process import Host, Limits
from rocket_server.plugins.running import HookFailed, described

log = structlog.get_logger(__name__)

_AT_ONCE = 4  # imports

# What programs need to find their files, their language and the certificates that they trust.
_SYSTEM: Final = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TZDIR"),
    *("TMPDIR", "TEMP", "TMP", "XDG_*", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHON*"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    "ROCKET_ENV",
)
_OWN: Final = ("ROCKET_ANALYTICS_*",)  # for the plugins that come with this project
# Whatever is named: with these a plugin could change the ledger's tables.
_NEVER: Final = frozenset({"ROCKET_DATABASE_URL", "ROCKET_MIGRATION_DATABASE_URL", "ROCKET_ENCRYPTION_KEY"})


async def discover(settings: Settings, environ: Mapping[str, str]) -> PluginManager:
    """A manager with all plugins that are installed; what is broken stands in its `failed` and in the log.

    A plugin of others is imported in a process of its own, here too: whatever its import does, this goes on.
    Of `environ` these processes get to see what `visible` lets pass.
    """
    manager = PluginManager(settings.plugin_timeout_s)
    limits = Limits(settings.plugin_memory_mib << 20, settings.plugin_processes)
    found = loading.installed()
    seen = [visible(environ, (*settings.plugin_environment, *(_OWN if one.own else ()))) for one in found]
    slots = asyncio.Semaphore(_AT_ONCE)
    plugins = await asyncio.gather(
        *(_described(one, limits, sees, slots) for one, sees in zip(found, seen, strict=True))
    )
    for one, plugin, sees in zip(found, plugins, seen, strict=True):
        try:
            if isinstance(plugin, str):
                raise PluginError(plugin)
            hosts = Hosts(one, plugin, limits, sees)
            manager.register_plugin(plugin, runner=hosts, entry_point=one.name)
        except PluginError as error:
            manager.failed.append(FailedPlugin(one.name, str(error)))
            log.error("plugin_failed", entry_point=one.name, package=one.distribution, error=str(error))
    for service in services.from_settings(settings):
        try:
            manager.register_plugin(service)
        except PluginError as error:
            manager.failed.append(FailedPlugin(service.id, str(error)))
            log.error("plugin_failed", service=service.id, error=str(error))
    return manager


def visible(environ: Mapping[str, str], named: Sequence[str]) -> dict[str, str]:
    """What a plugin's process sees: what any program needs, and what the operator has named for plugins. The
    secrets of the server and of other plugins stay where they are."""
    wanted = (*_SYSTEM, *named)
    exact = {name for name in wanted if not name.endswith("*")}
    beginnings = tuple(name[:-1] for name in wanted if name.endswith("*"))
    return {
        name: text
        for name, text in environ.items()
        if name not in _NEVER and (name in exact or name.startswith(beginnings))
    }


async def _described(
    found: Found, limits: Limits, environ: Mapping[str, str], slots: asyncio.Semaphore
) -> Plugin | str:
    """What an entry point's plugin says it is; a sentence where there is none."""
    if found.own:
        try:
            return loading.load(found.name, found.value)
        except Exception as error:
            return described(error)
    async with slots:
        host = Host(found, limits)
        try:
            plugin = await host.start(environ)
        except HookFailed as failure:
            return failure.message
        except OSError as error:
            return f"its process can't be started: {error.strerror}"
        with suppress(HookFailed):
            await host.close()
        return plugin
