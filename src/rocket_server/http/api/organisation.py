"""The organisation's settings, keys and sources."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rocket_server.http import openapi
from rocket_server.http.actors import acting
from rocket_server.http.api.answers import organisation as organisation_answers
from rocket_server.http.auth import AdminKey, ReadKey
from rocket_server.http.paging import DEFAULT_LIMIT, Cursor, Limit, id_after, part
from rocket_server.http.responses import Json
from rocket_server.http.services import Services, services_of
from rocket_server.organisations import request_log, sources, store
from rocket_server.organisations.model import Filters, Organisation
from rocket_server.organisations.settings import UnknownLearner, change_model
from rocket_server.sources import sites
from rocket_server.times import rfc3339
from rocket_server.usecases import organisation as organisation_acts
from rocket_server.usecases import sources as acts
from rocket_server.usecases.sources import UNSET, Settings, Shown

router = APIRouter(prefix="/v1", tags=["organisation"], responses=openapi.ERRORS)

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
# PostgreSQL has no text with a NUL in it.
_STORABLE = r"^[^\x00]*$"
Ids = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=100, pattern=_STORABLE)]], Field(max_length=1_000)
]
HmacSecret = Annotated[str, Field(min_length=16, max_length=500, pattern=_STORABLE)]


if TYPE_CHECKING:
    OrganisationChange = BaseModel
else:
    OrganisationChange = change_model(
        "OrganisationChange", "Settings to change; what isn't sent stays.", name=(Name | None, None)
    )


class FiltersBody(BaseModel):
    """Which of a source's events count; an empty list lets all pass."""

    model_config = ConfigDict(extra="forbid")

    course_ids: Ids = []
    category_ids: Ids = []
    role_ids: Ids = []
    context_levels: Ids = []
    visible: bool | None = None
    exclude_suspended: bool = False
    course_resets: bool = True

    def filters(self) -> Filters:
        """The filters, with sets of ids."""
        return Filters(
            frozenset(self.course_ids),
            frozenset(self.category_ids),
            frozenset(self.role_ids),
            frozenset(self.context_levels),
            self.visible,
            self.exclude_suspended,
            self.course_resets,
        )


class SourceChange(BaseModel):
    """Settings of a source to change; what isn't sent stays."""

    model_config = ConfigDict(extra="forbid")

    allowed_cidrs: Annotated[list[str], Field(max_length=200)] | None = None
    staff_ids: Ids | None = None
    filters: FiltersBody | None = None
    unknown_learner: UnknownLearner | None = None
    mappings: dict[str, Any] | None = None
    site: str | None = Field(
        default=None,
        max_length=sites.MAX_SITE,
        description="The platform's address, where it moved; null: that of the next event.",
    )

    def settings(self) -> Settings:
        """What is sent and isn't null; `unknown_learner` and `site` may be null."""
        sent = self.model_fields_set
        return Settings(
            UNSET if self.allowed_cidrs is None else tuple(self.allowed_cidrs),
            UNSET if self.staff_ids is None else frozenset(self.staff_ids),
            UNSET if self.filters is None else self.filters.filters(),
            self.unknown_learner if "unknown_learner" in sent else UNSET,
            UNSET if self.mappings is None else self.mappings,
            self.site if "site" in sent else UNSET,
        )


class NewSource(SourceChange):
    """A platform that will send events."""

    kind: str = Field(max_length=40)
    name: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    token: str | None = Field(default=None, max_length=500)
    hmac_secret: HmacSecret | None = None


class Rotation(BaseModel):
    """A further credential; the old ones work until they are revoked."""

    model_config = ConfigDict(extra="forbid")

    token: str | None = Field(default=None, max_length=500)
    hmac_secret: HmacSecret | None = None
    kind: Literal["token", "hmac_secret"] = "token"
    revoke: str | None = Field(
        default=None,
        max_length=100,
        pattern=_STORABLE,
        description="An old credential to revoke at once.",
    )


@router.get("/organisation", response_model=organisation_answers.Organisation)
async def read_organisation(request: Request, principal: ReadKey) -> Json:
    """The organisation's settings."""
    async with services_of(request).database.connection() as conn:
        return Json(_organisation(await store.read(conn, principal.organisation_id)))


@router.patch("/organisation", response_model=organisation_answers.Organisation)
async def change_organisation(request: Request, principal: AdminKey, body: OrganisationChange) -> Json:
    """Change the organisation's settings."""
    changes = body.model_dump(mode="json", exclude_none=True)
    changed = await organisation_acts.change(*acting(request, principal), changes)
    return Json(_organisation(changed))


