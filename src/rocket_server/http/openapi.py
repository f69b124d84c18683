"""Descriptions, in OpenAPI's terms, of bodies that handlers read themselves."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Error(BaseModel):
    """Every refusal: a stable code, a sentence, and what is at fault."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error": "invalid_payload",
                    "message": "user_id: is required",
                    "details": {"errors": [{"path": "user_id", "message": "is required"}]},
                    "request_id": "01a1fbf5-eb02-7002-87b6-627106057b39",
                }
            ]
        }
    )

    error: str
    message: str
    details: dict[str, Any]
    request_id: str
    retry_after: int | None = Field(default=None, description="Seconds; as the header `Retry-After`.")


_FLAT_EVENT: dict[str, Any] = {
    "type": "object",
    "title": "FlatEvent",
    "examples": [
        {
            "event": "course.completed",
            "user_id": "user-123",
            "timestamp": "2026-03-02T08:15:30Z",
            "properties": {"course_id": "course-456", "progress_pct": 100},
            "event_id": "evt-789",
        }
    ],
    "required": ["event", "user_id", "timestamp"],
    "properties": {
        "event": {"type": "string", "pattern": "^[a-z]+\\.[a-z_]+$", "examples": ["course.completed"]},
        "user_id": {"type": "string", "minLength": 1, "maxLength": 255},
        "timestamp": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}]},
        "properties": {
            "type": "object",
            "properties": {
                "course_id": {"type": "string"},
                "lesson_id": {"type": "string"},
                "progress_pct": {"type": "number", "minimum": 0, "maximum": 100},
                "time_on_task_sec": {"type": "integer", "minimum": 0},
            },
        },
        "metadata": {"type": "object"},
        "event_id": {"type": "string", "maxLength": 255},
    },
}

_CANONICAL_EVENT: dict[str, Any] = {
    "type": "object",
    "title": "CanonicalEvent",
    "required": ["event", "occurred_at", "user"],
    "properties": {
        "event": {"type": "string", "pattern": "^[a-z]+\\.[a-z_]+$"},
        "source": {"type": "string"},
        "occurred_at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}]},
        "user": {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "string", "minLength": 1}, "email": {"type": "string"}},
        },
        "context": {"type": "object"},
        "metrics": {"type": "object"},
        "trace": {"type": "object"},
    },
}

_ANY_EVENT = {"anyOf": [_FLAT_EVENT, _CANONICAL_EVENT]}


def _json_body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


_BEARER: dict[str, Any] = {"security": [{"HTTPBearer": []}]}

