"""One tree of errors: everything that this package raises is a RocketError."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

Refusal = Literal["missing", "malformed", "mismatch", "too_old", "too_new"]


class FieldError(NamedTuple):
    """What is wrong with one field. `path` is dotted, with indices in brackets: `events[3].user_id`."""

    path: str
    message: str


class RocketError(Exception):
    """Base of every error of this package."""


class ConfigurationError(RocketError):
    """A client, a schema or a secret can't be made like this; the message says what is expected."""


class ValidationError(RocketError):
    """Refused here, before anything was sent; `errors` names each field at fault. Correct it."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.path}: {error.message}" for error in errors))
        self.errors = tuple(errors)

    def __reduce__(self) -> Any:
        return type(self), (self.errors,)


class ApiError(RocketError):
    """The server answered otherwise than with success.

    `code` is the server's stable word for it, and None where the answer isn't the server's own, as from a
    proxy. `details.errors` lists fields at fault. Name `request_id` when you ask the server's administrator.
    `retry_after` is in seconds.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        request_id: str | None = None,
        details: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        self.details: dict[str, Any] = dict(details or {})
        self.retry_after = retry_after

    def __reduce__(self) -> Any:
        told = {name: value for name, value in vars(self).items() if name != "message"}
        return functools.partial(type(self), **told), (self.message,)

    def __str__(self) -> str:
        known = [f"status {self.status}", self.code, self.request_id and f"request {self.request_id}"]
        return f"{self.message} ({', '.join(part for part in known if part)})"


class InvalidRequestError(ApiError):
    """The request is wrong in itself (400, 413, 415 and others): correct it before you send it again."""


class AuthenticationError(ApiError):
    """The API key is missing, wrong or revoked (401)."""


class ForbiddenError(ApiError):
    """The key is valid but may not do this (403); `details` names the scope that it lacks."""


class NotFoundError(ApiError):
    """There is nothing of that name in the key's organisation (404)."""


class ConflictError(ApiError):
    """The request contradicts what is stored, such as an idempotency key used with another body (409)."""


class InsufficientPointsError(ApiError):
    """The learner has fewer points than would be spent (422); `details['balance']` says how many."""


class RateLimitError(ApiError):
    """Too many requests (429), after all retries; wait for `retry_after` seconds."""


class ServerError(ApiError):
    """The server failed (5xx), after all retries. The same call may be made again and counts once."""


class TransportError(RocketError):
    """No whole answer came, after all retries; what was asked may or may not have been done.

    An event keeps its `event_id` and an award its idempotency key within one call. To repeat the call and
    still count once, give the same ones yourself.
    """


class NetworkError(TransportError):
    """The server can't be reached, or the connection broke."""


class RequestTimeoutError(TransportError):
    """The server didn't answer in time."""


class CircuitOpenError(RocketError):
    """Nothing was sent: the server failed too often just now. `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"The server failed too often; it is tried again in {retry_after:.0f} s.")
        self.retry_after = retry_after

    def __reduce__(self) -> Any:
        return type(self), (self.retry_after,)


class BufferFullError(RocketError):
    """The event buffer holds as many events as it may, and was told to refuse more."""


class BufferClosedError(RocketError):
    """The event buffer was closed and takes nothing any more."""


class WebhookVerificationError(RocketError):
    """A webhook isn't what the server sent; answer 400 or 401 and ignore it."""

    code: ClassVar[Refusal]


class MissingSignatureError(WebhookVerificationError):
    """A header that the signature needs isn't there."""

    code = "missing"


class MalformedSignatureError(WebhookVerificationError):
    """A header hasn't the form that it must have, or a signed body isn't a JSON object."""

    code = "malformed"


class SignatureMismatchError(WebhookVerificationError):
    """The body wasn't signed with this secret, or was changed on the way."""

    code = "mismatch"


class TimestampTooOldError(WebhookVerificationError):
    """It was signed too long ago; perhaps somebody sends a recorded request again."""

    code = "too_old"


class TimestampTooNewError(WebhookVerificationError):
    """It was signed in the future; check this machine's clock."""

    code = "too_new"


_BY_STATUS: dict[int, type[ApiError]] = {
    401: AuthenticationError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}


def api_error(status: int, headers: Mapping[str, str], body: bytes) -> ApiError:
    """The error that an answer is. `headers` are found in any case only where `headers` itself does so."""
    told = _object(body)
    code, message = _text(told.get("error")), _text(told.get("message"))
    details, retry_after = told.get("details"), told.get("retry_after")
    header = headers.get("Retry-After", "").strip()
    if header.isascii() and header.isdigit():
        retry_after = int(header)
    return _kind(status, code)(
        message or f"HTTP {status}",
        status=status,
        code=code,
        request_id=_text(told.get("request_id")) or headers.get("X-Request-ID"),
        details=details if isinstance(details, dict) else None,
        retry_after=retry_after if type(retry_after) is int and retry_after >= 0 else None,
    )


def _kind(status: int, code: str | None) -> type[ApiError]:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status == 422 and code == "insufficient_points":
        return InsufficientPointsError
    if status >= 500:
        return ServerError
    return InvalidRequestError if status >= 400 else ApiError


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
