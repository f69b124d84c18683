"""Every call of the API: what the caller gives becomes a Call. Pure; the clients only send them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from rocket_learning import types
from rocket_learning.call import Call, get, post, segment
from rocket_learning.errors import FieldError, ValidationError
from rocket_learning.events import normalise_award, normalise_event
from rocket_learning.schema import EventSchema
from rocket_learning.settings import Settings
from rocket_learning.validation import (
    badge_errors,
    batch_size_error,
    event_errors,
    points_errors,
    user_id_error,
)

Json = Mapping[str, Any]
Time = datetime | str


class Context:
    """What calls are made with: the settings, and a schema of the caller's own, if there is one."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.schema: EventSchema | None = None

    def stamped(self, event: Any, path: str = "") -> tuple[Any, list[FieldError]]:
        """An event as it travels, and what is wrong with it, under paths that begin with `path`."""
        if not isinstance(event, Mapping):
            return event, [FieldError(path.rstrip("."), "must be an object")]
        try:
            normal = normalise_event(event, self.settings.clock, self.settings.new_id)
        except ValidationError as error:
            return event, _below(path, error.errors)
        if not self.settings.validate_events:
            return normal, []
        errors = event_errors(normal) + (self.schema.errors(normal) if self.schema else [])
        return normal, _below(path, errors)

    def checked(self, event: Json) -> dict[str, Any]:
        """An event as it travels. Raises ValidationError."""
        normal, errors = self.stamped(event)
        _refuse(errors)
        return dict(normal)


# Events


def track(
    context: Context,
    event: str,
    user_id: str,
    properties: Json | None = None,
    *,
    timestamp: Time | float | None = None,
    event_id: str | None = None,
    source: str | None = None,
    metadata: Json | None = None,
) -> Call[types.TrackedEvent]:
    """Tell the server that something happened, such as `lesson.completed`.

    Without `timestamp` it happened now. `event_id` is your own id of the event, by which it counts once for
    ever; without one, each call is an event of its own. Raises ValidationError before anything is sent.
    """
    fields = _event(event, user_id, properties, timestamp, event_id, source, metadata)
    return post("/v1/events", context.checked(fields))


def track_batch(context: Context, events: Iterable[Json]) -> Call[types.BatchAnswer]:
    """Tell of up to 10,000 events in one request; each has the fields of `track`.

    One that is wrong here lets nothing be sent: ValidationError names it. One that the server refuses is
    reported in `results`, and the others count.
    """
    given = list(events)
    size = batch_size_error(given)
    if size is not None:
        raise ValidationError([size])
    stamped = [context.stamped(event, f"events[{index}].") for index, event in enumerate(given)]
    _refuse([error for _, errors in stamped for error in errors])
    return send_batch(context, [event for event, _ in stamped])


def send_batch(_: Context, stamped: list[Any]) -> Call[types.BatchAnswer]:
    """A batch of events that were stamped and checked before."""
    return post("/v1/events/batch", {"events": stamped})


def validate(
    context: Context,
    event: str,
    user_id: str,
    properties: Json | None = None,
    *,
    timestamp: Time | float | None = None,
    event_id: str | None = None,
    source: str | None = None,
    metadata: Json | None = None,
) -> Call[types.Validation]:
    """Ask the server what it thinks of an event; nothing is stored, and nothing checked here."""
    fields = _event(event, user_id, properties, timestamp, event_id, source, metadata)
    settings = context.settings
    return post("/v1/events/validate", normalise_event(fields, settings.clock, settings.new_id))


def get_event(_: Context, event_id: str) -> Call[types.ExplainedEvent]:
    """One stored event with what every rule says about it, by the server's id."""
    return get(f"/v1/events/{_id(event_id, 'event_id')}")