EVENT = {**_json_body(_ANY_EVENT), **_BEARER}
BATCH = {
    **_json_body(
        {
            "type": "object",
            "required": ["events"],
            "properties": {
                "events": {"type": "array", "minItems": 1, "maxItems": 10_000, "items": _ANY_EVENT}
            },
        }
    ),
    **_BEARER,
}
BADGE = _json_body(
    {
        "type": "object",
        "title": "Badge",
        "required": ["badge_id", "name"],
        "properties": {
            "badge_id": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$"},
            "name": {"type": "string", "minLength": 1, "maxLength": 200},
            "description": {"type": "string", "maxLength": 2000},
            "criteria_text": {"type": "string", "maxLength": 5000},
            "tags": {"type": "array", "maxItems": 20, "items": {"type": "string", "maxLength": 60}},
            "image": {"type": ["string", "null"], "description": "A PNG as a data URL, at most 512 KiB."},
            "active": {"type": "boolean"},
            "repeatable": {"type": "boolean"},
            "expires_after_days": {"type": ["integer", "null"], "minimum": 1, "maximum": 36_500},
            "criteria": {
                "type": ["object", "null"],
                "properties": {
                    "points": {"type": "integer", "minimum": 1},
                    "events": {"type": "array", "items": {"type": "object"}},
                    "courses": {"type": "object"},
                    "badges": {"type": "object"},
                },
            },
        },
    }
)
HOOK = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
        },
    },
    **_BEARER,
}
STATEMENTS = {
    **_json_body(
        {
            "anyOf": [
                {"type": "object"},
                {"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "object"}},
            ]
        }
    ),
    **_BEARER,
}
HOOK_LIST = {
    **_json_body({"type": "array", "minItems": 1, "maxItems": 2_000, "items": {"type": "object"}}),
    **_BEARER,
}


_CONDITIONS: dict[str, Any] = {
    "type": "object",
    "description": "Fields and what they are compared with; `any`, `all` and `not` nest.",
    "examples": [{"progress_pct": {"gte": 80}}],
}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 1_000_000}
_MOMENT: dict[str, Any] = {
    "type": "string",
    "maxLength": 40,
    "examples": ["2026-03-01", "2026-03-01T08:00:00Z"],
}
_RULE: dict[str, Any] = {
    "type": "object",
    "title": "Rule",
    "required": ["trigger", "actions"],
    "properties": {
        "rule_id": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$"},
        "title": {"type": "string", "maxLength": 200},
        "description": {"type": "string", "maxLength": 2000},
        "trigger": {
            "anyOf": [
                {"type": "string", "examples": ["course.completed"]},
                {
                    "type": "object",
                    "required": ["event"],
                    "properties": {
                        "event": {"type": "string", "pattern": "^[a-z]+\\.[a-z_]+$"},
                        "source": {"type": "string"},
                        "conditions": _CONDITIONS,
                    },
                },
            ]
        },
        "conditions": _CONDITIONS,
        "actions": {
            "type": "object",
            "properties": {
                "award_points": {
                    "anyOf": [
                        _COUNT,
                        {
                            "type": "object",
                            "required": ["from"],
                            "properties": {
                                "from": {"type": "string"},
                                "multiply": {"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000},
                                "min": {"type": "integer", "minimum": 0, "maximum": 1_000_000},
                                "max": _COUNT,
                                "best": {"type": "boolean"},
                            },
                        },
                    ]
                },
                "issue_badge": {"type": "string"},
                "multiplier": {
                    "anyOf": [
                        {"type": "number", "minimum": 0.1, "maximum": 10},
                        {"type": "object", "required": ["from"], "properties": {"from": {"const": "rank"}}},
                    ]
                },
            },
        },
        "constraints": {
            "type": "object",
            "properties": {
                "once": {"type": "boolean"},
                "unique_by": {"type": "array", "minItems": 1, "maxItems": 5, "items": {"type": "string"}},
                **{
                    f"max_per_{unit}": _COUNT
                    for unit in ("course", "lesson", "section", "hour", "day", "week", "month", "year")
                },
                "cooldown_minutes": {"type": "integer", "minimum": 0, "maximum": 527_040},
                "max_points_per_day": {"type": "integer", "minimum": 1, "maximum": 1_000_000_000},
            },
        },
        "status": {"enum": ["draft", "active", "inactive"]},
        "active": {"type": "boolean"},
        "starts_at": _MOMENT,
        "ends_at": _MOMENT,
        "priority": {"type": "integer", "minimum": -1000, "maximum": 1000},
    },
}
_RULES: dict[str, Any] = {"type": "array", "minItems": 1, "maxItems": 1000, "items": _RULE}

RULE = {**_json_body(_RULE), **_BEARER}
RULES = {
    **_json_body({"type": "object", "required": ["rules"], "properties": {"rules": _RULES}}),
    **_BEARER,
}
CALCULATION = {
    **_json_body(
        {
            "anyOf": [
                {
                    "type": "object",
                    "required": ["event"],
                    "properties": {"event": _ANY_EVENT, "rules": _RULES},
                },
                _FLAT_EVENT,
                _CANONICAL_EVENT,
            ]
        }
    ),
    **_BEARER,
}


def _error(description: str) -> dict[str, Any]:
    return {"description": description, "model": Error}


_SCHEMAS: dict[str, dict[str, Any]] = {
    "application/vc": {"type": "object", "description": "A signed credential of Open Badges 3.0."},
    "image/png": {"type": "string", "format": "binary"},
    "text/html": {"type": "string"},
}


def of(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """The good answer of a route that doesn't answer JSON."""
    content = {media_type: {"schema": _SCHEMAS[media_type]} for media_type in media_types}
    return {200: {"description": "Found.", "content": content}}


ERRORS: dict[int | str, dict[str, Any]] = {
    400: _error("A field can't be understood; `details` names it."),
    401: _error("No valid credential."),
    403: _error("The credential may not do this."),
    404: _error("Nothing of that name."),
    405: _error("Not this method."),
    413: _error("The body is too large."),
    415: _error("The body's format or encoding is not read."),
    429: _error("Too many requests; see `Retry-After`."),
    503: _error("The database is not available now; see `Retry-After`."),
    # Also keeps FastAPI from documenting a 422 of its own: a faulty field is a 400 here.
    "default": _error("Any other error."),
}
POINTS_ERRORS: dict[int | str, dict[str, Any]] = ERRORS | {
    409: _error("The `Idempotency-Key` was used with another request, or the entry is reversed already."),
    422: _error("The learner has fewer points; `details.balance` says how many."),
}
CHANGE_ERRORS: dict[int | str, dict[str, Any]] = ERRORS | {
    409: _error("There is one already, or it was changed meanwhile; `details.version` is the latest."),
}
INTAKE_ERRORS = ERRORS
WEBHOOK_ERRORS: dict[int | str, dict[str, Any]] = ERRORS | {
    409: _error("This can't be done now; `message` says what to do first."),
}
