"""From an entry point to a plugin: the import, and what may be told about a plugin in another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from rocket_server.plugins.check import checked
from rocket_server.plugins.interface import Plugin, PluginEvent, PluginHook

GROUP: Final = "rocket.plugins"
_OWN = "rocket_server."  # where this project's plugins are


@dataclass(frozen=True, slots=True)
class Found:
    """An entry point: its name, `module:object`, and the distribution that has it."""

    name: str
    value: str
    distribution: str

    @property
    def own(self) -> bool:
        """Whether it comes with this project, and may be imported by the server itself."""
        return self.value.startswith(_OWN)


def installed() -> list[Found]:
    """The entry points of all distributions that are installed, in the order of their names."""
    found = {
        Found(point.name, point.value, point.dist.name if point.dist else "")
        for point in entry_points(group=GROUP)
    }
    return sorted(found, key=lambda one: (one.name, one.distribution))


def load(name: str, value: str) -> Plugin:
    """Import an entry point's plugin: an instance, or a class or function without arguments that makes one.

    Raises PluginError, and whatever the import does.
    """
    found = EntryPoint(name, value, GROUP).load()
    is_instance = not isinstance(found, type) and hasattr(found, "hooks")
    return checked(found if is_instance or not callable(found) else found())


def description(plugin: Plugin) -> dict[str, Any]:
    """All of a plugin but its functions, as JSON."""
    return {
        "id": plugin.id,
        "name": plugin.name,
        "version": plugin.version,
        "description": plugin.description,
        "author": plugin.author,
        "type": plugin.type,
        "is_active": plugin.is_active,
        "hooks": [[hook.name, hook.priority] for hook in plugin.hooks],
        "external_service": asdict(plugin.external_service) if plugin.external_service else None,
    }


def described_plugin(said: Mapping[str, Any]) -> Plugin:
    """The plugin of a description, whose hooks can't be called here. Raises PluginError."""
    hooks = [PluginHook(name, _elsewhere, priority) for name, priority in said["hooks"]]
    return checked(_Said({**said, "hooks": hooks}))


class _Said:
    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.__dict__.update(fields)


def _elsewhere(event: PluginEvent) -> None:
    raise RuntimeError("this hook runs in a process of its own")
