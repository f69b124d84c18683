"""Badges: definitions, and their being given to learners and taken back by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from rocket_server import pipeline
from rocket_server.badges import awards, store
from rocket_server.badges.addresses import PublicUrls
from rocket_server.badges.awards import Award
from rocket_server.badges.parse import parse_badge
from rocket_server.badges.store import ShownBadge
from rocket_server.errors import Conflict, InvalidPayload, NotFound
from rocket_server.http import openapi
from rocket_server.http.api.answers import organisation as organisation_answers
from rocket_server.http.api.points import (
    IdempotencyKey,
    check_metadata,
    check_storable,
    checked_identity,
    known_or_new,
    once,
)
from rocket_server.http.auth import AdminKey, PointsKey, Principal, ReadKey
from rocket_server.http.edge.body import decode_json
from rocket_server.http.paging import DEFAULT_LIMIT, Cursor, Limit, page, text_after
from rocket_server.http.responses import Json, rfc3339
from rocket_server.http.services import services_of
from rocket_server.ids import parse_uuid
from rocket_server.learners import store as learners
from rocket_server.learners.store import Learner
from rocket_server.organisations import store as organisations

router = APIRouter(prefix="/v1/badges", tags=["badges"], responses=openapi.POINTS_ERRORS)


class AwardRequest(BaseModel):
    """A badge for a learner."""

    model_config = ConfigDict(extra="forbid")

    user_id: str = Field(min_length=1, max_length=255)
    badge_id: str = Field(min_length=1, max_length=100)
    metadata: dict[str, Any] | None = None


class RevocationRequest(BaseModel):
    """The award to take back: by its id, or the latest of a badge to a learner."""

    model_config = ConfigDict(extra="forbid")

    award_id: str | None = Field(default=None, min_length=1, max_length=100)
    user_id: str | None = Field(default=None, min_length=1, max_length=255)
    badge_id: str | None = Field(default=None, min_length=1, max_length=100)
    reason: Annotated[str, Field(min_length=1, max_length=1_000)]


class Given(BaseModel):
    """The award, and whether it is new."""

    award_id: str
    badge_id: str
    user_id: str
    status: str


@router.get("", response_model=organisation_answers.BadgePage)
async def list_badges(
    request: Request, principal: ReadKey, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Json:
    """The organisation's badges, in the order of their ids."""
    services = services_of(request)
    async with services.database.connection() as conn:
        rows = await store.page(conn, principal.organisation_id, text_after(cursor) or "", limit)
        public = PublicUrls(
            services.settings.public_url, await store.issuer_id(conn, principal.organisation_id)
        )
    return Json(page("badges", [_shown(row, public) for row in rows], limit, "badge_id"))


@router.post("", status_code=201, openapi_extra=openapi.BADGE, response_model=organisation_answers.Badge)
async def create_badge(request: Request, principal: AdminKey) -> Json:
    """Define a badge."""
    definition = parse_badge(decode_json(await request.body()))
    services = services_of(request)
    organisation_id = principal.organisation_id

    async def work(conn: Any) -> dict[str, Any]:
        await organisations.touch(conn, organisation_id)  # also the lock under which badges are counted
        made = await store.create(conn, organisation_id, definition)
        return _shown(
            made, PublicUrls(services.settings.public_url, await store.issuer_id(conn, organisation_id))
        )

    return Json(await services.database.run(work), status_code=201)


@router.post("/award", response_model=Given)
async def award_badge(
    request: Request, principal: PointsKey, body: AwardRequest, idempotency_key: IdempotencyKey = None
) -> Json:
    """Give a badge to a learner; one who isn't known is made. What a learner holds isn't given twice."""
    services = services_of(request)
    user_id = checked_identity(body.user_id, "user_id")
    check_metadata(body.metadata)

    async def work(conn: Any) -> dict[str, Any]:
        configuration = await services.configurations.current(conn, principal.organisation_id)
        badge = configuration.badges.get(body.badge_id)
        if badge is None:
            raise store.unknown()
        if not badge.active:
            raise Conflict("This badge isn't active; activate it first.", {"field": "badge_id"})
        learner = await known_or_new(services, conn, principal.organisation_id, user_id)
        award_id, new = await pipeline.give_badge(
            conn, configuration, learner, badge, principal.actor, body.metadata, datetime.now(UTC)
        )
        return {
            "award_id": award_id,
            "badge_id": badge.badge_id,
            "user_id": learner.user_id,
            "status": "awarded" if new else "already_held",
        }

    return await once(services, principal, idempotency_key, ["badge", body.model_dump()], work)


