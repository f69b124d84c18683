"""Points by hand: award, deduct, reverse."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, ConfigDict, Field

from rocket_server import pipeline
from rocket_server.delivery import outbox
from rocket_server.delivery.outbox import Message
from rocket_server.errors import Conflict, InvalidPayload, NotFound
from rocket_server.http import openapi
from rocket_server.http.auth import PointsKey, Principal
from rocket_server.http.numbers import Whole
from rocket_server.http.responses import Json, rfc3339
from rocket_server.http.services import Services, services_of
from rocket_server.ids import parse_uuid, uuid7
from rocket_server.learners import store as learners
from rocket_server.learners.store import Wanted
from rocket_server.ledger import manual
from rocket_server.ledger import store as ledger_store
from rocket_server.ledger.model import Cause, Entry
from rocket_server.sources import checks
from rocket_server.sources.checks import Fault

router = APIRouter(prefix="/v1/points", tags=["points"], responses=openapi.POINTS_ERRORS)

MAX_POINTS = 1_000_000
IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")
]


class PointsRequest(BaseModel):
    """Points for, or from, a learner."""

    model_config = ConfigDict(extra="forbid")

    user_id: str = Field(min_length=1, max_length=255)
    points: Whole = Field(ge=1, le=MAX_POINTS)
    reason: str = Field(min_length=1, max_length=1_000)
    metadata: dict[str, Any] | None = None


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
    services = services_of(request)
    return await _move(services, principal, body, idempotency_key, "award")


@router.post("/deduct", response_model=Moved)
async def deduct(
    request: Request, principal: PointsKey, body: PointsRequest, idempotency_key: IdempotencyKey = None
) -> Json:
    """Spend a learner's points; never more than there are."""
    services = services_of(request)
    return await _move(services, principal, body, idempotency_key, "deduct")


@router.post("/reverse", response_model=Reversed)
async def reverse(
    request: Request, principal: PointsKey, body: ReversalRequest, idempotency_key: IdempotencyKey = None
) -> Json:
    """Undo an entry by a new one, and the badge that a rule gave with it. What was spent meanwhile is then
    owed."""
    services = services_of(request)
    entry_id = parse_uuid(body.entry_id)
    if entry_id is None:
        raise NotFound("There is no such entry.", {"field": "entry_id"})
    check_storable(body.reason, "reason")

    async def work(conn: Any) -> dict[str, Any]:
        now = datetime.now(UTC)
        cause = Cause(principal.actor, now, body.reason)
        configuration = await services.configurations.current(conn, principal.organisation_id)
        entry, badges = await pipeline.reverse(conn, configuration, entry_id, cause, now)
        answer = {**_answer(entry), "badges_revoked": badges}
        if badges:  # what rules had given for them went, too
            account = await ledger_store.read_account(conn, principal.organisation_id, entry.learner_id)
            answer["balance"] = account.points
        return answer

    return await once(services, principal, idempotency_key, ["reverse", body.model_dump()], work)


async def _move(
    services: Services,
    principal: Principal,
    body: PointsRequest,
    idempotency_key: str | None,
    what: Literal["award", "deduct"],
) -> Json:
    user_id = checked_identity(body.user_id, "user_id")
    check_storable(body.reason, "reason")
    check_metadata(body.metadata)
    organisation_id = principal.organisation_id
    move = manual.award if what == "award" else manual.deduct

    async def work(conn: Any) -> dict[str, Any]:
        learner = await known_or_new(services, conn, organisation_id, user_id)
        now = datetime.now(UTC)
        cause = Cause(principal.actor, now, body.reason, metadata=body.metadata)
        entry = await move(conn, organisation_id, learner.learner_id, body.points, cause)
        if what == "award":
            await _tell(services, conn, organisation_id, learner.user_id, body, entry, now)
            configuration = await services.configurations.current(conn, organisation_id)
            await pipeline.points_given(conn, configuration, learner, principal.actor, now)
        return _answer(entry)

    # Kept for ever as a hash: a name or a field that changes would make every repetition another request.
    asked = [what, body.model_dump(include={"user_id", "points", "reason", "metadata"})]
    return await once(services, principal, idempotency_key, asked, work)


async def once(
    services: Services,
    principal: Principal,
    idempotency_key: str | None,
    asked: list[Any],
    work: Callable[[Any], Awaitable[dict[str, Any]]],
) -> Json:
    """Do `work` in a transaction, or answer what it answered the first time."""

    async def transaction(conn: Any) -> tuple[dict[str, Any], bool]:
        return await manual.once(conn, principal.organisation_id, idempotency_key, asked, lambda: work(conn))

    answer, replayed = await services.database.run(transaction)
    return Json(answer, headers={"Idempotency-Replayed": "true"} if replayed else None)


async def known_or_new(services: Services, conn: Any, organisation_id: str, user_id: str) -> learners.Learner:
    """The learner of an identity, made where that is allowed. Raises NotFound."""
    configuration = await services.configurations.current(conn, organisation_id)
    create = configuration.organisation.unknown_learner != "refuse"
    found = await learners.resolve(conn, organisation_id, [Wanted(user_id, create=create)])
    if user_id not in found:
        raise NotFound("There is no such learner.", {"field": "user_id"})
    if found[user_id].status != "active":
        raise Conflict(f"This learner is {found[user_id].status}.", {"field": "user_id"})
    return found[user_id]


async def _tell(
    services: Services,
    conn: Any,
    organisation_id: str,
    user_id: str,
    body: PointsRequest,
    entry: Entry,
    now: datetime,
) -> None:
    configuration = await services.configurations.current(conn, organisation_id)
    message_id = uuid7()
    content = {
        "id": message_id,
        "event": "points.awarded",
        "user_id": user_id,
        "timestamp": rfc3339(now),
        "properties": {"reason": body.reason, "entry_id": entry.entry_id, **(body.metadata or {})},
        "points_awarded": entry.amount,
    }
    await outbox.enqueue(
        conn, organisation_id, configuration.endpoints, [Message(message_id, "points.awarded", content)], now
    )


def _answer(entry: Entry) -> dict[str, Any]:
    return {"entry_id": entry.entry_id, "points": entry.amount, "balance": entry.balance_after}


def checked_identity(value: str, path: str) -> str:
    """An identity that a request names at `path`, in the form in which it is kept. Raises InvalidPayload."""
    try:
        return checks.user_id(value)
    except Fault as fault:
        raise InvalidPayload.field(path, str(fault)) from fault


def check_storable(value: Any, path: str) -> None:
    """Raise InvalidPayload where the database can't hold `value`."""
    faults = checks.faults_in(value, path)
    if faults:
        raise InvalidPayload.from_fields(faults)


def check_metadata(metadata: dict[str, Any] | None) -> None:
    """Raise InvalidPayload where `metadata` can't be kept with an entry or an award."""
    faults = checks.metadata_faults(metadata)
    if faults:
        raise InvalidPayload.from_fields(faults)
