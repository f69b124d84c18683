"""Badges: definitions, and their being given to learners and taken back by hand."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from rocket_server.badges import store
from rocket_server.badges.addresses import PublicUrls
from rocket_server.badges.parse import parse_badge
from rocket_server.badges.store import ShownBadge
from rocket_server.http import openapi
from rocket_server.http.actors import acting
from rocket_server.http.api.answers import organisation as organisation_answers
from rocket_server.http.api.points import IdempotencyKey, once_answer
from rocket_server.http.aside import aside
from rocket_server.http.auth import AdminKey, PointsKey, ReadKey
from rocket_server.http.edge.body import decode_json
from rocket_server.http.paging import DEFAULT_LIMIT, Cursor, Limit, part, text_after
from rocket_server.http.responses import Json
from rocket_server.http.services import Services, services_of
from rocket_server.times import rfc3339
from rocket_server.usecases import badges as acts
from rocket_server.usecases.badges import Defined, Gift, Revocation

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
        rows, more = await store.page(conn, principal.organisation_id, text_after(cursor) or "", limit)
        public = PublicUrls(
            services.settings.public_url, await store.issuer_id(conn, principal.organisation_id)
        )
    return Json(part("badges", [_shown(row, public) for row in rows], more, "badge_id"))


@router.post("", status_code=201, openapi_extra=openapi.BADGE, response_model=organisation_answers.Badge)
async def create_badge(request: Request, principal: AdminKey) -> Json:
    """Define a badge."""
    body = decode_json(await request.body())
    definition = await aside(lambda: parse_badge(body))
    services = services_of(request)
    made = await acts.create(*acting(request, principal), definition)
    return _defined(services, made, 201)


@router.post("/award", response_model=Given)
async def award_badge(
    request: Request, principal: PointsKey, body: AwardRequest, idempotency_key: IdempotencyKey = None
) -> Json:
    """Give a badge to a learner; one who isn't known is made. What a learner holds isn't given twice."""
    return once_answer(
        await acts.give(
            *acting(request, principal), Gift(body.user_id, body.badge_id, body.metadata), idempotency_key
        )
    )


@router.post("/revoke", response_model=Given)
async def revoke_badge(request: Request, principal: PointsKey, body: RevocationRequest) -> Json:
    """Take a badge back, with the points that rules gave for it. It stays on record; it may be given anew."""
    command = Revocation(body.reason, body.award_id, body.user_id, body.badge_id)
    return Json(asdict(await acts.revoke(*acting(request, principal), command)))


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
    services, organisation_id = services_of(request), principal.organisation_id
    async with services.database.connection() as conn:
        await store.show(conn, organisation_id, badge_id)
    definition = await aside(lambda: parse_badge(body, badge_id))
    return _defined(services, await acts.change(*acting(request, principal), definition))


@router.delete("/{badge_id}", status_code=204)
async def delete_badge(request: Request, principal: AdminKey, badge_id: str) -> Response:
    """Take a badge out of use. Awards stay, and their credentials go on to be valid."""
    await acts.delete(*acting(request, principal), badge_id)
    return Response(status_code=204)


def _defined(services: Services, defined: Defined, status_code: int = 200) -> Json:
    public = PublicUrls(services.settings.public_url, defined.issuer_id)
    return Json(_shown(defined.badge, public), status_code)


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
