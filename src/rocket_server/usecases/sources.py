"""Platforms that send events: made, changed, given further credentials, and these revoked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from ipaddress import ip_network
from typing import Any, Final, Literal

import msgspec

from rocket_server import sources as adapters
from rocket_server.audit import store as audit
from rocket_server.audit.model import Act, Actor, changed, subject_of
from rocket_server.catalogue import Activity
from rocket_server.errors import FieldError, InvalidPayload, NotFound
from rocket_server.ids import parse_uuid
from rocket_server.organisations import sources as store
from rocket_server.organisations import store as organisations
from rocket_server.organisations.credentials import check_own_token
from rocket_server.organisations.model import DEFAULT_STAFF_IDS, Filters, Source
from rocket_server.organisations.settings import UnknownLearner
from rocket_server.organisations.sources import Credential
from rocket_server.rules import of_mappings, templates
from rocket_server.rules.parse import MAX_RULES
from rocket_server.sources import checks, sites
from rocket_server.sources.checks import Fault
from rocket_server.usecases import told
from rocket_server.usecases.acting import Services

MAX_SETTINGS_BYTES: Final = 2 * 1024 * 1024  # of all sources of one organisation, as JSON


class Unset:
    """Stands for a setting that stays as it is, where None is a value."""


UNSET: Final = Unset()


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a source; what is UNSET stays. `site` None: that of the next event."""

    allowed_cidrs: tuple[str, ...] | Unset = UNSET
    staff_ids: frozenset[str] | Unset = UNSET
    filters: Filters | Unset = UNSET
    unknown_learner: UnknownLearner | Unset | None = UNSET
    mappings: Mapping[str, Any] | Unset = UNSET
    site: str | Unset | None = UNSET


@dataclass(frozen=True, slots=True, repr=False)
class NewSource:
    """A platform that will send events, with a token or secret of its own where one is brought."""

    kind: str
    name: str | None = None
    settings: Settings = Settings()
    token: str | None = None
    hmac_secret: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Rotation:
    """A further credential; `revoke` names an old one that stops to work in the same moment."""

    kind: Literal["token", "hmac_secret"] = "token"
    token: str | None = None
    hmac_secret: str | None = None
    revoke: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """A source with its credentials, masked; `secrets` are those that were made now, shown once."""

    source: Source
    credentials: list[Credential]
    secrets: Mapping[str, str]


async def create(services: Services, organisation_id: str, actor: Actor, command: NewSource) -> Shown:
    """Make a source with a token, or with an HMAC secret where one is brought.

    Raises InvalidPayload naming what can't be, Conflict where the name is taken or there are too many.
    """
    if command.kind not in adapters.KINDS:
        raise InvalidPayload.field("kind", f"must be one of {', '.join(sorted(adapters.KINDS))}")
    if command.token is not None:
        check_own_token(command.token)
    staff_ids = DEFAULT_STAFF_IDS if command.kind in adapters.CATALOGUED else frozenset[str]()
    new = Source(organisation_id, "", command.kind, command.name or command.kind, "", staff_ids)
    wanted = _with(new, command.settings, services.configurations.activities)

    async def work(conn: Any) -> Shown:
        source = await store.create(conn, wanted)
        await _follow_mappings(services, conn, organisation_id, actor)
        if isinstance(command.settings.site, str):
            source = await store.set_site(conn, source, command.settings.site)
        secrets: dict[str, str] = {}
        if command.hmac_secret is not None:
            secrets["hmac_secret"] = await store.add_hmac_secret(conn, source, command.hmac_secret)
        if command.token is not None or command.hmac_secret is None:
            secrets["token"] = await store.add_token(conn, source, command.token)
        credentials = await store.credentials(conn, source)
        await audit.add(conn, organisation_id, actor, told.source_made(source, credentials))
        return Shown(source, credentials, secrets)

    return await services.database.run(work)


async def change(
    services: Services, organisation_id: str, actor: Actor, source_id: str, settings: Settings
) -> Shown:
    """Change a source's settings. Raises NotFound, InvalidPayload naming what can't be."""

    async def work(conn: Any) -> Shown:
        await organisations.lock(conn, organisation_id)
        before = await known(conn, organisation_id, source_id)
        source = _with(before, settings, services.configurations.activities)
        await store.change(conn, source)
        await _follow_mappings(services, conn, organisation_id, actor)
        if not isinstance(settings.site, Unset):
            source = await store.set_site(conn, source, settings.site or None)
        acts = changed(
            "source.changed", _subject(source), told.source_state(before), told.source_state(source)
        )
        await audit.add(conn, organisation_id, actor, acts)
        return Shown(source, await store.credentials(conn, source), {})

    return await services.database.run(work)


