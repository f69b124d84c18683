"""Points by hand: award, deduct, reverse."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rocket_server import identities
from rocket_server.http import openapi
from rocket_server.http.actors import acting
from rocket_server.http.auth import PointsKey
from rocket_server.http.responses import Json
from rocket_server.numbers import Whole
from rocket_server.usecases import points
from rocket_server.usecases.acting import Once
from rocket_server.usecases.points import Points, Reversal

router = APIRouter(prefix="/v1/points", tags=["points"], responses=openapi.POINTS_ERRORS)

MAX_POINTS = 1_000_000


def _own_key(key: str | None) -> str | None:
    if key is not None and identities.is_anybodys(key):
        raise ValueError(
            "must be this request's own; this is what a program writes where it had no value, and would make "
            "repetitions of all requests that lack one"
        )
    return key


IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$"),
    AfterValidator(_own_key),
]


class PointsRequest(BaseModel):
    """Points for, or from, a learner."""

    model_config = ConfigDict(extra="forbid")

    user_id: str = Field(min_length=1, max_length=255)
    points: Whole = Field(ge=1, le=MAX_POINTS)
    reason: str = Field(min_length=1, max_length=1_000)
    metadata: dict[str, Any] | None = None

    def command(self) -> Points:
        return Points(self.user_id, self.points, self.reason, self.metadata)


class ReversalRequest(BaseModel):
    """The entry to undo."""

    model_config = ConfigDict(extra="forbid")

    entry_id: str = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=1_000)


class Moved(BaseModel):
    """The new entry, and the balance after it."""

    entry_id: str
    points: int
    balance: int


class Reversed(Moved):
    """The new entry, and the badges that were revoked with it."""

    badges_revoked: list[str]


@router.post("/award", response_model=Moved)
async def award(
    request: Request, principal: PointsKey, body: PointsRequest, idempotency_key: IdempotencyKey = None
) -> Json:
    """Give points to a learner; one who isn't known is made."""
    return once_answer(await points.award(*acting(request, principal), body.command(), idempotency_key))


@router.post("/deduct", response_model=Moved)
async def deduct(
    request: Request, principal: PointsKey, body: PointsRequest, idempotency_key: IdempotencyKey = None
) -> Json:
    """Spend a learner's points; never more than there are."""
    return once_answer(await points.deduct(*acting(request, principal), body.command(), idempotency_key))


@router.post("/reverse", response_model=Reversed)
async def reverse(
    request: Request, principal: PointsKey, body: ReversalRequest, idempotency_key: IdempotencyKey = None
) -> Json:
    """Undo an entry by a new one, and the badge that a rule gave with it. What was spent meanwhile is then
    owed."""
    return once_answer(
        await points.reverse(
            *acting(request, principal), Reversal(body.entry_id, body.reason), idempotency_key
        )
    )


def once_answer(done: Once[Any]) -> Json:
    """The fields of a result as an answer, which says where it is that of the first time."""
    return replayable(asdict(done.result), replayed=done.replayed)


def replayable(answer: dict[str, Any], *, replayed: bool) -> Json:
    """An answer, which says where it is that of the first time."""
    return Json(answer, headers={"Idempotency-Replayed": "true"} if replayed else None)
