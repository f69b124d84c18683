"""Services of the environment: which are registered where, with what, and that keys are shown nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from rocket_server.config.settings import Settings
from rocket_server.errors import ConfigurationError
from rocket_server.plugins import services
from rocket_server.plugins.check import checked

ALL = {
    "EXTERNAL_SERVICE_WEBHOOK_URL": "https://your-service.example/webhook",
    "EXTERNAL_SERVICE_API_KEY": "external-key",
    "ANALYTICS_SERVICE_WEBHOOK_URL": "https://analytics.example/events",
    "ANALYTICS_SERVICE_API_KEY": "analytics-key",
    "NOTIFICATION_SERVICE_URL": "https://notifications.example/api/notify",
    "NOTIFICATION_SERVICE_API_KEY": "notification-key",
    "LMS_INTEGRATION_URL": "https://lms.example/api/integration",
    "LMS_API_KEY": "lms-key",
}
IDS = ["external-service-webhook", "analytics-service", "notification-service", "lms-integration"]


def registered(env: str, **variables: str) -> tuple[list[Any], list[Any]]:
    """The plugins of an environment, and what was logged."""
    settings = Settings.from_environ({"HOME": "/home/ada", "ROCKET_ENV": env, **variables})
    with capture_logs() as logged:
        return [checked(plugin) for plugin in services.from_settings(settings)], logged


@pytest.mark.parametrize("env", ["production", "development"])
def test_each_pair_is_a_service_with_its_key(env: str) -> None:
    """The four pairs are four services; each hears every event and is sent its key as a bearer token."""
    plugins, logged = registered(env, **ALL)
    assert [plugin.id for plugin in plugins] == IDS
    urls = [text for name, text in ALL.items() if name.endswith("URL")]
    keys = [text for name, text in ALL.items() if name.endswith("KEY")]
    webhooks = [plugin.external_service.webhook for plugin in plugins]
    assert [webhook.url for webhook in webhooks] == urls
    assert [webhook.headers for webhook in webhooks] == [{"Authorization": f"Bearer {key}"} for key in keys]
    assert {tuple(webhook.events) for webhook in webhooks} == {("*",)}
    assert {(webhook.timeout, webhook.retries) for webhook in webhooks} == {(10_000, 3)}
    assert logged == []


def test_production_registers_all_and_says_what_is_missing() -> None:
    """In production a service without a URL is there, not active, and the log names what isn't set."""
    plugins, logged = registered(
        "production",
        EXTERNAL_SERVICE_WEBHOOK_URL="https://your-service.example/webhook",
        LMS_API_KEY="k",
    )
    assert [(plugin.id, plugin.is_active) for plugin in plugins] == list(
        zip(IDS, [True, False, False, False], strict=True)
    )
    assert plugins[0].external_service.webhook.headers == {}
    assert [line["missing"] for line in logged] == [
        ["EXTERNAL_SERVICE_API_KEY"],
        ["ANALYTICS_SERVICE_WEBHOOK_URL", "ANALYTICS_SERVICE_API_KEY"],
        ["NOTIFICATION_SERVICE_URL", "NOTIFICATION_SERVICE_API_KEY"],
        ["LMS_INTEGRATION_URL"],
    ]


def test_development_registers_those_with_a_url() -> None:
    """In development a service is registered where its URL is set, and nothing is said of the others."""
    plugins, logged = registered("development", NOTIFICATION_SERVICE_URL="http://localhost:9000/notify")
    assert [plugin.id for plugin in plugins] == ["notification-service"]
    assert logged == []


def test_tests_call_nobody() -> None:
    """With ROCKET_ENV=test no service is registered, whatever is set."""
    assert registered("test", **ALL) == ([], [])


def test_keys_are_shown_nowhere() -> None:
    """`rocket config` masks the keys, and neither settings nor plugins have them in their repr."""
    settings = Settings.from_environ({"HOME": "/home/ada", "ROCKET_ANALYTICS_TOKEN": "export-key", **ALL})
    shown = settings.masked()
    secret = ["ROCKET_ANALYTICS_TOKEN", *(name for name in ALL if name.endswith("KEY"))]
    assert {shown[name] for name in secret} == {"***"}
    assert Settings.from_environ({"HOME": "/home/ada"}).masked()["LMS_API_KEY"] == ""
    told = f"{settings!r} {shown} {services.from_settings(settings)!r}"
    assert "-key" not in told


@pytest.mark.parametrize(
    "text", ["your-service.example/webhook", "ftp://x.example/", "https://", "http://x:0/"]
)
def test_a_url_that_cannot_be_called_is_a_mistake(text: str) -> None:
    """A URL that can't be called is refused when the server starts, with the name of its variable."""
    with pytest.raises(ConfigurationError, match="LMS_INTEGRATION_URL takes a URL such as"):
        Settings.from_environ({"HOME": "/home/ada", "LMS_INTEGRATION_URL": text})
