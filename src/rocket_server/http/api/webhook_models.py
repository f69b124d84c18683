"""Webhooks and deliveries as they are answered, and what the document says of them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel

from rocket_server.delivery.endpoints import MAX_COUNTED, Recovery, Secret, Webhook
from rocket_server.delivery.history import Attempt, Delivery
from rocket_server.times import rfc3339


class SecretShown(BaseModel):
    """A secret by its beginning."""

    secret_id: str
    prefix: str
    created_at: str
    retires_at: str | None
    active: bool


class AttemptShown(BaseModel):
    """One try of a delivery."""

    number: int
    started_at: str
    duration_ms: int
    delivered: bool
    status: int | None
    error: str | None
    answer: str
    next_at: str | None
    next_reason: str


class RecoveryShown(BaseModel):
    """A recovery and how far it is; `reached` is the time up to which everything is queued."""

    recovery_id: str
    status: Literal["running", "finished"]
    since: str
    until: str
    reached: str
    progress_pct: int
    queued: int
    created_at: str
    finished_at: str | None


class LastAttempt(AttemptShown):
    """The webhook's last try, and of which delivery it was."""

    delivery_id: str


class State(BaseModel):
    """How a webhook does. The last five are only answered where one webhook is asked for."""

    breaker: Literal["closed", "open", "half_open"]
    failures: int
    retry_at: str | None
    failing_since: str | None
    waiting: int | None = None
    exhausted: int | None = None
    counted_up_to: int | None = None
    last_attempt: LastAttempt | None = None
    recovery: RecoveryShown | None = None


class WebhookShown(BaseModel):
    """A webhook. The values of its headers are masked."""

    id: str
    url: str
    description: str
    events: list[str]
    filters: dict[str, Any]
    filters_fault: str | None = None  # why stored filters let nothing pass any more
    format: Literal["rocket", "assessment"]
    headers: dict[str, str]
    timeout_s: float
    max_attempts: int
    throttle_per_s: float | None
    enabled: bool
    disabled_reason: Literal["by_hand", "gone", "failing"] | None
    disabled_at: str | None
    created_at: str
    secrets: list[SecretShown]
    state: State


class WebhookMade(WebhookShown):
    """A new webhook with its secret, which is shown now and never again."""

    secret: str


class WebhookPage(BaseModel):
    """Webhooks, the oldest first."""

    webhooks: list[WebhookShown]
    next_cursor: str | None


class Tested(BaseModel):
    """What became of a test."""

    delivered: bool
    status: int | None
    duration_ms: int
    error: str | None
    answer: str
    delivery_id: str


class Rotated(BaseModel):
    """The new secret, shown now and never again, and when the old one retires."""

    id: str
    secret: str
    old_retires_at: str | None
    secrets: list[SecretShown]


class Retired(BaseModel):
    """The secrets that are left."""

    id: str
    secrets: list[SecretShown]


class RecoveryPage(BaseModel):
    """Recoveries, the newest first."""

    recoveries: list[RecoveryShown]
    next_cursor: str | None


class DeliveryShown(BaseModel):
    """One event for one webhook. `id` is sent as `webhook-id`."""

    id: str
    endpoint_id: str
    event_id: str
    event: str
    status: Literal["pending", "delivered", "exhausted"]
    being_sent: bool
    next_at: str | None
    attempt_count: int
    tries: int
    created_at: str
    settled_at: str | None


class DeliveryListed(DeliveryShown):
    """A delivery with its last try."""

    last_attempt: AttemptShown | None


class DeliveryPage(BaseModel):
    """Deliveries, the newest event first."""

    deliveries: list[DeliveryListed]
    next_cursor: str | None


class DeliveryRead(DeliveryShown):
    """A delivery with its tries, the newest first, and the body as it would be sent now."""

    attempts: list[AttemptShown]
    body: dict[str, Any] | None
    next_cursor: str | None


class Redelivered(DeliveryShown):
    """`queued`: it is due now. `being_sent`: it is on its way at this moment, and was left as it is."""

    result: Literal["queued", "being_sent"]


