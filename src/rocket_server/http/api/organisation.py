"""The organisation's settings, keys and sources."""

from __future__ import annotations

from dataclasses import asdict, replace
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rocket_server import sources as adapters
from rocket_server.errors import FieldError, InvalidPayload, NotFound
from rocket_server.http import openapi
from rocket_server.http.api.answers import organisation as organisation_answers
from rocket_server.http.auth import AdminKey, ReadKey
from rocket_server.http.numbers import Whole
from rocket_server.http.paging import DEFAULT_LIMIT, Cursor, Limit, id_after, page
from rocket_server.http.responses import Json, rfc3339
from rocket_server.http.services import services_of
from rocket_server.ids import parse_uuid
from rocket_server.organisations import request_log, sources, store
from rocket_server.organisations.credentials import check_own_token
from rocket_server.organisations.model import Filters, Organisation, Rank, Source
from rocket_server.rules.parse import MAX_RULES
from rocket_server.sources import checks, sites
from rocket_server.sources.checks import Fault

router = APIRouter(prefix="/v1", tags=["organisation"], responses=openapi.ERRORS)

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
# PostgreSQL has no text with a NUL in it.
_STORABLE = r"^[^\x00]*$"
Ids = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=100, pattern=_STORABLE)]], Field(max_length=1_000)
]
HmacSecret = Annotated[str, Field(min_length=16, max_length=500, pattern=_STORABLE)]
Unknown = Literal["create", "hold", "refuse"]


class RankBody(BaseModel):
    """A rank, from how many weeks of a streak on, and what it is good for."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f]+$")]
    weeks: Whole = Field(ge=0, le=520)
    multiplier: float = Field(default=1.0, ge=0.1, le=10, allow_inf_nan=False)
    discount_pct: Whole = Field(default=0, ge=0, le=100)


class OrganisationChange(BaseModel):
    """Settings to change; what isn't sent stays."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    timezone: str | None = Field(default=None, max_length=100)
    unknown_learner: Unknown | None = None
    weekly_goal: int | None = Field(default=None, ge=1, le=1_000_000)
    ranks: Annotated[list[RankBody], Field(min_length=1, max_length=20)] | None = None
    grace_weeks: int | None = Field(default=None, ge=0, le=4)


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


