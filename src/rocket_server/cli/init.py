"""`rocket init`."""

from __future__ import annotations

import asyncio
import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from rocket_server.cli.common import database_urls, load_settings, opened

if TYPE_CHECKING:
    from rocket_server.configuration.new_organisation import NewOrganisation


class Environment(StrEnum):
    """What an organisation is for; its keys begin with `rk_live_` or `rk_test_`."""

    production = "production"
    staging = "staging"


def init(
    organisation: Annotated[str, typer.Option(help="The new organisation's name.")],
    tenant: Annotated[str, typer.Option(help="Whose it is; made where it is new.")] = "default",
    timezone: Annotated[str, typer.Option(help="Where its days begin, such as Europe/Paris.")] = "UTC",
    environment: Annotated[Environment, typer.Option(help="production or staging.")] = Environment.production,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Creates an organisation with its default rules, an API key and a Moodle source; shows their secrets."""
    from rocket_server.audit.operators import operator
    from rocket_server.db.migrate import current, upgrade
    from rocket_server.usecases.new_organisation import create

    settings = load_settings()

    async def make(url: str, owner_url: str) -> NewOrganisation:
        if await current(owner_url) is None:  # an empty database: nobody's tables are changed
            await upgrade(owner_url)
        async with opened(url) as database, database.transaction() as conn:
            return await create(
                conn,
                operator("rocket init"),
                name=organisation,
                tenant=tenant,
                timezone=timezone,
                environment=environment.value,
            )

    with database_urls(settings, make=True) as (url, owner_url):
        made = asyncio.run(make(url, owner_url)).as_dict(settings.public_url)
    if as_json:
        typer.echo(json.dumps(made))
        return
    typer.echo(f"Organisation  {organisation} ({made['organisation_id']}), tenant {tenant}")
    typer.echo(f"API key       {made['api_key']}")
    typer.echo(f"Moodle hook   {made['sources']['moodle']['url']}")
    typer.echo(f"  its token   {made['sources']['moodle']['token']}")
    typer.echo("Keep the key and the token: they are not shown again.")
