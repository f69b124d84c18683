"""What an administrator sets of a webhook, read from JSON with every fault named at once. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import msgspec

from rocket_server.conditions.reading import Problems, is_clean, join, quoted
from rocket_server.delivery import filters as event_filters
from rocket_server.delivery.headers import check_headers
from rocket_server.delivery.model import Format
from rocket_server.delivery.signing import secret_bytes
from rocket_server.errors import FieldError, InvalidPayload

MAX_EVENTS: Final = 100
MAX_EVENT_CHARACTERS: Final = 100
MAX_HEADERS: Final = 20
MAX_HEADER_NAME_CHARACTERS: Final = 100
MAX_HEADER_VALUE_CHARACTERS: Final = 1_000
MAX_DESCRIPTION_CHARACTERS: Final = 500
MAX_FILTERS_BYTES: Final = 64 * 1024

# How a header's value is shown, and what keeps it as it is where it is sent back.
MASKED: Final = "***"

_PATTERN: Final = re.compile(r"\*|[a-z]+\.\*|[a-z]+\.[a-z_]+")
_RESERVED_PREFIX: Final = "webhook-"

CheckUrl = Callable[[str], str]  # the URL as it is called; raises InvalidPayload naming `url`


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """What a webhook is set to. The defaults are those of a new one."""

    url: str
    events: tuple[str, ...]
    description: str = ""
    filters: Mapping[str, Any] = field(default_factory=dict)
    format: Format = "rocket"
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_ms: int = 10_000
    max_attempts: int = 4
    throttle_per_s: float | None = None
    enabled: bool = True

    def as_dict(self) -> dict[str, Any]:
        """As answers show them: the values of headers masked, for one of them is often a credential."""
        shown = asdict(self)
        shown["events"] = list(self.events)
        shown["headers"] = dict.fromkeys(self.headers, MASKED)
        shown["timeout_s"] = shown.pop("timeout_ms") / 1000
        if faults := event_filters.faults(self.filters):
            # Good when they were stored, such as a pattern of an earlier release; nothing passes them now.
            shown["filters_fault"] = f"{faults[0].path}: {faults[0].message}"
        return shown


def read_new(data: Any, check_url: CheckUrl) -> tuple[EndpointSettings, str | None]:
    """The settings of a new webhook, and the secret that was brought for it.

    Raises InvalidPayload, which names every faulty field.
    """
    reading = _Reading(data, (*_READERS, "secret"), check_url)
    for name in ("url", "events"):
        if name not in reading.data:
            reading.problems.add(name, "is required")
    changes = reading.changes({})
    secret = reading.data.get("secret")
    if secret is not None:
        try:
            secret_bytes(_text(secret, "secret"))
        except InvalidPayload as fault:
            reading.keep(fault)
    reading.finish()
    return EndpointSettings(**changes), secret


def read_change(data: Any, current: EndpointSettings, check_url: CheckUrl) -> EndpointSettings:
    """`current` with what `data` changes; what isn't sent stays, and null stands for the default.

    A header whose value is MASKED keeps the one that it has. Raises InvalidPayload, which names every faulty
    field.
    """
    reading = _Reading(data, (*_READERS, "secret"), check_url)
    if "secret" in reading.data:
        reading.problems.add("secret", "is changed by POST /v1/webhooks/{id}/rotate-secret")
    changes = reading.changes(current.headers)
    reading.finish()
    return replace(current, **changes)


class _Reading:
    """One request's body on its way to settings."""

    def __init__(self, data: Any, known: tuple[str, ...], check_url: CheckUrl) -> None:
        if not isinstance(data, Mapping):
            raise InvalidPayload("The body is not an object of settings.", {"expected": "an object"})
        self.data = data
        self.problems = Problems()
        self.check_url = check_url
        for name in data:
            if name not in known:
                self.problems.unknown("", name, known)

    def changes(self, headers: Mapping[str, str]) -> dict[str, Any]:
        """Field → value of everything that was sent; `headers` are those that there are."""
        found: dict[str, Any] = {}
        for name, read in _READERS.items():
            if name not in self.data:
                continue
            value = self.data[name]
            if value is None:
                if name in _DEFAULTS:
                    found |= _DEFAULTS[name]
                else:
                    self.problems.add(name, "must not be null")
            elif name == "headers":
                found["headers"] = _read_headers(value, headers, self.problems)
            else:
                try:
                    found |= read(self, value)
                except InvalidPayload as fault:
                    self.keep(fault)
        return found

    def keep(self, fault: InvalidPayload) -> None:
        """Keep what was found at fault, to be named with the rest."""
        for error in fault.details["errors"]:
            self.problems.add(error["path"], error["message"])

    def finish(self) -> None:
        if self.problems.errors:
            raise InvalidPayload.from_fields(self.problems.errors)


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise InvalidPayload.field(path, "expected text")
    if not is_clean(value):
        raise InvalidPayload.field(path, "expected text without control characters")
    return value


def _url(reading: _Reading, value: Any) -> dict[str, Any]:
    return {"url": reading.check_url(_text(value, "url"))}


