"""The webhooks of LearnWorlds: `{version, type, trigger, school_id, data}`, or `{topic, occurred_at, data}`.

The first form is that of https://www.learnworlds.dev/docs/api, under Webhooks. Events have no ids, and what
has no time of its own is sent without any: what is once is the fact."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from rocket_server.events.model import Event
from rocket_server.sources import adapter, checks, parts
from rocket_server.sources.adapter import ReadingContext
from rocket_server.sources.parts import Parts
from rocket_server.sources.signatures import Scheme

SCHEME: Final = Scheme(field="signature", shared="learnworlds-webhook-signature")
UNKNOWN: Final = "learnworlds.unknown"

# `productBought` and `userUnenrolledFromProduct` are about a course where their product is one.
_EVENTS: Final = {
    "courseCompleted": "course.completed",
    "course.completed": "course.completed",
    "lesson.completed": "lesson.completed",
    "enrolledFreeCourse": "course.enrolled",
    "enrollment.created": "course.enrolled",
    "productBought": "product.bought",
    "userUnenrolledFromProduct": "product.left",
    "awardedCertificate": "certificate.awarded",
    "learningProgramCompleted": "program.completed",
    "previewedFree": "course.previewed",
    "userUpdated": "user.updated",
    "userTagAdded": "user.tag_added",
    "userTagDeleted": "user.tag_removed",
    "paymentCreated": "payment.created",
    "subscriptionPaymentPlanBought": "subscription.paid",
    "subscriptionPaymentPlanCanceled": "subscription.cancelled",
    "subscriptionTrialStarted": "subscription.trial_started",
    "subscriptionTrialWillEnd": "subscription.trial_ending",
    "subscriptionUpdated": "subscription.changed",
    "leadCreated": "lead.created",
}
_OF_A_COURSE: Final = {"product.bought": "course.enrolled", "product.left": "course.unenrolled"}
_NOBODYS: Final = "no_learner: a lead is the address of a visitor, and no learner's"
_ADMINISTRATOR: Final = "staff: LearnWorlds says that this user is an administrator, and staff earn nothing"
_TIMES: Final = (
    "data.completed_at",
    "data.certificate.issued",
    "data.payment.paid_at",
    "data.payment.created",
    "data.date",
    "data.created_at",
)
_LEARNER: Final = ("data.user.id", "data.user.user.id", "data.user_id", "data.payment.user_id")


def read(fields: dict[str, Any], context: ReadingContext) -> Event:
    """The event in a body. Raises InvalidPayload, which names every field that can't be read."""
    fields = {name: value for name, value in fields.items() if name != "signature"}
    source = context.source
    body = Parts(fields, context)
    told = body.text("type", "topic", reader=checks.identifier, required=True)
    body.object("data")
    name = UNKNOWN if told is None else _EVENTS.get(told, UNKNOWN)
    timed = ("occurred_at",) if "topic" in fields else _TIMES
    occurred_at = body.time(
        *timed,
        required="topic" in fields and name != UNKNOWN,
    )
    user_id = None
    if name not in (UNKNOWN, "lead.created"):
        user_id = body.learner(*_LEARNER, *(("data.id",) if name.startswith("user.") else ()))
    properties = _properties(body, name)
    if name in _OF_A_COURSE and "course_id" in properties:
        name = _OF_A_COURSE[name]
    if body.errors:
        body.refuse()
    ignored = None
    if name == UNKNOWN:
        ignored = f"unknown_event: nothing here counts {checks.printable_path(str(told))}"
    elif name == "lead.created":
        ignored = _NOBODYS
    elif body.at("data.user.is_admin") is True:
        ignored = _ADMINISTRATOR
    return parts.event(
        name,
        source,
        user_id,
        occurred_at,
        properties,
        _key(body, name, user_id, properties, occurred_at, timed),
        fields,
        metadata={"lms_eventname": told, "school_id": body.text("school_id", reader=checks.identifier)},
        email=body.email("data.user.email", "data.user.user.email", "data.email"),
        ignored=ignored,
    )


reread = read
merge = adapter.filled_up
check_mappings = adapter.no_mappings


def _properties(body: Parts, name: str) -> dict[str, Any]:
    course = ["data.course.id", "data.course_id", "data.certificate.course_id"]
    course_title = ["data.course.title"]
    for product in ("data.product", "data.payment.product"):
        if name in _OF_A_COURSE and body.at(f"{product}.type") == "course":
            course.append(f"{product}.id")
            course_title += [f"{product}.title", f"{product}.name"]
    found = {
        "course_id": body.text(*course, reader=checks.identifier),
        "course_title": body.text(*course_title, reader=parts.title),
        "lesson_id": body.text("data.lesson.id", "data.lesson_id", reader=checks.identifier),
        "progress_pct": body.read("data.progress", reader=parts.percentage),
        "product_id": body.text("data.product.id", "data.payment.product.id", reader=checks.identifier),
        "product_type": body.text("data.product.type", "data.payment.product.type", reader=parts.title),
        "program_id": body.text("data.learningProgram.id", reader=checks.identifier),
        "payment_id": body.text("data.payment.id", reader=checks.identifier),
        "object_id": body.text("data.certificate.id", reader=checks.identifier),
        "manually_completed": body.at("data.manually_completed"),
    }
    if name in ("course.enrolled", *_OF_A_COURSE):
        found["object_id"] = found["course_id"]
    if name == "lesson.completed" and found["lesson_id"] is None:
        body.fault("data.lesson_id", "is required")
    if name in ("course.completed", "course.enrolled", "lesson.completed") and found["course_id"] is None:
        body.fault("data.course_id", "is required")
    return {one: value for one, value in found.items() if value is not None}


def _key(
    body: Parts,
    name: str,
    user_id: str | None,
    properties: dict[str, Any],
    occurred_at: datetime,
    timed: tuple[str, ...],
) -> tuple[str, ...]:
    """The fact, where the body says when it was; else the body."""
    if user_id is None or body.at(*timed) is None:
        return (parts.digest(body.fields),)
    thing = [
        str(properties.get(one, ""))
        for one in ("course_id", "lesson_id", "object_id", "program_id", "product_id", "payment_id")
    ]
    return ("", name, user_id, *thing, occurred_at.isoformat())
