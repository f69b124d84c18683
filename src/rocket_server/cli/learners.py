"""`rocket learners`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from rocket_server.cli.common import (
    OrganisationOption,
    TenantOption,
    choose,
    database_urls,
    load_settings,
    opened,
)
from rocket_server.processes.faults import BadInput

if TYPE_CHECKING:
    from rocket_server.learners.store import Learner
    from rocket_server.people.held import Released

app = typer.Typer(help="People who learn.", no_args_is_help=True)


@app.callback()
def learners() -> None:
    """People who learn."""


@app.command()
def link(
    identity: Annotated[str, typer.Argument(help="As a platform knows the learner: moodle:8774")],
    user_id: Annotated[str, typer.Argument(help="An identity under which the learner is known already.")],
    organisation: OrganisationOption = None,
    tenant: TenantOption = None,
) -> None:
    """Says that an identity is a learner who is known already; events that waited for it are run."""
    from rocket_server.sources import checks

    try:
        identity = checks.user_id(identity)
    except checks.Fault as fault:
        raise BadInput(f"IDENTITY {fault}") from None
    settings = load_settings()

    async def work(url: str) -> tuple[Learner, Released]:
        from rocket_server.configuration.snapshot import Configurations
        from rocket_server.learners import store
        from rocket_server.people.held import release

        async with opened(url) as database:
            async with database.connection() as conn:
                organisation_id = (await choose(conn, organisation, tenant)).organisation_id
            learner = await database.run(lambda conn: store.link(conn, organisation_id, [identity], user_id))
            configurations = Configurations(settings.moodle_activities)
            return learner, await release(database, configurations, organisation_id, [identity])

    with database_urls(settings) as (url, _):
        learner, released = asyncio.run(work(url))
    typer.echo(f"{identity} is {learner.user_id}")
    if released.events:
        events = f"{released.events} event{'' if released.events == 1 else 's'}"
        typer.echo(f"ran {events} that had waited; {released.points} points")
    if released.more:
        typer.echo("more are waiting: the worker runs them, or `rocket events retry --status held`")
