"""What goes wrong in handlers or the framework becomes an error of our own tree, in the path's own shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from rocket_server.db.constraints import domain_error
from rocket_server.errors import (
    Conflict,
    FieldError,
    InternalError,
    InvalidPayload,
    MethodNotAllowed,
    NotFound,
    RocketError,
    Unavailable,
    UnsupportedMediaType,
)
from rocket_server.http.edge.body import BodyRefused
from rocket_server.http.edge.context import context_of

log = structlog.get_logger(__name__)

# What pydantic says of itself ("should have at least 1 item after validation, not 0") in our words, by the
# kinds of its errors; what isn't here reads well enough.
_WORDS: Final[dict[str, Callable[[Mapping[str, Any]], str]]] = {
    "missing": lambda _: "is required",
    "extra_forbidden": lambda _: "is no field that is known here",
    "too_short": lambda bound: f"must have at least {_entries(bound['min_length'])}",
    "too_long": lambda bound: f"must have at most {_entries(bound['max_length'])}",
    "string_too_short": lambda bound: (
        "must not be empty"
        if bound["min_length"] == 1
        else f"must have at least {bound['min_length']} characters"
    ),
    "string_too_long": lambda bound: f"must have at most {bound['max_length']} characters",
    "string_pattern_mismatch": lambda bound: (
        "must not contain NUL" if bound["pattern"] == r"^[^\x00]*$" else f"must match {bound['pattern']}"
    ),
    "string_type": lambda _: "must be a text",
    "list_type": lambda _: "must be a list",
    "dict_type": lambda _: "must be an object",
    "model_attributes_type": lambda _: "must be an object",
}

_ANSWERED = (
    RocketError,
    RequestValidationError,
    HTTPException,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    # Starlette answers this one and raises it again, so that the gate logs it.
    Exception,
)


def answer_failures(app: FastAPI) -> None:
    """Let every error of the application's handlers be answered."""
    for kind in _ANSWERED:
        app.add_exception_handler(kind, _on_error)


async def _on_error(request: Request, error: Exception) -> Response:
    if isinstance(error, asyncpg.DataError) and not _is_text_fault(error):
        raise error  # a defect, which the gate answers and logs
    context = context_of(request)
    known = _known(error)
    if isinstance(error, RequestValidationError) and _is_other_media(request, error):
        known = UnsupportedMediaType("Send JSON, with the header Content-Type: application/json.")
    if isinstance(known, Unavailable):
        cause = known.__cause__
        log.warning(
            "unavailable",
            request_id=context.request_id,
            reason=known.message,
            cause=repr(cause) if cause is not None else None,
        )
    response = context.policy.errors(known, context.request_id, request.scope)
    if isinstance(known, MethodNotAllowed):
        response.headers["Allow"] = _allowed_methods(request)
    return response


def _known(error: Exception) -> RocketError:
    """The error of our own tree that a library's error means."""
    if isinstance(error, RocketError):
        return error
    if isinstance(error, BodyRefused):
        return error.error
    if isinstance(error, asyncpg.DataError):
        return InvalidPayload("A text contains NUL or half a character, which can't be stored.")
    if isinstance(error, RequestValidationError):
        return InvalidPayload.from_fields([_field_error(fault) for fault in error.errors()])
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return domain_error(error)
    if isinstance(error, HTTPException):
        known: dict[int, type[RocketError]] = {404: NotFound, 405: MethodNotAllowed, 409: Conflict}
        kind = known.get(error.status_code, InvalidPayload if error.status_code < 500 else InternalError)
        return kind("This path doesn't exist." if kind is NotFound else str(error.detail))
    return InternalError("The server made a mistake.")


def _is_other_media(request: Request, error: RequestValidationError) -> bool:
    """Whether a body wasn't read because it doesn't say that it is JSON; `curl -d` says that it is a form."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or media_type.endswith("+json")
    unread = any(fault["loc"] == ("body",) and fault["type"] != "missing" for fault in error.errors())
    return unread and not is_json


def _allowed_methods(request: Request) -> str:
    """All methods of a path; Starlette itself names those of the first route that has it."""
    methods: set[str] = set()
    for route in (*request.app.routes, *request.app.state.api_routes):
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= getattr(route, "methods", None) or set()
    return ", ".join(sorted(methods))


def _is_text_fault(error: asyncpg.DataError) -> bool:
    """Whether the database, or the driver before it, refused characters that no text there can have."""
    refused = asyncpg.CharacterNotInRepertoireError | asyncpg.UntranslatableCharacterError
    return isinstance(error, refused) or isinstance(error.__cause__, UnicodeEncodeError)


def _entries(count: int) -> str:
    return "one entry" if count == 1 else f"{count} entries"


def _field_error(fault: Any) -> FieldError:
    """One of pydantic's errors, with a dotted path that leaves out where the field was (body, query, …)."""
    path = ""
    for part in fault["loc"][1:] or fault["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    words = _WORDS.get(fault["type"])
    message = str(fault["msg"]) if words is None else words(fault.get("ctx") or {})
    return FieldError(path.encode("utf-8", "replace").decode(), message)
