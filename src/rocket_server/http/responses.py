"""Answers: JSON bytes, and one shape for every error."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from rocket_server.errors import RateLimitExceeded, RocketError, Unavailable

_encoder = msgspec.json.Encoder()


class Json(Response):
    """A JSON answer, encoded in one go."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return _encoder.encode(content)


def error_response(error: RocketError, request_id: str) -> Json:
    """The contract's shape of an error: code, sentence, details, and the id under which the log has it."""
    body: dict[str, Any] = {
        "error": error.code,
        "message": error.message,
        "details": error.details,
        "request_id": request_id,
    }
    headers: dict[str, str] = {}
    if isinstance(error, RateLimitExceeded | Unavailable):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, RateLimitExceeded):
        body["retry_after"] = error.retry_after_s
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    _forget_frames(error)
    return Json(body, status_code=error.status, headers=headers)


def _forget_frames(error: BaseException | None) -> None:
    """Let go of the stack frames that an answered error came through. They hold the request's body, and are
    part of a circle where one of them holds the error: each refused body would stay in memory until the
    collector of garbage comes by, which is seldom in this process."""
    for _ in range(8):
        if error is None:
            return
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
