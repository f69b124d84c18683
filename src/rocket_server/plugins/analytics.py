"""Sends events to a product analytics service in the form of Mixpanel's import API; a plugin like any other.

Each event is one `POST` of a JSON list of `{"event", "properties"}`, as
https://developer.mixpanel.com/reference/import-events has it: `distinct_id` says whose event it is, `time` is
in Unix seconds, and the service counts an `$insert_id` once, however often it is sent. The token is the user
of HTTP's basic authentication. Services that speak the same form take it too.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from rocket_server import __version__
from rocket_server.config.settings import Settings
from rocket_server.plugins.interface import Plugin, PluginEvent, PluginHook

_OWN: Final = "rocket"  # what a property is called that the service doesn't know, and whose name may be taken
_TIMEOUT_S: Final = 8.0
_ANSWER_BYTES: Final = 4_096


class ImportRefused(Exception):
    """The service didn't take the event; the message has its status and what it said."""


class AnalyticsExport:
    """Calls one service, over a connection that is kept."""

    def __init__(self, url: str, token: str) -> None:
        self._parts = urlsplit(url)
        self._authorization = f"Basic {base64.b64encode(f'{token}:'.encode()).decode()}"
        self._connection: http.client.HTTPConnection | None = None

    def __call__(self, event: PluginEvent) -> None:
        """Send an event. Raises ImportRefused or OSError; then the delivery is tried again."""
        body = json.dumps([imported(event)]).encode()
        kept = self._connection is not None
        try:
            status, answer = self._post(body)
        except (OSError, http.client.HTTPException):
            self._close()
            if not kept:
                raise
            # An idle connection that the service closed meanwhile says nothing about the service.
            status, answer = self._post(body)
        if not 200 <= status < 300:
            raise ImportRefused(f"the service answered {status}: {answer}")

    def _post(self, body: bytes) -> tuple[int, str]:
        if self._connection is None:
            self._connection = self._connect()
        path = self._parts.path or "/"
        target = f"{path}?{self._parts.query}" if self._parts.query else path
        headers = {
            "Authorization": self._authorization,
            "Content-Type": "application/json",
            "User-Agent": f"Rocket-Learning-Rewards/{__version__}",
        }
        self._connection.request("POST", target, body, headers)
        response = self._connection.getresponse()
        said = response.read(_ANSWER_BYTES)
        if not response.isclosed():  # there is more of it, which isn't worth reading
            self._close()
        return response.status, " ".join(said.decode("utf-8", "replace").split())[:200]

    def _connect(self) -> http.client.HTTPConnection:
        secure = self._parts.scheme == "https"
        connection = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        return connection(self._parts.hostname or "", self._parts.port, timeout=_TIMEOUT_S)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def imported(event: PluginEvent) -> dict[str, Any]:
    """An event in the import form. What the learning platform sent goes first, so it can't pose as ours."""
    user_id = event.context["userId"]
    return {
        "event": event.name,
        "properties": {
            **_plain(event.data),
            # An empty id is the service's way to say that an event is nobody's.
            "distinct_id": "" if user_id is None else user_id,
            "time": int(datetime.fromisoformat(event.timestamp).timestamp()),
            "$insert_id": event.id,
            "event_id": event.id,
            "source": _OWN,
            "tenant_id": event.context["tenantId"],
            "organisation_id": event.context["organisationId"],
        },
    }


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """What was sent, without names that the service reserves: `token`, `$…` and `mp_…`."""
    return {
        name: value for name, value in data.items() if not name.startswith(("$", "mp_")) and name != "token"
    }


def plugin() -> Plugin:
    """The plugin, active where ROCKET_ANALYTICS_URL and ROCKET_ANALYTICS_TOKEN are set."""
    settings = Settings.from_environ(os.environ)
    url, token = settings.analytics_url, settings.analytics_token
    common: dict[str, Any] = {
        "id": "analytics-export",
        "name": "Analytics export",
        "version": __version__,
        "author": "Rocket Learning Rewards",
        "type": "internal",
    }
    if url is None or token is None:
        unset = "ROCKET_ANALYTICS_URL" if url is None else "ROCKET_ANALYTICS_TOKEN"
        return Plugin(**common, description=f"Not active: {unset} is not set.", is_active=False)
    return Plugin(
        **common,
        description="Sends every event to an analytics service in the form of Mixpanel's import.",
        hooks=[PluginHook("*", AnalyticsExport(url, token))],
    )
