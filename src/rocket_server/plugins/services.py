"""External services that the environment names: they hear every event, with a bearer token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import structlog

from rocket_server import __version__
from rocket_server.config.settings import Settings
from rocket_server.plugins.interface import ExternalService, Plugin, Webhook

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Service:
    """A service's plugin id, what it is called, and its settings: fields and variables of URL and key."""

    plugin_id: str
    name: str
    url: str
    key: str
    url_variable: str
    key_variable: str


# The pairs and what each is for are those of the assessment platform's integration guide.
_SERVICES: Final = (
    _Service(
        "external-service-webhook",
        "External service",
        "external_service_url",
        "external_service_key",
        "EXTERNAL_SERVICE_WEBHOOK_URL",
        "EXTERNAL_SERVICE_API_KEY",
    ),
    _Service(
        "analytics-service",
        "Analytics service",
        "analytics_service_url",
        "analytics_service_key",
        "ANALYTICS_SERVICE_WEBHOOK_URL",
        "ANALYTICS_SERVICE_API_KEY",
    ),
    _Service(
        "notification-service",
        "Notification service",
        "notification_service_url",
        "notification_service_key",
        "NOTIFICATION_SERVICE_URL",
        "NOTIFICATION_SERVICE_API_KEY",
    ),
    _Service(
        "lms-integration",
        "LMS integration",
        "lms_integration_url",
        "lms_integration_key",
        "LMS_INTEGRATION_URL",
        "LMS_API_KEY",
    ),
)


def from_settings(settings: Settings) -> list[Plugin]:
    """The services that are to be registered.

    In production all are: one without a URL is there but not active, and the log says what is missing. In
    development those are that have a URL. Tests call nobody.
    """
    if settings.env == "test":
        return []
    plugins = []
    for service in _SERVICES:
        url: str | None = getattr(settings, service.url)
        key: str | None = getattr(settings, service.key)
        missing = [
            variable
            for variable, value in ((service.url_variable, url), (service.key_variable, key))
            if value is None
        ]
        if settings.env == "production" and missing:
            log.warning("external_service_incomplete", plugin=service.plugin_id, missing=missing)
        if url is not None or settings.env == "production":
            plugins.append(_plugin(service, url, key))
    return plugins


def _plugin(service: _Service, url: str | None, key: str | None) -> Plugin:
    common: dict[str, Any] = {
        "id": service.plugin_id,
        "name": service.name,
        "version": __version__,
        "author": "Rocket Learning Rewards",
        "type": "external",
    }
    if url is None:
        return Plugin(
            **common, description=f"Not active: {service.url_variable} is not set.", is_active=False
        )
    headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
    return Plugin(
        **common,
        description="Hears every event in the assessment format.",
        external_service=ExternalService(Webhook(url, headers=headers)),
    )