def webhook_dict(
    webhook: Webhook, secrets: list[Secret], more: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A webhook as it is answered; `more` goes into its state."""
    return {
        "id": webhook.endpoint_id,
        **webhook.settings.as_dict(),
        "disabled_reason": webhook.disabled_reason,
        "disabled_at": _time(webhook.disabled_at),
        "created_at": rfc3339(webhook.created_at),
        "secrets": secret_dicts(secrets),
        "state": {
            "breaker": webhook.breaker,
            "failures": webhook.failures,
            "retry_at": _time(webhook.retry_at),
            "failing_since": _time(webhook.failing_since),
            **(more or {}),
        },
    }


def secret_dicts(secrets: list[Secret]) -> list[dict[str, Any]]:
    """Secrets as they are answered."""
    return [
        {
            **asdict(secret),
            "created_at": rfc3339(secret.created_at),
            "retires_at": _time(secret.retires_at),
        }
        for secret in secrets
    ]


def state_dict(
    counts: tuple[int, int], last: tuple[str, Attempt] | None, running: Recovery | None
) -> dict[str, Any]:
    """What only the reading of one webhook tells of its state."""
    return {
        "waiting": counts[0],
        "exhausted": counts[1],
        "counted_up_to": MAX_COUNTED,
        "last_attempt": {"delivery_id": last[0], **attempt_dict(last[1])} if last else None,
        "recovery": recovery_dict(running) if running else None,
    }


def attempt_dict(attempt: Attempt) -> dict[str, Any]:
    """A try as it is answered."""
    return {
        **asdict(attempt),
        "started_at": rfc3339(attempt.started_at),
        "next_at": _time(attempt.next_at),
    }


def delivery_dict(delivery: Delivery) -> dict[str, Any]:
    """A delivery as it is answered."""
    waits = delivery.status == "pending" and not delivery.being_sent
    return {
        "id": delivery.delivery_id,
        "endpoint_id": delivery.endpoint_id,
        "event_id": delivery.event_id,
        "event": delivery.event,
        "status": delivery.status,
        "being_sent": delivery.being_sent,
        "next_at": rfc3339(delivery.due_at) if waits else None,
        "attempt_count": delivery.attempts,
        "tries": delivery.tries,
        "created_at": rfc3339(delivery.created_at),
        "settled_at": _time(delivery.settled_at),
    }


def recovery_dict(recovery: Recovery) -> dict[str, Any]:
    """A recovery as it is answered."""
    reached = recovery.since
    if recovery.finished_at is not None:
        reached = recovery.until
    elif recovery.position is not None:
        reached = max(
            reached, datetime.fromtimestamp(int(recovery.position.replace("-", "")[:12], 16) / 1000, UTC)
        )
    reached = min(reached, recovery.until)
    whole = (recovery.until - recovery.since).total_seconds()
    return {
        "recovery_id": recovery.recovery_id,
        "status": "running" if recovery.finished_at is None else "finished",
        "since": rfc3339(recovery.since),
        "until": rfc3339(recovery.until),
        "reached": rfc3339(reached),
        "progress_pct": min(100, int(100 * (reached - recovery.since).total_seconds() / whole))
        if whole
        else 100,
        "queued": recovery.queued,
        "created_at": rfc3339(recovery.created_at),
        "finished_at": _time(recovery.finished_at),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _settings_schema(*required: str, **more: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": {
            "url": {
                "type": "string",
                "minLength": 1,
                "maxLength": 2000,
                "examples": ["https://example.org/hook"],
            },
            "description": {"type": ["string", "null"], "maxLength": 500},
            "events": {
                "type": "array",
                "minItems": 1,
                "maxItems": 100,
                "items": {"type": "string", "pattern": r"^(\*|[a-z]+\.(\*|[a-z_]+))$", "maxLength": 100},
                "examples": [["course.completed", "quiz.*"]],
            },
            "filters": {
                "type": ["object", "null"],
                "description": "Conditions on the body, written as a rule's are.",
                "examples": [{"points_awarded": {"gt": 0}}],
            },
            "format": {"enum": ["rocket", "assessment", None]},
            "headers": {
                "type": ["object", "null"],
                "maxProperties": 20,
                "additionalProperties": {"type": "string", "maxLength": 1000},
            },
            "timeout_s": {"type": ["number", "null"], "minimum": 0.1, "maximum": 60},
            "max_attempts": {"type": ["integer", "null"], "minimum": 1, "maximum": 20},
            "throttle_per_s": {"type": ["number", "null"], "minimum": 0.001, "maximum": 10_000},
            "enabled": {"type": "boolean"},
            **more,
        },
    }


def _body(schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


_SECRET: dict[str, Any] = {
    "type": ["string", "null"],
    "description": "`whsec_` and the base64 of 24 to 64 bytes; without it the server makes one.",
}
_TIME: dict[str, Any] = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}]}

NEW_WEBHOOK = _body(_settings_schema("url", "events", secret=_SECRET))
WEBHOOK_CHANGE = _body(_settings_schema())
ROTATION = _body(
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "secret": _SECRET,
            "overlap_s": {"type": "integer", "minimum": 0, "maximum": 2_592_000, "default": 86_400},
        },
    },
    required=False,
)
RECOVERY = _body(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["since"],
        "properties": {"since": _TIME, "until": _TIME},
    }
)
