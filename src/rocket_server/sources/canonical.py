"""The canonical spelling of an event, turned into the flat one in which events are read and stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rocket_server.errors import FieldError
from rocket_server.sources import checks
from rocket_server.sources.checks import Fault, is_absent

FLAT_FIELDS = frozenset(
    {"event", "user_id", "timestamp", "properties", "metadata", "event_id", "id", "source"}
)
MAX_IDENTITIES = 20

_OBJECTS = ("user", "context", "metrics", "trace")
_CANONICAL_FIELDS = frozenset({"occurred_at", *_OBJECTS})


@dataclass(slots=True)
class Flattened:
    """A flat event made from another spelling, and under which name each of its fields was sent."""

    fields: dict[str, Any] = field(default_factory=dict)
    email: str | None = None
    identities: tuple[str, ...] = ()
    errors: list[FieldError] = field(default_factory=list)
    sent_as: dict[str, str] = field(default_factory=dict)  # flat path → path in the body

    def path_as_sent(self, path: str) -> str:
        """The path under which the caller knows the field at flat `path`, or something inside it."""
        for flat_path, sent_path in self.sent_as.items():
            rest = path[len(flat_path) :]
            if path.startswith(flat_path) and (not rest or rest[0] in ".["):
                return sent_path + rest
        return path

    def fault(self, path: str, message: str) -> None:
        """Note an error, under the path as it was sent."""
        if len(self.errors) < checks.MAX_ERRORS:
            self.errors.append(FieldError(path, message))

    def put(self, target: dict[str, Any], key: str, value: Any, *, flat_path: str, sent_path: str) -> None:
        """Set `target[key]`, unless the flat spelling of the same field says something else already."""
        if is_absent(value):
            return
        present = target.get(key)
        if is_absent(present):
            target[key] = value
            self.sent_as[flat_path] = sent_path
        elif len(self.errors) < checks.MAX_ERRORS and not _is_same(present, value):
            self.fault(sent_path, f"contradicts {self.path_as_sent(flat_path)}, which is sent as well")


def flatten(data: dict[str, Any]) -> Flattened:
    """The flat form of an event in canonical spelling, of a mixture, or with fields of unknown names.

    A mixture is taken as long as no field is sent twice with different values. Unknown fields of the top
    level are kept in `metadata`, under a name that is free there.
    """
    result = Flattened()
    flat = result.fields
    for name in FLAT_FIELDS & data.keys():
        flat[name] = data[name]
    for name in ("properties", "metadata"):
        given = flat.get(name)
        flat[name] = dict(given) if type(given) is dict else ({} if _is_empty(given) else given)
    parts = {name: _object(result, data, name) for name in _OBJECTS}
    _name_required(result, data)

    result.put(flat, "timestamp", data.get("occurred_at"), flat_path="timestamp", sent_path="occurred_at")
    _read_user(result, parts["user"])
    _spread(result, "properties", "context", parts["context"], nested=True)
    _spread(result, "properties", "metrics", parts["metrics"])
    _spread(result, "metadata", "trace", parts["trace"])
    lms_event_id = parts["trace"].get("lms_event_id")
    if not is_absent(lms_event_id):
        flat["id"] = lms_event_id
        result.sent_as["id"] = "trace.lms_event_id"
    _keep_unknown(result, data)
    return result


def _is_same(one: Any, other: Any) -> bool:
    """Equal scalars of one type. Objects and lists are never compared: they may be deep beyond bounds."""
    return type(one) is type(other) and type(one) is not dict and type(one) is not list and bool(one == other)


def _is_empty(value: Any) -> bool:
    """Absent, or the empty list that PHP writes for an empty object."""
    return is_absent(value) or value == []


def _object(result: Flattened, data: dict[str, Any], name: str) -> dict[str, Any]:
    given = data.get(name)
    if type(given) is dict:
        return given
    if not _is_empty(given):
        result.fault(name, "must be an object")
    return {}


def _name_required(result: Flattened, data: dict[str, Any]) -> None:
    """Which spelling's names a caller should read in an error about a required field that isn't there."""
    if "user" in data or "occurred_at" in data:
        if "user_id" not in data:
            result.sent_as["user_id"] = "user.id"
        if "timestamp" not in data:
            result.sent_as["timestamp"] = "occurred_at"


def _read_user(result: Flattened, user: dict[str, Any]) -> None:
    """`user.id`, `user.email` and `user.external_ids`. Other fields of a person are left out on purpose:
    what isn't stored needs no protection."""
    result.put(result.fields, "user_id", user.get("id"), flat_path="user_id", sent_path="user.id")
    try:
        given = user.get("email")
        result.email = None if is_absent(given) else checks.email(given)
    except Fault as fault:
        result.fault("user.email", str(fault))
    result.identities = external_identities(user.get("external_ids"), "user.external_ids", result.fault)


