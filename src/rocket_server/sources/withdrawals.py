"""What takes back what: a deleted post, a removed submission, a module that was reopened; pure.

An event that can be taken back states that something stands, and the event that withdraws it states that it
doesn't any more. The latest statement about one thing counts, whatever arrived first.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from rocket_server.catalogue import EVENT_NAME, Activity, Withdraws
from rocket_server.conditions.values import as_text
from rocket_server.errors import FieldError
from rocket_server.events.model import CompletionState, Event

# Names a subject that is no module: no id may hold it.
_MARK: Final = "\x1f"
_MAX_VALUE: Final = 200
_BY_COMPLETION: Final = ("lesson.completed", "lesson.reopened")
# What other platforms than Moodle take back; as in the catalogue, from every source.
_ANYWHERE: Final[dict[str, Withdraws]] = {
    "course.unenrolled": Withdraws("course.enrolled", "course_id"),
    "order.refunded": Withdraws("order.created", "order_id"),
}


class Sought(NamedTuple):
    """By what the events that a withdrawal takes back are found: name, module, the value of a property."""

    event: str
    by: str
    value: str
    module: str


class Statement(NamedTuple):
    """What an event says about one thing. `subject` is a module's `lesson_id`, or else made from `sought`."""

    subject: str
    state: CompletionState
    sought: Sought | None = None


class Withdrawals:
    """Which events withdraw which in an organisation, by the names of both.

    The catalogue's hold for every source, whether it is a platform or a caller of the API; a source's own
    mappings add to them for itself.
    """

    def __init__(
        self, activities: Mapping[str, Activity], mappings: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        """`mappings` are those of each source, by its name."""
        common = _ANYWHERE | {
            one.event: one.withdraws for one in activities.values() if one.withdraws is not None
        }
        self._common = _Withdrawals(common)
        self._own = {
            name: _Withdrawals(common | own)
            for name, mapping in (mappings or {}).items()
            if (own := _own(activities, mapping))
        }

    @property
    def names(self) -> list[str]:
        """The names of events that withdraw others."""
        return sorted(
            frozenset(self._common.withdrawing).union(*(one.withdrawing for one in self._own.values()))
        )

    @property
    def named_by(self) -> list[tuple[str, str]]:
        """Events that withdraw, or are withdrawn, each with the property that names the thing."""
        pairs = {
            (name, one.by)
            for own in (self._common, *self._own.values())
            for withdrawing, one in own.withdrawing.items()
            for name in (withdrawing, one.event)
        }
        return sorted(pairs)

    def stated(self, event: Event) -> Statement | None:
        """What an event states; None for one that says nothing about anything."""
        if event.completion is not None:
            lesson_id = event.properties.get("lesson_id")
            return Statement(lesson_id, event.completion) if isinstance(lesson_id, str) else None
        return self._own.get(event.source, self._common).stated(event)

    def of_author(self, event: Event) -> Statement | None:
        """What an event takes back from its author, whoever is named as having done it; None for others."""
        own = self._own.get(event.source, self._common)
        withdraws = own.withdrawing.get(event.event)
        if withdraws is None or not withdraws.author:
            return None
        statement = own.stated(event)
        return statement if statement is not None and statement.state == "reopened" else None


class _Withdrawals:
    """As `Withdrawals`, for one source."""

    def __init__(self, withdrawing: Mapping[str, Withdraws]) -> None:
        self.withdrawing = withdrawing
        self._by = {one.event: one.by for one in withdrawing.values()}

    def stated(self, event: Event) -> Statement | None:
        withdraws = self.withdrawing.get(event.event)
        if withdraws is None:
            return self._statement(event, event.event, "completed") if event.event in self._by else None
        if all(as_text(event.properties.get(name)) in allowed for name, allowed in withdraws.when.items()):
            return self._statement(event, withdraws.event, "reopened")
        return None

    def _statement(self, event: Event, name: str, state: CompletionState) -> Statement | None:
        by = self._by[name]
        value = as_text(event.properties.get(by))
        if not value:
            return None
        sought = Sought(name, by, value, as_text(event.properties.get("module")) or "")
        if len(value) > _MAX_VALUE:
            value = f"#{blake2b(value.encode(), digest_size=16).hexdigest()}"
        return Statement(f"{_MARK}{name} {sought.module[:_MAX_VALUE]} {value}", state, sought)


def is_module(statement: Statement) -> bool:
    """Whether a statement is about the completion of a module."""
    return statement.sought is None


def _own(activities: Mapping[str, Activity], mappings: Mapping[str, Any]) -> dict[str, Withdraws]:
    """What a source's mappings say that its events withdraw."""
    own = mappings.get("withdraws")
    if isinstance(own, Mapping):  # a custom platform's: by the name of the event that withdraws
        written = list(own.items())
    else:
        written = [
            (mapping.get("event") or (activities[name].event if name in activities else None), withdraws)
            for name, mapping in mappings.items()
            if isinstance(mapping, Mapping) and (withdraws := mapping.get("withdraws")) is not None
        ]
    return {
        name: _read(withdraws)
        for name, withdraws in written
        if isinstance(name, str) and not faults(withdraws, "")
    }


def faults(written: Any, path: str) -> list[FieldError]:
    """What is wrong with the `withdraws` of a mapping: an event's name, or an object."""
    if isinstance(written, str):
        written = {"event": written}
    if not isinstance(written, Mapping):
        return [FieldError(path, "must be the name of an event, or an object with event, by and when")]
    errors = [FieldError(f"{path}.{name}", "is not known here") for name in written if name not in _FIELDS]
    event, by, when = written.get("event"), written.get("by", "object_id"), written.get("when", {})
    if not isinstance(event, str) or EVENT_NAME.fullmatch(event) is None:
        errors.append(FieldError(f"{path}.event", "must look like domain.action, in lower-case letters"))
    elif event in _BY_COMPLETION:
        errors.append(FieldError(f"{path}.event", "is withdrawn by lesson.reopened; map to that event"))
    if not isinstance(by, str) or not by.isidentifier():
        errors.append(FieldError(f"{path}.by", "must be the name of a property that both events have"))
    if not isinstance(when, Mapping) or not all(
        isinstance(name, str) and isinstance(allowed, list) and all(isinstance(one, str) for one in allowed)
        for name, allowed in when.items()
    ):
        errors.append(FieldError(f"{path}.when", "must be an object with a list of texts for each property"))
    return errors


_FIELDS: Final = frozenset({"event", "by", "when"})


def _read(written: Any) -> Withdraws:
    if isinstance(written, str):
        return Withdraws(written)
    when = {name: tuple(allowed) for name, allowed in written.get("when", {}).items()}
    return Withdraws(written["event"], written.get("by", "object_id"), when)
