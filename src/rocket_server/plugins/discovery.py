"""Finds the plugins of this installation: those of entry points, and the services of the environment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import structlog

from rocket_server.config import Settings
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


async def discover(settings: Settings, environ: Mapping[str, str]) -> PluginManager:
    """A manager with all plugins that are installed; what is broken stands in its `failed` and in the log.

    A plugin of others is imported in a process of its own, here too: whatever its import does, this goes on.
    `environ` is what these processes get to see, but for the database's URL.
    """
    manager = PluginManager(settings.plugin_timeout_s)
    limits = Limits(settings.plugin_memory_mib << 20, settings.plugin_processes)
    found = loading.installed()
    slots = asyncio.Semaphore(_AT_ONCE)
    plugins = await asyncio.gather(*(_described(one, limits, environ, slots) for one in found))
    for one, plugin in zip(found, plugins, strict=True):
        try:
            if isinstance(plugin, str):
                raise PluginError(plugin)
            hosts = Hosts(one, plugin, limits, environ)
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
