"""One tree of errors: each class has a stable code and an HTTP status; its docstring says what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

# "must be one of a, b" and "expected at most 5 texts, has 7" say what is expected, and may go on about it.
_EXPECTATION: Final = re.compile(
    r"(?:must (?:be|have)|expected|is required:) (?P<what>(?:\{[^}]*\}|[^{])+?)"
    r"(?:(?:[;:.]|,? such as|, (?:not|has|is)) .*|\.)?",
    re.DOTALL,
)
_CHOICE: Final = re.compile(r"one of (?P<choices>[\w.:*-]+(?:, [\w.:*-]+)+)")


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field. `path` is dotted, with indices in brackets: `events[3].user_id`.

    `message` is written so that it reads after the field's name: "must be …", "must have …", "is required",
    or, of a body that people write by hand, "expected …".
    """

    path: str
    message: str

    @property
    def expected(self) -> str | list[str] | None:
        """What would have been right, without a sentence around it: the values, or what kind of value. None
        where the message names none, as of a field that mustn't be there."""
        if self.message == "is required":
            return "a value"
        found = _EXPECTATION.fullmatch(self.message)
        if found is None:
            return None
        choice = _CHOICE.fullmatch(found["what"])
        return found["what"] if choice is None else choice["choices"].split(", ")

    def as_dict(self) -> dict[str, str]:
        return {"path": self.path, "message": self.message}


class RocketError(Exception):
    """Base of every error that may leave the server as JSON."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or {}


class InvalidPayload(RocketError):
    """The request can't be understood; `details` names the field at fault. Correct it and send it again."""

    code = "invalid_payload"
    status = 400

    @classmethod
    def from_fields(cls, errors: Sequence[FieldError]) -> InvalidPayload:
        """One error for all faulty fields; the first one is also named in `details.field`."""
        first = errors[0]
        where = f"{first.path}: " if first.path else ""
        expected = first.expected
        return cls(
            f"{where}{first.message}",
            {
                "field": first.path,
                **({} if expected is None else {"expected": expected}),
                "errors": [error.as_dict() for error in errors],
            },
        )

    @classmethod
    def field(cls, path: str, message: str) -> InvalidPayload:
        return cls.from_fields([FieldError(path, message)])


class AuthenticationFailed(RocketError):
    """No valid key or token was sent. Send `Authorization: Bearer <key>` with one that wasn't revoked."""

    code = "authentication_failed"
    status = 401


class Forbidden(RocketError):
    """The credential is valid but may not do this. Use one with the scope that `details` names."""

    code = "forbidden"
    status = 403


class NotFound(RocketError):
    """Nothing of that name exists in this organisation."""

    code = "not_found"
    status = 404


class MethodNotAllowed(RocketError):
    """The path exists, but not for this method; see the `Allow` header."""

    code = "method_not_allowed"
    status = 405


class Conflict(RocketError):
    """The request contradicts what is stored, such as an idempotency key used with another body."""

    code = "conflict"
    status = 409


class PayloadTooLarge(RocketError):
    """The body is larger than this endpoint takes; `details.limit_bytes` says how much it takes."""

    code = "payload_too_large"
    status = 413


class HeadTooLarge(RocketError):
    """The request line and headers are too many or too large; `details` says how many are read."""

    code = "head_too_large"
    status = 431


class UnsupportedMediaType(RocketError):
    """The body is in a format or content encoding that this endpoint doesn't read."""

    code = "unsupported_media_type"
    status = 415


class InsufficientPoints(RocketError):
    """The learner has fewer points than the request would spend; `details.balance` says how many."""

    code = "insufficient_points"
    status = 422


class RateLimitExceeded(RocketError):
    """Too many requests; wait for `retry_after` seconds."""

    code = "rate_limit_exceeded"
    status = 429

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ClientGone(RocketError):
    """The client went away before it had sent its body. Nobody gets this answer; it is counted and logged."""

    code = "client_gone"
    status = 499


class InternalError(RocketError):
    """A defect of the server; the log has it under the answer's `request_id`."""


class Unavailable(RocketError):
    """The database can't be reached or is out of room. Send the same request again after `Retry-After`."""

    code = "unavailable"
    status = 503

    def __init__(self, message: str, retry_after_s: int = 2) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Contended(Unavailable):
    """Others work on the same learners all the time. What can be divided is tried again in parts, so that
    those who are in nobody's way get through; send the rest again after `Retry-After`."""


class ConfigurationError(Exception):
    """A `ROCKET_…` setting can't be used; the message names it and what it takes."""