@router.get("/sources", response_model=organisation_answers.SourceList)
async def list_sources(request: Request, principal: ReadKey) -> Json:
    """The organisation's sources with their credentials, masked."""
    services = services_of(request)
    async with services.database.connection() as conn:
        shown = [
            _source(services, Shown(source, await sources.credentials(conn, source), {}))
            for source in await sources.all_sources(conn, principal.organisation_id)
        ]
    return Json({"sources": shown, "next_cursor": None})


@router.post("/sources", status_code=201, response_model=organisation_answers.SourceMade)
async def create_source(request: Request, principal: AdminKey, body: NewSource) -> Json:
    """Make a source with a token, or with an HMAC secret where one is sent. A secret is shown once, here."""
    services = services_of(request)
    new = acts.NewSource(body.kind, body.name, body.settings(), body.token, body.hmac_secret)
    made = await acts.create(*acting(request, principal), new)
    return Json({**_source(services, made), **made.secrets}, status_code=201)


@router.patch("/sources/{source_id}", response_model=organisation_answers.Source)
async def change_source(request: Request, principal: AdminKey, source_id: str, body: SourceChange) -> Json:
    """Change a source's settings."""
    services = services_of(request)
    changed = await acts.change(*acting(request, principal), source_id, body.settings())
    return Json(_source(services, changed))


@router.post(
    "/sources/{source_id}/rotate", status_code=201, response_model=organisation_answers.CredentialAdded
)
async def rotate_source(request: Request, principal: AdminKey, source_id: str, body: Rotation) -> Json:
    """Add a credential; with `revoke`, an old one stops to work in the same moment."""
    rotation = acts.Rotation(body.kind, body.token, body.hmac_secret, body.revoke)
    rotated = await acts.rotate(*acting(request, principal), source_id, rotation)
    return Json({"source_id": rotated.source.source_id, **rotated.secrets}, status_code=201)


@router.get("/sources/{source_id}/requests", response_model=organisation_answers.RequestPage)
async def list_requests(
    request: Request, principal: ReadKey, source_id: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Json:
    """The source's last requests: what arrived, what was answered and why."""
    async with services_of(request).database.connection() as conn:
        source = await acts.known(conn, principal.organisation_id, source_id)
        rows, more = await request_log.page(
            conn, principal.organisation_id, source.source_id, id_after(cursor), limit
        )
    shown = [{**shallow(row), "received_at": rfc3339(row.received_at)} for row in rows]
    return Json(part("requests", shown, more, "request_id"))


def shallow(instance: Any) -> dict[str, Any]:
    """The fields of a dataclass by name. `asdict` would copy all that is in them, which takes a while."""
    return {field.name: getattr(instance, field.name) for field in fields(instance)}


def _organisation(organisation: Organisation) -> dict[str, Any]:
    return {
        "organisation_id": organisation.organisation_id,
        "tenant_id": organisation.tenant_id,
        "name": organisation.name,
        "environment": organisation.environment,
        **organisation.settings.model_dump(mode="json"),
        "timezone": str(organisation.timezone),
        **({"timezone_replaced": replaced} if (replaced := organisation.timezone_replaced) else {}),
    }


def _source(services: Services, shown: Shown) -> dict[str, Any]:
    source, public_url = shown.source, services.settings.public_url
    filters = shallow(source.filters)
    return {
        "source_id": source.source_id,
        "kind": source.kind,
        "name": source.name,
        "slug": source.slug,
        "url": sources.hook_url(public_url, source.kind),
        "signed_url": sources.hook_url(public_url, source.slug),
        "staff_ids": sorted(source.staff_ids),
        "filters": {
            key: sorted(value) if isinstance(value, frozenset) else value for key, value in filters.items()
        },
        "unknown_learner": source.unknown_learner,
        "mappings": dict(source.mappings),
        "allowed_cidrs": list(source.allowed_cidrs),
        "site": source.site,
        "credentials": [
            {
                "credential_id": credential.credential_id,
                "kind": credential.kind,
                "prefix": credential.prefix,
                "created_at": rfc3339(credential.created_at),
                "revoked_at": rfc3339(credential.revoked_at) if credential.revoked_at else None,
            }
            for credential in shown.credentials
        ],
    }
