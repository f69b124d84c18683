"""`rocket sources`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_network
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rocket_server.cli.common import (
    OrganisationOption,
    TenantOption,
    act,
    in_organisation,
    load_settings,
    suggestion,
    table,
)
from rocket_server.processes.faults import BadInput

if TYPE_CHECKING:
    from rocket_server.audit.model import Actor
    from rocket_server.organisations.model import Organisation, Source
    from rocket_server.organisations.sources import Credential
    from rocket_server.usecases.acting import Parts

app = typer.Typer(help="Platforms that send events, and their credentials.", no_args_is_help=True)

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_MIN_SECRET, _MAX_SECRET = 16, 500  # characters, as the API takes them

NameArgument = Annotated[str, typer.Argument(help="The source's name.")]
TokenOption = Annotated[str | None, typer.Option(help="A token of your own, 32 characters or more.")]
SecretOption = Annotated[
    str | None, typer.Option(help="The secret with which the platform signs, 16 characters or more.")
]


@app.command()
def create(
    kind: Annotated[
        str, typer.Option(help="moodle, openlms, learnworlds, thinkific, valamis, shiksha, custom, test.")
    ],
    name: Annotated[str | None, typer.Option(help="Unique in the organisation; else the kind.")] = None,
    token: TokenOption = None,
    hmac_secret: SecretOption = None,
    staff_id: Annotated[
        list[str] | None,
        typer.Option(
            help="A user who earns nothing; may be repeated. Else 2 of a Moodle, and nobody elsewhere."
        ),
    ] = None,
    allow_cidr: Annotated[
        list[str] | None, typer.Option(help="Addresses that may send; may be repeated. Else all.")
    ] = None,
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Makes a source with a token, or with a signing secret where one is given. Secrets are shown once."""
    from rocket_server import sources as adapters
    from rocket_server.organisations.sources import hook_url
    from rocket_server.usecases import sources

    if kind not in adapters.KINDS:
        raise BadInput(
            f"--kind takes one of {', '.join(adapters.KINDS)}{suggestion(kind, tuple(adapters.KINDS))}"
        )
    _check(name or kind, token, hmac_secret, allow_cidr or ())
    settings = load_settings()

    wanted = sources.Settings(
        allowed_cidrs=tuple(allow_cidr or ()),
        staff_ids=frozenset(staff_id) if staff_id else sources.UNSET,
    )
    new = sources.NewSource(kind, name, wanted, token, hmac_secret)

    async def work(services: Parts, found: Organisation, actor: Actor) -> sources.Shown:
        return await sources.create(services, found.organisation_id, actor, new)

    made = act("rocket sources create", organisation, tenant, work, settings=settings)
    source = made.source
    typer.echo(f"Source       {source.name} ({source.source_id})")
    if "token" in made.secrets:
        typer.echo(f"URL          {hook_url(settings.public_url, source.kind)}")
        typer.echo(f"  its token  {made.secrets['token']}")
    if "hmac_secret" in made.secrets:
        typer.echo(f"signed URL   {hook_url(settings.public_url, source.slug)}")
    typer.echo("Keep what is secret: it is not shown again.")


@app.command("list")
def list_sources(organisation: OrganisationOption = None, tenant: TenantOption = None) -> None:
    """Lists sources with their credentials, masked."""
    from rocket_server.organisations import sources

    async def work(conn: Any, found: Organisation) -> list[tuple[Source, list[Credential]]]:
        there = await sources.all_sources(conn, found.organisation_id)
        return [(source, await sources.credentials(conn, source)) for source in there]

    rows = [
        (
            source.name,
            source.kind,
            credential.kind,
            credential.prefix,
            f"{credential.created_at:%Y-%m-%d}",
            f"{credential.revoked_at:%Y-%m-%d}" if credential.revoked_at else "",
            credential.credential_id,
        )
        for source, credentials in in_organisation(organisation, tenant, work)
        for credential in credentials
    ]
    table(("source", "kind", "credential", "begins", "made", "revoked", "credential id"), rows)


@app.command()
def rotate(
    name: NameArgument,
    token: TokenOption = None,
    hmac_secret: SecretOption = None,
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Adds a credential. The old ones work until they are revoked, so that nothing is lost meanwhile."""
    from rocket_server.usecases import sources

    _check(name, token, hmac_secret, ())
    rotation = sources.Rotation("hmac_secret" if hmac_secret else "token", token, hmac_secret)

    async def work(services: Parts, found: Organisation, actor: Actor) -> sources.Shown:
        source_id = await _id_of(services, found, name)
        return await sources.rotate(services, found.organisation_id, actor, source_id, rotation)

    (secret,) = act("rocket sources rotate", organisation, tenant, work).secrets.values()
    typer.echo(secret)
    typer.echo("Keep it: it is not shown again. The old one works until `rocket sources revoke`.", err=True)


@app.command()
def revoke(
    name: NameArgument,
    credential: Annotated[str, typer.Argument(help="Its id, or the beginning of the token.")],
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Revokes a credential of a source: it fails from the next request on."""
    from rocket_server.usecases import sources

    async def work(services: Parts, found: Organisation, actor: Actor) -> None:
        source_id = await _id_of(services, found, name)
        await sources.revoke(services, found.organisation_id, actor, source_id, credential)

    act("rocket sources revoke", organisation, tenant, work)
    typer.echo(f"{credential} of {name} is revoked")


async def _id_of(services: Parts, organisation: Organisation, name: str) -> str:
    from rocket_server.organisations import sources

    async with services.database.connection() as conn:
        there = await sources.all_sources(conn, organisation.organisation_id)
    ids = {source.name: source.source_id for source in there}
    if name not in ids:
        raise BadInput(f"there is no source {name!r}{suggestion(name, ids)}")
    return ids[name]


def _check(name: str, token: str | None, hmac_secret: str | None, cidrs: Sequence[str]) -> None:
    from rocket_server.organisations.credentials import check_own_token

    if not _NAME.fullmatch(name):
        raise BadInput("--name takes lower-case letters, digits, - and _, at most 63")
    if token is not None:
        check_own_token(token)
    if hmac_secret is not None and not _MIN_SECRET <= len(hmac_secret) <= _MAX_SECRET:
        raise BadInput(f"--hmac-secret takes {_MIN_SECRET} to {_MAX_SECRET} characters")
    for cidr in cidrs:
        try:
            ip_network(cidr, strict=False)
        except ValueError:
            raise BadInput(
                f"--allow-cidr takes an address range such as 192.0.2.0/24, not {cidr!r}"
            ) from None
