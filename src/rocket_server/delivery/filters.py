"""Which events a webhook's filters let pass: the conditions of rules, asked of what a body says. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from msgspec.structs import replace

from rocket_server.conditions.matching import compile_condition
from rocket_server.conditions.matching import weight as condition_weight
from rocket_server.conditions.reading import Problems, read_conditions
from rocket_server.conditions.values import as_time
from rocket_server.errors import FieldError
from rocket_server.events.model import Event

Filter = Callable[[Event], bool]

# What is told of itself by this server has this source, as its own events have.
_OWN_SOURCE: Final = "rocket"
_POINTS: Final = "points_awarded"


def faults(filters: Any, path: str = "filters") -> list[FieldError]:
    """What is wrong with filters as they were sent; nothing where they can be compiled."""
    problems = Problems()
    read_conditions(filters, path, problems)
    return problems.errors


def compile_filters(filters: Mapping[str, Any], zone: tzinfo) -> Filter | None:
    """A closure that says whether an event passes; None where every event does.

    Times without an offset are in `zone`. Raises ValueError for filters that `faults` finds fault with.
    """
    if not filters:
        return None
    problems = Problems()
    condition = read_conditions(filters, "filters", problems)
    if problems.errors:
        raise ValueError(f"{problems.errors[0].path}: {problems.errors[0].message}")
    return compile_condition(condition, zone)


def weight(filters: Mapping[str, Any]) -> int:
    """What asking such filters costs, in comparisons of values. They are ones that can be compiled."""
    return condition_weight(read_conditions(filters, "filters", Problems()))


def view(event: Event, points: int) -> Event:
    """An event as filters see it: what it earned stands among its properties, where paths are looked up."""
    return replace(event, properties={**event.properties, _POINTS: points})


def view_of_stored(row: Mapping[str, Any]) -> Event:
    """A stored event as filters see it. `row` has the columns `event`, `source`, `user_id`, `occurred_at`,
    `properties`, `metadata` and `points_awarded`."""
    return Event(
        event=row["event"],
        source=row["source"],
        user_id=row["user_id"],
        occurred_at=row["occurred_at"],
        properties={**row["properties"], _POINTS: row["points_awarded"]},
        metadata=row["metadata"],
        dedupe_key=b"",
    )


def view_of_body(body: Mapping[str, Any], event: str, created_at: datetime) -> Event:
    """A message as filters see it, made from the `rocket` body that it was stored with."""
    return Event(
        event=event,
        source=_OWN_SOURCE,
        user_id=body.get("user_id"),
        occurred_at=as_time(body.get("timestamp"), UTC) or created_at,
        properties={**(body.get("properties") or {}), _POINTS: body.get(_POINTS)},
        metadata=body.get("metadata") or {},
        dedupe_key=b"",
    )
