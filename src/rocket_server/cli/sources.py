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
    in_organisation,
    load_settings,
    suggestion,
    table,
)
from rocket_server.processes.faults import BadInput

if TYPE_CHECKING:
    from rocket_server.organisations.model import Organisation, Source
    from rocket_server.organisations.sources import Credential

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
    kind: Annotated[str, typer.Option(help="moodle, openlms, custom, …")],
    name: Annotated[str | None, typer.Option(help="Unique in the organisation; else the kind.")] = None,
    token: TokenOption = None,
    hmac_secret: SecretOption = None,
    staff_id: Annotated[
        list[str] | None, typer.Option(help="A user who earns nothing; may be repeated. Else 2.")
    ] = None,
    allow_cidr: Annotated[
        list[str] | None, typer.Option(help="Addresses that may send; may be repeated. Else all.")
    ] = None,
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Makes a source with a token, or with a signing secret where one is given. Secrets are shown once."""
    from rocket_server import sources as adapters
    from rocket_server.organisations import sources
    from rocket_server.organisations.model import Source

    if kind not in adapters.KINDS:
        raise BadInput(f"--kind takes one of {', '.join(adapters.KINDS)}{suggestion(kind, adapters.KINDS)}")
    _check(name or kind, token, hmac_secret, allow_cidr or ())
    settings = load_settings()

    async def work(conn: Any, found: Organisation) -> tuple[Source, str | None, str | None]:
        wanted = Source(
            found.organisation_id,
            "",
            kind,
            name or kind,
            "",
            staff_ids=frozenset(staff_id or ("2",)),
            allowed_cidrs=tuple(allow_cidr or ()),
        )
        source = await sources.create(conn, wanted)
        secret = await sources.add_hmac_secret(conn, source, hmac_secret) if hmac_secret else None
        made = await sources.add_token(conn, source, token) if token or not hmac_secret else None
        return source, made, secret

    source, made, secret = in_organisation(organisation, tenant, work)
    typer.echo(f"Source       {source.name} ({source.source_id})")
    if made:
        typer.echo(f"URL          {sources.hook_url(settings.public_url, source.kind)}")
        typer.echo(f"  its token  {made}")
    if secret:
        typer.echo(f"signed URL   {sources.hook_url(settings.public_url, source.slug)}")
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
    from rocket_server.organisations import sources

    _check(name, token, hmac_secret, ())

    async def work(conn: Any, found: Organisation) -> str:
        source = await _named(conn, found, name)
        if hmac_secret:
            return await sources.add_hmac_secret(conn, source, hmac_secret)
        return await sources.add_token(conn, source, token)

    typer.echo(in_organisation(organisation, tenant, work))
    typer.echo("Keep it: it is not shown again. The old one works until `rocket sources revoke`.", err=True)


@app.command()
def revoke(
    name: NameArgument,
    credential: Annotated[str, typer.Argument(help="Its id, or the beginning of the token.")],
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Revokes a credential of a source: it fails from the next request on."""
    from rocket_server.organisations import sources

    async def work(conn: Any, found: Organisation) -> None:
        await sources.revoke(conn, await _named(conn, found, name), credential)

    in_organisation(organisation, tenant, work)
    typer.echo(f"{credential} of {name} is revoked")


async def _named(conn: Any, organisation: Organisation, name: str) -> Source:
    from rocket_server.organisations import sources

    there = {source.name: source for source in await sources.all_sources(conn, organisation.organisation_id)}
    if name not in there:
        raise BadInput(f"there is no source {name!r}{suggestion(name, there)}")
    return there[name]


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