def _description(_reading: _Reading, value: Any) -> dict[str, Any]:
    if len(_text(value, "description")) > MAX_DESCRIPTION_CHARACTERS:
        message = f"must have at most {MAX_DESCRIPTION_CHARACTERS} characters"
        raise InvalidPayload.field("description", message)
    return {"description": value}


def _events(reading: _Reading, value: Any) -> dict[str, Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_EVENTS:
        raise InvalidPayload.field("events", f"expected a list of 1 to {MAX_EVENTS} names")
    for index, name in enumerate(value):
        fits = isinstance(name, str) and len(name) <= MAX_EVENT_CHARACTERS and _PATTERN.fullmatch(name)
        if not fits:
            reading.problems.add(
                f"events[{index}]", "expected a name such as course.completed, or quiz.*, or *"
            )
    return {"events": tuple(dict.fromkeys(str(name) for name in value))}


def _filters(reading: _Reading, value: Any) -> dict[str, Any]:
    faults = event_filters.faults(value)
    for fault in faults:
        reading.problems.add(fault.path, fault.message)
    if not faults and len(msgspec.json.encode(value)) > MAX_FILTERS_BYTES:
        reading.problems.add("filters", f"expected at most {MAX_FILTERS_BYTES} bytes of JSON")
    return {"filters": value}


def _format(_reading: _Reading, value: Any) -> dict[str, Any]:
    if value not in ("rocket", "assessment"):
        raise InvalidPayload.field("format", "expected rocket or assessment")
    return {"format": value}


def _timeout(_reading: _Reading, value: Any) -> dict[str, Any]:
    return {"timeout_ms": round(_number("timeout_s", value, 0.1, 60) * 1000)}


def _max_attempts(_reading: _Reading, value: Any) -> dict[str, Any]:
    number = _number("max_attempts", value, 1, 20)
    if not float(number).is_integer():
        raise InvalidPayload.field("max_attempts", "expected a whole number from 1 to 20")
    return {"max_attempts": int(number)}


def _throttle(_reading: _Reading, value: Any) -> dict[str, Any]:
    return {"throttle_per_s": float(_number("throttle_per_s", value, 0.001, 10_000))}


def _enabled(_reading: _Reading, value: Any) -> dict[str, Any]:
    if not isinstance(value, bool):
        raise InvalidPayload.field("enabled", "expected true or false")
    return {"enabled": value}


_READERS: Final[Mapping[str, Callable[[_Reading, Any], dict[str, Any]]]] = {
    "url": _url,
    "description": _description,
    "events": _events,
    "filters": _filters,
    "format": _format,
    "headers": lambda _reading, value: {"headers": value},  # read with those that there are
    "timeout_s": _timeout,
    "max_attempts": _max_attempts,
    "throttle_per_s": _throttle,
    "enabled": _enabled,
}
_DEFAULTS: Final[Mapping[str, dict[str, Any]]] = {
    "description": {"description": ""},
    "filters": {"filters": {}},
    "format": {"format": "rocket"},
    "headers": {"headers": {}},
    "timeout_s": {"timeout_ms": 10_000},
    "max_attempts": {"max_attempts": 4},
    "throttle_per_s": {"throttle_per_s": None},
}


def _number(path: str, value: Any, low: float, high: float) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidPayload.field(path, f"expected a number from {low} to {high}, not {quoted(value)}")
    if not math.isfinite(value) or not low <= value <= high:
        raise InvalidPayload.field(path, f"expected a number from {low} to {high}")
    return value


def _read_headers(value: Any, current: Mapping[str, str], problems: Problems) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > MAX_HEADERS:
        problems.add("headers", f"expected an object of at most {MAX_HEADERS} headers")
        return {}
    kept = {name.lower(): text for name, text in current.items()}
    found: dict[str, str] = {}
    seen: set[str] = set()
    for name, text in value.items():
        path = join("headers", name)
        lowered = name.lower()
        if len(name) > MAX_HEADER_NAME_CHARACTERS:
            problems.add(path, f"expected a name of at most {MAX_HEADER_NAME_CHARACTERS} characters")
        elif lowered.startswith(_RESERVED_PREFIX):
            problems.add(path, "begins as the headers that every delivery has of its own")
        elif lowered in seen:
            problems.add(path, "stands here twice, in another case")
        elif text == MASKED:
            if lowered in kept:
                found[name] = kept[lowered]
            else:
                problems.add(path, f"{MASKED} keeps a value, and this header has none yet")
        elif not isinstance(text, str) or not text or len(text) > MAX_HEADER_VALUE_CHARACTERS:
            problems.add(path, f"expected text of 1 to {MAX_HEADER_VALUE_CHARACTERS} characters")
        elif not is_clean(name) or not is_clean(text):
            problems.add(path, "expected text without control characters")
        else:
            problems.errors.extend(_faults(name, text))
            found[name] = text
        seen.add(lowered)
    return found


def _faults(name: str, text: str) -> list[FieldError]:
    try:
        check_headers({name: text})
    except InvalidPayload as fault:
        return [FieldError(error["path"], error["message"]) for error in fault.details["errors"]]
    return []