class SourceChange(BaseModel):
    """Settings of a source to change; what isn't sent stays."""

    model_config = ConfigDict(extra="forbid")

    allowed_cidrs: Annotated[list[str], Field(max_length=200)] | None = None
    staff_ids: Ids | None = None
    filters: FiltersBody | None = None
    unknown_learner: Unknown | None = None
    mappings: dict[str, Any] | None = None
    site: str | None = Field(
        default=None,
        max_length=sites.MAX_SITE,
        description="The platform's address, where it moved; null: that of the next event.",
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
    ranks = _ranks(body.ranks)

    async def work(conn: Any) -> Organisation:
        return await store.change(
            conn,
            principal.organisation_id,
            name=body.name,
            timezone_name=body.timezone,
            unknown_learner=body.unknown_learner,
            weekly_goal=body.weekly_goal,
            ranks=ranks,
            grace_weeks=body.grace_weeks,
        )

    return Json(_organisation(await services_of(request).database.run(work)))


@router.get("/sources", response_model=organisation_answers.SourceList)
async def list_sources(request: Request, principal: ReadKey) -> Json:
    """The organisation's sources with their credentials, masked."""
    services = services_of(request)
    async with services.database.connection() as conn:
        shown = [
            await _source(conn, services.settings.public_url, source)
            for source in await sources.all_sources(conn, principal.organisation_id)
        ]
    return Json({"sources": shown, "next_cursor": None})


@router.post("/sources", status_code=201, response_model=organisation_answers.SourceMade)
async def create_source(request: Request, principal: AdminKey, body: NewSource) -> Json:
    """Make a source with a token, or with an HMAC secret where one is sent. A secret is shown once, here."""
    services = services_of(request)
    if body.kind not in adapters.KINDS:
        raise InvalidPayload.field("kind", f"one of {', '.join(sorted(adapters.KINDS))}")
    if body.token is not None:
        check_own_token(body.token)
    wanted = _changed(Source(principal.organisation_id, "", body.kind, body.name or body.kind, ""), body)

    async def work(conn: Any) -> dict[str, Any]:
        source = await sources.create(conn, wanted)
        await _refuse_too_many_mappings(conn, principal.organisation_id)
        if body.site is not None:
            source = await sources.set_site(conn, source, body.site)
        secrets = {}
        if body.hmac_secret is not None:
            secrets["hmac_secret"] = await sources.add_hmac_secret(conn, source, body.hmac_secret)
        if body.token is not None or body.hmac_secret is None:
            secrets["token"] = await sources.add_token(conn, source, body.token)
        return await _source(conn, services.settings.public_url, source) | secrets

    return Json(await services.database.run(work), status_code=201)


@router.patch("/sources/{source_id}", response_model=organisation_answers.Source)
async def change_source(request: Request, principal: AdminKey, source_id: str, body: SourceChange) -> Json:
    """Change a source's settings."""
    services = services_of(request)

    async def work(conn: Any) -> dict[str, Any]:
        await store.lock(conn, principal.organisation_id)
        source = _changed(await _known(conn, principal.organisation_id, source_id), body)
        await sources.change(conn, source)
        await _refuse_too_many_mappings(conn, principal.organisation_id)
        if "site" in body.model_fields_set:
            source = await sources.set_site(conn, source, body.site or None)
        return await _source(conn, services.settings.public_url, source)

    return Json(await services.database.run(work))


@router.post(
    "/sources/{source_id}/rotate", status_code=201, response_model=organisation_answers.CredentialAdded
)
async def rotate_source(request: Request, principal: AdminKey, source_id: str, body: Rotation) -> Json:
    """Add a credential; with `revoke`, an old one stops to work in the same moment."""
    if body.token is not None:
        check_own_token(body.token)

    async def work(conn: Any) -> dict[str, str]:
        await store.lock(conn, principal.organisation_id)
        source = await _known(conn, principal.organisation_id, source_id)
        if body.revoke is not None:
            await sources.revoke(conn, source, body.revoke)
        if body.hmac_secret is not None or body.kind == "hmac_secret":
            answer = {"hmac_secret": await sources.add_hmac_secret(conn, source, body.hmac_secret)}
        else:
            answer = {"token": await sources.add_token(conn, source, body.token)}
        return {"source_id": source.source_id, **answer}

    return Json(await services_of(request).database.run(work), status_code=201)


@router.get("/sources/{source_id}/requests", response_model=organisation_answers.RequestPage)
async def list_requests(
    request: Request, principal: ReadKey, source_id: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Json:
    """The source's last requests: what arrived, what was answered and why."""
    async with services_of(request).database.connection() as conn:
        source = await _known(conn, principal.organisation_id, source_id)
        rows = await request_log.page(
            conn, principal.organisation_id, source.source_id, id_after(cursor), limit
        )
    shown = [{**asdict(row), "received_at": rfc3339(row.received_at)} for row in rows]
    return Json(page("requests", shown, limit, "request_id"))


def _ranks(bodies: list[RankBody] | None) -> list[Rank] | None:
    """Ranks by their weeks. Raises InvalidPayload where not everybody has one, or somebody has two."""
    if bodies is None:
        return None
    ranks = sorted((Rank(**body.model_dump()) for body in bodies), key=lambda rank: rank.weeks)
    if ranks[0].weeks != 0:
        raise InvalidPayload.field("ranks", "one of them begins at 0 weeks, so that everybody has a rank")
    if len({rank.weeks for rank in ranks}) < len(ranks) or len({rank.name for rank in ranks}) < len(ranks):
        raise InvalidPayload.field("ranks", "each has weeks and a name of its own")
    return ranks


async def _known(conn: Any, organisation_id: str, source_id: str) -> Source:
    found = parse_uuid(source_id)
    if found is None:
        raise NotFound("There is no such source.")
    return await sources.read(conn, organisation_id, found)


async def _refuse_too_many_mappings(conn: Any, organisation_id: str) -> None:
    """Each is a rule that may hear any event: they have the bound of rules, over all sources together."""
    mappings = sum(len(source.mappings) for source in await sources.all_sources(conn, organisation_id))
    if mappings > MAX_RULES:
        raise InvalidPayload.field(
            "mappings", f"an organisation's sources may have {MAX_RULES} mappings together, not {mappings}"
        )


def _changed(source: Source, change: SourceChange) -> Source:
    """The source with what `change` sets. Raises InvalidPayload naming what can't be."""
    faults: list[FieldError] = []
    changes: dict[str, Any] = {}
    if change.allowed_cidrs is not None:
        faults += _cidr_faults(change.allowed_cidrs)
        changes["allowed_cidrs"] = tuple(change.allowed_cidrs)
    if change.staff_ids is not None:
        changes["staff_ids"] = frozenset(change.staff_ids)
    if change.filters is not None:
        changes["filters"] = Filters(
            frozenset(change.filters.course_ids),
            frozenset(change.filters.category_ids),
            frozenset(change.filters.role_ids),
            frozenset(change.filters.context_levels),
            change.filters.visible,
            change.filters.exclude_suspended,
            change.filters.course_resets,
        )
    if "unknown_learner" in change.model_fields_set:
        changes["unknown_learner"] = change.unknown_learner
    if change.mappings is not None:
        faults += checks.faults_in(change.mappings, "mappings")
        faults += adapters.check_mappings(source.kind, change.mappings)
        changes["mappings"] = change.mappings
    if change.site:
        try:
            sites.site(change.site)
        except Fault as fault:
            faults.append(FieldError("site", str(fault)))
    if faults:
        raise InvalidPayload.from_fields(faults)
    return replace(source, **changes)


def _cidr_faults(cidrs: list[str]) -> list[FieldError]:
    faults = []
    for index, cidr in enumerate(cidrs):
        try:
            ip_network(cidr, strict=False)
        except ValueError:
            faults.append(FieldError(f"allowed_cidrs[{index}]", "an address range such as 192.0.2.0/24"))
    return faults


def _organisation(organisation: Organisation) -> dict[str, Any]:
    return {
        "organisation_id": organisation.organisation_id,
        "tenant_id": organisation.tenant_id,
        "name": organisation.name,
        "environment": organisation.environment,
        "timezone": str(organisation.timezone),
        "unknown_learner": organisation.unknown_learner,
        "weekly_goal": organisation.weekly_goal,
        "ranks": [asdict(rank) for rank in organisation.ranks],
        "grace_weeks": organisation.grace_weeks,
        **({"timezone_replaced": replaced} if (replaced := organisation.timezone_replaced) else {}),
    }


async def _source(conn: Any, public_url: str, source: Source) -> dict[str, Any]:
    filters = asdict(source.filters)
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
            for credential in await sources.credentials(conn, source)
        ],
    }
