"""Hands a request's events to the intake, and tells what a revoked credential is answered."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from rocket_server.errors import AuthenticationFailed
from rocket_server.http.services import services_of
from rocket_server.pipeline import Result
from rocket_server.usecases.intake import Submission


async def submit(request: Request, submission: Submission) -> list[Result]:
    """What became of the submission's events, in their order, once they are committed. Raises as
    `Intake.submit` does; a credential that was revoked counts as a failed authentication."""
    services = services_of(request)
    try:
        return await services.intake.submit(submission)
    except AuthenticationFailed:
        raise services.authenticator.revoked(request, submission.credential) from None


def failed(index: int, error: str) -> dict[str, Any]:
    """What a list's answer says of an item that isn't stored."""
    return {"index": index, "status": "failed", "event_id": None, "error": error}
