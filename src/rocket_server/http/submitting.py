"""Hands what a request brings to the lanes, and tells what a revoked credential is answered."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from fastapi import Request

from rocket_server.errors import AuthenticationFailed
from rocket_server.http.services import services_of
from rocket_server.organisations.admission import Credential
from rocket_server.pipeline import Result
from rocket_server.usecases.intake import Submission

T = TypeVar("T")


async def submit(request: Request, submission: Submission) -> list[Result]:
    """What became of the submission's events, in their order, once they are committed. Raises as
    `Intake.submit` does; a credential that was revoked counts as a failed authentication."""
    return await admitted(request, submission.credential, services_of(request).intake.submit(submission))


async def admitted(request: Request, credential: Credential, answer: Awaitable[T]) -> T:
    """The answer of a transaction that looks whether the request's credential still counts; one that was
    revoked is a failed authentication."""
    try:
        return await answer
    except AuthenticationFailed:
        raise services_of(request).authenticator.revoked(request, credential) from None


def failed(index: int, error: str) -> dict[str, Any]:
    """What a list's answer says of an item that isn't stored."""
    return {"index": index, "status": "failed", "event_id": None, "error": error}
