"""`rocket keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rocket_server.cli.common import OrganisationOption, TenantOption, act, in_organisation, table

if TYPE_CHECKING:
    from rocket_server.audit.model import Actor
    from rocket_server.organisations.model import Organisation
    from rocket_server.usecases.acting import Parts

app = typer.Typer(help="API keys: made, listed, revoked.", no_args_is_help=True)

_PAGE = 500


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="events:write, points:write, read, assessments:author, assessments:review, assessments:take "
            "or admin; may be repeated."
        ),
    ] = None,
    tenant_wide: Annotated[bool, typer.Option(help="For all organisations of the tenant.")] = False,
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Makes a key and shows it, once."""
    from rocket_server.usecases import keys

    new = keys.NewKey(name, scope or ("admin",), tenant_wide)

    async def work(services: Parts, found: Organisation, actor: Actor) -> keys.MadeKey:
        return await keys.create(services, found.organisation_id, actor, new)

    typer.echo(act("rocket keys create", organisation, tenant, work).secret)
    typer.echo("Keep it: it is not shown again.", err=True)


@app.command("list")
def list_keys(organisation: OrganisationOption = None, tenant: TenantOption = None) -> None:
    """Lists the organisation's keys and its tenant's, without their secrets."""
    from rocket_server.organisations import keys

    async def work(conn: Any, found: Organisation) -> list[keys.Key]:
        there: list[keys.Key] = []
        while page := await keys.page(conn, found, there[-1].key_id if there else None, _PAGE):
            there += page
        return there

    table(
        ("key", "scopes", "for", "made", "revoked", "name", "id"),
        [
            (
                key.prefix,
                ",".join(sorted(key.scopes)),
                "organisation" if key.organisation_id else "tenant",
                f"{key.created_at:%Y-%m-%d}",
                f"{key.revoked_at:%Y-%m-%d}" if key.revoked_at else "",
                key.name,
                key.key_id,
            )
            for key in in_organisation(organisation, tenant, work)
        ],
    )


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Its id, or the beginning that `rocket keys list` shows.")],
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Revokes a key: it fails from the next request on."""
    from rocket_server.usecases import keys

    async def work(services: Parts, found: Organisation, actor: Actor) -> None:
        await keys.revoke(services, found.organisation_id, actor, key)

    act("rocket keys revoke", organisation, tenant, work)
    typer.echo(f"{key} is revoked")
