"""The organisation as an issuer of Open Badges: what it says of itself, and its keys."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from rocket_server.badges.addresses import PublicUrls
from rocket_server.badges.images import ImageFault, png_of_data_url
from rocket_server.delivery.guard import destination
from rocket_server.errors import InvalidPayload
from rocket_server.http import openapi
from rocket_server.http.actors import acting
from rocket_server.http.api.answers import organisation as organisation_answers
from rocket_server.http.aside import aside
from rocket_server.http.auth import AdminKey, ReadKey
from rocket_server.http.responses import Json
from rocket_server.http.services import Services, services_of
from rocket_server.times import rfc3339
from rocket_server.usecases import issuer as acts
from rocket_server.usecases.issuer import Profile, Shown

router = APIRouter(prefix="/v1/issuer", tags=["badges"], responses=openapi.ERRORS)

_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"


class ProfileBody(BaseModel):
    """What credentials say of their issuer; the organisation's name where none is sent."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=_PRINTABLE)] | None = None
    url: Annotated[str, Field(max_length=500)] | None = None
    email: Annotated[str, Field(max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$")] | None = None
    image: Annotated[str, Field(max_length=720_000)] | None = Field(
        default=None, description="A PNG as a data URL, at most 512 KiB. Not sent: the image stays."
    )


@router.get("", response_model=organisation_answers.Issuer)
async def read_issuer(request: Request, principal: ReadKey) -> Json:
    """The issuer's profile and keys; private halves are never shown."""
    services = services_of(request)
    async with services.database.connection() as conn:
        return _answer(services, await acts.read(conn, principal.organisation_id))


@router.put("", response_model=organisation_answers.Issuer)
async def change_issuer(request: Request, principal: AdminKey, body: ProfileBody) -> Json:
    """Set the issuer's profile. Credentials that were issued keep what they say."""
    services = services_of(request)
    png: bytes | None = None
    image = body.image
    if image is not None:
        try:
            png = await aside(lambda: png_of_data_url(image))
        except ImageFault as fault:
            raise InvalidPayload.field("image", str(fault)) from fault
    profile = Profile(
        body.name,
        None if body.url is None else destination(body.url).url,
        body.email,
        png,
        keeps_image="image" not in body.model_fields_set,
    )
    changed = await acts.change(*acting(request, principal), profile)
    return _answer(services, changed)


@router.post("/rotate-key", status_code=201, response_model=organisation_answers.Issuer)
async def rotate_key(request: Request, principal: AdminKey) -> Json:
    """Sign with a new key from now on. The old one goes on to verify what it signed."""
    services = services_of(request)
    rotated = await acts.rotate_key(*acting(request, principal), services.sealer)
    return _answer(services, rotated, 201)


def _answer(services: Services, shown: Shown, status_code: int = 200) -> Json:
    issuer = shown.issuer
    public = PublicUrls(services.settings.public_url, issuer.issuer_id)
    answer = {
        "issuer_id": issuer.issuer_id,
        "name": issuer.name,
        "url": issuer.url,
        "email": issuer.email,
        "image_url": public.image(issuer.image_id) if issuer.image_id else None,
        "public_url": public.issuer,
        "keys": [
            {
                "key_id": key.key_id,
                "did": key.did,
                "encrypted": key.sealed,
                "issued": key.issued,
                "created_at": rfc3339(key.created_at),
                "retired_at": rfc3339(key.retired_at) if key.retired_at else None,
            }
            for key in shown.keys
        ],
    }
    return Json(answer, status_code)