@router.post("/revoke", response_model=Given)
async def revoke_badge(request: Request, principal: PointsKey, body: RevocationRequest) -> Json:
    """Take a badge back, with the points that rules gave for it. It stays on record; it may be given anew."""
    services = services_of(request)
    if (body.award_id is None) == (body.user_id is None or body.badge_id is None):
        raise InvalidPayload.field("award_id", "either award_id, or user_id and badge_id")
    check_storable(body.reason, "reason")

    async def work(conn: Any) -> dict[str, Any]:
        award = await _standing(conn, principal, body)
        configuration = await services.configurations.current(conn, principal.organisation_id)
        await pipeline.revoke_badge(
            conn, configuration, award, principal.actor, body.reason, datetime.now(UTC)
        )
        learner = await learners.read(conn, principal.organisation_id, award.learner_id)
        return {
            "award_id": award.award_id,
            "badge_id": award.badge_id,
            "user_id": learner.user_id if learner else None,
            "status": "revoked",
        }

    return Json(await services.database.run(work))


@router.get("/{badge_id}", response_model=organisation_answers.Badge)
async def read_badge(request: Request, principal: ReadKey, badge_id: str) -> Json:
    """One badge."""
    services = services_of(request)
    async with services.database.connection() as conn:
        row = await store.show(conn, principal.organisation_id, badge_id)
        public = PublicUrls(
            services.settings.public_url, await store.issuer_id(conn, principal.organisation_id)
        )
    return Json(_shown(row, public))


@router.put("/{badge_id}", openapi_extra=openapi.BADGE, response_model=organisation_answers.Badge)
async def change_badge(request: Request, principal: AdminKey, badge_id: str) -> Json:
    """Set a badge's definition, whole; without `image` the image stays, null takes it away."""
    body = decode_json(await request.body())
    services = services_of(request)
    organisation_id = principal.organisation_id

    async def work(conn: Any) -> dict[str, Any]:
        await organisations.touch(conn, organisation_id)
        await store.show(conn, organisation_id, badge_id)
        changed = await store.change(conn, organisation_id, parse_badge(body, badge_id))
        return _shown(
            changed, PublicUrls(services.settings.public_url, await store.issuer_id(conn, organisation_id))
        )

    return Json(await services.database.run(work))


@router.delete("/{badge_id}", status_code=204)
async def delete_badge(request: Request, principal: AdminKey, badge_id: str) -> Response:
    """Take a badge out of use. Awards stay, and their credentials go on to be valid."""

    async def work(conn: Any) -> None:
        await organisations.touch(conn, principal.organisation_id)
        await store.delete(conn, principal.organisation_id, badge_id)

    await services_of(request).database.run(work)
    return Response(status_code=204)


def shown_award(row: dict[str, Any], public: PublicUrls) -> dict[str, Any]:
    """A learner's badge as it is answered."""
    revoked_at, expires_at = row["revoked_at"], row["expires_at"]
    return {
        **{key: value for key, value in row.items() if key not in ("image_id", "public_id")},
        "awarded_at": rfc3339(row["awarded_at"]),
        "expires_at": rfc3339(expires_at) if expires_at else None,
        "revoked_at": rfc3339(revoked_at) if revoked_at else None,
        "image_url": public.picture(row["badge_id"], row["image_id"]),
        "verification_url": public.award(row["public_id"]),
    }


def _shown(row: ShownBadge, public: PublicUrls) -> dict[str, Any]:
    badge = row.badge
    return {
        "badge_id": badge.badge_id,
        "name": badge.name,
        "description": badge.description,
        "criteria_text": badge.criteria_text,
        "tags": badge.tags,
        "active": badge.active,
        "repeatable": badge.repeatable,
        "expires_after_days": badge.expires_after_days,
        "criteria": badge.criteria.as_dict() if badge.criteria else None,
        **({"criteria_fault": badge.criteria.fault} if badge.criteria and badge.criteria.fault else {}),
        "image_url": public.picture(badge.badge_id, badge.image_id),
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
    }


async def _standing(conn: Any, principal: Principal, body: RevocationRequest) -> Award:
    if body.award_id is not None:
        award_id = parse_uuid(body.award_id)
        found = await awards.find(conn, principal.organisation_id, award_id) if award_id else None
        field = "award_id"
    else:
        learner = await _learner(conn, principal, body.user_id or "")
        badge_id = body.badge_id or ""
        field = "badge_id"
        found = (
            await awards.standing_award(conn, principal.organisation_id, learner.learner_id, badge_id)
            if "\0" not in badge_id
            else None
        )
    if found is None:
        raise NotFound("There is no such award.", {"field": field})
    return found


async def _learner(conn: Any, principal: Principal, user_id: str) -> Learner:
    learner = (
        await learners.find_one(conn, principal.organisation_id, user_id) if "\0" not in user_id else None
    )
    if learner is None:
        raise NotFound("There is no such learner.", {"field": "user_id"})
    return learner
