"""What anybody may see of badges: whether an award stands, its credential, who issued it, what was revoked.

All of it is found by random ids only, and tells no more than the award itself.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, Response

from rocket_server.badges import images, issue, issuers, store
from rocket_server.badges.addresses import PublicUrls
from rocket_server.badges.credentials import Facts
from rocket_server.badges.model import Issuer
from rocket_server.badges.signing import verification_method
from rocket_server.errors import NotFound
from rocket_server.http import openapi
from rocket_server.http.public import operation_answers, verification_page
from rocket_server.http.responses import Json
from rocket_server.http.services import services_of
from rocket_server.ids import parse_uuid
from rocket_server.presence import acting_for
from rocket_server.times import rfc3339


async def _for_anybody() -> None:
    """All who ask without a key share half of the connections, as an organisation does: there may be many."""
    acting_for.set("public")


router = APIRouter(
    prefix="/public/badges/{issuer_id}",
    tags=["public badges"],
    responses=openapi.ERRORS,
    dependencies=[Depends(_for_anybody)],
)

# Verifiers may run in browsers of others, so everybody's pages may read this.
_OPEN: Final = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}
_CREDENTIAL: Final = "application/vc"
_YEAR: Final = {"Cache-Control": "public, max-age=31536000, immutable"}


@router.get("", response_model=operation_answers.Profile)
async def read_profile(request: Request, issuer_id: str) -> Json:
    """Who issues, and the keys that are its own, retired ones included."""
    services = services_of(request)
    async with services.database.connection() as conn:
        found = await issuers.find(conn, parsed) if (parsed := parse_uuid(issuer_id)) else None
        if found is None:
            raise NotFound("There is no such issuer.")
        issuer = await issuers.read(conn, found)
        keys = await issuers.keys(conn, found)
    public = PublicUrls(services.settings.public_url, issuer.issuer_id)
    profile: dict[str, Any] = {"id": public.issuer, "type": ["Profile"], **_issuer(issuer, public)}
    profile["verificationMethod"] = [
        {
            "id": verification_method(key.did),
            "type": "Multikey",
            "controller": key.did,
            "publicKeyMultibase": key.did.removeprefix("did:key:"),
        }
        for key in keys
    ]
    return Json(profile, headers=_OPEN)


@router.get(
    "/awards/{public_id}",
    response_class=Response,
    responses=openapi.of("text/html"),
    response_model=operation_answers.Verification,
)
async def verify_award(request: Request, issuer_id: str, public_id: str) -> Response:
    """Whether an award stands: a page for people, or JSON where that is accepted."""
    services = services_of(request)
    wants_page = "text/html" in request.headers.get("accept", "")
    async with services.database.connection() as conn:
        award = await _award(conn, issuer_id, public_id)
        issuer = await issuers.read(conn, award.organisation_id) if award else None
    if award is None or issuer is None:
        if wants_page:
            return _page(verification_page.unknown(), 404)
        raise _no_award()
    public = PublicUrls(services.settings.public_url, issuer.issuer_id)
    shown = _shown(award, issuer, public)
    if wants_page:
        return _page(verification_page.known(shown, award), 200)
    return Json(shown, headers={**_OPEN, "Vary": "Accept"})


@router.get("/awards/{public_id}/credential.json", response_class=Response, responses=openapi.of(_CREDENTIAL))
async def download_credential(request: Request, issuer_id: str, public_id: str) -> Response:
    """The award as an Open Badges 3.0 credential, signed when it is first asked for."""
    _, text = await _credential(request, issuer_id, public_id)
    return Response(text, media_type=_CREDENTIAL, headers=_OPEN)


@router.get("/awards/{public_id}/badge.png", response_class=Response, responses=openapi.of("image/png"))
async def download_image(request: Request, issuer_id: str, public_id: str) -> Response:
    """The badge's image with the credential baked into it."""
    award, text = await _credential(request, issuer_id, public_id)
    async with services_of(request).database.connection() as conn:
        png = await issue.picture(conn, award, issuer_id)
    return Response(images.baked(png, text), media_type="image/png", headers=_OPEN)


