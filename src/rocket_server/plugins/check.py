"""Looks whether a plugin is whole, before anything is done with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from rocket_server.plugins.interface import ExternalService, Plugin, PluginHook, Webhook

MAX_TEXT: Final = 500
MAX_HOOKS: Final = 100
MAX_EVENTS: Final = 200

_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_ID_EXPECTED = "1 to 63 of a-z, 0-9, '_', '.' and '-', beginning with a letter or digit"
# `*`, a name such as `quiz.submitted`, or `quiz.*` for all that begin so.
_EVENT = re.compile(r"\*|[a-z]+\.(?:[a-z_]+|\*)")
_EVENT_EXPECTED = "an event such as 'quiz.submitted', 'quiz.*', or '*'"
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class PluginError(ValueError):
    """A plugin isn't as it has to be; the message names it, the field and what belongs there."""


def checked(given: Any) -> Plugin:
    """`given` as a whole and immutable plugin. Raises PluginError naming the plugin and the field."""
    said_id = getattr(given, "id", None)
    known_as = said_id if isinstance(said_id, str) else f"of type {type(given).__name__}"
    check = _Check(f"plugin {known_as!r}" if isinstance(said_id, str) else f"plugin {known_as}")
    check.that(isinstance(said_id, str) and _ID.fullmatch(said_id), "id", _ID_EXPECTED)
    for name in ("name", "version"):
        value = getattr(given, name, None)
        check.that(isinstance(value, str) and 0 < len(value) <= MAX_TEXT, name, f"1 to {MAX_TEXT} characters")
    for name in ("description", "author"):
        value = getattr(given, name, None)
        check.that(isinstance(value, str) and len(value) <= MAX_TEXT, name, f"at most {MAX_TEXT} characters")
    kind = getattr(given, "type", None)
    check.that(kind in ("internal", "external"), "type", "'internal' or 'external'")
    check.that(isinstance(getattr(given, "is_active", None), bool), "is_active", "True or False")
    hooks = _hooks(getattr(given, "hooks", None), check)
    service = _service(getattr(given, "external_service", None), check)
    return Plugin(
        given.id,
        given.name,
        given.version,
        given.description,
        given.author,
        given.type,
        given.is_active,
        hooks,
        service,
    )


@dataclass(frozen=True, slots=True)
class _Check:
    """Says whose field is at fault."""

    whose: str

    def that(self, holds: object, field_name: str, expected: str) -> None:
        if not holds:
            raise PluginError(f"{self.whose}: {field_name}: expected {expected}")


def _hooks(given: Any, check: _Check) -> tuple[PluginHook, ...]:
    check.that(
        isinstance(given, list | tuple) and len(given) <= MAX_HOOKS, "hooks", f"a list of at most {MAX_HOOKS}"
    )
    hooks = []
    for index, hook in enumerate(given):
        where = f"hooks[{index}]"
        name, handler = getattr(hook, "name", None), getattr(hook, "handler", None)
        priority = getattr(hook, "priority", None)
        check.that(is_pattern(name), f"{where}.name", _EVENT_EXPECTED)
        check.that(callable(handler), f"{where}.handler", "a function that takes the event")
        check.that(
            isinstance(priority, int) and not isinstance(priority, bool),
            f"{where}.priority",
            "a whole number",
        )
        hooks.append(PluginHook(name, handler, priority))  # type: ignore[arg-type]
    return tuple(hooks)


def is_pattern(name: object) -> bool:
    """Whether `name` is an event's name, `quiz.*` or `*`."""
    return isinstance(name, str) and len(name) <= 100 and _EVENT.fullmatch(name) is not None


def _service(given: Any, check: _Check) -> ExternalService | None:
    if given is None:
        return None
    said = asdict(given) if isinstance(given, ExternalService) else given
    where = "external_service"
    check.that(isinstance(said, Mapping), where, "{'type': 'webhook', 'webhook': {…}} or None")
    check.that(said.get("type") == "webhook", f"{where}.type", "'webhook'")
    webhook = said.get("webhook")
    webhook = asdict(webhook) if isinstance(webhook, Webhook) else webhook
    where = "external_service.webhook"
    check.that(
        isinstance(webhook, Mapping), where, "{'url', 'method', 'headers', 'timeout', 'retries', 'events'}"
    )
    assert isinstance(webhook, Mapping)
    for name in webhook:
        check.that(name in Webhook.__slots__, f"{where}.{name}", "no such field")
    check.that(is_url(webhook.get("url")), f"{where}.url", "a URL such as https://service.example.org/hook")
    method = webhook.get("method", "POST")
    check.that(method in ("POST", "PUT", "PATCH"), f"{where}.method", "POST, PUT or PATCH")
    headers = webhook.get("headers", {})
    check.that(
        isinstance(headers, Mapping) and all(_is_header(*item) for item in headers.items()),
        f"{where}.headers",
        "names and values that fit into an HTTP header",
    )
    timeout, retries = webhook.get("timeout", 10_000), webhook.get("retries", 3)
    check.that(_within(timeout, 100, 60_000), f"{where}.timeout", "100 to 60000 milliseconds")
    check.that(_within(retries, 0, 19), f"{where}.retries", "0 to 19")
    events = webhook.get("events", ["*"])
    check.that(
        isinstance(events, list | tuple) and 0 < len(events) <= MAX_EVENTS,
        f"{where}.events",
        f"a list of 1 to {MAX_EVENTS}",
    )
    for index, event in enumerate(events):
        check.that(is_pattern(event), f"{where}.events[{index}]", _EVENT_EXPECTED)
    return ExternalService(
        Webhook(webhook["url"], method, dict(headers), timeout, retries, tuple(dict.fromkeys(events)))
    )


def is_url(url: object) -> bool:
    """Whether `url` is one that a service may be called by."""
    if not isinstance(url, str) or len(url) > 2_000 or re.search(r"[\x00-\x20\x7f]", url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_header(name: object, value: object) -> bool:
    if not isinstance(name, str) or not isinstance(value, str) or len(value) > 4_000:
        return False
    return _HEADER.fullmatch(name) is not None and value.isascii() and value.isprintable()


def _within(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
