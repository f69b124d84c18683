"""What a plugin has to be, and how a mistake in one is named."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from rocket_server.plugins.check import PluginError, checked
from rocket_server.plugins.interface import ExternalService, Plugin, PluginEvent, PluginHook, Webhook
from rocket_server.plugins.loading import described_plugin, description

URL = "https://custom.example.org/webhook"


def nothing(event: PluginEvent) -> None:
    """A handler."""


def given(**fields: Any) -> Any:
    """An object as an author may write it, with the attributes of the guide's example."""
    return SimpleNamespace(
        **{
            "id": "custom-webhook",
            "name": "Custom Webhook Plugin",
            "version": "1.0.0",
            "description": "Custom webhook for specific events",
            "author": "Your Organization",
            "type": "external",
            "is_active": True,
            "hooks": [PluginHook("attempt.started", nothing, 100)],
            "external_service": None,
            **fields,
        }
    )


def service(**fields: Any) -> dict[str, Any]:
    """An external service as a mapping."""
    return {"type": "webhook", "webhook": {"url": URL, **fields}}


def test_any_object_with_the_attributes_is_a_plugin() -> None:
    """The guide's example, written as a plain object with mappings in it, is taken with all that it says."""
    whole = checked(
        given(
            external_service=service(
                method="PUT",
                headers={"Authorization": "Bearer k"},
                timeout=15_000,
                retries=5,
                events=["attempt.started", "test.*"],
            )
        )
    )
    assert isinstance(whole, Plugin)
    assert whole.hooks == (PluginHook("attempt.started", nothing, 100),)
    assert whole.external_service == ExternalService(
        Webhook(URL, "PUT", {"Authorization": "Bearer k"}, 15_000, 5, ("attempt.started", "test.*"))
    )


def test_a_service_needs_no_more_than_its_url() -> None:
    """What isn't said of a service is what the guide says: 10 s, three retries, POST, every event."""
    assert checked(given(external_service=service())).external_service == ExternalService(Webhook(URL))
    assert Webhook(URL) == Webhook(URL, "POST", {}, 10_000, 3, ("*",))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"id": "Custom Webhook"}, "id"),
        ({"id": None}, "id"),
        ({"id": "a#service"}, "id"),
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"version": "x" * 501}, "version"),
        ({"description": None}, "description"),
        ({"author": 1}, "author"),
        ({"type": "both"}, "type"),
        ({"is_active": 1}, "is_active"),
        ({"hooks": None}, "hooks"),
        ({"hooks": "attempt.started"}, "hooks"),
        ({"hooks": [PluginHook("*", nothing)] * 101}, "hooks"),
        ({"hooks": [object()]}, "hooks[0].name"),
        ({"hooks": [PluginHook("*", nothing), PluginHook("Attempt Started", nothing)]}, "hooks[1].name"),
        ({"hooks": [PluginHook("*.started", nothing)]}, "hooks[0].name"),
        ({"hooks": [PluginHook("*", None)]}, "hooks[0].handler"),  # type: ignore[arg-type]
        ({"hooks": [PluginHook("*", nothing, "high")]}, "hooks[0].priority"),  # type: ignore[arg-type]
        ({"hooks": [PluginHook("*", nothing, True)]}, "hooks[0].priority"),
        ({"external_service": "https://x.example"}, "external_service"),
        ({"external_service": {"type": "grpc"}}, "external_service.type"),
        ({"external_service": {"type": "webhook"}}, "external_service.webhook"),
        ({"external_service": service(url="ftp://x.example")}, "external_service.webhook.url"),
        ({"external_service": service(url="https://x.example:99999/")}, "external_service.webhook.url"),
        ({"external_service": service(url="https://x.example/a b")}, "external_service.webhook.url"),
        ({"external_service": service(method="GET")}, "external_service.webhook.method"),
        ({"external_service": service(headers={"A b": "c"})}, "external_service.webhook.headers"),
        ({"external_service": service(headers={"A": "c\r\nB: d"})}, "external_service.webhook.headers"),
        ({"external_service": service(headers=["A"])}, "external_service.webhook.headers"),
        ({"external_service": service(timeout=10)}, "external_service.webhook.timeout"),
        ({"external_service": service(timeout="10s")}, "external_service.webhook.timeout"),
        ({"external_service": service(retries=20)}, "external_service.webhook.retries"),
        ({"external_service": service(events=[])}, "external_service.webhook.events"),
        ({"external_service": service(events=["*", "x"])}, "external_service.webhook.events[1]"),
        ({"external_service": service(secret="s")}, "external_service.webhook.secret"),
    ],
)
def test_a_faulty_field_is_named(fields: dict[str, Any], field: str) -> None:
    """What isn't as it has to be is refused with the plugin, the field, and what belongs there."""
    with pytest.raises(PluginError, match=r"expected|no such field") as refused:
        checked(given(**fields))
    assert f": {field}: " in str(refused.value)
    if "id" not in fields:
        assert "'custom-webhook'" in str(refused.value)


def test_something_else_is_no_plugin() -> None:
    """An object without attributes is named by its type."""
    with pytest.raises(PluginError, match="type dict: id"):
        checked({"id": "mapping"})


def test_an_event_is_the_assessment_body() -> None:
    """The event that handlers get has the fields of the guide's body, and becomes that body again."""
    body = {
        "name": "attempt.started",
        "context": {"tenantId": "tenant-123", "organisationId": "org-456", "userId": "user-789"},
        "data": {"attemptId": "attempt-abc", "testId": "test-def", "attemptNumber": 1},
        "timestamp": "2024-01-15T10:30:00.000Z",
        "id": "event-1234567890",
    }
    event = PluginEvent.from_dict(body)
    assert (event.name, event.context["userId"], event.data["testId"]) == (
        "attempt.started",
        "user-789",
        "test-def",
    )
    assert event.as_dict() == body


def test_a_description_is_all_but_the_functions() -> None:
    """What a process is told of a plugin is that plugin, with hooks that can't be called there."""
    whole = checked(given(external_service=service(headers={"A": "b"})))
    said = described_plugin(description(whole))
    assert description(said) == description(whole)
    with pytest.raises(RuntimeError):
        said.hooks[0].handler(PluginEvent("x.y", {}, {}, "", ""))  # type: ignore[typeddict-item]