@router.get("/status/{key_id}/{number}", response_class=Response, responses=openapi.of(_CREDENTIAL))
async def read_status_list(request: Request, issuer_id: str, key_id: str, number: str) -> Response:
    """What was revoked of the credentials that a key signed: a signed Bitstring Status List."""
    services = services_of(request)
    issuer, key = parse_uuid(issuer_id), parse_uuid(key_id)
    if issuer is None or key is None or not (number.isascii() and number.isdigit() and len(number) < 10):
        raise NotFound("There is no such status list.")
    async with services.database.connection() as conn:
        text = await services.status_lists.get(
            conn, issuer, key, int(number), services.settings.public_url, services.sealer
        )
    headers = {**_OPEN, "Cache-Control": "public, max-age=60"}
    return Response(text, media_type=_CREDENTIAL, headers=headers)


@router.get("/images/{image_id}", response_class=Response, responses=openapi.of("image/png"))
async def read_image(request: Request, issuer_id: str, image_id: str) -> Response:
    """A badge's image."""
    issuer, image = parse_uuid(issuer_id), parse_uuid(image_id)
    async with services_of(request).database.connection() as conn:
        png = await store.image(conn, issuer, image) if issuer and image else None
    if png is None:
        raise NotFound("There is no such image.")
    return Response(png, media_type="image/png", headers={**_OPEN, **_YEAR})


@router.get("/medals/{badge_id}", response_class=Response, responses=openapi.of("image/png"))
async def read_medal(issuer_id: str, badge_id: str) -> Response:
    """The medal of a badge without an image; drawn from the id, whether there is such a badge or not."""
    png = await asyncio.to_thread(images.drawn, badge_id)
    return Response(png, media_type="image/png", headers={**_OPEN, **_YEAR})


async def _award(conn: Any, issuer_id: str, public_id: str) -> Facts | None:
    issuer, award = parse_uuid(issuer_id), parse_uuid(public_id)
    return await issue.facts(conn, issuer, award) if issuer and award else None


async def _credential(request: Request, issuer_id: str, public_id: str) -> tuple[Facts, str]:
    services = services_of(request)

    async def work(conn: Any) -> tuple[Facts, str]:
        award = await _award(conn, issuer_id, public_id)
        if award is None:
            raise _no_award()
        return award, await issue.credential(conn, award, services.settings.public_url, services.sealer)

    return await services.database.run(work)


def _issuer(issuer: Issuer, public: PublicUrls) -> dict[str, Any]:
    return {
        "name": issuer.name,
        "url": issuer.url or public.issuer,
        **({"email": issuer.email} if issuer.email else {}),
        **({"image": public.image(issuer.image_id)} if issuer.image_id else {}),
    }


def _shown(award: Facts, issuer: Issuer, public: PublicUrls) -> dict[str, Any]:
    address = public.award(award.public_id)
    given = award.status != "revoked"
    return {
        "status": "valid" if award.status == "awarded" else award.status,
        "badge": {
            "name": award.badge_name,
            "description": award.description,
            "criteria": award.criteria_text,
            "image": public.picture(award.badge_id, award.image_id),
        },
        "issuer": _issuer(issuer, public),
        "awarded_at": rfc3339(award.awarded_at),
        "expires_at": rfc3339(award.expires_at) if award.expires_at else None,
        "revoked_at": rfc3339(award.revoked_at) if award.revoked_at else None,
        "credential": f"{address}/credential.json" if given else None,
        "baked_image": f"{address}/badge.png" if given else None,
    }


def _no_award() -> NotFound:
    return NotFound("There is no such award.")


def _page(html: str, status: int) -> HTMLResponse:
    headers = {
        "Content-Security-Policy": verification_page.POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept",
    }
    return HTMLResponse(html, status_code=status, headers=headers)
