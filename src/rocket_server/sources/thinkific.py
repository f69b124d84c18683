"""The webhooks of Thinkific: `{id, resource, action, created_at, payload}`, or `{topic, created_at, …}`.

The first form is that of https://support.thinkific.dev/hc/en-us/articles/4422658311703.
Thinkific sends one event again under the same id; without an id, what is once is the fact."""

from __future__ import annotations

from typing import Any, Final

from rocket_server.events.model import Event
from rocket_server.sources import adapter, checks, parts
from rocket_server.sources.adapter import ReadingContext
from rocket_server.sources.parts import Parts
from rocket_server.sources.signatures import Scheme

SCHEME: Final = Scheme(field="hmac")
UNKNOWN: Final = "thinkific.unknown"

_EVENTS: Final = {
    "course.completed": "course.completed",
    "enrollment.completed": "course.completed",
    "enrollment.created": "course.enrolled",
    "enrollment.progress": "course.progressed",
    "enrollment.trial": "course.previewed",
    "lesson.completed": "lesson.completed",
    "quiz.attempted": "quiz.completed",
    "user.signup": "user.joined",
    "user.signin": "user.logged_in",
    "user.updated": "user.updated",
    "user.deleted": "user.deleted",
    "order.created": "order.created",
    "order_transaction.succeeded": "order.paid",
    "order_transaction.failed": "order.payment_failed",
    "order_transaction.refunded": "order.refunded",
    "subscription.cancelled": "subscription.cancelled",
    "subscription.canceled": "subscription.cancelled",
    "subscription.past_due": "subscription.past_due",
    "subscription.unpaid": "subscription.unpaid",
}
# About the site, or about a visitor: nobody learned anything.
_NOBODYS: Final = {
    "lead.created": "lead.created",
    "course.created": "site.course_created",
    "course.updated": "site.course_updated",
    "course.deleted": "site.course_deleted",
    "product.created": "site.product_created",
    "product.updated": "site.product_updated",
    "product.deleted": "site.product_deleted",
    "plan.updated": "site.plan_updated",
    "app.uninstalled": "site.app_uninstalled",
}
_NO_LEARNER: Final = "no_learner: {} says nothing about a learner"
_LEARNER: Final = ("payload.user.id", "payload.user_id", "payload.order.user.id")
_WITH_COURSE: Final = frozenset(
    {"course.completed", "course.enrolled", "course.progressed", "lesson.completed"}
)


def read(fields: dict[str, Any], context: ReadingContext) -> Event:
    """The event in a body. Raises InvalidPayload, which names every field that can't be read."""
    fields = {name: value for name, value in fields.items() if name != "hmac"}
    source = context.source
    body = Parts(fields, context)
    topic = _topic(body)
    body.object("payload")
    event_id = body.text("id", reader=checks.event_id)
    name = _EVENTS.get(topic) or _NOBODYS.get(topic, UNKNOWN)
    occurred_at = body.time(
        "created_at",
        "timestamp",
        required=topic in _EVENTS,
    )
    user_id = None
    if topic in _EVENTS:
        # A body about a user is their account; others name it.
        user_id = body.learner(*_LEARNER, *(("payload.id",) if topic.startswith("user.") else ()))
    properties = _properties(body, name)
    if body.errors:
        body.refuse()
    ignored = None
    if name == UNKNOWN:
        ignored = f"unknown_event: nothing here counts {checks.printable_path(topic)}"
    elif topic in _NOBODYS:
        ignored = _NO_LEARNER.format(topic)
    key: tuple[str, ...]
    if event_id is not None:
        key = (event_id,)
    elif user_id is None:
        key = (parts.digest(fields),)
    else:
        thing = (str(properties.get(one, "")) for one in ("course_id", "lesson_id", "attempt_id", "order_id"))
        progress = str(properties.get("progress_pct", ""))
        key = ("", name, user_id, *thing, progress, occurred_at.isoformat())
    return parts.event(
        name,
        source,
        user_id,
        occurred_at,
        properties,
        key,
        fields,
        event_id=event_id,
        metadata={"lms_eventname": topic, "tenant_id": body.text("tenant_id", reader=checks.identifier)},
        email=body.email("payload.user.email", "payload.order.user.email", "payload.email"),
        ignored=ignored,
    )


reread = read
merge = adapter.filled_up
check_mappings = adapter.no_mappings


def _topic(body: Parts) -> str:
    if body.at("topic") is not None:
        return body.text("topic", reader=checks.identifier) or ""
    resource = body.text("resource", reader=checks.identifier)
    action = body.text("action", reader=checks.identifier)
    if resource is None or action is None:
        if not body.errors:
            body.fault("topic", "is required, or resource and action")
        return ""
    return f"{resource}.{action}"


def _properties(body: Parts, name: str) -> dict[str, Any]:
    def identifier(*paths: str) -> str | None:
        return body.text(*paths, reader=checks.identifier)

    found: dict[str, Any] = {
        "course_id": identifier("payload.course_id", "payload.course.id"),
        "course_title": body.text("payload.course.name", reader=parts.title),
        "section_id": identifier("payload.chapter.id"),
        "section_title": body.text("payload.chapter.name", reader=parts.title),
        "lesson_id": identifier("payload.lesson_id", "payload.lesson.id"),
        "lesson_title": body.text("payload.lesson.name", reader=parts.title),
        "enrollment_id": identifier("payload.enrollment.id"),
        "product_id": identifier("payload.product_id", "payload.order.product_id"),
        "progress_pct": body.read(
            "payload.progress_percentage", "payload.percentage_completed", reader=parts.percentage
        ),
    }
    if name == "course.completed" and found["progress_pct"] is None:
        found["progress_pct"] = 100
    if name == "course.enrolled":
        found["object_id"] = found["course_id"]
    if name.startswith("order."):
        found["order_id"] = identifier(
            *(() if name == "order.created" else ("payload.order.id",)), "payload.order_id", "payload.id"
        )
    if name == "quiz.completed":
        found |= {
            "quiz_id": identifier("payload.quiz.id", "payload.quiz_id"),
            "quiz_title": body.text("payload.quiz.name", reader=parts.title),
            "attempt_id": identifier("payload.result_id"),
            "attempt_number": body.read("payload.attempts", reader=parts.number),
            "score": body.read("payload.grade", reader=parts.number),
            "score_pct": body.read("payload.grade", reader=parts.percentage),
        }
        if found["quiz_id"] is None:
            body.fault("payload.quiz.id", "is required")
    if name == "lesson.completed" and found["lesson_id"] is None:
        body.fault("payload.lesson_id", "is required")
    if name in _WITH_COURSE and found["course_id"] is None:
        body.fault("payload.course_id", "is required")
    return {one: value for one, value in found.items() if value is not None}