def external_identities(given: Any, path: str, fault: Callable[[str, str], None]) -> tuple[str, ...]:
    """`{"moodle": "8774"}` or `["moodle:8774"]` → `("moodle:8774",)`, in the order sent, each once. What is
    wrong is told to `fault` with its path, which begins with `path`."""
    if _is_empty(given):
        return ()
    if type(given) is not dict and type(given) is not list:
        fault(path, 'must be an object such as {"moodle": "8774"} or a list such as ["moodle:8774"]')
        return ()
    if len(given) > MAX_IDENTITIES:
        fault(path, f"must have at most {MAX_IDENTITIES} entries, has {len(given)}")
        return ()
    identities: dict[str, None] = {}
    for where, source, value in _pairs(given, path):
        if is_absent(value):
            continue
        try:
            identities[_identity(source, value)] = None
        except Fault as wrong:
            fault(where, str(wrong))
    return tuple(identities)


def _pairs(given: dict[str, Any] | list[Any], path: str) -> list[tuple[str, Any, Any]]:
    if isinstance(given, dict):
        return [(f"{path}.{source}", source, value) for source, value in given.items()]
    return [(f"{path}[{index}]", None, value) for index, value in enumerate(given)]


def _identity(source: Any, value: Any) -> str:
    if source is None:
        name, colon, _ = checks.user_id(value).partition(":")
        if not colon:
            raise Fault('must be "<source>:<id>", such as "moodle:8774"')
        source, value = name, value[len(name) + 1 :]
    checks.source_name(source)
    if ":" in source:
        raise Fault("must not have a colon in the source's name")
    return checks.user_id(f"{source}:{checks.user_id(checks.identifier(value))}")


def _spread(
    result: Flattened, target: str, name: str, given: dict[str, Any], *, nested: bool = False
) -> None:
    """Put each field of `given` into `properties` or `metadata`; nested, `course.id` becomes `course_id`."""
    fields = result.fields[target]
    if type(fields) is not dict:  # said to be wrong where the flat form is read
        return
    for key, value in given.items():
        is_part = nested and isinstance(value, dict)
        for inner, inner_value in value.items() if is_part else (("", value),):
            if is_absent(inner_value):
                continue
            if len(fields) > checks.MAX_KEYS or len(result.errors) >= checks.MAX_ERRORS:
                return  # refused anyway; what follows could be a million fields
            flat_key, sent_key = (f"{key}_{inner}", f"{key}.{inner}") if is_part else (key, key)
            flat_path, sent_path = f"{target}.{flat_key}", f"{name}.{sent_key}"
            result.put(fields, flat_key, inner_value, flat_path=flat_path, sent_path=sent_path)


def _keep_unknown(result: Flattened, data: dict[str, Any]) -> None:
    metadata = result.fields["metadata"]
    if type(metadata) is not dict:
        return
    for key, value in data.items():
        if len(metadata) > checks.MAX_KEYS:
            return  # refused anyway
        if key not in FLAT_FIELDS and key not in _CANONICAL_FIELDS and key not in metadata:
            metadata[key] = value
            result.sent_as[f"metadata.{key}"] = key
