"""A schema of the caller's own, such as `{"properties": {"course_id": {"type": "string"}}}`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from rocket_learning.errors import ConfigurationError, FieldError
from rocket_learning.events import is_absent, wire_name

_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: type(value) in (int, float),
    "integer": lambda value: type(value) is int or (type(value) is float and value.is_integer()),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, Sequence) and not isinstance(value, str | bytes),
}
_NUMBERS, _SIZED = ("number", "integer"), ("string", "array")
_KEYS = ("type", "required", "min", "max")


@dataclass(frozen=True, slots=True)
class _Rule:
    type: str
    required: bool
    min: float | None
    max: float | None


@dataclass(frozen=True, slots=True)
class EventSchema:
    """Rules by name, some of them in groups. Make one with `read`."""

    fields: Mapping[str, _Rule | EventSchema]

    @classmethod
    def read(cls, schema: Mapping[str, Any]) -> EventSchema:
        """Raises ConfigurationError, naming the path, for a schema that can't be meant."""
        return cls({wire_name(name): _field(value, name) for name, value in schema.items()})

    def errors(self, event: Mapping[str, Any]) -> list[FieldError]:
        """Everything in which a normalised event differs from the schema."""
        return _group_errors(self, event, "")


def _field(value: Any, path: str) -> _Rule | EventSchema:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{path}: must be a rule with a type, or a group of rules")
    if not isinstance(value.get("type"), str):
        return EventSchema({name: _field(inner, f"{path}.{name}") for name, inner in value.items()})
    for name in value:
        if name not in _KEYS:
            raise ConfigurationError(f"{path}.{name}: unknown; a rule has {', '.join(_KEYS)}")
    kind, required = value["type"], value.get("required", False)
    if kind not in _TYPES:
        raise ConfigurationError(f"{path}.type: {kind!r} is none of {', '.join(_TYPES)}")
    if not isinstance(required, bool):
        raise ConfigurationError(f"{path}.required: must be true or false")
    least, most = (_bound(value, name, kind, path) for name in ("min", "max"))
    if least is not None and most is not None and least > most:
        raise ConfigurationError(f"{path}.min: must not be more than max")
    return _Rule(kind, required, least, most)


def _bound(rule: Mapping[str, Any], name: str, kind: str, path: str) -> float | None:
    value = rule.get(name)
    if value is None:
        return None
    if kind not in _NUMBERS + _SIZED or type(value) not in (int, float):
        raise ConfigurationError(f"{path}.{name}: must be a number, for a number, a string or an array")
    return cast(float, value)


def _group_errors(group: EventSchema, values: Mapping[str, Any], prefix: str) -> list[FieldError]:
    errors = []
    for name, field in group.fields.items():
        value, path = values.get(name), prefix + name
        if isinstance(field, _Rule):
            message = _broken(field, value)
            errors += [] if message is None else [FieldError(path, message)]
        elif is_absent(value) or isinstance(value, Mapping):
            errors += _group_errors(field, value or {}, f"{path}.")
        else:
            errors.append(FieldError(path, "must be an object"))
    return errors


def _broken(rule: _Rule, value: Any) -> str | None:
    if is_absent(value):
        return "is required" if rule.required else None
    if not _TYPES[rule.type](value):
        return f"must be of type {rule.type}"
    size, unit = (value, "") if rule.type in _NUMBERS else (0, "")
    if rule.type in _SIZED:
        size, unit = len(value), " characters" if rule.type == "string" else " items"
    if rule.min is not None and size < rule.min:
        return f"must be at least {rule.min:g}{unit}"
    if rule.max is not None and size > rule.max:
        return f"must be at most {rule.max:g}{unit}"
    return None
