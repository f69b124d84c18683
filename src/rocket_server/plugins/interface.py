"""What a plugin is: the classes that its author writes with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypedDict

PluginType = Literal["internal", "external"]

DEFAULT_PRIORITY: Final = 100


class EventContext(TypedDict):
    """Whose event it is. The names are those of the assessment format, in which they travel."""

    tenantId: str
    organisationId: str
    userId: str | None


@dataclass(frozen=True, slots=True)
class PluginEvent:
    """What a handler is called with: the `assessment` body, field by field.

    `timestamp` is RFC 3339 in UTC with milliseconds; `id` is the same each time the event is told.
    """

    name: str
    context: EventContext
    data: Mapping[str, Any]
    timestamp: str
    id: str

    def as_dict(self) -> dict[str, Any]:
        """The event as it is sent in the `assessment` format."""
        return {
            "name": self.name,
            "context": dict(self.context),
            "data": dict(self.data),
            "timestamp": self.timestamp,
            "id": self.id,
        }

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> PluginEvent:
        """The event of an `assessment` body."""
        return cls(body["name"], body["context"], body["data"], body["timestamp"], body["id"])


Handler = Callable[[PluginEvent], Any | Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class PluginHook:
    """A function that wants an event: `name` is the event, `quiz.*` or `*`. Low priorities go first."""

    name: str
    handler: Handler
    priority: int = DEFAULT_PRIORITY


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where an external service is called. `timeout` is in milliseconds, `retries` come after a first try."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: int = 10_000
    retries: int = 3
    events: Sequence[str] = ("*",)


@dataclass(frozen=True, slots=True)
class ExternalService:
    """A service that hears events by HTTP, in the `assessment` format."""

    webhook: Webhook
    type: Literal["webhook"] = "webhook"


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin. An author may make one of these, or any object with the same attributes."""

    id: str
    name: str
    version: str
    description: str = ""
    author: str = ""
    type: PluginType = "internal"
    is_active: bool = True
    hooks: Sequence[PluginHook] = ()
    external_service: ExternalService | None = None