def list_events(
    _: Context,
    *,
    user_id: str | None = None,
    event: str | None = None,
    source: str | None = None,
    status: Literal["processed", "ignored", "held", "failed"] | None = None,
    since: Time | None = None,
    until: Time | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[types.EventPage]:
    """Stored events, the latest received first; `cursor` is the `next_cursor` of the page before."""
    return get(
        "/v1/events",
        user_id=user_id,
        event=event,
        source=source,
        status=status,
        since=since,
        until=until,
        limit=limit,
        cursor=cursor,
    )


# Points


def award_points(
    context: Context,
    user_id: str,
    points: int,
    reason: str,
    *,
    metadata: Json | None = None,
    idempotency_key: str | None = None,
) -> Call[types.Moved]:
    """Give points (1 to 1,000,000) to a learner, who is made where they aren't known.

    A key is made for the call, so that its retries count once. Give one of your own, such as an order's
    number, where the call itself may be repeated.
    """
    body = {"user_id": user_id, "points": points, "reason": reason, "metadata": metadata}
    return move_points(context, "/v1/points/award", body, idempotency_key)


def deduct_points(
    context: Context,
    user_id: str,
    points: int,
    reason: str,
    *,
    metadata: Json | None = None,
    idempotency_key: str | None = None,
) -> Call[types.Moved]:
    """Spend a learner's points; more than there are is an InsufficientPointsError. Keys as in `award`."""
    body = {"user_id": user_id, "points": points, "reason": reason, "metadata": metadata}
    return move_points(context, "/v1/points/deduct", body, idempotency_key)


def move_points(context: Context, path: str, given: Json, idempotency_key: str | None) -> Call[Any]:
    """An award or a deduction; a key is made where none is given."""
    body = normalise_award(given)
    key = idempotency_key or context.settings.new_id()
    _refuse(points_errors(body, key))
    return post(path, body, key)


# Badges


def award_badge(
    context: Context,
    user_id: str,
    badge_id: str,
    *,
    metadata: Json | None = None,
    idempotency_key: str | None = None,
) -> Call[types.BadgeAwarded]:
    """Give a badge to a learner; who holds it already is answered `already_held`.

    A badge that is repeatable is given again and again; keys as in `points.award`.
    """
    body = {"user_id": user_id, "badge_id": badge_id, "metadata": metadata}
    return give_badge(context, body, idempotency_key)


def give_badge(context: Context, given: Json, idempotency_key: str | None) -> Call[types.BadgeAwarded]:
    """An award of a badge; a key is made where none is given."""
    body = normalise_award(given)
    key = idempotency_key or context.settings.new_id()
    _refuse(badge_errors(body, key))
    return post("/v1/badges/award", body, key)


def get_badge(_: Context, badge_id: str) -> Call[types.Badge]:
    """One badge of the organisation."""
    return get(f"/v1/badges/{_id(badge_id, 'badge_id')}")


def list_badges(_: Context, *, limit: int | None = None, cursor: str | None = None) -> Call[types.BadgePage]:
    """The organisation's badges, in the order of their ids."""
    return get("/v1/badges", limit=limit, cursor=cursor)


# Learners


def get_balance(_: Context, user_id: str) -> Call[types.Balance]:
    """A learner's points, rank and streak."""
    return get(_user(user_id, "/balance"))


def get_rank(_: Context, user_id: str) -> Call[types.Rank]:
    """A learner's rank, what it is good for, and the next one."""
    return get(_user(user_id, "/rank"))


def get_ledger(
    _: Context, user_id: str, *, limit: int | None = None, cursor: str | None = None
) -> Call[types.LedgerPage]:
    """A learner's movements of points, the latest first."""
    return get(_user(user_id, "/ledger"), limit=limit, cursor=cursor)


def get_badges(
    _: Context,
    user_id: str,
    *,
    include_revoked: bool | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[types.HeldBadgePage]:
    """A learner's badges, the latest first."""
    return get(_user(user_id, "/badges"), include_revoked=include_revoked, limit=limit, cursor=cursor)


def get_limits(
    _: Context, user_id: str, *, limit: int | None = None, cursor: str | None = None
) -> Call[types.LimitPage]:
    """What a learner has used of each rule's caps, and what is left."""
    return get(_user(user_id, "/limits"), limit=limit, cursor=cursor)


def get_events(
    _: Context, user_id: str, *, limit: int | None = None, cursor: str | None = None
) -> Call[types.EventPage]:
    """A learner's events with their decisions, the latest received first."""
    return get(_user(user_id, "/events"), limit=limit, cursor=cursor)


def get_user(_: Context, user_id: str) -> Call[types.User]:
    """A learner by any of their identities."""
    return get(_user(user_id))


def search_users(
    _: Context, *, email: str | None = None, q: str | None = None, limit: int | None = None
) -> Call[types.UserPage]:
    """Who has an e-mail address, or whose name, address or identity begins with `q`; one of the two."""
    return get("/v1/users/search", email=email, q=q, limit=limit)


# Others


def get_leaderboard(
    _: Context,
    *,
    course: str | None = None,
    period: Literal["all", "week", "month"] | None = None,
    at: str | None = None,
    around: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[types.Leaderboard]:
    """Who has earned most, in all or in the week or month of a day `at` (`2026-01-31`)."""
    return get(
        "/v1/leaderboard", course=course, period=period, at=at, around=around, limit=limit, cursor=cursor
    )


def list_rules(
    _: Context,
    *,
    active: bool | None = None,
    status: Literal["draft", "active", "inactive"] | None = None,
    event: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[types.RulePage]:
    """The latest version of each rule."""
    return get("/v1/rules", active=active, status=status, event=event, limit=limit, cursor=cursor)


def get_rule(_: Context, rule_id: str, *, version: int | None = None) -> Call[types.Rule]:
    """A rule as it is, or as it was in a version."""
    return get(f"/v1/rules/{_id(rule_id, 'rule_id')}", version=version)


def list_templates(_: Context) -> Call[types.TemplatePage]:
    """The ready-made rules, and which of them are on."""
    return get("/v1/rules/templates")


def health(_: Context) -> Call[types.Health]:
    """Whether the server and each of its parts work."""
    return get("/v1/health")


def _event(
    event: str,
    user_id: str,
    properties: Json | None,
    timestamp: Time | float | None,
    event_id: str | None,
    source: str | None,
    metadata: Json | None,
) -> dict[str, Any]:
    return {
        "event": event,
        "user_id": user_id,
        "properties": properties,
        "timestamp": timestamp,
        "event_id": event_id,
        "source": source,
        "metadata": metadata,
    }


def _refuse(errors: list[FieldError]) -> None:
    found: dict[str, FieldError] = {}
    for error in errors:
        found.setdefault(error.path, error)
    if found:
        raise ValidationError(list(found.values()))


def _below(path: str, errors: Iterable[FieldError]) -> list[FieldError]:
    return [FieldError(path + error.path, error.message) for error in errors]


def _user(user_id: str, rest: str = "") -> str:
    message = user_id_error(user_id)
    if message is not None:
        raise ValidationError([FieldError("user_id", message)])
    return f"/v1/users/{_id(user_id, 'user_id')}{rest}"


def _id(value: str, name: str) -> str:
    """An id as part of a path: never one that would make another address of it."""
    if not value or value in (".", ".."):
        raise ValidationError([FieldError(name, "can't be asked for")])
    return segment(value)
