"""The envelope that each answer of these routes has, refusals included."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from rocket_server.assessments.refusals import AlreadySubmitted
from rocket_server.errors import RateLimitExceeded, RocketError
from rocket_server.http.edge.context import context_of
from rocket_server.http.responses import Json, error_response

PREFIX: Final = "/assessment/v1"
# The guide's two routes stand at the root as well.
AT_ROOT: Final = "/tests/"
_VERSION: Final = "1.0"
_READS: Final = frozenset({"GET", "HEAD"})
_ACTS: Final = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}

T = TypeVar("T")


class Params(BaseModel):
    """Whether the request did what it asked for, and why not. `err` is a stable code."""

    model_config = ConfigDict(extra="forbid")

    resmsgid: str = Field(description="The id under which the server's log has this request.")
    msgid: str
    status: str = Field(description="`successful` or `failed`.")
    err: str | None
    errmsg: str | None
    details: dict[str, Any] | None = Field(default=None, description="What is at fault, where something is.")


class Envelope(BaseModel, Generic[T]):
    """What stands around each result."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(examples=["api.tests.create"])
    ver: str
    ts: str
    params: Params
    responseCode: str = Field(description="`OK`, `CLIENT_ERROR`, `NOT_FOUND` or `SERVER_ERROR`.")
    result: T


class Refused(Envelope[dict[str, Any] | None]):
    """A refusal; `result` has something only where an attempt was submitted before: its first result."""


class Message(BaseModel):
    """A sentence."""

    model_config = ConfigDict(extra="forbid")

    message: str


def answer(request: Request, result: Any, status: int = 200) -> Json:
    """A good answer."""
    request_id = context_of(request).request_id
    said = {"resmsgid": request_id, "msgid": request_id, "status": "successful", "err": None, "errmsg": None}
    return Json(_around(request.method, request.url.path, said, "OK", result), status_code=status)


def refusal(error: RocketError, request_id: str, scope: MutableMapping[str, Any]) -> Json:
    """The answer of an error of one of these routes."""
    plain = error_response(error, request_id)
    details = dict(error.details)
    if isinstance(error, RateLimitExceeded):
        details["retry_after"] = error.retry_after_s
    said: dict[str, Any] = {
        "resmsgid": request_id,
        "msgid": request_id,
        "status": "failed",
        "err": error.code,
        "errmsg": error.message,
    }
    result = details if isinstance(error, AlreadySubmitted) else None
    if details and result is None:
        said["details"] = details
    code = "NOT_FOUND" if error.status == 404 else "CLIENT_ERROR" if error.status < 500 else "SERVER_ERROR"
    body = _around(scope["method"], scope["path"], said, code, result, failed=True)
    headers = {
        name: value for name, value in plain.headers.items() if name in ("retry-after", "www-authenticate")
    }
    return Json(body, status_code=error.status, headers=headers)


def time(moment: datetime | None) -> str | None:
    """A time as these routes write it: UTC, milliseconds, `Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _around(
    method: str, path: str, said: Mapping[str, Any], code: str, result: Any, *, failed: bool = False
) -> dict[str, Any]:
    parts = path.removeprefix(PREFIX).strip("/").split("/")
    act = ("get" if failed else "list") if method in _READS else _ACTS.get(method, "get")
    return {
        "id": f"api.{parts[0][:40]}.{act}",
        "ver": _VERSION,
        "ts": time(datetime.now(UTC)),
        "params": said,
        "responseCode": code,
        "result": result,
    }