async def rotate(
    services: Services, organisation_id: str, actor: Actor, source_id: str, command: Rotation
) -> Shown:
    """Add a credential; the old ones work until they are revoked. Raises NotFound, or Conflict."""
    if command.token is not None:
        check_own_token(command.token)

    async def work(conn: Any) -> Shown:
        await organisations.lock(conn, organisation_id)
        source = await known(conn, organisation_id, source_id)
        before = await _working(conn, source)
        if command.revoke is not None:
            await store.revoke(conn, source, command.revoke)
        if command.hmac_secret is not None or command.kind == "hmac_secret":
            secrets = {"hmac_secret": await store.add_hmac_secret(conn, source, command.hmac_secret)}
        else:
            secrets = {"token": await store.add_token(conn, source, command.token)}
        await audit.add(conn, organisation_id, actor, await _differences(conn, source, before))
        return Shown(source, await store.credentials(conn, source), secrets)

    return await services.database.run(work)


async def revoke(
    services: Services, organisation_id: str, actor: Actor, source_id: str, credential: str
) -> None:
    """Revoke a credential, named by its id or a token's beginning. Raises NotFound, or Conflict."""

    async def work(conn: Any) -> None:
        await organisations.lock(conn, organisation_id)
        source = await known(conn, organisation_id, source_id)
        before = await _working(conn, source)
        await store.revoke(conn, source, credential)
        await audit.add(conn, organisation_id, actor, await _differences(conn, source, before))

    await services.database.run(work)


async def known(conn: Any, organisation_id: str, source_id: str) -> Source:
    """The source of that id. Raises NotFound."""
    found = parse_uuid(source_id)
    if found is None:
        raise NotFound("There is no such source.")
    return await store.read(conn, organisation_id, found)


def _with(source: Source, settings: Settings, activities: Mapping[str, Activity]) -> Source:
    """The source with what is set. Raises InvalidPayload naming what can't be."""
    faults: list[FieldError] = []
    if not isinstance(settings.allowed_cidrs, Unset):
        faults += _cidr_faults(settings.allowed_cidrs)
    if not isinstance(settings.mappings, Unset):
        faults += checks.faults_in(settings.mappings, "mappings")
        faults += adapters.check_mappings(source.kind, settings.mappings, activities)
    if isinstance(settings.site, str) and settings.site:
        try:
            sites.site(settings.site)
        except Fault as fault:
            faults.append(FieldError("site", str(fault)))
    if faults:
        raise InvalidPayload.from_fields(faults)
    given = ((one.name, getattr(settings, one.name)) for one in fields(settings) if one.name != "site")
    return replace(source, **{name: value for name, value in given if not isinstance(value, Unset)})


def _cidr_faults(cidrs: tuple[str, ...]) -> list[FieldError]:
    faults = []
    for index, cidr in enumerate(cidrs):
        try:
            ip_network(cidr, strict=False)
        except ValueError:
            faults.append(
                FieldError(f"allowed_cidrs[{index}]", "must be an address range such as 192.0.2.0/24")
            )
    return faults


async def _follow_mappings(services: Services, conn: Any, organisation_id: str, actor: Actor) -> None:
    """Keep versions of the rules that all sources' mappings make now, unless these are too many. The caller
    holds the organisation's row."""
    all_sources = await store.all_sources(conn, organisation_id)
    _refuse_too_much(all_sources)
    activities = services.configurations.activities
    rules = [
        rule
        for source in all_sources
        for rule in templates.rules_of_mappings(source.name, source.mappings, activities)
    ]
    await of_mappings.follow(conn, organisation_id, rules, actor.signature)


def _refuse_too_much(all_sources: Sequence[Source]) -> None:
    """Each mapping is a rule that may hear any event: they have the bound of rules, over all sources. And
    what is set for sources is at hand in every process, and shown in one answer."""
    mappings = sum(len(source.mappings) for source in all_sources)
    if mappings > MAX_RULES:
        raise InvalidPayload.field(
            "mappings", f"an organisation's sources may have {MAX_RULES} mappings together, not {mappings}"
        )
    size = sum(
        len(msgspec.json.encode((dict(one.mappings), one.filters, one.staff_ids, one.allowed_cidrs)))
        for one in all_sources
    )
    if size > MAX_SETTINGS_BYTES:
        raise InvalidPayload(
            "Mappings, filters, staff and address ranges of all sources together may have"
            f" {MAX_SETTINGS_BYTES} bytes of JSON, not {size}.",
            {"limit_bytes": MAX_SETTINGS_BYTES},
        )


async def _working(conn: Any, source: Source) -> dict[str, Credential]:
    """The credentials that aren't revoked, by their ids."""
    return {one.credential_id: one for one in await store.credentials(conn, source) if one.revoked_at is None}


async def _differences(conn: Any, source: Source, before: Mapping[str, Credential]) -> list[Act]:
    after = await _working(conn, source)
    gone = [
        Act("source.credential_revoked", _subject(source), told.credential_state(one), None)
        for credential_id, one in before.items()
        if credential_id not in after
    ]
    return [*gone, *(told.credential_added(source, one) for key, one in after.items() if key not in before)]


def _subject(source: Source) -> str:
    return subject_of("source", source.source_id)
